# SPDX-License-Identifier: BSD-3-Clause
# The switch's rules through testpmd's own words for them, with `show` as the witness.
# timeout: 400
# shellcheck disable=SC2034,SC2154,SC2317 # variables of the files that setup loads

setup() {
	load helpers
	load testpmd
	load switch
	need_built "$SOFT82599"
	card=$(unique_name)
	tmp=$BATS_TEST_TMPDIR
}

teardown() {
	tp_kill_all
}

@test "VLAN insertion, VLAN anti-spoof" {
	open ""
	tp a "rx_vlan add 100 port 0 vf 3"
	tp a "rx_vlan add 200 port 0 vf 2"
	tp a "set vf mac antispoof 0 0 on"
	tp a "set vf vlan antispoof 0 0 on"
	# without tag
	send 1 "$mac1"
	[ "$(since "$(pool vf0 .drops.spoof_vlan)")" -eq 0 ]
	[ "$(since "$(pool vf1 .rx_packets)")" -gt 0 ]
	# the PF puts the VF into VLAN 100: both may
	tp a "set vf vlan insert 0 0 100"
	[ "$(show | jq "$(pool vf0 .vlan_insert)")" -eq 100 ]
	send 1 "$mac1"
	[ "$(since "$(pool vf0 .drops.spoof_vlan)")" -eq 0 ]
	[ "$(since "$(pool vf1 ".rx_packets + .drops.no_desc")")" -gt 3000 ]
	# a VLAN that only the receiver is in
	tp a "set vf vlan insert 0 0 200"
	send 1 "$mac1"
	[ "$(since "$(pool vf0 .drops.spoof_vlan)")" -gt 3000 ]
	[ "$(since "$(pool vf0 .tx_packets)")" -eq 0 ]
	[ "$(since "$(pool vf1 .rx_packets)")" -eq 0 ]
	# and with the guard off, it comes through
	tp a "set vf vlan antispoof 0 0 off"
	send 1 "$mac1"
	[ "$(since "$(pool vf0 .tx_packets)")" -gt 3000 ]
	[ "$(since "$(pool vf1 ".rx_packets + .drops.no_desc")")" -gt 3000 ]
	holds
}

@test "a tag of the VF's own (tx_vlan set), and the guard against it" {
	open ""
	tp a "rx_vlan add 100 port 0 vf 3"
	tp a "set vf mac antispoof 0 0 on"
	tp a "set vf vlan antispoof 0 0 on"
	tp a "port stop 1"
	tp a "tx_vlan set 1 100"
	tp a "port start 1"
	send 1 "$mac1"
	[ "$(since "$(pool vf0 .tx_packets)")" -gt 3000 ]
	[ "$(since "$(pool vf1 ".rx_packets + .drops.no_desc")")" -gt 3000 ]
	# out of the VLAN
	tp a "rx_vlan rm 100 port 0 vf 1"
	send 1 "$mac1"
	[ "$(since "$(pool vf0 .drops.spoof_vlan)")" -gt 3000 ]
	[ "$(since "$(pool vf1 .rx_packets)")" -eq 0 ]
	holds
}

@test "an inserted tag on the wire" {
	"$TOP/tests/functional/frames.py" "$tmp/in" "dst=ff:ff:ff:ff:ff:ff,src=02:00:00:00:00:77,len=60"
	open "--wire pcap:$tmp/in:$tmp/out"
	tp a "set vf vlan insert 0 0 100"
	send 1 02:00:00:00:00:99
	tp_kill_all
	tcpdump -nn -e -r "$tmp/out" 2>/dev/null | awk '/> 02:00:00:00:00:99/' >"$tmp/text"
	head -n 3 "$tmp/text"
	[ "$(wc -l <"$tmp/text")" -gt 1000 ]
	run ! grep -v 'vlan 100, p 0' "$tmp/text"
}

@test "MAC anti-spoof, VF TX and RX off, loopback off" {
	open ""
	tp a "set vf mac antispoof 0 0 on"
	send 1 "$mac1"
	[ "$(since "$(pool vf0 .drops.spoof_mac)")" -eq 0 ]
	# the PF gives the VF another address, of which the VF does not know
	tp a "set vf mac addr 0 0 02:00:00:00:00:aa"
	send 1 "$mac1"
	[ "$(since "$(pool vf0 .drops.spoof_mac)")" -gt 3000 ]
	[ "$(since "$(pool vf1 .rx_packets)")" -eq 0 ]
	tp a "set vf mac addr 0 0 $mac0"
	tp a "set port 0 vf 0 tx off"
	send 1 "$mac1"
	[ "$(since "$(pool vf0 .drops.tx_disabled)")" -gt 3000 ]
	tp a "set port 0 vf 0 tx on"
	tp a "set port 0 vf 1 rx off"
	send 1 "$mac1"
	[ "$(since "$(pool vf1 .drops.rx_disabled)")" -gt 3000 ]
	tp a "set port 0 vf 1 rx on"
	tp a "set tx loopback 0 off"
	send 1 "$mac1"
	[ "$(since "$(pool vf1 ".rx_packets + .drops.no_desc")")" -eq 0 ]
	[ "$(since .stats.wire_tx_packets)" -gt 3000 ]
	holds
}

