# SPDX-License-Identifier: BSD-3-Clause
# The demo, and the same way through the card for traffic that no generator of ours made.
# timeout: 240

setup() {
	load helpers
	need_built "$SOFT82599" "$VFPLANE" "$VFCTL" "$MIXGEN"
	card=$(unique_name)
}

# through PCAP ROUNDS: PCAP enters for VF 0 and crosses vfplane; leaves verify.json and report.json.
through() {
	"$SOFT82599" run --name "$card" --wire "verify:$1" --rounds "$2" \
		--verify-json "$BATS_TEST_TMPDIR/verify.json" -- \
		"$VFPLANE" --no-huge -m 512 --file-prefix "$card" --lcores=0@0,1@0 -- \
		--config "$TOP/config/ping-pong.conf" --run 3 --json "$BATS_TEST_TMPDIR/report.json"
}

verified() {
	jq -c "$1" "$BATS_TEST_TMPDIR/verify.json"
}

@test "the demo passes all its checks, and its report says what was measured" {
	[ "$BUILD" = "$TOP/build" ] || skip "the demo builds in build/, not in $BUILD"
	run -0 "$TOP/scripts/demo.sh" --seconds 1 --json "$BATS_TEST_TMPDIR/r.json"
	[ "$(grep -c ^PASS <<<"$output")" = 14 ]
	[ "$(grep -c ^FAIL <<<"$output" || true)" = 0 ]
	jq -e '.schema == "vfplane.report/1" and .source == "soft82599" and .totals.unaccounted == 0 and
		([.ports[] | select(.role == "vf")] | length) == 2 and
		([.latency[] | select(.kind == "wire" and .count > 0)] | length) == 1 and
		([.latency[] | select(.count > 0)] | all(.min_ns <= .p50_ns and .p50_ns <= .p99_ns and
			.p99_ns <= .max_ns))' "$BATS_TEST_TMPDIR/r.json"
}

@test "the demo refuses nonsense before it does anything" {
	run -2 "$TOP/scripts/demo.sh" --seconds 0
	[[ "$output" == *"--seconds '0': 1 to 86400 are allowed"* ]]
	run -2 "$TOP/scripts/demo.sh" --vfs 32
	[[ "$output" == *"2 to 31 are allowed"* ]]
	run -2 "$TOP/scripts/demo.sh" --speed 9
	run -2 "$TOP/scripts/demo.sh" --json
	run -2 "$TOP/scripts/demo.sh" --json "$BATS_TEST_TMPDIR/no/such/r.json"
}

@test "the kernel's own TCP, UDP, ping and fragments cross unchanged and in order" {
	need_root
	"$TOP/tests/functional/real_traffic.sh" "$BATS_TEST_TMPDIR/real.pcap" 02:09:c0:00:00:00
	tcpdump -nn -r "$BATS_TEST_TMPDIR/real.pcap" >"$BATS_TEST_TMPDIR/text" 2>/dev/null
	# It is the traffic that this test promises.
	[ "$(wc -l <"$BATS_TEST_TMPDIR/text")" -gt 500 ]
	for what in 'IP .*Flags' 'IP6 .*Flags' 'IP .*UDP' 'IP6 .*UDP' 'ICMP echo' 'ICMP6, echo' 'IP6 .*frag'; do
		grep -q "$what" "$BATS_TEST_TMPDIR/text"
	done
	[ "$(tcpdump -nn -r "$BATS_TEST_TMPDIR/real.pcap" 'ip[6:2] & 0x3fff != 0' 2>/dev/null | wc -l)" -gt 5 ]

	through "$BATS_TEST_TMPDIR/real.pcap" 20
	verified 'del(.injected)'
	[ "$(verified '[.lost, .changed, .reordered, .duplicated, .extra, .in_flight]')" = "[0,0,0,0,0,0]" ]
	[ "$(verified '.done')" = true ]
	[ "$(verified '.received == 20 * .packets_in_file')" = true ]
	[ "$(jq .totals.unaccounted "$BATS_TEST_TMPDIR/report.json")" = 0 ]
}

@test "a VLAN that VF 0 is not in does not reach it" {
	"$MIXGEN" --vlan 100 --other-vlan 300 --json "$BATS_TEST_TMPDIR/mix.pcap" >"$BATS_TEST_TMPDIR/mix.json"
	through "$BATS_TEST_TMPDIR/mix.pcap" 2
	foreign=$(($(jq .tags.other "$BATS_TEST_TMPDIR/mix.json") * 2))
	[ "$(verified '.done')" = true ]
	[ "$(verified '.received')" = $((8000 - foreign)) ]
	[ "$(verified '.sent - .to_vf')" = "$foreign" ]
}
