# SPDX-License-Identifier: BSD-3-Clause
# vfctl bench throughput, with trials of a model, and vfctl plot.

setup() {
	load helpers
	need_built "$VFCTL"
	cd "$BATS_TEST_TMPDIR" || return
	# A system that lets 3 Mpps pass, whatever is offered; it breaks at call $BREAK_AT.
	cat >trial <<-'END'
		#!/usr/bin/awk -f
		BEGIN {
			while ((getline line < "calls") > 0)
				calls = line
			print calls + 1 > "calls"
			if (calls + 1 == ENVIRON["BREAK_AT"])
				exit 1
			sent = int(ENVIRON["RATE_PPS"] * ENVIRON["SECONDS_LONG"])
			limit = int(3e6 * ENVIRON["SECONDS_LONG"])
			printf "{\"sent\": %d, \"received\": %d, \"source\": \"a model\", %s}\n", sent,
				sent < limit ? sent : limit,
				"\"latency\": {\"p50_ns\": 1500, \"p99_ns\": 4000}"
		}
	END
	chmod +x trial
	bench=("$VFCTL" bench throughput --trial ./trial --sizes "64,1518" --repeats 3)
}

@test "the search finds a known limit, says how long it takes, and takes latency below it" {
	"${bench[@]}" --json r.json >out 2>progress
	[ "$(jq '[.results[] | select(.bytes == 64 and .may_lose == 0) | .mean_pps > 2.97e6 and
		.mean_pps <= 3e6 and .repeats == 3 and .limit == "found"] == [true]' r.json)" = true ]
	# 1518 bytes at line rate are fewer: nothing is lost, and it says so.
	[ "$(jq -r '.results[] | select(.bytes == 1518 and .may_lose == 0) | .limit' r.json)" = offered ]
	[ "$(jq -c '[.latency[] | select(.bytes == 64) | .load]' r.json)" = "[0.1,0.5,0.9]" ]
	[ "$(jq '.latency[0].p50_ns' r.json)" = 1500 ]
	[ "$(jq -r .source r.json)" = "a model" ]
	[ "$(jq '.trials | length' r.json)" = "$(cat calls)" ]
	grep -Eq '^ +64 .* found$' out
	grep -q '^64 bytes, 1 of 3, top: 14.9 Mpps .* left$' progress
	[[ "$(tail -n 1 progress)" == *"about 0:00:00 left" ]]
	[ "$(awk '{ if (length > 80) n++ } END { print n + 0 }' out)" = 0 ]
}

@test "a search that broke goes on where it was, and ends as if it had not" {
	run -0 "${bench[@]}" --json whole.json
	whole=$(cat calls)
	rm calls
	BREAK_AT=10 run -3 "${bench[@]}" --journal j --json r.json
	[[ "$output" == *"--trial: "* ]]
	[ "$(wc -l <j)" = 10 ]
	# A line that was being written when the power went is not there.
	printf '{"why": "nar' >>j
	run -0 "${bench[@]}" --journal j --json r.json
	[[ "$output" == *"goes on from j after 9 trials"* ]]
	[ "$(cat calls)" = $((whole + 1)) ]
	[ "$(jq -S 'del(.date)' whole.json)" = "$(jq -S 'del(.date)' r.json)" ]
	# Done is done: no trial more.
	run -0 "${bench[@]}" --journal j
	[ "$(cat calls)" = $((whole + 1)) ]
	# Other settings are another search.
	run -2 "${bench[@]}" --journal j --precision 1
	[[ "$output" == *"j:1: the settings of another search"* ]]
	sed -i '4s/"sent":/"sent":1,"was":/' j
	run -2 "${bench[@]}" --journal j
	[[ "$output" == *"j:"* ]]
}

@test "bench: mistakes are told" {
	run -2 "$VFCTL" bench throughput
	[[ "$output" == *"needs --trial COMMAND"* ]]
	run -2 "$VFCTL" bench --trial ./trial
	[[ "$output" == *"There is: throughput"* ]]
	run -2 "${bench[@]}" --sizes 63
	[[ "$output" == *"--sizes"*"64"* ]]
	run -2 "${bench[@]}" --losses 1,0
	[[ "$output" == *"each above the one before"* ]]
	run -2 "${bench[@]}" --precision x
	run -3 "$VFCTL" bench throughput --trial "echo hello"
	[[ "$output" == *'its output is no {"sent": N, "received": N}'* ]]
	run -3 "$VFCTL" bench throughput --trial "./no-such-command"
	[[ "$output" == *"ended with status 127"* ]]
}

is_png() {
	[ "$(head -c 8 "$1" | od -An -tx1 | tr -d ' ')" = 89504e470d0a1a0a ] && [ "$(stat -c %s "$1")" -gt 8000 ]
}

