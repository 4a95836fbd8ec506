# SPDX-License-Identifier: BSD-3-Clause
# Debian's own testpmd on soft82599: a client that knows nothing of this project.
# timeout: 240

setup() {
	load helpers
	load testpmd
	need_built "$SOFT82599"
	card=$(unique_name)
	eal=(-l 0-1 --no-huge -m 512)
}

teardown() {
	tp_kill_all
}

# open NAME VERB PORTS TESTPMD-ARGS...: a testpmd on the card; PORTS are PCI addresses.
open() {
	local name=$1 verb=$2 port allow=()

	for port in $3; do
		allow+=(-a "0000:$port")
	done
	shift 3
	# shellcheck disable=SC2086 # the verb may bring options of its own
	tp_open "$name" "$SOFT82599" $verb --name "$card" -- dpdk-testpmd "${eal[@]}" \
		--file-prefix "$card-$name" "${allow[@]}" -- -i --total-num-mbufs=16384 "$@"
}

show() {
	"$SOFT82599" show --name "$card" --json
}

# ping_pong PORT PORT: so many frames go to and fro; what is sent and not received is on its way.
ping_pong() {
	local sent received

	tp a "set portlist $1,$2"
	tp a "set eth-peer $1 $(tp_mac a "$2")"
	tp a "set eth-peer $2 $(tp_mac a "$1")"
	tp a "set fwd mac"
	tp a "start tx_first 1"
	wait_for 20 enough
	tp a stop
	sent=$(tp_total a TX-packets)
	received=$(tp_total a RX-packets)
	echo "sent $sent, received $received"
	# One burst of 32 from each side is under way for ever, if none gets lost.
	[ $((sent - received)) -eq 64 ]
	[ "$received" -gt 10000 ]
}

enough() {
	[ "$(tp_total a RX-packets)" -gt 10000 ]
}

@test "PF and two VFs come up: three ports with link" {
	open a "run --vfs 2" "03:00.1 03:10.1 03:10.3"
	tp a "show port summary all" >"$BATS_TEST_TMPDIR/summary"
	cat "$BATS_TEST_TMPDIR/summary"
	[ "$(grep -c ' net_ixgbe  *up' "$BATS_TEST_TMPDIR/summary")" = 1 ]
	[ "$(grep -c ' net_ixgbe_vf  *up' "$BATS_TEST_TMPDIR/summary")" = 2 ]
	tp_quit a
}

@test "mac ping-pong between two VFs loses nothing" {
	open a "run --vfs 2" "03:00.1 03:10.1 03:10.3"
	ping_pong 1 2
	tp_quit a
}

@test "mac ping-pong between PF and VF loses nothing" {
	open a "run --vfs 2" "03:00.1 03:10.1 03:10.3"
	ping_pong 0 1
	tp_quit a
}

@test "txonly to rxonly: every frame is received, or dropped for want of descriptors" {
	open a "run --vfs 2" "03:00.1 03:10.1"
	open b "exec" "03:10.3"
	tp a "set portlist 1"
	tp a "set eth-peer 1 $(tp_mac b 0)"
	tp a "set fwd txonly"
	tp b "set fwd rxonly"
	tp b start
	tp a start
	received() { [ "$(tp_total b RX-packets)" -gt 20000 ]; }
	wait_for 20 received
	tp a stop
	sleep 0.2 # what was sent last is in the ring, and rxonly takes it at its next poll
	tp b stop
	show >"$BATS_TEST_TMPDIR/show"
	sent=$(tp_total a TX-packets)
	got=$(tp_total b RX-packets)
	cat "$BATS_TEST_TMPDIR/show"
	dropped=$(jq '[.. | .no_desc? // empty] | add' "$BATS_TEST_TMPDIR/show")
	echo "sent $sent, received $got, dropped $dropped"
	[ "$sent" -eq $((got + dropped)) ]
	tp_quit b
	tp_quit a
}

@test "a tenant in another process quits and comes back" {
	open a "run --vfs 2" "03:00.1 03:10.1"
	for round in 1 2; do
		open "b$round" "exec" "03:10.3"
		tp "b$round" "show port summary all" | grep -q ' net_ixgbe_vf  *up'
		tp_quit "b$round"
	done
	tp_quit a
}

@test "PF and 31 VFs in one process" {
	eal=(-l 0-1 --no-huge -m 1024)
	ports=03:00.1
	for n in {0..30}; do
		ports+=$(printf ' 03:%02x.%d' $((16 + n / 4)) $((n % 4 * 2 + 1)))
	done
	open a "run --vfs 31" "$ports" --rxd=128 --txd=128
	tp a "show port summary all" >"$BATS_TEST_TMPDIR/summary"
	[ "$(grep -c ' net_ixgbe_vf  *up' "$BATS_TEST_TMPDIR/summary")" = 31 ]
	tp_quit a
}
