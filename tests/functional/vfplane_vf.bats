# SPDX-License-Identifier: BSD-3-Clause
# What the operator types and sees: testpmd's words for VFs, show vf, layout, mailbox and drift as they
# look at 80 columns, recordings and their replay. The card's own show says what reached the NIC.
# timeout: 180

setup() {
	load helpers
	load vfplane
	load attacker
	need_built "$SOFT82599" "$VFPLANE" "$VFCTL" "$MBOX_RAW"
	card=$(unique_name)
	tmp=$BATS_TEST_TMPDIR
	cat >"$tmp/c.conf" <<-END
		pf 0 { pci = 0000:03:00.1  queues_per_pool = 2 }
		vf 0 { mac = 02:09:c0:00:00:00  vlans = {100} }
		vf 1 { mac = 02:09:c0:00:00:01  owner = tenant  request_rate = 0 }
		forward drain { from = vf0  mode = sink }
	END
	vp_open a "$SOFT82599" run --name "$card" --vfs 2 -- "$VFPLANE" -l 0-1 --no-huge -m 256 \
		--no-telemetry --file-prefix "$card" -- -i --config "$tmp/c.conf"
}

teardown() {
	at_kill_all
	vp_kill_all
}

pool() {
	"$SOFT82599" show --name "$card" --json | jq -c ".pools[$1] | $2"
}

# says WORDS COMMAND: vfplane's answer to COMMAND has these words.
says() {
	vp a "$2" >"$tmp/said"
	grep -qF -- "$1" "$tmp/said" || { echo "$2:" && cat "$tmp/said" && return 1; }
}

# screen NAME COMMAND: no line beyond 80 columns, and the golden one but for times.
screen() {
	vp a "$2" | sed '/^vfplane> $/d; /^show /d' >"$tmp/screen"
	awk 'length > 80 { print "too wide: " $0; wide = 1 } END { exit wide }' "$tmp/screen"
	sed -E 's/[0-9]+(\.[0-9]+)? (ns|us|ms|s)( |$)/# \2\3/g; s/ (ns|us|ms)( |$)/ us\2/g; s/  +/  /g;
		s/^ +//; s/ +$//' "$tmp/screen" >"$tmp/plain"
	cp "$tmp/plain" "$tmp/$1.plain"
	diff "$TOP/tests/functional/golden/$1.txt" "$tmp/plain"
}

@test "screens at 80 columns: show vf 0, show layout, show mailbox, show drift" {
	at_open x 0000:03:10.3
	at x "say 0x00010006 0x00c00902 0x0000" >"$tmp/o"
	at x "say 1" >"$tmp/o"
	for api in 8 7 6 4; do
		at x "say 8 $api" >"$tmp/o"
	done
	at x "say 9" >"$tmp/o"
	at x "repeat 100 0x00010006+0x10000%255 0x00c00902 0x0000" >"$tmp/o"
	at x "repeat 50 1" >"$tmp/o"
	vp a "set vf vlan insert 0 1 300" >"$tmp/o"
	at x "say 1" >"$tmp/o"
	screen show_vf_0 "show vf 0"
	screen show_layout "show layout"
	screen show_mailbox "show mailbox"
	screen show_drift "show drift"
}

