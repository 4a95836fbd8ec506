# SPDX-License-Identifier: BSD-3-Clause
# The counting behind test.sh: what must never look like success.

setup() {
	load helpers
}

# cases RC LINE...: what the counter makes of such a log, tabs as |.
cases() {
	local rc=$1

	shift
	printf '%s\n' "$@" | awk -v rc="$rc" -f "$TOP/scripts/tap_cases.awk" | tr '\t' '|'
}

@test "passed, failed and skipped cases are told apart" {
	run cases 1 1..4 "ok 1 - first" "not ok 2 - second" "ok 3 - third # SKIP no card" "ok 4"
	[ "${lines[0]}" = "passed|first|" ]
	[ "${lines[1]}" = "failed|second|" ]
	[ "${lines[2]}" = "skipped|third|no card" ]
	[ "${lines[3]}" = "passed|case 4|" ]
	[ "${#lines[@]}" = 4 ]
}

@test "a skip as cmocka writes it is no failure" {
	run cases 0 1..1 "not ok 1 # SKIP needs_root"
	[ "$output" = "skipped|case 1|needs_root" ]
}

@test "a program that dies half way has failed" {
	run cases 139 1..5 "ok 1 - first" "ok 2 - second"
	[ "${lines[2]}" = "failed|3 of 5 cases did not run (exit status 139)|" ]
}

@test "a program that stops early with status 0 has failed too" {
	run cases 0 1..5 "ok 1 - first"
	[ "${lines[1]}" = "failed|4 of 5 cases did not run (exit status 0)|" ]
}

@test "a bad status after good cases is a failure: a leak found at exit" {
	run cases 1 1..1 "ok 1 - first"
	[ "${lines[1]}" = "failed|exit status 1|" ]
}

@test "nothing at all is a failure" {
	run cases 0 ""
	[ "$output" = "failed|no case ran|" ]
}

@test "status 77 without a case is a skip" {
	run cases 77 "no hugepages here"
	[ "$output" = "skipped|all|exit status 77" ]
}
