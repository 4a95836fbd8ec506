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

# pool OWNER FIELD: of the last show.
pool() {
	jq --arg owner "$1" ".pools[] | select(.owner == \$owner) | .$2" "$BATS_TEST_TMPDIR/show"
}

# ping_pong PORT OWNER PORT OWNER: a burst goes to and fro. The card's counters decide: a PF's own
# statistics count the queues of its VFs too, as they do on silicon.
ping_pong() {
	tp a "set portlist $1,$3"
	tp a "set eth-peer $1 $(tp_mac a "$3")"
	tp a "set eth-peer $3 $(tp_mac a "$1")"
	tp a "set fwd mac"
	tp a "start tx_first 1"
	enough() { show >"$BATS_TEST_TMPDIR/show" && [ "$(pool "$2" rx_packets)" -gt 10000 ]; }
	wait_for 20 enough "$@"
	tp a stop >"$BATS_TEST_TMPDIR/stop"
	show >"$BATS_TEST_TMPDIR/show"
	cat "$BATS_TEST_TMPDIR/stop"
	jq -c '.pools[] | {owner, rx_packets, tx_packets, drops}' "$BATS_TEST_TMPDIR/show"
	[ "$(pool "$2" tx_packets)" -eq "$(pool "$4" rx_packets)" ]
	[ "$(pool "$4" tx_packets)" -eq "$(pool "$2" rx_packets)" ]
	[ "$(jq -c '[.pools[].drops]' "$BATS_TEST_TMPDIR/show")" = "[{},{},{}]" ]
	run ! grep -E 'TX-dropped: [1-9]' "$BATS_TEST_TMPDIR/stop"
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
	ping_pong 1 vf0 2 vf1
}

@test "mac ping-pong between PF and VF loses nothing" {
	open a "run --vfs 2" "03:00.1 03:10.1 03:10.3"
	ping_pong 0 pf 1 vf0
}

@test "txonly to rxonly: every frame is received, or dropped for want of descriptors" {
	open a "run --vfs 2" "03:00.1 03:10.1"
	open b "exec" "03:10.3"
	tp a "set portlist 1"
	tp a "set eth-peer 1 $(tp_mac b 0)"
	tp a "set fwd txonly"
	tp b "set fwd rxonly"
	tp b start
	# shellcheck disable=SC2317 # called by wait_for
	tp a start
	received() { [ "$(tp_total b RX-packets)" -gt 20000 ]; }
	wait_for 20 received
	tp a stop
	# The last of them are in the ring when the sender stops; rxonly takes them at its next poll.
	settled() {
		show >"$BATS_TEST_TMPDIR/show"
		got=$(tp_total b RX-packets)
		[ "$got" -eq "$(pool vf1 rx_packets)" ]
	}
	wait_for 5 settled
	sent=$(pool vf0 tx_packets)
	dropped=$(pool vf1 'drops | [.[]] | add // 0')
	echo "sent $sent, received $got, dropped $(pool vf1 drops)"
	[ "$sent" -eq $((got + dropped)) ]
	[ "$dropped" -eq "$(pool vf1 'drops.no_desc // 0')" ]
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
}
