# SPDX-License-Identifier: BSD-3-Clause
# vfplane without a NIC: command line, configuration, forwarding between vdevs, prompt, signals.

setup() {
	load helpers
	need_built "$VFPLANE"
	eal=(-l 0-1 --no-huge -m 256 --no-telemetry --file-prefix "$(unique_name)")
	null=(--vdev=net_null0 --vdev=net_null1)
	report=$BATS_TEST_TMPDIR/report.json
}

want() {
	jq -er "$1" "$report"
}

@test "help, version and check need no EAL" {
	run -0 "$VFPLANE" --help
	[[ "$output" == *"--cmdline-file FILE"* ]]
	run -0 "$VFPLANE" --version
	[[ "$output" == "vfplane "* ]]
	for conf in "$TOP"/config/*.conf; do
		run -0 "$VFPLANE" --check --config "$conf"
		[[ "$output" == *"$conf is good"* ]]
		run -0 "$VFPLANE" -l 0 -- --check --config "$conf"
	done
}

@test "usage errors say what is allowed and exit with 2" {
	run -2 "$VFPLANE" -- --rum 5
	[[ "$output" == *"--rum"*"allowed: "*"--run"* ]]
	run -2 "$VFPLANE" -- --run never
	[[ "$output" == *"whole seconds"* ]]
	run -2 "$VFPLANE" -a nonsense --
	[[ "$output" == *"not a PCI address"* ]]
	run -2 "$VFPLANE" --check
	run -2 "$VFPLANE" "${eal[@]}" --no-such-eal-option --
	[[ "$output" == *"EAL did not start"* ]]
	run -2 "$VFPLANE" -- --config /nonexistent.conf
	[[ "$output" == *"/nonexistent.conf"* ]]
}

# Line numbers of a file's options, one "LINE OPTION" each. Comments are blanked first.
options() {
	perl -0pe 's{/\*.*?\*/}{ $a = $&; $a =~ s/[^\n]//g; $a }gse; s{(#|//)[^\n]*}{}g' "$1" |
		perl -ne 'while (/\b([a-z_]+)\s*=/g) { print "$. $1\n" }'
}

