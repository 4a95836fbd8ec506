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

# The card's own word on VF 1's first queue: "monotonic-ns packets"
sent_by_vf1() {
	"$SOFT82599" show --name "$card" --json |
		jq -r '[.monotonic_ns, (.tx_queues[] | select(.id == 4) | .packets)] | @tsv'
}

# limit: packets a second that VF 1's queue really sends while it is given all that its ring takes
limit() {
	local t0 n0 t1 n1 flood

	cat limiter.conf - >all.conf <<-END
		forward flood { from = vf1  mode = source  peer = vf0  sizes = {1518} }
	END
	"$SOFT82599" run --name "$card" --vfs 2 -- "$VFPLANE" -l 0-1 --no-huge -m 512 --no-telemetry \
		--file-prefix "$card" -- --config all.conf --run 6 >flood 2>&1 3>&- &
	flood=$!
	# shellcheck disable=SC2317,SC2329 # wait_for calls it
	flows() { read -r t0 n0 < <(sent_by_vf1 2>/dev/null) && [ "${n0:-0}" -gt 1000 ]; }
	wait_for 20 flows
	sleep 3 # measured over
	read -r t1 n1 < <(sent_by_vf1)
	wait "$flood"
	awk -v n=$((n1 - n0)) -v ns=$((t1 - t0)) 'BEGIN { printf "%.1f", n * 1e9 / ns }'
}

# What comes to VF 0 goes to VF 1 and back by its limited queue, whose ring of 256 may hide no more than
# 0.4 % of a trial of 8 s: a ring is what a trial above the limit fills first.
# bats test_tags=long
@test "the search finds the limit of a rate-limited VF within 1%" {
	need_built "$VFPLANE" "$VFCTL"
	cd "$tmp"
	# The limit is shared out to the four queues of VF 1's pool, of which it uses one.
	cat >limiter.conf <<-END
		pf 0 { pci = 0000:03:00.1 }
		vf 0 { mac = 02:09:c0:00:00:00  peer = vf1 }
		vf 1 { mac = 02:09:c0:00:00:01  peer = vf0  rate = 400 }
		port vf0 { queues = 1  rx_ring = 4096 }
		port vf1 { queues = 1  rx_ring = 4096  tx_ring = 256 }
	END
	limit=$(limit)
	cat limiter.conf - >trial.conf <<-END
		forward back { from = vf1  to = vf1  mode = macswap }
	END
	TRIAL_CONFIG=trial.conf run "$VFCTL" bench throughput --sizes 1518 --losses 0 --repeats 1 \
		--precision 0.3 --trial-time 8 --short-time 2 --max-rate 20000 --json r.json --trial \
		"'$TOP/bench/trial.sh' vf0 '$SOFT82599' run --name $card --vfs 2 -- '$VFPLANE' -l 0-1 \
		--no-huge -m 512 --no-telemetry --file-prefix $card"
	echo "$output"
	[ "$status" -eq 0 ]
	echo "the limiter: $limit packets/s; found: $(jq -c '.results[0]' r.json)"
	[ "$(jq --argjson limit "$limit" '.results[0] | .limit == "found" and
		(.mean_pps / $limit - 1 | fabs < 0.01)' r.json)" = true ]
	[ "$(jq -r .source r.json)" = soft82599 ]
}
