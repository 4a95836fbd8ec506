# SPDX-License-Identifier: BSD-3-Clause
# 63 VFs in three processes, and traffic between VFs of different ones.
# timeout: 300
# shellcheck disable=SC2034,SC2154,SC2317 # variables of the files that setup loads; wait_for

setup() {
	load helpers
	load testpmd
	load processes
	need_built "$SOFT82599"
	card=$(unique_name)
}

teardown() {
	tp_kill_all
}

# addresses FIRST: of 21 VFs.
addresses() {
	local n

	for ((n = $1; n < $1 + 21; n++)); do
		printf '03:%02x.%d ' $((16 + n / 4)) $((n % 4 * 2 + 1))
	done
}

# open NAME VERB "PORTS": they answer whoever sends them something.
open() {
	local name=$1 verb=$2 port allow=()

	for port in $3; do
		allow+=(-a "0000:$port")
	done
	# shellcheck disable=SC2086 # the verb may bring options of its own
	tp_open "$name" "$SOFT82599" $verb --name "$card" -- dpdk-testpmd -l 0-1 --no-huge -m 384 \
		--no-telemetry --file-prefix "$card-$name" "${allow[@]}" -- -i \
		--total-num-mbufs=32768 --rxd=256 --txd=256 --port-topology=loop --no-flush-rx
	tp "$name" "set fwd macswap" >"$tmp/o"
}

# peers NAME FIRST SHIFT: port k of NAME, its first VF being FIRST, talks to the VF SHIFT further on.
peers() {
	local k vf first=${4-0}

	for ((k = 0; k < 21; k++)); do
		vf=$((($2 + k + $3) % 63))
		echo "set eth-peer $((k + first)) $(jq -r ".pools[$vf].macs[0]" "$tmp/show")"
	done >"$tmp/peers"
	while read -r line; do
		tp "$1" "$line" >"$tmp/o"
	done <"$tmp/peers"
}

# traffic SECONDS: each VF sends a burst to one of the next process, and all answer.
traffic() {
	open a "run --vfs 63" "03:00.1 $(addresses 0)"
	open b exec "$(addresses 21)"
	open c exec "$(addresses 42)"
	for name in a b c; do
		tp "$name" "show port summary all" >"$tmp/summary-$name"
		[ "$(grep -c ' net_ixgbe_vf  *up' "$tmp/summary-$name")" = 21 ]
	done
	tp a "set all queues drop 0 on" >"$tmp/o"
	tp a "set portlist $(seq -s, 21)" >"$tmp/o"
	show
	[ "$(jq '[.pools[:63][].macs[0]] | unique | length' "$tmp/show")" = 63 ]
	peers a 0 21 1
	peers b 21 21
	peers c 42 21
	for name in c b a; do
		tp "$name" "start tx_first 1" >"$tmp/o"
	done
	all_move() {
		show && [ "$(jq --argjson n "$1" '[.pools[:63][].rx_packets] | min > $n' \
			"$tmp/show")" = true ]
	}
	wait_for 60 all_move 1000
	sleep "$1"
	show
	wait_for 60 all_move "$(jq '[.pools[:63][].rx_packets] | min' "$tmp/show")"
	for name in a b c; do
		tp "$name" stop >"$tmp/o"
	done
	show
	jq -c '.stats, ([.pools[].tx_packets] | add), ([.pools[].rx_packets] | add),
		([.pools[].drops] | unique), ([.pools[:63][].rx_packets] | [min, max])' "$tmp/show"
	# Nothing unaccounted, and what is dropped was dropped for want of descriptors.
	[ "$(jq '[.pools[].tx_packets] | add' "$tmp/show")" -eq "$(jq '([.pools[].rx_packets] | add) +
		([.pools[].drops[]?] | add // 0) + .stats.wire_tx_packets' "$tmp/show")" ]
	[ "$(jq -c '[.pools[].drops | keys[]] | unique - ["no_desc"]' "$tmp/show")" = "[]" ]
	[ "$(jq '.stats.wire_tx_packets' "$tmp/show")" = 0 ]
}

@test "63 VFs in three processes: every port up, pairs across processes, nothing unaccounted" {
	traffic 2
}

# bats test_tags=long
@test "63 VFs in three processes for 60 s" {
	traffic 60
}
