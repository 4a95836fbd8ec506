# SPDX-License-Identifier: BSD-3-Clause
# DPDK of Debian's next release drives the card, unmodified, from a root folder of that release.
# Only the launcher is this release's; its library meets a newer glibc and newer drivers.
# timeout: 600
# shellcheck disable=SC2034,SC2154,SC2317 # variables of the files that setup loads; wait_for

setup() {
	load helpers
	load testpmd
	load processes
	need_root
	need_built "$SOFT82599"
	card=$(unique_name)
}

teardown() {
	tp_kill_all
}

# Runs in the card's own mount namespace, so that what is mounted here ends with it. What is
# preloaded, libsoft82599.so and stdbuf's library, has to be there in the other root as well.
in_root() {
	cat <<-'END'
		set -e
		root=$1
		shift
		for dir in proc sys dev; do mount --rbind /$dir "$root/$dir"; done
		for lib in ${LD_PRELOAD//:/ }; do install -D "$lib" "$root$lib"; done
		exec chroot "$root" "$@"
	END
}

# open NAME VERB "PORTS": DPDK maps page by page, and no more than 65535 pages.
open() {
	local name=$1 verb=$2 port allow=()

	for port in $3; do
		allow+=(-a "0000:$port")
	done
	tp_open "$name" "$SOFT82599" "$verb" --name "$card" -- bash "$tmp/in_root" "$root" \
		dpdk-testpmd -v -l 0-1 --no-huge -m 160 --file-prefix "$card-$name" "${allow[@]}" -- -i \
		--total-num-mbufs=16384 --no-flush-rx --rxq=2 --txq=2 --txonly-multi-flow --rss-udp
}

# bats test_tags=long
@test "DPDK 24.11 of trixie: PF and VFs in two processes, mac ping-pong, RSS, all unmodified" {
	root=$tmp/root
	in_root >"$tmp/in_root"
	"$TOP/tests/functional/next_release.sh" "$root" dpdk-dev >"$tmp/apt.log" 2>&1 ||
		{ tail -n 5 "$tmp/apt.log" && false; }
	# the PF first, with RSS: VFs that come later get all the queues of their pools
	open pf run "03:00.1"
	open vf exec "03:10.1 03:10.3"
	grep "RTE Version: 'DPDK 24.11" "$tmp/testpmd-pf/err"
	grep "RTE Version: 'DPDK 24.11" "$tmp/testpmd-vf/err"
	tp pf "show port summary all" | grep -q ' net_ixgbe .* up '
	[ "$(tp vf "show port summary all" | grep -c ' net_ixgbe_vf .* up ')" = 2 ]
	tp pf "set all queues drop 0 on"
	tp vf "set fwd mac"
	show
	tp vf "set eth-peer 0 $(mac vf1)"
	tp vf "set eth-peer 1 $(mac vf0)"
	tp vf "start tx_first 1"
	moved vf vf0 rx_packets 100000
	tp vf stop
	show
	jq -c '.pools[0, 1] | {tx_packets, rx_packets, drops}' "$tmp/show"
	[ "$(jq -c '[.pools[0, 1] | .drops]' "$tmp/show")" = '[{},{}]' ]
	[ "$(pool vf0 tx_packets)" -eq "$(pool vf1 rx_packets)" ]
	[ "$(pool vf1 tx_packets)" -eq "$(pool vf0 rx_packets)" ]
	[ "$(jq .invariants.hold "$tmp/show")" = true ]
	# flows from the PF (many addresses) spread over the two queues of VF 0
	tp vf "set portlist 0"
	tp vf "set fwd rxonly"
	tp vf start
	before=$(pool vf0 rx_packets)
	tp pf "set eth-peer 0 $(mac vf0)"
	tp pf "set fwd txonly"
	tp pf start
	moved vf vf0 rx_packets $((before + 20000))
	tp pf stop
	show
	jq -c '[.rx_queues[] | select(.pool == 0) | .packets]' "$tmp/show"
	[ "$(jq '[.rx_queues[] | select(.pool == 0) | .packets] | length == 2 and
		min > 5000' "$tmp/show")" = true ]
	[ "$(jq .invariants.hold "$tmp/show")" = true ]
}
