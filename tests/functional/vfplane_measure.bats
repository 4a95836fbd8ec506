# SPDX-License-Identifier: BSD-3-Clause
# What vfplane says about its own numbers: manifest, histograms, latency over time, noise.

setup() {
	load helpers
	need_built "$VFPLANE" "$VFCTL"
	eal=(-l 0-1 --no-huge -m 256 --no-telemetry --file-prefix "$(unique_name)")
	null=(--vdev=net_null0 --vdev=net_null1)
	report=$BATS_TEST_TMPDIR/report.json
}

want() {
	jq -er "$1" "$report"
}

@test "a report says under which conditions its numbers came about" {
	printf 'forward one { from = net_null0  to = net_null1  mode = io }\n' >"$BATS_TEST_TMPDIR/c.conf"
	run -0 "$VFPLANE" "${eal[@]}" "${null[@]}" \
		--vfio-vf-token 5ec2e7aa-0000-4000-8000-000000000000 \
		-- --config "$BATS_TEST_TMPDIR/c.conf" --run 1 --json "$report"
	[ "$(want .manifest.configuration.sha256)" = "$(sha256sum <"$BATS_TEST_TMPDIR/c.conf" | cut -d' ' -f1)" ]
	[ "$(want .manifest.configuration.text)" = "$(cat "$BATS_TEST_TMPDIR/c.conf")" ]
	[ "$(want .manifest.kernel)" = "$(uname -r)" ]
	[ "$(want .manifest.source)" = vdev ]
	[ "$(want .manifest.clock.name)" = TSC ]
	[ "$(want '.manifest.clock.hz > 1e8')" = true ]
	[ "$(want .manifest.isolation.isolated)" = "$(sed 's/^$/none/' /sys/devices/system/cpu/isolated)" ]
	[ "$(want '.manifest.layout[0].queues[0]')" = "net_null0:0 one" ]
	[ "$(want '.manifest.ports[0].link_mbit')" = 10000 ]
	date -u -d "$(want .manifest.date)" +%s
	# Neither the secret nor what is another in every run.
	[ "$(want .manifest.eal_args)" = "-l 0-1 --no-huge -m 256 --no-telemetry ${null[*]}" ]
	run ! grep -q 5ec2e7aa "$report"
	[ "$(want '.noise.cores[0] | .lcore, .timer_per_s >= 0' | tr '\n' ' ')" = "1 true " ]
}

@test "latency over time adds up to the whole, and a clear takes nothing from it" {
	run -0 "$VFPLANE" "${eal[@]}" "${null[@]}" -- -i --json "$report" < <(
		echo start
		sleep 2.2
		echo clear latency
		sleep 1.2
		echo quit
	)
	[ "$(want '.latency_series | map(.name + "/" + .kind) | length')" = 4 ]
	[ "$(want '.latency_series[0].points | length >= 2')" = true ]
	# No gap between the points, and none overlaps.
	[ "$(want '[.latency_series[].points | [.[:-1], .[1:]] | transpose | .[] |
		(.[0].at_s + .[0].seconds - .[1].at_s) | fabs < 1e-6] | all')" = true ]
	[ "$(want '.latency_series[0].points | map(.count) | add')" = \
		"$(want '.ports[1].queues[0].tx_packets')" ]
	[ "$(want '.latency[0].count < .ports[1].queues[0].tx_packets')" = true ]
	[ "$(want '.histograms[0].hdr | startswith("HISTFAAA")')" = true ]
	[ "$(want '[.latency_series[].points[] | select(.count > 0) | .p50_ns <= .p99_ns and
		.p99_ns <= .p999_ns and .p999_ns <= .max_ns] | all')" = true ]
}

