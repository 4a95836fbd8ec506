# SPDX-License-Identifier: BSD-3-Clause
# vfctl compare: verdicts with intervals, and refusals with reasons.

setup() {
	load helpers
	need_built "$VFCTL"
	cd "$TOP/tests/data/compare" || return
}

@test "the table that the project began with is refused, and says why" {
	run -1 "$VFCTL" compare seed-vm-1g-no-sriov.txt seed-vm-10g-vf.txt
	[[ "$output" == *"B: refused: this is no comparison"* ]]
	[[ "$output" == *"A: 5 samples; 100 are needed"* ]]
	[[ "$output" == *"link_mbit (1000, 10000), sriov (no, yes)"* ]]
	[[ "$output" == *"A lost 54.5 %; a summary does not tell loss from a warm-up"* ]]
	[[ "$output" == *"379 us"*"442 us"*"476 us"*"34.0 us"* ]]
	# Against the host both differ in more than one thing.
	run -1 "$VFCTL" compare --json seed-host-1g.txt seed-vm-1g-no-sriov.txt seed-vm-10g-vf.txt
	[ "$(jq -c '[.comparisons[].verdict]' <<<"$output")" = '["refused","refused"]' ]
	[ "$(jq '.comparisons[0].reasons | map(select(test("more than one"))) | length' <<<"$output")" = 0 ]
	[ "$(jq '.comparisons[1].reasons | map(select(test("more than one"))) | length' <<<"$output")" = 1 ]
}

@test "two runs that differ in one thing are compared; the lost first pings stand apart" {
	run -0 "$VFCTL" compare --json vf-default.txt vf-itr-off.txt
	[ "$(jq -r '.comparisons[0] | .verdict, .compared' <<<"$output")" = $'faster\nitr' ]
	[ "$(jq -c '.comparisons[0].figures[1].ratio | .low < .value and .value < .high and .high < 0.9' \
		<<<"$output")" = true ]
	[ "$(jq -c '[.warm_up[].lost]' <<<"$output")" = "[3,2]" ]
	[ "$(jq -c '[.runs[] | .sent, .lost]' <<<"$output")" = "[296,0,297,1]" ]
	[ "$(jq -r '.comparisons[0].figures[2].why_not' <<<"$output")" = "needs 1000 samples, A has 296" ]
	run -0 "$VFCTL" compare vf-default.txt vf-itr-off.txt
	[[ "$output" == *"B: faster, in mean, p50"* ]]
	[ "$(awk '{ if (length > 80) n++ } END { print n + 0 }' <<<"$output")" = 0 ]
	once=$output
	run -0 "$VFCTL" compare vf-default.txt vf-itr-off.txt
	[ "$output" = "$once" ]
	run -0 "$VFCTL" compare vf-default.txt vf-default.txt
	[[ "$output" == *"B: cannot tell"* ]]
}

@test "mistakes are told" {
	run -2 "$VFCTL" compare vf-default.txt
	[[ "$output" == *"1 runs; allowed: 2 to 8"*"usage: vfctl compare"* ]]
	run -2 "$VFCTL" compare vf-default.txt nothing.txt
	[[ "$output" == *"nothing.txt: No such file"* ]]
	run -2 "$VFCTL" compare vf-default.txt "$TOP/README.md"
	[[ "$output" == *"README.md: neither a report of vfplane"* ]]
	run -2 "$VFCTL" compare --resamples 5 vf-default.txt vf-itr-off.txt
	[[ "$output" == *"--resamples"*"200"* ]]
	run -2 "$VFCTL" compare --sed 5 vf-default.txt vf-itr-off.txt
	run -2 "$VFCTL" compare vf-default.txt ,
	[[ "$output" == *"names no run"* ]]
}
