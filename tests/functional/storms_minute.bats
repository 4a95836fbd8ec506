# SPDX-License-Identifier: BSD-3-Clause
# The minute of docs/operator.md, "Under attack": how long answers take is its claim.
# timeout: 600
# alone: on processors that others want it would measure them

setup() {
	load helpers
	load vfplane
	load attacker
	load storm
	need_built "$SOFT82599" "$VFPLANE" "$MBOX_RAW" "$MIXGEN"
	# shellcheck disable=SC2034 # storm.bash reads it
	card=$(unique_name)
	tmp=$BATS_TEST_TMPDIR
}

teardown() {
	at_kill_all
	vp_kill_all
}

# bats test_tags=long
@test "a flood and a storm for 60 s: the others lose no more than in the same run without" {
	storm peace
	[ "$(jq '.lost == 0' "$tmp/verify")" = true ]
	storm attack "for 60 5 1518" "for 60 1"
	withstood 50
}
