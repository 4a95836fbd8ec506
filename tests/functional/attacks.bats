# SPDX-License-Identifier: BSD-3-Clause
# A tenant that means no good, in a process of its own, writes raw words into its mailbox. VF 0 is
# the victim, VF 2 the attacker, VF 3 an attacker behind a port VLAN. `soft82599 show` is the witness.
# timeout: 600

setup() {
	load helpers
	load vfplane
	load attacker
	need_built "$SOFT82599" "$VFPLANE" "$MBOX_RAW"
	card=$(unique_name)
	tmp=$BATS_TEST_TMPDIR
	cat >"$tmp/c.conf" <<-END
		pf 0 { pci = 0000:03:00.1  queues_per_pool = 2 }
		vf 0 { mac = 02:09:c0:00:00:00  vlans = {100, 101} }
		vf 1 { mac = 02:09:c0:00:00:01  owner = tenant  vlans = {7}  request_rate = 20 }
		vf 2 { mac = 02:09:c0:00:00:02  owner = tenant  vlans = {7}  vlan_quota = 4  request_rate = 0 }
		vf 3 { mac = 02:09:c0:00:00:03  owner = tenant  port_vlan = 300  request_rate = 0
			macs = {"02:09:c0:00:03:01"}  macvlan_quota = 1 }
		forward drain { from = vf0  mode = sink }
	END
	vp_open a "$SOFT82599" run --name "$card" --vfs 4 -- "$VFPLANE" -l 0-1 --no-huge -m 256 \
		--no-telemetry --file-prefix "$card" -- -i --config "$tmp/c.conf"
}

teardown() {
	at_kill_all
	vp_kill_all
}

# The VF has reset and negotiated, as a driver would.
come_up() {
	[ "$(answers "$1" "repeat 1 1")" = "ack 1, nack 0, silent 0" ]
	[ "$(answers "$1" "repeat 1 8 4")" = "ack 1, nack 0, silent 0" ]
}

same() {
	diff "$tmp/$1" "$tmp/$2"
}

# further_addresses N: so many MACVLAN messages, of all indices and many addresses.
further_addresses() {
	at_open x 0000:03:10.5
	come_up x
	registers >"$tmp/before"
	[ "$(answers x "repeat $1 0x00010006+0x10000%255 0x00c00902+0x1000000%255 0x0000+1%256")" = \
		"ack 0, nack $1, silent 0" ]
	cat "$tmp/answer"
	# the victim's, the neighbour's, the PF's and a group's address: as one more, and as its own
	for words in "0x00c00902 0x0000" "0x00c00902 0x0100" "0x82825f02 0x0190" "0x00c00903 0"; do
		[ "$(answers x "repeat 1 0x00020006 $words")" = "ack 0, nack 1, silent 0" ]
		[ "$(answers x "repeat 1 2 $words")" = "ack 0, nack 1, silent 0" ]
	done
	registers >"$tmp/after"
	same before after
}

@test "1,000 SET_MACVLAN, then the victim's MAC: refused, no address register changed" {
	further_addresses 1000
}

# bats test_tags=long
@test "65,537 SET_MACVLAN, then the victim's MAC: refused, no address register changed" {
	further_addresses 65537
}

@test "4,096 VLANs added, then all removed: the quota holds, the others' filters stay" {
	at_open x 0000:03:10.5
	come_up x
	registers >"$tmp/before"
	registers 2 >"$tmp/others-before"
	# granted: 0, which is none, its own 7, and four of its choice, which are 1 to 4
	[ "$(answers x "repeat 4096 0x00010004 0+1")" = "ack 6, nack 4090, silent 0" ]
	registers 2 | jq 'del(.digests)' >"$tmp/others-full"
	jq 'del(.digests)' "$tmp/others-before" | diff - "$tmp/others-full"
	"$SOFT82599" show --name "$card" --json >"$tmp/show"
	[ "$(jq -c '.pools[2].vlans | sort' "$tmp/show")" = "[1,2,3,4,7]" ]
	[ "$(answers x "repeat 4096 0x00000004 0+1")" = "ack 6, nack 4090, silent 0" ]
	registers >"$tmp/after"
	same before after
}