@test "testpmd's words for a VF reach the NIC and hold over its reset" {
	at_open x 0000:03:10.3
	says "vf1: MAC 02:09:c0:00:00:0a" "set vf mac addr 0 1 02:09:c0:00:00:0a"
	says "vf1: port VLAN 300" "set vf vlan insert 0 1 300"
	says "vf1: trusted" "set vf trust pf0 vf1 on"
	says "vf1: VLAN anti-spoof off" "set vf vlan antispoof 0 1 off"
	says "vf1: RX mode BAM off" "set port 0 vf 1 rxmode BAM off"
	says "vf1: RX mode MPE on" "set port 0 vf 1 rxmode MPE on"
	says "vf1: TX off" "set port 0 vf 1 tx off"
	says "vf1: 02:09:c0:00:05:01 added" "mac_addr add port 0 vf 1 02:09:c0:00:05:01"
	says "vf1: 200 Mbit/s, 100 for each of 2 queues" "set port 0 vf 1 rate 100 queue_mask 0x3"
	at x "say 1" >"$tmp/o"
	[ "$(pool 1 '[(.macs | sort), .vlans, .tx, .accepts, .mac_antispoof, .vlan_antispoof, .vlan_insert]')" = \
		'[["02:09:c0:00:00:0a","02:09:c0:00:05:01"],[300],false,["ROPE","MPE"],true,false,300]' ]
	says "vf1: no port VLAN" "set vf vlan insert 0 1 0"
	says "vf1: VLAN 40 added" "rx_vlan add 40 port 0 vf 0x2"
	says "vf1: TX on" "set port 0 vf 1 tx on"
	says "vf1: 02:09:c0:00:05:01 removed" "mac_addr remove port 0 vf 1 02:09:c0:00:05:01"
	[ "$(pool 1 '[.macs, .vlans, .tx, .accepts, .vlan_insert]')" = \
		'[["02:09:c0:00:00:0a"],[40],true,["AUPE","ROPE","MPE"],null]' ]
	says "pf0 queue 1: 500 Mbit/s" "set port 0 queue 1 rate 500"
	"$SOFT82599" show --name "$card" --json >"$tmp/show"
	# of the PF's pool, which is the third, and not of VF 0
	[ "$(jq -c '[.tx_queues[] | select(.rate_mbps == 500) | .id]' "$tmp/show")" = "[5]" ]
	says "do not reach each other" "set tx loopback 0 off"
	[ "$("$SOFT82599" show --name "$card" --json | jq .geometry.loopback)" = false ]
	# its own VF learns of its address by itself
	vp a "set vf mac addr 0 0 02:09:c0:00:00:0b" >"$tmp/o"
	learned() { vp a "show port info vf0" | grep -q "02:09:c0:00:00:0b"; }
	wait_for 10 learned
}

@test "what cannot be is refused with a reason, and changes nothing" {
	registers >"$tmp/before"
	says "MAC is somebody else's" "set vf mac addr 0 1 02:09:c0:00:00:00"
	says "name its PF, which is port 0 (pf0)" "set vf mac addr 1 0 02:09:c0:00:00:0b"
	says "there is no port 7" "set vf trust 7 0 on"
	says "there is no VF 2: pf0 has 2" "set vf trust 0 2 on"
	says "allowed are 0 to 4094" "set vf vlan insert 0 1 4095"
	says "not trusted" "set vf mac antispoof 0 1 off"
	says "port_vlan leaves no room" "set vf vlan insert 0 0 300"
	says "0x3 is what works" "set port 0 vf 1 rate 10 queue_mask 0x1"
	says "together are above" "set port 0 vf 1 rate 5001 queue_mask 0x3"
	says "needs trusted" "set port 0 vf 1 rxmode MPE on"
	says "AUPE, ROPE, BAM or MPE" "set port 0 vf 1 rxmode XYZ on"
	says "drop-enable stays on" "set all queues drop 0 off"
	says "DPDK's call writes the drop bit" "set vf split drop 0 1 on"
	says "i40e only" "set vf promisc 0 1 on"
	says "i40e only" "set vf vlan tag 0 1 on"
	says "need DCB" "set tc tx min-bandwidth 0 20,80"
	says "has no VLAN 41" "rx_vlan rm 41 port 0 vf 0x1"
	says "a mask of VFs up to 0x3" "rx_vlan add 41 port 0 vf 0x4"
	says "was not given" "mac_addr remove port 0 vf 1 02:09:c0:00:05:01"
	says "group address" "mac_addr add port 0 vf 1 01:00:5e:00:00:01"
	says "there is" "set vf mac addr 0"
	registers >"$tmp/after"
	diff "$tmp/before" "$tmp/after"
}