# A report of four queues on each of two ports, and of three seconds of latency.
make_report() {
	jq -n '{schema: "vfplane.report/1", source: "soft82599", duration_s: 3,
		manifest: {date: "2024-03-01T12:00:00Z", clock: {name: "TSC"}},
		ports: [range(2) | {name: "vf\(.)", queues: [range(4) | {id: ., rx_packets: (1000 + 100 * .)}]}],
		latency: [], latency_series: [{name: "ping-pong", kind: "residence", interval_s: 1,
			points: [range(3) | {at_s: ., seconds: 1, count: 9, p50_ns: (600 + .), p99_ns: 900,
			p999_ns: 5000, max_ns: 2000000}]}]}' >report.json
}

@test "plot: PNG and SVG, with units, source and interval on them" {
	command -v gnuplot
	make_report
	"${bench[@]}" --repeats 1 --json search.json >/dev/null 2>&1
	"$VFCTL" plot -o p.png percentiles "$TOP"/tests/data/compare/vf-*.txt
	"$VFCTL" plot -o p.svg percentiles "$TOP"/tests/data/compare/vf-*.txt
	"$VFCTL" plot -o t.png time report.json
	"$VFCTL" plot -o t.svg --title 'a "quoted" title' time report.json
	"$VFCTL" plot -o l.svg load search.json
	"$VFCTL" plot -o q.svg queues report.json
	is_png p.png
	is_png t.png
	grep -q 'latency, us' p.svg
	grep -q 'source: ping; rtt, clock ping' p.svg
	grep -q 'vf-itr-off.txt: ping, n = 296' p.svg
	grep -q 'time, s' t.svg
	grep -Eq 'a (&quot;|")quoted(&quot;|") title' t.svg
	grep -q 'source: soft82599; clock TSC; intervals of 1 s; began 2024-03-01' t.svg
	grep -q 'offered, Mpps' l.svg
	grep -q 'source: a model; trials of 10 s' l.svg
	grep -q 'share of what the port received' q.svg
	grep -q 'vf1:3' q.svg
	# What is drawn: 1300 of 4600 packets.
	run -0 "$VFCTL" plot -o q.svg --script queues report.json
	[[ "$output" == *'28.2609 25 "vf0:3"'* ]]
}

@test "plot: mistakes are told, and a missing gnuplot" {
	make_report
	run -2 "$VFCTL" plot -o x.jpg time report.json
	[[ "$output" == *"x.jpg: allowed are names that end in .png or .svg"* ]]
	run -2 "$VFCTL" plot time report.json
	[[ "$output" == *"where to?"* ]]
	run -2 "$VFCTL" plot -o x.png pie report.json
	[[ "$output" == *"no such picture: pie; there is percentiles, time, load, queues"* ]]
	run -2 "$VFCTL" plot -o x.png time --name nobody report.json
	[[ "$output" == *"no latency over time of that name"* ]]
	run -2 "$VFCTL" plot -o x.png load report.json
	[[ "$output" == *'needed: "vfctl.throughput/1"'* ]]
	run -2 "$VFCTL" plot -o x.png percentiles "$TOP"/tests/data/compare/seed-host-1g.txt
	[[ "$output" == *"a summary only"* ]]
	[ ! -e x.png ]
	PATH=/nonexistent run "$VFCTL" plot -o x.png time report.json
	[[ "$output" == *"apt-get install gnuplot-nox"* ]]
	run "$VFCTL" plot -o /nonexistent/x.png time report.json
	[ "$status" -eq 3 ]
	[[ "$output" == *"gnuplot could not draw /nonexistent/x.png"* ]]
}

# bats test_tags=long
@test "vfplane itself makes the trials: probes by a ring, all of them back" {
	need_built "$VFPLANE"
	printf 'forward t { from = net_ring0  mode = source  probe = yes  peer = 02:09:c0:00:00:01 }\n' >c.conf
	"$VFPLANE" --check --config c.conf || skip "this vfplane has no source mode"
	run -0 "$VFCTL" bench throughput --sizes 64 --losses 0 --repeats 1 --trial-time 1 --max-rate 5000 \
		--json r.json --trial "'$TOP/bench/trial.sh' net_ring0 '$VFPLANE' -l 0-1 --no-huge -m 256 \
		--no-telemetry --file-prefix $(unique_name) --vdev=net_ring0"
	jq -c '.results[0]' r.json
	# less where the source itself was held up, which it tells
	[ "$(jq '.results[0] | .limit == "offered" and .mean_pps > 1000 and .mean_pps <= 5000' \
		r.json)" = true ]
	[ "$(jq -r .source r.json)" = vdev ]
	[ "$(jq '[.latency[] | .load, (.p50_ns > 0)] == [0.1, true, 0.5, true, 0.9, true]' r.json)" = true ]
}