@test "before VF_RESET everything is refused, fake resets too, and nothing changes" {
	at_open x 0000:03:10.7
	registers >"$tmp/before"
	# all messages of all APIs, and as many that are none
	answers x "repeat 62 2+1 0x00c00902 0x0300" >"$tmp/said"
	cat "$tmp/answer"
	[ "$(cat "$tmp/said")" = "ack 0, nack 62, silent 0" ]
	[ "$(answers x "repeat 1 0")" = "ack 0, nack 1, silent 0" ]
	# 0x00010001 and the like: the low half says reset, and the PF resets nothing
	[ "$(answers x "repeat 200 0x00010001+0x10000%255")" = "ack 0, nack 200, silent 0" ]
	[ "$(answers x "repeat 16 0x20000001+0x10000")" = "ack 0, nack 16, silent 0" ]
	# with ACK or NACK in it DPDK's PF drops a message without a word, and without asking us
	for bits in 0x40000001 0x80000001 0xc0000006 0x80000004; do
		[ "$(answers x "repeat 1 $bits 100")" = "ack 0, nack 0, silent 1" ]
	done
	[ "$(answers x "repeat 1 8 4")" = "ack 0, nack 1, silent 0" ]
	registers >"$tmp/after"
	same before after
}

@test "SET_LPE at every boundary: the PF's frame size never moves" {
	local n

	at_open x 0000:03:10.5
	for api in "" 0 2 3 4; do
		come_up x
		[ -z "$api" ] || at x "say 8 $api" >"$tmp/o"
		registers >"$tmp/before"
		for n in 0 1 63 1519 1522 1536 9000 9216 9500 9728 9729 16383 65535 65536 0x7fffffff \
			0x80000000 0xffffffee 0xffffffff; do
			[ "$(answers x "repeat 1 5 $n")" = "ack 0, nack 1, silent 0" ]
		done
		for n in 64 65 1500 1517 1518; do
			[ "$(answers x "repeat 1 5 $n")" = "ack 1, nack 0, silent 0" ]
		done
		registers >"$tmp/after"
		same before after
	done
	[ "$(jq .geometry.max_frame "$tmp/after")" -eq 1518 ]
}

# received: frames that the victim's pool was given, delivered or not.
received() {
	"$SOFT82599" show --name "$card" --json |
		jq '.pools[0] | .rx_packets + ([.drops[]] | add // 0)'
}

# resets_under_traffic N: from the port VLAN to a victim that is not in it.
resets_under_traffic() {
	local from before frames

	at_open x 0000:03:10.7
	come_up x
	vp a start >"$tmp/o"
	registers 3 >"$tmp/before"
	[ "$("$SOFT82599" show --name "$card" --json | jq '.pools[3].vlan_insert')" -eq 300 ]
	at x "send 02:09:c0:00:00:00 02:09:c0:00:00:03" >"$tmp/o"
	from=$(received)
	before=$from
	wait_for 10 sent_some
	[ "$(received)" -eq "$from" ] # all of them tagged: none for the victim
	[ "$(answers x "repeat $1 1")" = "ack $1, nack 0, silent 0" ]
	"$SOFT82599" show --name "$card" --json >"$tmp/show"
	frames=$(at x quiet | jq .frames)
	escaped=$(($(received) - before))
	[ "$(jq -c '.pools[3] | [.vlan_insert, .accepts, .mac_antispoof, .vlan_antispoof]' "$tmp/show")" = \
		'[300,["ROPE","BAM"],true,true]' ]
	registers 3 >"$tmp/after"
	same before after
	vp a "show vf 3" >"$tmp/vf"
	# The measure of the window: how many of the frames, in how long.
	jq -r --argjson frames "$frames" --argjson escaped "$escaped" '"\(.sent) resets in \(.seconds) s, " +
		"\($frames) frames, \($escaped) untagged: \(1e6 * $escaped / $frames * .seconds / .sent |
		round) us a reset"' "$tmp/answer" | tee "$tmp/window"
	echo "# $(cat "$tmp/window"); $(grep -o 'reapplied max.*' "$tmp/vf" | tr -s ' ')" >&3
	[ "$frames" -gt "$1" ]
	# far below what a VF sends in the time that a reset takes: most are tagged
	[ "$((escaped * 4))" -lt "$frames" ]
}

