# SPDX-License-Identifier: BSD-3-Clause
# Tenants of one card are stopped under flood: that costs themselves, and nobody else.
# timeout: 240
# shellcheck disable=SC2034,SC2154,SC2317 # variables of the files that setup loads; wait_for

setup() {
	load helpers
	load testpmd
	load processes
	need_built "$SOFT82599"
	card=$(unique_name)
}

teardown() {
	tenant_kill_all
	tp_kill_all
}

stopped() {
	grep -q '^State:.*(stopped)' "/proc/${TENANT[$1]}/status"
}

# A receiver of floods, VF 3, and who floods it, VF 4.
open_flood() {
	open_survivors "03:10.1 03:10.3"
	tenant receiver 03:10.7 --forward-mode=rxonly
	known() { show && [ "$(mac vf3)" != null ]; }
	wait_for 20 known
	tenant flood 03:11.1 --forward-mode=txonly --eth-peer="0,$(mac vf3)"
	moved flood vf4 tx_packets 10000
	moved receiver vf3 rx_packets 10000
}

# survivors_move: their ping-pong goes on.
survivors_move() {
	show
	moved a vf1 rx_packets $(($(pool vf1 rx_packets) + 5000))
}

@test "a receiver that is stopped under flood loses its own frames, and nobody else any" {
	open_flood
	kill -STOP "${TENANT[receiver]}"
	wait_for 10 stopped receiver
	show
	before=$(pool vf3 'drops.no_desc // 0')
	dropped_more() { show && [ "$(pool vf3 'drops.no_desc // 0')" -gt $((before + 10000)) ]; }
	wait_for 20 dropped_more
	survivors_move
	received=$(pool vf3 rx_packets)
	kill -CONT "${TENANT[receiver]}"
	moved receiver vf3 rx_packets $((received + 10000))
	tp a stop >"$tmp/stop"
	show
	jq -c '.pools[:5][] | {owner, rx_packets, tx_packets, drops}, .stats' "$tmp/show"
	survivors_lost_nothing
	[ "$(jq .rx_fifo.stalls "$tmp/show")" = 0 ]
}

@test "a sender that is stopped 20 times in the midst of its work keeps nobody waiting" {
	open_flood
	for round in {1..20}; do
		kill -STOP "${TENANT[flood]}"
		wait_for 10 stopped flood
		survivors_move
		# It was let out of the lock, not let go.
		wait_for 10 stopped flood
		show
		sent=$(pool vf4 tx_packets)
		kill -CONT "${TENANT[flood]}"
		moved flood vf4 tx_packets "$sent"
	done
	tp a stop >"$tmp/stop"
	show
	jq -c .stats "$tmp/show"
	survivors_lost_nothing
	[ "$(jq .stats.lock_repairs "$tmp/show")" = 0 ]
	# Most of its time it is inside the lock.
	[ "$(jq .stats.lock_nudges "$tmp/show")" -ge 1 ]
}

@test "without drop-enable a stopped receiver stalls everybody, until it goes on" {
	open_flood
	tp a "set all queues drop 0 off"
	kill -STOP "${TENANT[receiver]}"
	wait_for 10 stopped receiver
	stalled() {
		show
		before=$(jq -c '[.pools[].rx_packets]' "$tmp/show")
		sleep 0.3 # nothing tells of what does not happen
		show
		[ "$(jq -c '[.pools[].rx_packets]' "$tmp/show")" = "$before" ]
	}
	wait_for 20 stalled
	[ "$(jq .rx_fifo.stalls "$tmp/show")" -ge 1 ]
	[ "$(jq .rx_fifo.packets "$tmp/show")" -ge 1 ]
	kill -CONT "${TENANT[receiver]}"
	survivors_move
	tp a stop >"$tmp/stop"
	# What was inside came out: nothing is lost by waiting.
	kill -KILL "${TENANT[flood]}"
	empty() { show && [ "$(jq .rx_fifo.packets "$tmp/show")" = 0 ]; }
	wait_for 10 empty
	show
	jq -c '.pools[:5][] | {owner, rx_packets, tx_packets, drops}, .stats, .rx_fifo' "$tmp/show"
	survivors_lost_nothing
}