@test "histograms as files, at the end and from the prompt" {
	local dir=$BATS_TEST_TMPDIR/hist f

	run -0 "$VFPLANE" "${eal[@]}" "${null[@]}" -- -i --json "$report" --hist-dir "$dir/end" < <(
		echo start
		sleep 1.2
		echo "write latency $dir"
		echo "write latency /nonexistent/x"
		echo quit
	)
	[[ "$output" == *"4 histograms in $dir"* ]]
	[[ "$output" == *"/nonexistent/x: No such file"* ]]
	for f in "$dir" "$dir/end"; do
		[ "$(find "$f" -maxdepth 1 -name '*.hgrm' | wc -l)" = 4 ]
		[ "$(find "$f" -maxdepth 1 -name '*.hlog' | wc -l)" = 4 ]
	done
	f=$dir/end/net_null0-net_null1.residence
	[ "$(sed -n '/Total count/s/.*Total count *= *\([0-9]*\)]/\1/p' "$f.hgrm")" = \
		"$(want '.latency[0].count')" ]
	# The median of the file is the report's, within the three digits of both.
	awk -v p50="$(want '.latency[0].p50_ns')" '$2 == "0.500000000000" { v = $1 * 1000; n++ }
		END { exit !(n == 1 && v > p50 * 0.998 - 1 && v < p50 * 1.002 + 1) }' "$f.hgrm"
	grep -q '^"Value","Percentile","TotalCount","1/(1-Percentile)"$' "$f.csv"
	[ "$(grep -c HISTFAAA "$f.hlog")" = "$(want '.latency_series[0].points | length')" ]
	run -3 "$VFPLANE" "${eal[@]}" "${null[@]}" -- --run 1 --hist-dir /nonexistent/x
	[[ "$output" == *"/nonexistent/x: No such file"* ]]
}

@test "show noise: a row a polling lcore, remedies below, 80 columns" {
	run -0 "$VFPLANE" "${eal[@]}" "${null[@]}" -- -i < <(
		echo start
		sleep 0.5
		echo show noise
		echo quit
	)
	output=$(sed -n '/show noise/,/vfplane> quit/p' <<<"$output" | tr -d '\r')
	[[ "$output" == *"lcore  cpu  stolen  waited"* ]]
	[[ "$output" == *"From the kernel's own counters"* ]]
	[ "$(awk '{ if (length > 80) n++ } END { print n + 0 }' <<<"$output")" = 0 ]
}

@test "reports are compared by their series and their manifests" {
	local other=$BATS_TEST_TMPDIR/other.json

	"$VFPLANE" "${eal[@]}" "${null[@]}" -- --run 7 --json "$report" >/dev/null 2>&1
	run -0 "$VFCTL" compare --json "$report" "$report"
	[ "$(jq -r '.runs[0].samples > 100000' <<<"$output")" = true ]
	[ "$(jq -r '.comparisons[0].verdict' <<<"$output")" = "cannot tell" ]
	[ "$(jq '.comparisons[0].figures[1] | .verdict == "cannot tell" and .ratio.low <= 1 and .ratio.high >= 1' \
		<<<"$output")" = true ]
	jq '.manifest.configuration.sha256 = "beef"' "$report" >"$other"
	run -0 "$VFCTL" compare --json "$report" "$other"
	[ "$(jq -r '.comparisons[0].compared' <<<"$output")" = configuration ]
	jq '.source = "soft82599"' "$report" >"$other"
	run -1 "$VFCTL" compare "$report" "$other"
	[[ "$output" == *"the numbers mean different things: source (vdev, soft82599)"* ]]
	jq '.manifest.ports[].link_mbit = 1000 | .manifest.governor = "powersave" |
		.manifest.kernel = "5.10"' "$report" >"$other"
	run -1 "$VFCTL" compare "$report" "$other"
	[[ "$output" == *"more than one thing differs"*"link_mbit (10000, 1000)"* ]]
	run -1 "$VFCTL" compare "$report" "$TOP/tests/data/compare/vf-default.txt"
	[[ "$output" == *"kind (residence, rtt)"* ]]
}

# One vfplane with its telemetry, until the input of the test ends.
start_served() {
	prefix=$(unique_name)
	mkfifo "$BATS_TEST_TMPDIR/in"
	"$VFPLANE" -l 0-1 --no-huge -m 256 --file-prefix "$prefix" "${null[@]}" -- -i \
		--config "$BATS_TEST_TMPDIR/c.conf" <"$BATS_TEST_TMPDIR/in" >"$BATS_TEST_TMPDIR/out" 2>&1 3>&- &
	served=$!
	exec 7>"$BATS_TEST_TMPDIR/in"
	echo start >&7
	wait_for 30 "$VFCTL" show --prefix "$prefix" lcores
}