sent_some() {
	[ "$("$SOFT82599" show --name "$card" --json | jq '.pools[3].tx_packets')" -gt 100 ]
}

@test "1,000 resets under a port VLAN while it sends: the VLAN is back each time" {
	resets_under_traffic 1000
}

# bats test_tags=long
@test "10,000 resets under a port VLAN while it sends: the VLAN is back each time" {
	resets_under_traffic 10000
}

vlan_inserted() {
	[ "$("$SOFT82599" show --name "$card" --json | jq '.pools[3].vlan_insert')" = "$1" ]
}

@test "a reset of the function without VF_RESET: no frame without its VLAN, but for a second with a macvlan" {
	at_open x 0000:03:10.7
	come_up x
	vp a start >"$tmp/o"
	[ "$(answers x "repeat 1 0x00010006 0x00c00902 0x0103")" = "ack 1, nack 0, silent 0" ]
	at x vfrst >"$tmp/o"
	# DPDK's PF takes the port VLAN away and says nothing of it; the VF's own address is gone too.
	at x "send 02:09:c0:00:00:00 02:09:c0:00:00:03" >"$tmp/o"
	spoofed() { [ "$("$SOFT82599" show --name "$card" --json | jq '.pools[3].drops.spoof_mac')" -gt 1000 ]; }
	wait_for 10 spoofed
	at x quiet >"$tmp/o"
	[ "$(received)" -eq 0 ]
	# The macvlan's address is there still: the VLAN comes back with the next look of the PF.
	at x vfrst >"$tmp/o"
	at x "send 02:09:c0:00:00:00 02:09:c0:00:03:01" >"$tmp/o"
	wait_for 3 vlan_inserted 300
	at x quiet >"$tmp/o"
	first=$(received)
	at x "send 02:09:c0:00:00:00 02:09:c0:00:03:01" >"$tmp/o"
	wait_for 10 sent_some
	at x quiet >"$tmp/o"
	[ "$(received)" -eq "$first" ]
}

# open N: may pool N receive and send?
open() {
	[ "$("$SOFT82599" show --name "$card" --json | jq -c ".pools[$1] | [.rx, .tx]")" = "[$2,$2]" ]
}

@test "DMA to memory that is not the VF's: shut until its next reset, the others untouched" {
	at_open x 0000:03:10.7
	come_up x
	vp a start >"$tmp/o"
	registers 3 >"$tmp/before"
	vp a "show vf 3" >"$tmp/vf"
	grep -q "^dma aborts  *0" "$tmp/vf" && grep -q "^shut  *no" "$tmp/vf"
	[ "$(at x wild)" = '{"wild":true}' ]
	wait_for 5 open 3 false
	vp a "show vf 3" >"$tmp/vf"
	cat "$tmp/vf"
	grep -q "^dma aborts  *1" "$tmp/vf" && grep -q "^shut  *until its next reset: DMA to memory that is not its own" "$tmp/vf"
	grep -q "VF 3: DMA to memory that is not its own: shut until its next reset" "$tmp/vfplane-a/err"
	# nothing leaves, and the others are as they were
	sent=$("$SOFT82599" show --name "$card" --json | jq '.pools[3].tx_packets')
	at x "send 02:09:c0:00:00:00 02:09:c0:00:00:03" >"$tmp/o"
	stopped() { [ "$("$SOFT82599" show --name "$card" --json | jq '.pools[3].drops.tx_disabled')" -gt 100 ]; }
	wait_for 10 stopped
	at x quiet >"$tmp/o"
	[ "$("$SOFT82599" show --name "$card" --json | jq '.pools[3].tx_packets')" -eq "$sent" ]
	registers 3 >"$tmp/after"
	same before after
	# its reset opens it, guards and all, and one abort is told once
	come_up x
	open 3 true
	[ "$("$SOFT82599" show --name "$card" --json | jq -c '.pools[3] | [.vlan_insert, .mac_antispoof]')" = \
		'[300,true]' ]
	vp a "show vf 3" >"$tmp/vf"
	grep -q "^dma aborts  *1" "$tmp/vf" && grep -q "^shut  *no" "$tmp/vf"
}

