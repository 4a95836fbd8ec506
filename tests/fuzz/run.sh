#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# Fuzzes for a while with what clang built, and keeps what was found.
#
#   run.sh [SECONDS] [--keep]    default: 60 s; BUILD names the folder (build-clang)
#
# With --keep the inputs that reach something new go to corpus/, as few as it takes for all that is
# known to be reachable. An input that breaks a rule is left in the current folder as crash-*, and the
# status is not 0.
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
seconds=${1:-60}
build=${BUILD:-$here/../../build-clang}
fuzzer=$build/tests/fuzz/fuzz_policy

[ -x "$fuzzer" ] || {
	echo "run.sh: $fuzzer is not there: CC=clang meson setup build-clang && ninja -C build-clang" >&2
	exit 2
}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir "$work/new" "$work/merged"
"$fuzzer" -max_len=512 -max_total_time="$seconds" -print_final_stats=1 -verbosity=0 \
	"$work/new" "$here/corpus/policy"
[ "${2-}" = --keep ] || exit 0
"$fuzzer" -set_cover_merge=1 -max_len=512 -verbosity=0 "$work/merged" "$here/corpus/policy" "$work/new" 2>/dev/null
rm -f "$here"/corpus/policy/*
cp "$work/merged/"* "$here/corpus/policy/"
echo "$(find "$work/merged" -type f | wc -l) inputs kept"