@test "a stopped PF: commands wait, its VFs are set up again after the start" {
	vp a start >"$tmp/o"
	vp a "set vf vlan insert 0 1 300" >"$tmp/o"
	says "pf0 stopped" "port stop 0"
	says "stopped already" "port stop pf0"
	says "the PF is stopped" "set vf trust 0 1 on"
	[ "$("$SOFT82599" show --name "$card" --json | jq .geometry.receiving)" = false ]
	says "pf0 started" "port start 0"
	again() { vp a "show bringup" | grep -q "vf0: its PF asked for a reset; set up again"; }
	wait_for 10 again
	[ "$(pool 1 '[.macs, .vlans, .vlan_insert, .mac_antispoof, .vlan_antispoof]')" = \
		'[["02:09:c0:00:00:01"],[300],300,true,true]' ]
	[ "$(pool 0 '[.vlans, .rx, .tx]')" = '[[100],true,true]' ]
	vp a "show drift" >"$tmp/drift"
	cat "$tmp/drift"
	grep -q "PF start  *vf1  *1  port VLAN, MAC, anti-spoof" "$tmp/drift"
	grep -q "PF start  *pf0  *1  drop-enable, loopback, flow control" "$tmp/drift"
}

@test "record, learn, follow and replay: a policy that was learned grants what was refused" {
	says "recording to" "record mailbox $tmp/rec"
	says "told each second" "follow mailbox vf 1"
	at_open x 0000:03:10.3
	at x "say 1" >"$tmp/o"
	at x "say 8 4" >"$tmp/o"
	at x "say 0x00010004 70" >"$tmp/o"
	at x "say 0x00010004 71" >"$tmp/o"
	at x "say 0x00020006 0x00c00902 0x0501" >"$tmp/o"
	followed() { grep -q "vf1 .*SET_VLAN add 71 .*nack: VLAN not configured" "$tmp/vfplane-a/out"; }
	wait_for 5 followed
	says "no longer" "follow mailbox off"
	vp a "show learn 1" | sed '/^vfplane>/d; /^show/d' >"$tmp/section"
	says "recording ended" "record mailbox off"
	cat "$tmp/section"
	run -0 "$VFCTL" replay --config "$tmp/c.conf" "$tmp/rec"
	[[ "$output" == *"the same answers to all"* ]]
	{ sed '/^vf 1/d' "$tmp/c.conf" && cat "$tmp/section"; } >"$tmp/learned.conf"
	run -0 "$VFPLANE" -- --check --config "$tmp/learned.conf"
	"$VFCTL" replay --config "$tmp/learned.conf" "$tmp/rec" | tee "$tmp/replay"
	grep -q "vf1  *SET_VLAN add 71 .*2  *refused  *granted: VLAN configured" "$tmp/replay"
	grep -q "vf1  *SET_MACVLAN 02:09:c0:00:01:05 .*refused  *granted: within its quota" "$tmp/replay"
	"$VFCTL" replay --json --vf 1 --config "$tmp/learned.conf" "$tmp/rec" >"$tmp/json"
	[ "$(jq -c '[.now_granted, .now_refused, .lost]' "$tmp/json")" = "[3,0,0]" ]
	vp a "show mailbox vf 1 json" | sed '/^vfplane>/d; /^show/d' |
		jq -e '.mailbox | map(select(.answer == "nack")) | length > 0'
}

@test "a recording that is none is refused with file and line" {
	echo '{"vf":1,"at_us":1,"answer":"ack","words":[1,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0]}' >"$tmp/rec"
	run -0 "$VFCTL" replay --config "$tmp/c.conf" "$tmp/rec"
	echo '{"vf":63,"at_us":1,"answer":"ack","words":[1,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0]}' >>"$tmp/rec"
	run -2 "$VFCTL" replay --config "$tmp/c.conf" "$tmp/rec"
	[[ "$output" == *"rec:2: VF 63: allowed: 0 to 62"* ]]
	echo 'no json' >"$tmp/rec"
	run -2 "$VFCTL" replay --config "$tmp/c.conf" "$tmp/rec"
	[[ "$output" == *"rec:1: "* ]]
	echo '{"vf":1,"at_us":1,"answer":"ack","words":[1]}' >"$tmp/rec"
	run -2 "$VFCTL" replay --config "$tmp/c.conf" "$tmp/rec"
	[[ "$output" == *"16 words"* ]]
	run -2 "$VFCTL" replay "$tmp/rec"
	run -2 "$VFCTL" replay --config "$tmp/c.conf" "$tmp/none"
	[[ "$output" == *"none: No such file"* ]]
}
