# SPDX-License-Identifier: BSD-3-Clause
# --wire peer: two cards back to back, each with a testpmd of its own.
# timeout: 200
# shellcheck disable=SC2317 # functions that wait_for calls

setup() {
	load helpers
	load testpmd
	need_built "$SOFT82599"
	name=$(unique_name)
	tmp=$BATS_TEST_TMPDIR
}

teardown() {
	tp_kill_all
}

# Pollers on different cores: two on one would wait for each other at each hop.
declare -gA MAIN=([a]=0 [b]=1)

# open END OTHER: card NAME-END, plugged into NAME-OTHER; PF and a VF that answers what it gets.
open() {
	tp_open "$1" "$SOFT82599" run --name "$name-$1" --vfs 1 --wire "peer:$name-$2" -- \
		dpdk-testpmd -l 0-1 --main-lcore "${MAIN[$1]}" --no-huge -m 256 --no-telemetry --file-prefix "$name-$1" \
		-a 0000:03:00.1 -a 0000:03:10.1 -- -i --total-num-mbufs=16384 --no-flush-rx \
		--disable-link-check --port-topology=loop
	tp "$1" "set portlist 1" >"$tmp/o"
	tp "$1" "set fwd macswap" >"$tmp/o"
}

# show END FILTER
show() {
	"$SOFT82599" show --name "$name-$1" --json | jq -c "$2"
}

show_is() {
	[ "$(show "$1" "$2")" = "$3" ]
}

more() {
	[ "$(show "$1" "$2")" -gt "$3" ]
}

# ping_pong: a burst for ever between the VF of a and that of b.
ping_pong() {
	tp a "set eth-peer 1 $(tp_mac b 1)" >"$tmp/o"
	tp b start >"$tmp/o"
	tp a "start tx_first 1" >"$tmp/o"
}

# settled FROM TO: what FROM has sent is counted as received by TO; of what is under way, it is not yet.
settled() {
	[ "$(show "$1" .stats.wire_tx_packets)" -eq "$(show "$2" .stats.wire_rx_packets)" ] &&
		[ "$(show "$1" .pools[0].tx_packets)" -eq "$(show "$2" .pools[0].rx_packets)" ]
}

# What both ends count when nothing moves any more: nothing was lost on the cable, or dropped by a pool.
nothing_lost() {
	local end

	wait_for 10 settled a b
	wait_for 10 settled b a
	for end in a b; do
		show_is $end '[.wire.lost, .pools[0].drops, .invariants.hold]' '[0,{},true]'
	done
}

@test "back to back: each sees the other's light, frames cross, a partner goes and comes back" {
	open a b
	show_is a '[.link.up, .wire.connected]' '[false,false]'
	open b a
	wait_for 10 show_is a .link.up true
	wait_for 10 show_is b .link.up true
	ping_pong
	wait_for 30 more a '.pools[0].rx_packets' 500
	tp a stop >"$tmp/o"
	tp b stop >"$tmp/o"
	nothing_lost
	# the wire's faults are here as well: of what a sends two frames do not arrive
	"$SOFT82599" ctl --name "$name-a" wire loss 2 out
	tp a "set fwd txonly" >"$tmp/o"
	tp a start >"$tmp/o"
	wait_for 20 show_is a .wire.impair.out.loss.hit 2
	tp a stop >"$tmp/o"
	arrived() { [ "$(show b .wire.received)" -eq "$(show a .wire.sent)" ]; }
	wait_for 10 arrived
	[ "$(show a '.stats.wire_tx_packets - .wire.sent - .wire.lost')" = 2 ]
	# the laser of b goes out with its port; its cable is pulled
	tp b "port stop 0" >"$tmp/o"
	wait_for 10 show_is a .link.up false
	tp b "port start 0" >"$tmp/o"
	wait_for 10 show_is a .link.up true
	"$SOFT82599" ctl --name "$name-b" link down
	wait_for 10 show_is a .link.up false
	"$SOFT82599" ctl --name "$name-b" link up
	wait_for 10 show_is a .link.up true
	# b dies, and another card of its name is plugged in
	kill -KILL "${TP_PID[b]}" "$(pgrep -P "${TP_PID[b]}")"
	wait "${TP_PID[b]}" || true
	wait_for 10 show_is a '[.link.up, .wire.connected]' '[false,false]'
	rm "$tmp/testpmd-b/in"
	open b a
	wait_for 10 show_is a '[.link.up, .wire.connections]' '[true,2]'
	tp a "set fwd macswap" >"$tmp/o"
	before=$(show a '.pools[0].rx_packets')
	ping_pong
	wait_for 30 more a '.pools[0].rx_packets' $((before + 100))
}

@test "a peer of a name that cannot be is told" {
	run -2 --separate-stderr "$SOFT82599" run --name "$name" --wire "peer:$name" -- true
	run -2 --separate-stderr "$SOFT82599" run --name "$name" --wire peer: -- true
}
