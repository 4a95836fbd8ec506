# SPDX-License-Identifier: BSD-3-Clause
# The wires: loop, pcap and verify, with testpmd's VFs behind the card.
# timeout: 240
# shellcheck disable=SC2016,SC2030,SC2031 # scripts for other shells; each test is a subshell

setup() {
	load helpers
	load testpmd
	need_built "$SOFT82599" "$MIXGEN"
	card=$(unique_name)
	tmp=$BATS_TEST_TMPDIR
	vf0=02:09:c0:00:00:00
	peer=02:aa:00:00:00:01
}

teardown() {
	tp_kill_all
}

# open WIRE-OPTION...: testpmd with the PF and two VFs; frames for VF 0 leave by VF 1.
open() {
	tp_open a "$SOFT82599" run --name "$card" "$@" -- dpdk-testpmd -l 0-1 --no-huge -m 512 \
		--file-prefix "$card" -a 0000:03:00.1 -a 0000:03:10.1 -a 0000:03:10.3 -- -i \
		--total-num-mbufs=16384 --no-flush-rx
	tp a "set promisc all off"
	tp a "set portlist 1,2"
	tp a "set eth-peer 2 $peer"
	tp a "rx_vlan add 100 port 0 vf 1"
	tp a "mac_addr set 1 $vf0"
}

# wire FIELD: of the wire, as the card tells it
wire() {
	"$SOFT82599" show --name "$card" --json | jq ".wire.$1"
}

wire_at_least() {
	[ "$(wire "$1")" -ge "$2" ]
}

mix() {
	"$MIXGEN" --dst-mac "$vf0" --vlan 100 --other-vlan 200 --json "$@" "$tmp/mix.pcap" >"$tmp/mix.json"
}

# A field of the result that verify wrote
result() {
	jq ".$1" "$tmp/result"
}

