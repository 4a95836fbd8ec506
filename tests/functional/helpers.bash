# SPDX-License-Identifier: BSD-3-Clause
# What every functional test loads: `load helpers`. test.sh sets BUILD; by hand it is build/.
# shellcheck shell=bash

bats_require_minimum_version 1.5.0

TOP=$(cd "$BATS_TEST_DIRNAME/../.." && pwd)
BUILD=${BUILD:-$TOP/build}
export TOP BUILD

SOFT82599=$BUILD/soft82599/soft82599
VFPLANE=$BUILD/app/vfplane
VFCTL=$BUILD/ctl/vfctl
MIXGEN=$BUILD/soft82599/mixgen
export SOFT82599 VFPLANE VFCTL MIXGEN

# Fails with a sentence where a program of the build is missing: a skip would hide it.
need_built() {
	local program

	for program; do
		if [ ! -x "$program" ]; then
			echo "${program#"$BUILD"/} is not built in $BUILD"
			return 1
		fi
	done
}

need_root() {
	[ "$(id -u)" -eq 0 ] || skip "needs root"
}

# A name that no other test uses at the same time: for soft82599, EAL, namespaces.
unique_name() {
	echo "t$$-$BATS_TEST_NUMBER"
}

# wait_for SECONDS COMMAND...: until COMMAND succeeds; for what announces itself by no event.
wait_for() {
	local deadline=$((SECONDS + $1))

	shift
	until "$@"; do
		[ "$SECONDS" -lt "$deadline" ] || return 1
		sleep 0.05
	done
}
