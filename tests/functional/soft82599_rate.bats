# SPDX-License-Identifier: BSD-3-Clause
# How fast a queue whose rate is limited sends.
# alone: rates are measured by the clock
# shellcheck disable=SC2034,SC2154,SC2317 # variables of the files that setup loads

setup() {
	load helpers
	load testpmd
	load switch
	need_built "$SOFT82599"
	card=$(unique_name)
	tmp=$BATS_TEST_TMPDIR
}

teardown() {
	tp_kill_all
}

# point: "monotonic-ns bits" of VF 0's first queue, CRC included
point() {
	show | jq -r '[.monotonic_ns, (.tx_queues[] | select(.id == 0) |
		(.bytes + 4 * .packets) * 8)] | @tsv'
}

# Long frames and a long ring: a sender that is off its processor for a while must not matter.
@test "rate limits hold within 1% over a second" {
	open "" --txd=4096
	tp a "set portlist 1"
	tp a "set fwd txonly"
	tp a "set txpkts 1500"
	for rate in 10 100 400; do
		tp a "set port 0 vf 0 rate $rate queue_mask 1"
		[ "$(show | jq '.tx_queues[] | select(.id == 0) | .rate_mbps')" -eq $rate ]
		tp a start
		read -r t0 b0 < <(point)
		sleep 1
		read -r t1 b1 < <(point)
		tp a stop
		got=$(((b1 - b0) * 1000000 / (t1 - t0)))
		echo "$rate Mbit/s asked, $got kbit/s seen"
		[ $got -ge $((rate * 990)) ]
		[ $got -le $((rate * 1010)) ]
	done
	tp a "set port 0 vf 0 rate 0 queue_mask 1"
	send 1 "$mac1"
	holds
}
