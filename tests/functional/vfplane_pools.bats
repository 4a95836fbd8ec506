# SPDX-License-Identifier: BSD-3-Clause
# VMDq without VFs: pools of the PF's own, each an address and VLANs, each a port to the rules.

setup() {
	load helpers
	load vfplane
	need_built "$SOFT82599" "$VFPLANE"
	card=$(unique_name)
	tmp=$BATS_TEST_TMPDIR
}

teardown() {
	vp_kill_all
}

run_card() {
	"$SOFT82599" run --name "$card" --vfs 0 --wire "pcap:$tmp/in.pcap:$tmp/out.pcap" -- "$VFPLANE" -l 0-1 \
		--no-huge -m 256 --no-telemetry --file-prefix "$card" -- "$@"
}

pool() {
	"$SOFT82599" show --name "$card" --json | jq ".pools[] | select(.id == $1) | .rx_packets"
}

@test "three pools by MAC and VLAN: each gets its own, the rules read them apart" {
	python3 "$TOP/tests/functional/frames.py" "$tmp/in.pcap" \
		kind=udp,dst=02:5f:82:59:90:01,src=02:09:c0:ff:00:00,len=100,n=50 \
		kind=udp,dst=02:09:c0:00:01:01,src=02:09:c0:ff:00:00,len=100,n=40,vlan=100 \
		kind=udp,dst=02:09:c0:00:01:02,src=02:09:c0:ff:00:00,len=100,n=30,vlan=200 \
		kind=udp,dst=02:09:c0:00:01:02,src=02:09:c0:ff:00:00,len=100,n=20,vlan=100 \
		kind=udp,dst=02:09:c0:00:01:01,src=02:09:c0:ff:00:00,len=100,n=10,vlan=200 \
		kind=udp,dst=02:09:c0:00:01:03,src=02:09:c0:ff:00:00,len=100,n=5
	vp_open a run_card -i --config "$TOP/config/pools.conf"
	vp a start >"$tmp/o"
	gone_in() { [ "$("$SOFT82599" show --name "$card" --json | jq .wire.sent)" -eq 155 ]; }
	wait_for 10 gone_in
	"$SOFT82599" show --name "$card" --json | jq -c '[.pools[:4][] | [.id, .rx_packets, .drops]], .stats.drops'
	[ "$(pool 0) $(pool 1) $(pool 2)" = "50 40 50" ]
	vp a "show layout" | tee "$tmp/layout"
	grep -q "1  pf0pool1  vfplane  2  *02:09:c0:00:01:01  100" "$tmp/layout"
	grep -q "001122\.\." "$tmp/layout"
	vp a stop >"$tmp/o"
	vp a "show ports" | tee "$tmp/ports"
	# queue 2 is pool 1's: 40 came, and left by pool 0's queue 0; pool 0's own were for nobody
	grep -qE "^ 2  *1  *40  *0" "$tmp/ports"
	grep -qE "^ 0  *1  *50  *40" "$tmp/ports"
	vp_quit a
	tcpdump -nn -e -r "$tmp/out.pcap" 2>/dev/null >"$tmp/sent"
	[ "$(grep -c '02:5f:82:59:90:01 > 02:09:c0:ff:00:00.* vlan 100' "$tmp/sent")" -eq 40 ]
	[ "$(wc -l <"$tmp/sent")" -eq 40 ]
}

@test "pools beside VFs are refused, by the configuration and by the card" {
	echo 'pf 0 { pci = 0000:03:00.1 } pool 0 { }' >"$tmp/c.conf"
	run -2 "$SOFT82599" run --name "$card" --vfs 2 -- "$VFPLANE" -l 0-1 --no-huge -m 128 \
		--file-prefix "$card" --no-telemetry -- --config "$tmp/c.conf" --run 1
	[[ "$output" == *"exactly one pool"* ]]
}

@test "a PF with pools of its own is not given queues by number" {
	cp "$TOP/config/pools.conf" "$tmp/c.conf"
	echo 'port pf0 { queues = 4 }' >>"$tmp/c.conf"
	run -3 "$SOFT82599" run --name "$card" --vfs 0 -- "$VFPLANE" -l 0-1 --no-huge -m 256 \
		--file-prefix "$card" --no-telemetry -- --config "$tmp/c.conf" --run 1
	echo "$output"
	[[ "$output" == *"port pf0: with pools of its own its queues follow from them"* ]]
}