@test "what a VF accepts: AUPE and BAM by rxmode" {
	open ""
	# nobody polls the PF's ring: without this it would hold up everybody
	tp a "set all queues drop 0 on"
	send 1 ff:ff:ff:ff:ff:ff
	[ "$(since "$(pool vf1 ".rx_packets + .drops.no_desc")")" -gt 3000 ]
	[ "$(since .stats.both_ways)" -gt 3000 ]
	tp a "set port 0 vf 1 rxmode BAM off"
	send 1 ff:ff:ff:ff:ff:ff
	[ "$(since "$(pool vf1 ".rx_packets + .drops.no_desc")")" -eq 0 ]
	[ "$(since "$(pool pf ".rx_packets + .drops.no_desc")")" -gt 3000 ]
	# untagged frames to its own address: not without AUPE
	tp a "set port 0 vf 1 rxmode AUPE off"
	send 1 "$mac1"
	[ "$(since "$(pool vf1 ".rx_packets + .drops.no_desc")")" -eq 0 ]
	[ "$(since .stats.wire_tx_packets)" -gt 3000 ]
	tp a "set port 0 vf 1 rxmode AUPE on"
	send 1 "$mac1"
	[ "$(since "$(pool vf1 ".rx_packets + .drops.no_desc")")" -gt 3000 ]
	holds
}

@test "multicast table, MPE, replication; unicast by hash, and ROPE" {
	local got=".rx_packets + .drops.no_desc" group=01:00:5e:00:00:01 other=01:00:5e:00:00:09

	open ""
	tp a "set all queues drop 0 on"
	tp a "set allmulti 0 off"
	tp a "set promisc all off"
	send 1 $group
	[ "$(since "$(pool vf1 "$got")")" -eq 0 ]
	[ "$(since .stats.wire_tx_packets)" -gt 3000 ]
	# what it asked for it gets, and the wire too; the PMD turns the table on for the PF's sake only
	tp a "mcast_addr add 0 01:00:5e:00:00:77"
	tp a "mcast_addr add 2 $group"
	[ "$(show | jq .filters.multicast_hashes)" -eq 2 ]
	send 1 $group
	[ "$(since "$(pool vf1 "$got")")" -gt 3000 ]
	[ "$(since .stats.both_ways)" -gt 3000 ]
	send 1 $other
	[ "$(since "$(pool vf1 "$got")")" -eq 0 ]
	tp a "set port 0 vf 1 rxmode MPE on"
	send 1 $other
	[ "$(since "$(pool vf1 "$got")")" -gt 3000 ]
	[ "$(since .stats.replicated)" -eq 0 ]
	# one frame, two pools
	send 1 ff:ff:ff:ff:ff:ff
	[ "$(since .stats.replicated)" -gt 3000 ]
	[ "$(since .stats.replicated)" -eq "$(since "$(pool pf "$got")")" ]
	# an address that only the hash table knows
	tp a "set port 0 uta 02:00:00:00:00:99 on"
	[ "$(show | jq .filters.unicast_hashes)" -eq 1 ]
	send 1 02:00:00:00:00:99
	[ "$(since "$(pool vf1 "$got")")" -gt 3000 ]
	[ "$(since .stats.both_ways)" -gt 3000 ]
	send 1 02:00:00:00:00:88
	[ "$(since "$(pool vf1 "$got")")" -eq 0 ]
	tp a "set port 0 vf 1 rxmode ROPE off"
	send 1 02:00:00:00:00:99
	[ "$(since "$(pool vf1 "$got")")" -eq 0 ]
	[ "$(since .stats.wire_tx_packets)" -gt 3000 ]
	holds
}

@test "the PF stops and starts under its VFs, and they come back" {
	open ""
	send 1 "$mac1"
	tp a "port stop 0"
	[ "$(show | jq '[.rx_queues[] | select(.enabled)] | length')" -eq 0 ]
	tp a "port start 0"
	[ "$(show | jq -c '[.mailboxes[].reset_in_progress]')" = '[false,false]' ]
	for port in 1 2; do
		tp a "port stop $port"
		tp a "port reset $port"
		tp a "port start $port"
	done
	send 1 "$(tp_mac a 2)"
	[ "$(since "$(pool vf0 .tx_packets)")" -gt 3000 ]
	[ "$(since "$(pool vf1 ".rx_packets + .drops.no_desc")")" -gt 3000 ]
	# the VF counts as the card does
	sent=$(tp a "show port xstats 1" | sed -n 's/^tx_good_packets: //p')
	tp a "show port xstats 1"
	[ "$sent" -gt 3000 ]
	holds
}