@test "verify: every frame comes back from VF 1 as it went to VF 0, round after round" {
	mix --packets 2000
	open --wire "verify:$tmp/mix.pcap:$tmp/first.pcap" --verify-json "$tmp/result"
	tp a "set fwd mac"
	tp a start
	wait_for 30 wire_at_least rounds 5
	tp a stop
	tp_quit a
	cat "$tmp/result" "$tmp/testpmd-a/err"
	grep -q '^verify: PASS' "$tmp/testpmd-a/err"
	[ "$(result passed)" = true ]
	[ "$(result macs)" = '"rewritten"' ]
	# it adds up
	[ "$(result to_vf)" = "$(result '|.received + .in_flight + .unanswered')" ]
	[ "$(result '|[.injected[]] | add')" = "$(result sent)" ]
	[ "$(result sent)" = "$(result '|.to_vf + .default_pool + ([.dropped[]] | add // 0)')" ]
	[ "$(result '|.lost + .changed + .reordered + .duplicated + .extra')" = 0 ]
	# a VLAN that VF 0 is not in goes to the PF's pool
	other=$(jq .tags.other "$tmp/mix.json")
	[ "$(result '|.default_pool + .withheld')" -ge $((4 * other)) ]
	# latency
	[ "$(result '|.latency | .kind == "wire" and .count > 0 and .min_ns <= .p50_ns and
		.p50_ns <= .p99_ns and .p99_ns <= .max_ns')" = true ]
	[ "$(result latency.count)" = "$(result received)" ]
	# the first round is recorded: what VF 0 was to get
	want=$(($(jq '.tags.registered + .tags.untagged' "$tmp/mix.json") - $(result unanswered)))
	[ "$(tcpdump -nn -r "$tmp/first.pcap" 2>/dev/null | wc -l)" = $want ]
	[ "$(tcpdump -nn -r "$tmp/first.pcap" ether dst "$peer" 2>/dev/null | wc -l)" = $want ]
}

@test "verify: an exact number of rounds, all of which comes back" {
	mix --packets 1000
	open --wire "verify:$tmp/mix.pcap" --rounds 3 --window 32 --verify-json "$tmp/result"
	tp a "set fwd macswap"
	tp a start
	wait_for 30 wire_done
	wait_for 10 drained
	tp a stop
	tp_quit a
	cat "$tmp/result"
	[ "$(result macs)" = '"swapped"' ]
	[ "$(result rounds)" = 3 ]
	[ "$(result in_flight)" = 0 ]
	[ "$(result to_vf)" = "$(result '|.received + .unanswered')" ]
	[ "$(result '|.sent + .withheld')" = 3000 ]
}

wire_done() {
	[ "$(wire "done")" = true ]
}

drained() {
	[ "$(wire in_flight)" = 0 ]
}

@test "verify: a program that changes frames fails, and run says so by its status" {
	mix --packets 500
	open --wire "verify:$tmp/mix.pcap" --verify-json "$tmp/result"
	# one way with the addresses is as good as another, but not both
	tp a "set fwd macswap"
	tp a start
	wait_for 30 wire_at_least received 2000
	tp a stop
	tp a "set fwd mac"
	tp a start
	wait_for 30 wire_at_least changed 100
	tp a stop
	rc=0
	tp_quit a || rc=$?
	[ "$rc" = 1 ]
	grep -q '^verify: FAIL' "$tmp/testpmd-a/err"
	[ "$(result passed)" = false ]
}

@test "verify: frames that are swallowed are lost" {
	mix --packets 500
	open --wire "verify:$tmp/mix.pcap" --verify-json "$tmp/result"
	tp a "set fwd mac"
	tp a start
	wait_for 30 wire_at_least received 2000
	# the NIC takes VF 1's frames and throws them away
	tp a "set port 0 vf 1 tx off"
	thrown() {
		[ "$("$SOFT82599" show --name "$card" --json |
			jq '[.pools[].drops.tx_disabled // 0] | add')" -gt 0 ]
	}
	wait_for 10 thrown
	tp a "set port 0 vf 1 tx on"
	wait_for 30 wire_at_least lost 1
	tp a stop
	rc=0
	tp_quit a || rc=$?
	cat "$tmp/result"
	[ "$rc" = 1 ]
	grep -q '^verify: FAIL' "$tmp/testpmd-a/err"
	[ "$(result to_vf)" = "$(result '|.received + .lost + .in_flight + .unanswered')" ]
}

@test "verify: what a receiver that stops still has is not lost" {
	mix --packets 500
	open --wire "verify:$tmp/mix.pcap" --window 1024 --verify-json "$tmp/result"
	tp a "port stop all"
	tp a "port config all rxd 1024"
	tp a "port config all txd 64"
	tp a "port start all"
	# most frames wait in VF 0's ring for room in VF 1's, and come one after the other
	tp a "set port 0 vf 1 rate 10 queue_mask 1"
	tp a "set burst tx delay 10 retry 1000000"
	tp a "set fwd mac retry"
	tp a start
	for _ in 1 2 3; do
		before=$(wire received)
		wait_for 20 wire_at_least received $((before + 1500))
		tp a stop
		wait_for 20 all_silent
		tp a start
	done
	[ "$(wire lost)" = 0 ]
	tp a stop
	tp_quit a
	[ "$(result lost)" = 0 ]
}

# Nothing came for longer than verify is patient.
all_silent() {
	local before

	before=$(wire received)
	sleep 0.8
	[ "$(wire received)" = "$before" ]
}

@test "verify: nothing behind the card is a failure, not a success with zero frames" {
	mix --packets 100
	run -1 "$SOFT82599" run --name "$card" --wire "verify:$tmp/mix.pcap" \
		--verify-json "$tmp/result" -- true
	[[ "$output" == *"verify: FAIL: nothing was sent"* ]]
	[ "$(result passed)" = false ]
	# COMMAND's own status goes first
	run -4 "$SOFT82599" run --name "$card" --wire "verify:$tmp/mix.pcap" -- sh -c 'exit 4'
}

@test "pcap: IN goes in once, OUT records what comes out, with times in order" {
	mix --packets 1000
	open --wire "pcap:$tmp/mix.pcap:$tmp/out.pcap"
	tp a "set fwd mac"
	tp a start
	want=$(jq '.tags.registered + .tags.untagged' "$tmp/mix.json")
	wait_for 20 wire_at_least received "$want"
	tp a stop
	tp_quit a
	[ "$(tcpdump -nn -r "$tmp/out.pcap" 2>/dev/null | wc -l)" = "$want" ]
	tcpdump -nn -tt --nano -r "$tmp/out.pcap" 2>/dev/null | cut -d' ' -f1 >"$tmp/times"
	sort -c -n "$tmp/times"
}

port() {
	"$SOFT82599" show --name "$card" --json | jq ".stats.$1 // 0"
}

@test "pcap: a ring that nobody empties does not stop the rest" {
	# more for the PF, which testpmd does not poll here, than its ring holds
	mix --packets 4000
	open --wire "pcap:$tmp/mix.pcap"
	tp a "set all queues drop 0 on"
	tp a "set fwd mac"
	tp a start
	wait_for 20 wire_at_least sent 4000
	want=$(jq '.tags.registered + .tags.untagged' "$tmp/mix.json")
	wait_for 20 wire_at_least received "$want"
	[ "$(jq .tags.other "$tmp/mix.json")" -gt 300 ]
	[ "$(wire dropped.no_desc)" -gt 0 ]
	tp a stop
	tp_quit a
}

@test "loop: what leaves comes back, and the NIC's filters decide" {
	open --wire loop
	# a frame for nobody here: out by the wire, back, and refused by the filter
	tp a "set eth-peer 1 $peer"
	tp a "set portlist 1"
	tp a "set fwd txonly"
	tp a start
	wait_for 20 wire_at_least frames_out 1000
	tp a stop
	refused() { [ "$(port drops.l2_filter)" = "$(port wire_tx_packets)" ]; }
	wait_for 10 refused
	[ "$(port wire_rx_packets)" = 0 ]
	# without the switch inside, a frame for VF 1 takes the way around
	tp a "set tx loopback 0 off"
	tp a "set eth-peer 1 $(tp_mac a 2)"
	tp a start
	around() { [ "$(port wire_rx_packets)" -gt 1000 ]; }
	wait_for 20 around
	tp a stop
	[ "$(port loop_packets)" = 0 ]
	tp_quit a
}

# The lines that the documentation offers for one's own CI, as they stand there.
ci_lines() {
	sed -n '/^## In one.s own CI/,/^## /{/^```sh$/,/^```$/p}' "$TOP/docs/soft82599.md" | grep -v '^```'
}

ci() {
	(cd "$tmp" && PATH=$BUILD/soft82599:$PATH bash -euo pipefail "$1")
}

@test "the lines for one's own CI pass, and fail for a program that swallows frames" {
	ci_lines >"$tmp/good"
	[ "$(wc -l <"$tmp/good")" -gt 20 ]
	ci "$tmp/good" || { tail -n 5 "$tmp/testpmd.log"; return 1; }
	[ "$(jq '.rounds == 100 and .received > 10000' "$tmp/verify.json")" = true ]
	sed 's/set fwd mac/set fwd rxonly/; s/seq 120/seq 10/' "$tmp/good" >"$tmp/bad"
	run ! ci "$tmp/bad"
	[ "$(jq .passed "$tmp/verify.json")" = false ]
}

@test "an idle wire uses no processor time" {
	mix --packets 100
	"$SOFT82599" run --name "$card" --wire "verify:$tmp/mix.pcap" -- sh -c \
		'echo up >"$0"; read -r _' "$tmp/up" < <(sleep 2) 3>&- &
	launcher=$!
	wait_for 10 test -s "$tmp/up"
	before=$(ticks)
	sleep 1
	after=$(ticks)
	wait "$launcher" || true
	echo "$((after - before)) ticks of 100"
	[ $((after - before)) -le 5 ]
}

ticks() {
	awk '{ print $14 + $15 }' "/proc/$launcher/stat"
}
