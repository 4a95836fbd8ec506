# SPDX-License-Identifier: BSD-3-Clause
# The owner of the PF is killed while tenants are at work, and comes back.
# timeout: 180
# shellcheck disable=SC2034,SC2154,SC2317 # variables of the files that setup loads; wait_for

setup() {
	load helpers
	load testpmd
	load vfplane
	load processes
	need_built "$SOFT82599" "$VFPLANE"
	need_root # for the token
	card=$(unique_name)
	cat >"$tmp/c.conf" <<-END
		pf 0 { pci = 0000:03:00.1  queues_per_pool = 2 }
		vf 0 { mac = 02:09:c0:00:00:00  peer = vf1  vlans = {5, 7} }
		vf 1 { mac = 02:09:c0:00:00:01  owner = tenant  vlans = {7} }
		vf 2 { mac = 02:09:c0:00:00:02  owner = tenant }
		forward echo { from = vf0  to = vf0  mode = macswap }
	END
	"$SOFT82599" run --name "$card" --vfs 3 --vf-token strict -- sleep 170 3>&- &
	launcher=$!
	wait_for 10 show
}

teardown() {
	tp_kill_all
	vp_kill_all
	kill "$launcher" 2>/dev/null || true
}

owner() {
	vp_open "$1" "$SOFT82599" exec --name "$card" -- "$VFPLANE" -l 0-1 --no-huge -m 256 \
		--file-prefix "$card-p" --no-telemetry -- -i --config "$tmp/c.conf"
	vp "$1" start >"$tmp/o"
}

# What the NIC says of addresses and policy.
policy() {
	show
	jq -c '.pools[:4][] | [.owner, .macs, .vlans, .rx, .tx, .mac_antispoof, .vlan_antispoof,
		.accepts]' "$tmp/show"
}

# tenant_talks NAME: from VF 1 to VF 0 of the owner, and back.
tenant_talks() {
	tp "$1" "start tx_first 1" >"$tmp/o"
	show
	moved "$1" vf1 rx_packets $(($(pool vf1 rx_packets) + 2000))
}

@test "kill -9 of vfplane: back within 5 s with the same addresses and policy, tenants come back" {
	owner p1
	tp_open t "$SOFT82599" exec --name "$card" -- dpdk-testpmd -l 0-1 --no-huge -m 128 \
		--file-prefix "$card-t" --no-telemetry -a 0000:03:10.3 \
		--vfio-vf-token="$(cat /run/vfplane/0000:03:00.1.token)" -- -i \
		--total-num-mbufs=8192 --forward-mode=macswap --port-topology=loop \
		--eth-peer=0,02:09:c0:00:00:00
	tp t "rx_vlan add 7 0" >"$tmp/o"
	tenant_talks t
	policy | tee "$tmp/before"

	kill -KILL "${VP_PID[p1]}"
	wait "${VP_PID[p1]}" || true
	pf_reset() { show && [ "$(jq '.functions[0].pid == null and .functions[0].resets > 0' \
		"$tmp/show")" = true ]; }
	wait_for 5 pf_reset
	# The tenant's process lives, its queues are off as those of every VF.
	kill -0 "${TP_PID[t]}"
	[ "$(jq '.geometry.receiving' "$tmp/show")" = false ]

	start=${EPOCHREALTIME/./}
	owner p2
	took=$(((${EPOCHREALTIME/./} - start) / 1000))
	echo "back after $took ms"
	[ "$took" -lt 5000 ]
	# By its mailbox the tenant learns that its PF was reset.
	told() { grep -q 'Port 0: reset event' "$tmp/testpmd-t/out"; }
	wait_for 10 told
	tp t stop >"$tmp/o"
	tp t "port stop 0" >"$tmp/o"
	tp t "port reset 0" >"$tmp/o"
	tp t "port start 0" >"$tmp/o"
	tp t "rx_vlan add 7 0" >"$tmp/o"
	tenant_talks t
	policy | tee "$tmp/after"
	diff "$tmp/before" "$tmp/after"
	tp t stop >"$tmp/o"
	tp_quit t
	vp_quit p2
}