@test "a flood is held to the VF's request rate, and is one row of the log" {
	at_open x 0000:03:10.3
	come_up x
	answers x "for 2 5 1518"
	granted=$(jq .ack "$tmp/answer") refused=$(jq .nack "$tmp/answer")
	# 20 a second, and twice that at once
	[ "$granted" -ge 30 ] && [ "$granted" -le $((20 * (3 + $(jq '.seconds | ceil' "$tmp/answer")))) ]
	[ "$refused" -gt "$granted" ]
	vp a "show mailbox vf 1 last 5" >"$tmp/mailbox"
	cat "$tmp/mailbox"
	grep -q "SET_LPE 1518 bytes.*too many requests" "$tmp/mailbox"
}

@test "a VF that keeps the buffer is not told; the others are, and the log stays short" {
	at_open x 0000:03:10.5
	at_open y 0000:03:10.3
	come_up x
	come_up y
	[ "$(at x hold)" = '{"held":true}' ]
	before=$(answers y "repeat 1 5 1518" && jq .pings "$tmp/answer")
	for state in down up down up; do
		"$SOFT82599" ctl --name "$card" link "$state"
		seen() { grep -q "pf0: link $state" "$tmp/vfplane-a/out"; }
		wait_for 5 seen
		: >"$tmp/vfplane-a/out"
		answers y "repeat 1 5 1518" >"$tmp/o"
	done
	[ "$(jq .pings "$tmp/answer")" -ge 3 ]
	at x release >"$tmp/o"
	[ "$(answers x "repeat 1 5 1518")" = "ack 1, nack 0, silent 0" ]
	wc -l "$tmp/vfplane-a/err"
	[ "$(wc -l <"$tmp/vfplane-a/err")" -lt 100 ]
}

@test "requests while the buffer is kept: the others are served, and the log stays short" {
	at_open x 0000:03:10.5
	at_open y 0000:03:10.3
	come_up x
	come_up y
	before=$(wc -l <"$tmp/vfplane-a/err")
	at_begin x "jam 3"
	[ "$(answers y "for 2 5 1518" | cut -d, -f3)" = " silent 0" ]
	at_end x >"$tmp/o"
	logged=$(($(wc -l <"$tmp/vfplane-a/err") - before))
	echo "$logged lines"
	tail -n 3 "$tmp/vfplane-a/err"
	[ "$logged" -gt 0 ] && [ "$logged" -le 40 ]
	[ "$(answers x "repeat 1 5 1518")" = "ack 1, nack 0, silent 0" ]
}

# random_words N: the attacker and vfplane count the same messages, so none was decided without the policy.
random_words() {
	local i acks nacks

	at_open x 0000:03:10.5
	come_up x
	registers 2 | jq 'del(.digests)' >"$tmp/before"
	for ((i = 0; i < $1 / 1000; i++)); do
		at x "random 1000 $((i + 7))" >>"$tmp/answers"
	done
	registers 2 | jq 'del(.digests)' >"$tmp/after"
	same before after
	acks=$(($(jq -s 'map(.ack) | add' "$tmp/answers") + 2))
	nacks=$(jq -s 'map(.nack) | add' "$tmp/answers")
	vp a "show vf 2" >"$tmp/vf"
	requests=$(vp a "show vf 2" | awk '/^requests/ { print $2; exit }')
	refused=$(awk '/^refused/ { print $2; exit }' "$tmp/vf")
	echo "attacker: $acks granted, $nacks refused; vfplane: $requests requests, $refused refused"
	# above 9999 numbers are rounded for people
	[ "$1" -gt 9000 ] || [ "$requests" -eq $((acks + nacks)) ]
	[ "$1" -gt 9000 ] || [ "$refused" -eq "$nacks" ]
	[ "$(answers x "repeat 1 1")" = "ack 1, nack 0, silent 0" ]
}

@test "3,000 random messages through the PMD: the others' registers stay, nothing is undecided" {
	random_words 3000
}

# bats test_tags=long
@test "100,000 random messages through the PMD: the others' registers stay, nothing is undecided" {
	random_words 100000
}
