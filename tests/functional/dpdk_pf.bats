# SPDX-License-Identifier: BSD-3-Clause
# What DPDK's PF does when nobody tells it what to do: testpmd owns the PF, an attacker has VF 1. These
# are the findings that the policy is built around; where DPDK mends one, its test turns red here.
# timeout: 180

setup() {
	load helpers
	load testpmd
	load vfplane
	load attacker
	need_built "$SOFT82599" "$MBOX_RAW"
	card=$(unique_name)
	tmp=$BATS_TEST_TMPDIR
}

teardown() {
	at_kill_all
	tp_kill_all
}

pf_up() {
	tp_open pf "$SOFT82599" run --name "$card" --vfs 2 -- dpdk-testpmd -l 0-1 --no-huge -m 128 \
		--no-telemetry --file-prefix "$card" -a 0000:03:00.1 -- -i --total-num-mbufs=4096
	at_open x 0000:03:10.3
	[ "$(answers x "repeat 1 1")" = "ack 1, nack 0, silent 0" ]
}

show() {
	"$SOFT82599" show --name "$card" --json >"$tmp/show"
	jq -c "$1" "$tmp/show"
}

@test "MACVLAN: a VF takes the addresses of its neighbours and of the PF, without end" {
	pf_up
	tp pf "set vf mac addr 0 0 02:09:c0:00:00:00" >"$tmp/o"
	victim() { show '[.filters.rar[] | select(.mac == "02:09:c0:00:00:00") | .pools | contains([1])] | any'; }
	[ "$(victim)" = false ]
	[ "$(answers x "repeat 1 0x00010006 0x00c00902 0x0000")" = "ack 1, nack 0, silent 0" ]
	[ "$(victim)" = true ]
	# each is written one further; the 127th is over the address of the VFs themselves
	answers x "repeat 126 0x00010006 0x00c00902+0x1000000%255 0x0100"
	[ "$(jq .ack "$tmp/answer")" -ge 120 ]
	[ "$(show '[.filters.rar[] | select(.pools | contains([1]))] | length > 100')" = true ]
}

@test "VLAN: one VF takes all filters, and removing what it never added opens or closes others'" {
	pf_up
	# DPDK's PF starts with every VLAN let through to the filters behind.
	[ "$(show .filters.vlans_passed)" -eq 4096 ]
	# a VID that is in no filter: its bit in the table of the whole port goes
	[ "$(answers x "repeat 10 0x00000004 200+1")" = "ack 10, nack 0, silent 0" ]
	[ "$(show .filters.vlans_passed)" -eq 4086 ]
	answers x "repeat 70 0x00010004 1+1"
	[ "$(show '.filters.vlvf | length')" -ge 63 ]
	tp pf "rx_vlan add 300 port 0 vf 0x1" >"$tmp/o"
	[ "$(show '[.filters.vlvf[] | select(.vlan == 300)] | length')" -eq 0 ] # none left for VF 0
}

@test "a port VLAN is gone after the VF's reset" {
	pf_up
	tp pf "set vf vlan insert 0 1 300" >"$tmp/o"
	[ "$(show '.pools[1].vlan_insert')" = 300 ]
	[ "$(answers x "repeat 1 1")" = "ack 1, nack 0, silent 0" ]
	[ "$(show '.pools[1].vlan_insert')" = null ]
}

@test "everything before VF_RESET is granted" {
	tp_open pf "$SOFT82599" run --name "$card" --vfs 2 -- dpdk-testpmd -l 0-1 --no-huge -m 128 \
		--no-telemetry --file-prefix "$card" -a 0000:03:00.1 -- -i --total-num-mbufs=4096
	at_open x 0000:03:10.3
	[ "$(answers x "repeat 1 0x00010006 0x00c00902 0x0500")" = "ack 1, nack 0, silent 0" ]
	[ "$(answers x "repeat 1 2 0x00c00902 0x0600")" = "ack 1, nack 0, silent 0" ]
}

@test "a rate for queue 0 of the PF limits queue 0 of VF 0" {
	tp_open pf "$SOFT82599" run --name "$card" --vfs 2 -- dpdk-testpmd -l 0-1 --no-huge -m 128 \
		--no-telemetry --file-prefix "$card" -a 0000:03:00.1 -- -i --total-num-mbufs=4096
	at_open x 0000:03:10.1
	[ "$(answers x "repeat 1 1")" = "ack 1, nack 0, silent 0" ]
	at x "send 02:09:c0:00:00:07 02:09:c0:00:00:08" >"$tmp/o" # so that its queue is set up
	at x quiet >"$tmp/o"
	[ "$(show '[.tx_queues[] | select(.rate_mbps != null) | .id]')" = "[]" ]
	tp pf "set port 0 queue 0 rate 500" >"$tmp/o"
	[ "$(show '[.tx_queues[] | select(.rate_mbps == 500) | [.id, .pool]]')" = "[[0,0]]" ]
}

@test "another counter for queue 0 of the PF is one for queue 0 of VF 0" {
	tp_open pf "$SOFT82599" run --name "$card" --vfs 2 -- dpdk-testpmd -l 0-1 --no-huge -m 128 \
		--no-telemetry --file-prefix "$card" -a 0000:03:00.1 -- -i --total-num-mbufs=4096
	tp pf "set stat_qmap tx 0 0 5" >"$tmp/o"
	at_open x 0000:03:10.1
	at_open y 0000:03:10.3
	for vf in x y; do
		[ "$(answers $vf "repeat 1 1")" = "ack 1, nack 0, silent 0" ]
		at $vf "send 02:09:c0:00:00:07 02:09:c0:00:00:08" >"$tmp/o"
	done
	both_sent() { [ "$(show '[.pools[:2][] | select(.tx_packets > 100)] | length')" -eq 2 ]; }
	wait_for 10 both_sent
	at x quiet >"$tmp/o"
	at y quiet >"$tmp/o"
	tp pf "show port xstats 0" >"$tmp/xstats"
	grep "tx_.*packets" "$tmp/xstats"
	count() { awk -F ': *' -v key="$1" '$1 == key { print $2 + 0 }' "$tmp/xstats"; }
	# The PF's own counter holds all VFs; that of "its" queue 0 has lost what VF 0 sent, nothing else.
	[ "$(count tx_good_packets)" -eq "$(show '[.pools[].tx_packets] | add')" ]
	[ "$(count tx_q0_packets)" -eq "$(show '.pools[1].tx_packets')" ]
}
