# SPDX-License-Identifier: BSD-3-Clause
# libFuzzer over the policy, with what clang built (build-clang). The kept inputs are a unit test.
# timeout: 400

setup() {
	load helpers
	fuzzer=$TOP/build-clang/tests/fuzz/fuzz_policy
	[ -x "$fuzzer" ] || skip "no build-clang: scripts/test.sh build makes it"
	cd "$BATS_TEST_TMPDIR" || return
}

@test "the policy under libFuzzer for 5 s: no rule breaks" {
	BUILD=$TOP/build-clang run -0 "$TOP/tests/fuzz/run.sh" 5
	[[ "$output" == *"number_of_executed_units"* ]]
}

# bats test_tags=long
@test "the policy under libFuzzer for five minutes: no rule breaks" {
	BUILD=$TOP/build-clang run -0 "$TOP/tests/fuzz/run.sh" 300
}