@test "every option of every example, misspelt or given a bad value, is an error with its line" {
	local tried=0 bad=$BATS_TEST_TMPDIR/bad.conf conf line option

	for conf in "$TOP"/config/*.conf; do
		while read -r line option; do
			sed -E "${line}s/\b$option( *=)/x$option\1/" "$conf" >"$bad"
			run -2 "$VFPLANE" --check --config "$bad"
			[[ "$output" == *"$bad:$line: "*"x$option"*"allowed: "* ]]
			sed -E "${line}s/\b($option *= *\{?)[^ ,}]+/\1!/" "$conf" >"$bad"
			run -2 "$VFPLANE" --check --config "$bad"
			[[ "$output" == *"$bad:$line: $option"*"allowed: "* ]]
			tried=$((tried + 1))
		done < <(options "$conf")
	done
	echo "$tried options"
	[ "$tried" -gt 20 ]
}

@test "two net_null ports: report, schema, nothing unaccounted for" {
	run -0 "$VFPLANE" "${eal[@]}" "${null[@]}" -- --run 1 --json "$report"
	[ "$(want .schema)" = vfplane.report/1 ]
	[ "$(want .source)" = vdev ]
	[ "$(want '.ports | map(.name) | join(" ")')" = "net_null0 net_null1" ]
	[ "$(want '.ports[0].rx_packets > 1000')" = true ]
	[ "$(want .totals.unaccounted)" = 0 ]
	[ "$(want '[.latency[] | select(.kind == "residence" and .count > 0 and
		.min_ns <= .p50_ns and .p50_ns <= .p99_ns and .p99_ns <= .max_ns)] | length')" = 2 ]
	[ "$(want '.duration_s >= 1 and .duration_s < 3')" = true ]
	[ "$(want '.lcores[0].id')" = 1 ]
	[ "$(want '.ports[0].queues[0].lcore')" = 1 ]
}

@test "the vdev example runs" {
	run -0 "$VFPLANE" "${eal[@]}" "${null[@]}" -- --config "$TOP/config/vdev.conf" --run 1 --json -
	[[ "$output" == *'"name": "loop-back"'* ]]
}

@test "the modes example runs: echo, probes that all return, tags" {
	run -0 "$VFPLANE" "${eal[@]}" "${null[@]/net_null1/net_null2}" --vdev=net_null3 --vdev=net_ring0 \
		--vdev=net_ring1 -- --config "$TOP/config/modes.conf" --run 3 --json "$report"
	[ "$(want '.probes[0] | [.name, .streams, .sent, .received, .lost] | tojson')" = \
		'["probes",16,5000,5000,0]' ]
	[ "$(want '.latency[] | select(.kind == "rtt") | .count')" = 5000 ]
	[ "$(want '.totals.generated')" = 5000 ]
	[ "$(want '.ports[] | select(.name == "net_null0") | .queues | length')" = 2 ]
	[ "$(want '[.latency[] | select(.name == "tag" or .name == "untag") | .count > 1000] | all')" = true ]
	[ "$(want '.lcores[0].packets_per_burst <= 16')" = true ]
	[ "$(want .manifest.burst)" = 16 ]
	[ "$(want .totals.unaccounted)" = 0 ]
}

@test "what a port or the buffers cannot be told says what is allowed" {
	local bad=$BATS_TEST_TMPDIR/bad.conf

	refused() {
		printf 'forward loop { from = net_null0 to = net_null1 mode = io }\n%s\n' "$1" >"$bad"
		run -3 "$VFPLANE" "${eal[@]}" "${null[@]}" -- --config "$bad" --run 1
		[[ "$output" == *"$bad:2: "*"$2"* ]]
	}
	refused 'datapath { mbufs = 100 }' "mbufs = 100; the rings, caches and bursts of this configuration need at least "
	refused 'port net_null7 { mtu = 1500 }' "there is no port net_null7"
	refused 'port net_null0 { mtu = 2100 }' "mtu = 2100 needs mbuf_size = 2126 or more in datapath"
	printf 'forward loop { from = net_null0 to = {net_null0, net_null1} mode = io }\n' >"$bad"
	run -0 "$VFPLANE" --check --config "$bad"
	[[ "$output" == *"forward loop: net_null0 -> net_null0, net_null1, io"* ]]
	run -3 "$VFPLANE" "${eal[@]}" "${null[@]}" -- --config "$bad" --run 1
	[[ "$output" == *"port net_null0 has 1 RX queues and cannot feed 2 ports"* ]]
	printf 'port net_null0 { queues = 3 }\n' >>"$bad"
	run -0 "$VFPLANE" "${eal[@]}" "${null[@]}" -- --config "$bad" --run 1 --json "$report"
	[ "$(want '.ports[1].tx_packets > 0 and .ports[0].tx_packets > 0')" = true ]
	[ "$(want .totals.unaccounted)" = 0 ]
}

@test "a capture crosses from one port to another, whole" {
	need_built "$MIXGEN"
	"$MIXGEN" --packets 2000 "$BATS_TEST_TMPDIR/in.pcap"
	cat >"$BATS_TEST_TMPDIR/c.conf" <<-END
		forward through { from = net_pcap0  to = net_pcap1  mode = io }
	END
	run -0 "$VFPLANE" "${eal[@]}" \
		--vdev="net_pcap0,rx_pcap=$BATS_TEST_TMPDIR/in.pcap,tx_pcap=$BATS_TEST_TMPDIR/back.pcap" \
		--vdev="net_pcap1,tx_pcap=$BATS_TEST_TMPDIR/out.pcap" -- \
		--config "$BATS_TEST_TMPDIR/c.conf" --run 1 --json "$report"
	[ "$(want '.ports[0].rx_packets')" = 2000 ]
	[ "$(want '.ports[1].tx_packets')" = 2000 ]
	[ "$(want .totals.unaccounted)" = 0 ]
	[ "$(tcpdump -nn -r "$BATS_TEST_TMPDIR/out.pcap" 2>/dev/null | wc -l)" = 2000 ]
}

@test "the prompt: start, set fwd, show, clear, stop, quit; a typo is told" {
	run -0 "$VFPLANE" "${eal[@]}" "${null[@]}" -- -i <<-END
		help
		start
		show ports
		set fwd macswap
		set fwd icmpecho
		set fwd txonly
		set fwd rxonly
		set rule net_null0-net_null1 mode macswap
		set burst 8
		show config fwd
		show latency
		show lcores
		show bringup
		show port stats net_null0
		show port stats 1
		show port stats nobody
		clear port stats all
		clear latency
		stop
		shwo ports
		set fwd route
		quit
	END
	[[ "$output" == *"set fwd io|mac|macswap"* ]]
	[[ "$output" == *"forwarding mode: macswap"*"forwarding mode: icmpecho"* ]]
	[[ "$output" == *"forwarding mode: txonly"*"forwarding mode: rxonly"* ]]
	[[ "$output" == *"burst  8"*"net_null0-net_null1-back  macswap  net_null1"* ]]
	[[ "$output" == *"residence"* ]]
	[[ "$output" == *"there is no nobody"* ]]
	[[ "$output" == *"port stats cleared"* ]]
	[[ "$output" == *"stopped; the rings are drained"* ]]
	[[ "$output" == *"no such command: shwo ports; help lists them all"* ]]
	[[ "$output" == *"no such command: set fwd route; there is"*"set fwd io|mac|macswap"* ]]
}

@test "tab completes" {
	printf 'show lay\t\nshow lat\t\nqui\t\n' >"$BATS_TEST_TMPDIR/keys"
	run -0 "$VFPLANE" "${eal[@]}" "${null[@]}" -- -i <"$BATS_TEST_TMPDIR/keys"
	[[ "$output" == *"vfplane> show latency"* ]]
	[[ "$output" == *"vfplane> quit"* ]]
}

@test "a file of commands; a mistyped line is told with its number" {
	printf '# comment\nshow ports\nstart\n' >"$BATS_TEST_TMPDIR/good"
	run -0 "$VFPLANE" "${eal[@]}" "${null[@]}" -- --cmdline-file "$BATS_TEST_TMPDIR/good" --run 1
	[[ "$output" == *"net_null1"* ]]
	printf 'show ports\nshow portz\n' >"$BATS_TEST_TMPDIR/bad"
	run -3 "$VFPLANE" "${eal[@]}" "${null[@]}" -- --cmdline-file "$BATS_TEST_TMPDIR/bad" --run 1
	[[ "$output" == *"bad:2: no such command: show portz; there is"*"show ports|vfs"* ]]
}

@test "the end of standard input ends the prompt" {
	run -0 timeout 20 "$VFPLANE" "${eal[@]}" "${null[@]}" -- -i </dev/null
}

@test "SIGINT and SIGTERM drain, write the report and exit with 0" {
	local sig out=$BATS_TEST_TMPDIR/out pid

	for sig in INT TERM; do
		: >"$out"
		# A job of a script ignores SIGINT unless it asks for it again.
		env --default-signal=INT "$VFPLANE" "${eal[@]}" "${null[@]}" -- --json "$report" \
			>"$out" 2>&1 3>&- &
		pid=$!
		wait_for 20 grep -q '^forwarding' "$out"
		kill -s "$sig" "$pid"
		wait "$pid"
		grep -q "draining" "$out"
		[ "$(want '.totals.unaccounted')" = 0 ]
		rm "$report"
	done
}

@test "a signal at any moment of bring-up ends it cleanly" {
	local ms

	for ms in 0.02 0.05 0.1 0.15 0.2 0.3; do
		SECONDS=0
		timeout --preserve-status --foreground -s TERM $ms \
			"$VFPLANE" "${eal[@]}" "${null[@]}" -- >"$BATS_TEST_TMPDIR/out" 2>&1 && st=0 || st=$?
		echo "after $ms s: $st"
		# Before the program has its handlers the signal itself ends it.
		[ "$st" -eq 0 ] || [ "$st" -eq 143 ]
		[ "$SECONDS" -le 5 ]
	done
}

@test "what is missing is named, with what to do, and exits with 3" {
	run -3 "$VFPLANE" "${eal[@]}" -a 0000:7f:00.0 -- --run 1
	[[ "$output" == *"0000:7f:00.0"*"no such PCI device"* || "$output" == *"no PCI device 0000:7f:00.0"* ]]
	run -3 "$VFPLANE" "${eal[@]}" -- --run 1
	[[ "$output" == *"no ports"*"--vdev"* ]]
	run -3 "$VFPLANE" "${eal[@]/256/16}" "${null[@]}" -- --run 1
	[[ "$output" == *"needs "*", has "* ]]
	run -3 "$VFPLANE" -l 0 --no-huge -m 256 --no-telemetry --file-prefix "$(unique_name)" \
		"${null[@]}" -- --run 1
	[[ "$output" == *"one lcore is not enough"* ]]
	run -3 "$VFPLANE" "${eal[@]}" "${null[@]}" -- --config "$TOP/config/ping-pong.conf" --run 1
	[[ "$output" == *"pf0"* ]]
}

@test "without enough hugepages it says how many it needs, and how many there are" {
	# more than any machine has set aside
	run -3 "$VFPLANE" -l 0-1 -m 4000000 --no-telemetry --file-prefix "$(unique_name)" \
		"${null[@]}" -- --run 1
	[[ "$output" =~ needs\ about\ [0-9]+\ MB\ of\ hugepages,\ has\ ([0-9]+)\ MB\ free ]]
	grep -q '^HugePages_Total: *[1-9]' /proc/meminfo || [ "${BASH_REMATCH[1]}" = 0 ]
	[[ "$output" == *"--no-huge"* ]]
}

@test "where no hugetlbfs is mounted it says so, and how to mount one" {
	without() {
		# shellcheck disable=SC2016
		unshare -m sh -c 'umount -a -t hugetlbfs; exec "$@"' sh "$@"
	}
	run -3 without "$VFPLANE" -l 0-1 --no-telemetry --file-prefix "$(unique_name)" "${null[@]}" -- --run 1
	[[ "$output" == *"MB free: "*"mount -t hugetlbfs none /dev/hugepages, or run with --no-huge"* ]]
}
