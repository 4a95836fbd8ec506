# SPDX-License-Identifier: BSD-3-Clause
# What `soft82599 ctl` makes happen to a card that is in use, with `show` as the witness.
# timeout: 300
# shellcheck disable=SC2030,SC2031,SC2154 # each test is a subshell; run sets stderr

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

ctl() {
	"$SOFT82599" ctl --name "$card" "$@"
}

# show FILTER: of the card's JSON
show() {
	"$SOFT82599" show --name "$card" --json | jq -c "$1"
}

show_is() {
	[ "$(show "$1")" = "$2" ]
}

# open WIRE-OPTION...: testpmd with the PF and two VFs
open() {
	tp_open a "$SOFT82599" run --name "$card" "$@" -- dpdk-testpmd -l 0-1 --no-huge -m 512 \
		--file-prefix "$card" -a 0000:03:00.1 -a 0000:03:10.1 -a 0000:03:10.3 -- -i \
		--total-num-mbufs=16384 --no-flush-rx
}

# As open, with frames of a capture that go in for VF 0 and leave by VF 1.
open_verify() {
	"$MIXGEN" --dst-mac "$vf0" --vlan 100 --other-vlan 200 --packets 500 "$tmp/mix.pcap"
	open --wire "verify:$tmp/mix.pcap" --verify-json "$tmp/result" "$@"
	tp a "set promisc all off"
	tp a "set portlist 1,2"
	tp a "set eth-peer 2 $peer"
	tp a "rx_vlan add 100 port 0 vf 1"
	tp a "mac_addr set 1 $vf0"
	tp a "set fwd mac"
	tp a start
	wait_for 30 received_more 500
}

received_more() {
	[ "$(show .wire.received)" -gt "$1" ]
}

# testpmd ends well, so run's status is that of verify.
failed_check() {
	local rc=0

	tp a stop
	tp_quit a || rc=$?
	[ "$rc" = 1 ]
}

@test "a mistyped request is told what is allowed, and changes nothing" {
	open
	for line in "link sideways" "link" "flr" "flr pf" "flr x" "remove" "irq drop" "irq drop 1" \
		"irq drop x pf" "irq delay -1" "mailbox delay" "mailbox slow 1" "pool freeze 0" \
		"pool freeze 0 maybe" "pool thaw 0 on" "nonsense"; do
		# shellcheck disable=SC2086 # words
		run -2 --separate-stderr ctl $line
		echo "$line: $stderr"
		grep -Eq 'is what is allowed|is wanted|is not a verb' <<<"$stderr"
	done
	run -1 --separate-stderr ctl flr 7
	grep -q 'no VF 7: the card has 2' <<<"$stderr"
	run -1 --separate-stderr ctl restore
	run -1 --separate-stderr ctl wire loss 1
	grep -q 'no wire' <<<"$stderr"
	run -2 --separate-stderr "$SOFT82599" ctl --name "$card"
	run -2 --separate-stderr "$SOFT82599" ctl link up
	run -3 --separate-stderr "$SOFT82599" ctl --name "$card-none" link up
	[ "$(show .ctl.verbs_done)" = 0 ]
	for verb in link flr remove restore irq mailbox wire pool; do
		"$SOFT82599" ctl --help | grep -q "^  $verb"
	done
}

@test "link down and up: the PF gets its interrupt, its VFs see it, frames are dropped meanwhile" {
	open --wire loop
	ctl link down
	show_is .link.up false
	wait_for 10 pf_says down
	tp a "show port info 1" | grep -q 'Link status: down'
	before=$(show .stats.wire_tx_packets)
	tp a "set fwd txonly"
	tp a "set portlist 1"
	tp a start
	wait_for 20 dropped link_down
	tp a stop
	[ "$(show .stats.wire_tx_packets)" = "$before" ]
	ctl link up
	show_is .link.up true
	wait_for 10 pf_says up
	tp a "show port info 1" | grep -q 'Link status: up'
}

# The interrupt came: testpmd knows without having asked the card.
pf_says() {
	grep -q "Port 0: link state change event" "$tmp/testpmd-a/out" "$tmp/testpmd-a/err" &&
		tp a "show port info 0" | grep -q "Link status: $1"
}