stop_served() {
	echo quit >&7
	exec 7>&-
	wait "$served"
}

received_millions() {
	"$VFCTL" show --prefix "$prefix" --json ports |
		jq -e --argjson n "$1" '.ports[0].rx_packets > $n * 1000000'
}

@test "vfctl show and top ask a running vfplane" {
	local all

	printf 'forward ping-pong { from = net_null0  to = net_null1  mode = io }\n' >"$BATS_TEST_TMPDIR/c.conf"
	start_served
	wait_for 30 received_millions 10
	"$VFCTL" show --prefix "$prefix" ports >"$BATS_TEST_TMPDIR/ports"
	"$VFCTL" show --prefix "$prefix" --json latency >"$BATS_TEST_TMPDIR/latency"
	"$VFCTL" show --prefix "$prefix" --json lcores >"$BATS_TEST_TMPDIR/lcores"
	"$VFCTL" show --prefix "$prefix" noise >"$BATS_TEST_TMPDIR/noise"
	run -3 "$VFCTL" show --prefix "$prefix" ports nobody
	all=$output
	"$VFCTL" top --prefix "$prefix" --interval 200ms --count 2 >"$BATS_TEST_TMPDIR/top"
	stop_served
	[[ "$all" == *"it knows no ports nobody"* ]]
	grep -q '^net_null0 .*vdev' "$BATS_TEST_TMPDIR/ports"
	# A rule's name with a sign that telemetry does not take as a key is there all the same.
	[ "$(jq -r '[.latency[] | .name + "/" + .kind] | join(" ")' "$BATS_TEST_TMPDIR/latency")" = \
		"ping-pong/residence ping-pong/bound" ]
	[ "$(jq '.latency[0] | .count > 1000 and .p50_ns > 0' "$BATS_TEST_TMPDIR/latency")" = true ]
	# Packets and bursts are read one after the other, while it runs.
	[ "$(jq '.lcores[0].packets_per_burst | . > 31 and . < 33' "$BATS_TEST_TMPDIR/lcores")" = true ]
	grep -Eq "^ +1 +[0-9]+ " "$BATS_TEST_TMPDIR/noise"
	[ "$(grep -c 'rates over the last' "$BATS_TEST_TMPDIR/top")" = 2 ]
	grep -Eq '^net_null0 +[0-9.]+ [kM]pps' "$BATS_TEST_TMPDIR/top"
	[ "$(cat "$BATS_TEST_TMPDIR"/{ports,noise,top} | awk '{ if (length > 80) n++ } END { print n + 0 }')" = 0 ]
}

@test "vfctl show says who is not there, and who may not ask" {
	need_root
	run -3 "$VFCTL" show --prefix no-such-prefix ports
	[[ "$output" == *"no-such-prefix/dpdk_telemetry.v2: No such file"* ]]
	run -2 "$VFCTL" show
	run -2 "$VFCTL" show portz
	[[ "$output" == *"no such thing: portz"*"usage: vfctl show"* ]]
	run -2 "$VFCTL" show vf
	[[ "$output" == *"vf needs a port's name"* ]]
	run -2 "$VFCTL" show lcores 1
	run -2 "$VFCTL" top --interval 0
	printf 'forward one { from = net_null0  to = net_null1  mode = io }\n' >"$BATS_TEST_TMPDIR/c.conf"
	cp "$VFCTL" "$BATS_TEST_TMPDIR/vfctl"
	start_served
	chmod 755 "$BATS_TEST_TMPDIR" "$BATS_TEST_TMPDIR/vfctl"
	run setpriv --reuid=65534 --regid=65534 --clear-groups \
		"$BATS_TEST_TMPDIR/vfctl" show --prefix "$prefix" ports
	stop_served
	[ "$status" -eq 3 ] || skip "user 65534 cannot run programs of this folder"
	[[ "$output" == *"permission denied: it belongs to the user who runs vfplane"* ]]
}