dropped() {
	[ "$(show "[.pools[].drops.$1 // 0] | add")" -gt 0 ]
}

@test "wire loss: exactly so many frames, and verify misses each of them" {
	open_verify
	ctl wire loss 7 | grep -q 'wire loss 7, out'
	wait_for 20 show_is .wire.impair.out.loss.hit 7
	[ "$(show .wire.impair.out.loss.rule)" = '"0"' ]
	run -1 --separate-stderr ctl wire loss 1 in
	run -2 --separate-stderr ctl wire loss 2/1
	before=$(show .wire.received)
	wait_for 20 received_more $((before + 1000))
	# of frames that are equal one is missed when the NIC has run empty, not earlier
	wait_for 20 show_is .wire.lost 7
	failed_check
	jq -c '{lost, changed, reordered, duplicated, extra}' "$tmp/result"
	[ "$(jq -c '[.lost, .changed, .duplicated, .extra]' "$tmp/result")" = '[7,0,0,0]' ]
}

@test "wire corrupt: exactly so many frames, and verify notices each" {
	open_verify
	ctl wire corrupt 5
	wait_for 20 show_is .wire.impair.out.corrupt.hit 5
	# each is one unlike its source, or one of no flow that there is; and its source is missed
	wait_for 20 show_is '.wire | [.changed + .extra, .changed + .lost]' '[5,5]'
	show_is .wire.duplicated 0
	failed_check
}

@test "wire dup: exactly so many frames, and verify notices each" {
	open_verify
	ctl wire dup 4
	wait_for 20 show_is .wire.impair.out.dup.hit 4
	wait_for 20 show_is '.wire | [.duplicated, .changed, .lost, .extra]' '[4,0,0,0]'
	failed_check
}

@test "wire reorder and N of every M, and a delay that is one" {
	open_verify
	ctl wire reorder 1/10
	sleep 0.2
	ctl wire reorder 0
	hit=$(show .wire.impair.out.reorder.hit)
	[ "$hit" -gt 0 ]
	ctl wire delay 30000 out
	# 256 are under way at most: once that many were delayed, only such ones come back.
	wait_for 20 delayed_more 256
	before=$(show '.wire | [.latency.count, .latency.mean_ns]')
	wait_for 20 delayed_more 1024
	show '.wire | [.latency.count, .latency.mean_ns]' | jq -e --argjson before "$before" '
		(.[0] * .[1] - $before[0] * $before[1]) / (.[0] - $before[0]) >= 29900000'
	[ "$(show .wire.impair.out.delay_us)" = 30000 ]
	ctl wire clear
	[ "$(show .wire.impair.out.delay_us)" = 0 ]
	tp a stop
	tp_quit a || true
	[ "$(jq '.reordered > 0 and .lost == 0 and .changed == 0' "$tmp/result")" = true ]
	[ "$(jq '.latency.max_ns >= 30000000' "$tmp/result")" = true ]
}

delayed_more() {
	[ "$(show .wire.impair.out.delayed)" -gt "$1" ]
}

@test "a frozen pool costs its own frames only, and takes them again when it is let go" {
	open_verify --vfs 3
	ctl pool freeze 1 on
	before=$(show .wire.received)
	show_is .ctl.frozen_pools '[1]'
	# VF 0's frames still come and go by VF 1, which only stopped receiving
	wait_for 20 received_more $((before + 1000))
	[ "$(show '.pools[0].drops')" = '{}' ]
	ctl pool freeze vf0 on
	wait_for 20 frozen_now 0
	before=$(show .wire.received)
	ctl pool freeze vf0 off
	ctl pool freeze vf1 off
	wait_for 20 received_more $((before + 1000))
	show_is .ctl.frozen_pools '[]'
}

# Nothing more got into the pool for a while.
frozen_now() {
	local before

	before=$(show ".pools[$1].rx_packets")
	sleep 0.3
	[ "$(show ".pools[$1].rx_packets")" = "$before" ]
}

@test "interrupts that get lost are counted; the next ones come again" {
	open
	ctl irq drop 2 pf
	ctl link down
	ctl link up
	show_is .ctl.irqs_lost '{"pf":2}'
	[ "$(show .ctl.irqs_to_lose)" = '{}' ]
	run ! grep -q 'link state change event' "$tmp/testpmd-a/out"
	ctl link down
	wait_for 10 pf_says down
}

@test "late interrupts come, later" {
	open
	ctl irq delay 400000
	ctl link down
	run ! grep -q 'link state change event' "$tmp/testpmd-a/out"
	[ "$(show '.ctl.irqs_late > 0 and .ctl.irq_delay_us == 400000')" = true ]
	wait_for 10 pf_says down
}

@test "a slow mailbox makes a VF's request slow, not wrong" {
	open
	before=$(show .ctl.mails_late)
	ctl mailbox delay 20000 vf0
	start=$(date +%s%N)
	tp a "rx_vlan add 77 port 0 vf 1"
	tp a "mac_addr add 1 02:09:c0:00:00:77"
	took=$((($(date +%s%N) - start) / 1000000))
	echo "took $took ms"
	[ "$took" -ge 40 ]
	[ "$(show .ctl.mails_late)" -gt "$before" ]
	[ "$(show '.pools[0].macs | index("02:09:c0:00:00:77") != null')" = true ]
	[ "$(show .ctl.mailbox_delay_us)" = '{"vf0":20000}' ]
}

@test "a VF that is reset from outside: its rings stop, the PF hears of it, the neighbour goes on" {
	open
	resets=$(show '.functions[1].resets')
	requests=$(show '.functions[0].interrupts')
	ctl flr 0
	[ "$(show '.functions[1].resets')" = $((resets + 1)) ]
	[ "$(show '.functions[0].interrupts')" -gt "$requests" ]
	[ "$(show '[.rx_queues[] | select(.pool == 0 and .enabled)] | length')" = 0 ]
	[ "$(show '[.rx_queues[] | select(.pool == 1 and .enabled)] | length')" -gt 0 ]
}

@test "a VF that is pulled out reads as all ones and sends nothing; restore brings back a new one" {
	open --wire loop
	ctl remove vf1
	[ "$(show '.functions[2] | [.name, .removed]')" = '["vf1",true]' ]
	show_is .ctl.removed '{"vf1":1}'
	before=$(show '.pools[1].tx_packets')
	tp a "set fwd txonly"
	tp a "set portlist 1,2"
	tp a start
	wait_for 20 sent_by 0
	tp a stop
	[ "$(show '.pools[1].tx_packets')" = "$before" ]
	run -1 --separate-stderr ctl remove 1
	grep -q 'out already' <<<"$stderr"
	ctl restore
	[ "$(show '.functions[2].removed')" = false ]
	show_is .ctl.removed '{}'
}

sent_by() {
	[ "$(show ".pools[$1].tx_packets")" -gt 100 ]
}
