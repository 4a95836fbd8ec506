#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# Sets up, builds and tests everything; ends with the line `N passed, N failed, N skipped`.
#
#   test.sh [--long] [PART...]      PART: build unit functional lint mutants system (default: all
#                                   but system)
#
# --long adds what takes minutes: tests tagged `long`, all mutants instead of the quick ones, and
# system: guests with real kernels, which QEMU runs.
# Logs are in build/test-logs. Exit status: 0 only if nothing failed.
set -uo pipefail

top=$(cd "$(dirname "$0")/.." && pwd)
cd "$top" || exit 1
build=$top/build
logs=$build/test-logs
results=$logs/results
long=
parts=()

usage() {
	sed -n '3,10s/^# \{0,1\}//p' "$0"
}

# record STATUS NAME LOG [REASON]: one case is done.
record() {
	printf '%s\t%s\t%s\t%s\n' "$1" "$2" "$3" "${4-}" >>"$results"
	case $1 in
	failed) echo "   FAILED  $2" ;;
	skipped) echo "   skipped $2${4:+: $4}" ;;
	esac
}

# check NAME COMMAND...: the command is one case; its status decides, 77 means skipped.
check() {
	local name=$1 log=$logs/${1//[ \/]/_}.log rc=0

	shift
	"$@" >"$log" 2>&1 </dev/null || rc=$?
	case $rc in
	0) record passed "$name" "$log" ;;
	77) record skipped "$name" "$log" "$(tail -n 1 "$log")" ;;
	*) record failed "$name" "$log" ;;
	esac
	return "$rc"
}

# record_tap NAME LOG RC: every case of a TAP log counts.
record_tap() {
	local name=$1 log=$2 rc=$3 status title reason

	while IFS=$'\t' read -r status title reason; do
		record "$status" "$name: $title" "$log" "$reason"
	done < <(awk -v rc="$rc" -f scripts/tap_cases.awk "$log")
}

part() {
	printf '== %s (at %d s)\n' "$1" "$SECONDS"
}

# configure DIR COMPILER OPTION...: meson setup, once; meson itself redoes it where needed.
configure() {
	local dir=$1 compiler=$2

	shift 2
	[ -e "$dir/build.ninja" ] || CC=$compiler meson setup "$dir" "$@"
}

compile() {
	local dir=$1

	configure "$@" && ninja -C "$dir"
}

# As compile, and a warning is a failure; told from the log, since the first builds everything.
compile_clean() {
	compile "$@" 2>&1 | tee "$logs/warnings"
	[ "${PIPESTATUS[0]}" -eq 0 ] && ! grep -q 'warning:' "$logs/warnings"
}

part_build() {
	part "build: gcc, clang, gcc with AddressSanitizer and UBSan"
	check "build gcc" compile_clean "$build" gcc || return 1
	# Only its warnings count, and its front end finds them without optimising.
	check "build clang" compile "$top/build-clang" clang --buildtype=debug -Dwerror=true
	# No -Werror: with the sanitizers gcc warns of truncation that cannot be.
	check "build sanitized" compile "$top/build-asan" gcc --buildtype=debug -Doptimization=1 \
		-Db_sanitize=address,undefined -Db_lundef=false
	return 0
}

# unit DIR LABEL: meson runs them; its JSON log holds each program's TAP.
unit() {
	local dir=$1 label=$2 count i name log

	rm -f "$dir/meson-logs/testlog.json"
	meson test -C "$dir" --no-rebuild --suite unit >"$logs/$label.log" 2>&1
	if [ ! -s "$dir/meson-logs/testlog.json" ]; then
		record failed "$label" "$logs/$label.log"
		return
	fi
	count=$(jq -s length "$dir/meson-logs/testlog.json")
	for ((i = 0; i < count; i++)); do
		name=$(jq -rs ".[$i].name | split(\" / \") | last" "$dir/meson-logs/testlog.json")
		log=$logs/$label-${name//[ \/]/_}.log
		jq -rs ".[$i] | .stdout, .stderr // empty" "$dir/meson-logs/testlog.json" >"$log"
		record_tap "$label/$name" "$log" "$(jq -rs ".[$i] |
			if .result == \"OK\" or .result == \"EXPECTEDFAIL\" then 0
			elif .result == \"SKIP\" then 77
			else .returncode | if . == 0 then 1 else . end end" "$dir/meson-logs/testlog.json")"
	done
}

part_unit() {
	part "unit tests"
	unit "$build" unit
	part "unit tests under AddressSanitizer and UBSan"
	export UBSAN_OPTIONS=halt_on_error=1:print_stacktrace=1
	unit "$top/build-asan" unit-sanitized
	unset UBSAN_OPTIONS
}

# functional FILE: its TAP goes into its log. A line `# timeout: SECONDS` says how long it may take.
functional() {
	local file=$1 filter=(--filter-tags '!long') limit rc=0 began=$SECONDS

	[ -z "$long" ] || filter=()
	limit=$(sed -n 's/^# timeout: \([0-9]*\)$/\1/p' "$file")
	BUILD=$build timeout -k 10 "${limit:-180}" bats --tap "${filter[@]}" "$file" </dev/null || rc=$?
	echo "# took $((SECONDS - began)) s"
	return "$rc"
}

# record_functional FILE RC: what came of it.
record_functional() {
	local name log rc=$2

	name=$(basename "$1" .bats)
	log=$logs/functional-$name.log
	# A file of nothing but long tests runs none, and says so with an empty plan.
	if [ "$rc" -eq 0 ] && grep -qx '1\.\.0' "$log"; then
		record skipped "functional/$name" "$log" "all are long: --long"
	else
		record_tap "functional/$name" "$log" "$rc"
	fi
}

# Most of a test is waiting: as many files run at a time as there are processors, the long ones
# first; those with a line `# alone: REASON` one after the other, after all others.
part_functional() {
	local file pid rc alone=()
	local -A running=()

	part "functional tests"
	while read -r _ file; do
		if grep -q '^# alone: ' "$file"; then
			alone+=("$file")
			continue
		fi
		while [ "${#running[@]}" -ge "$(nproc)" ]; do next_functional; done
		functional "$file" >"$logs/functional-$(basename "$file" .bats).log" 2>&1 &
		running[$!]=$file
	done < <(for file in tests/functional/*.bats; do
		sed -n "s,^# timeout: \([0-9]*\)$,\1 $file,p;\$s,.*,0 $file,p" "$file" | head -n 1
	done | sort -k1,1nr -k2)
	while [ "${#running[@]}" -gt 0 ]; do next_functional; done
	for file in "${alone[@]}"; do
		rc=0
		functional "$file" >"$logs/functional-$(basename "$file" .bats).log" 2>&1 || rc=$?
		record_functional "$file" "$rc"
	done
}

# Waits for one of running[] and records it.
next_functional() {
	rc=0
	wait -n -p pid "${!running[@]}" || rc=$?
	record_functional "${running[$pid]}" "$rc"
	unset "running[$pid]"
}

scripts_of_tree() {
	git ls-files -co --exclude-standard -- '*.sh' '*.bash' '*.bats' .ci/run tests/system/init
}

part_lint() {
	local file

	part "shellcheck"
	while read -r file; do
		check "shellcheck $file" shellcheck -x "$file"
	done < <(scripts_of_tree)
}

part_mutants() {
	local green=

	part "mutants: one-line defects that the tests must notice"
	# All tests passed a moment ago: they need not be tried again without any mutant.
	if [[ " ${parts[*]} " == *" unit functional "* ]] && ! grep -q '^failed' "$results"; then
		green=1
	fi
	tests/mutants/run.sh --tap ${long:+--all} ${green:+--green} >"$logs/mutants.log" 2>&1
	record_tap mutant "$logs/mutants.log" $?
}

# system_file KERNEL FILE: the file's tests in a guest, for each of the machines that it names.
system_file() {
	local kernel=$1 file=$2 name machine out rc limit

	name=$(basename "$file" .bats)
	limit=$(sed -n 's/^# timeout: \([0-9]*\)$/\1/p' "$file")
	while read -r machine; do
		out=$logs/system-$name-$machine-$kernel
		rc=0
		GUEST_LIMIT=${limit:-600} tests/system/guest.sh "$build/system" "$kernel" "$machine" "$out" \
			env "BUILD=$build" "MACHINE=$machine" bats --tap "$top/$file" || rc=$?
		# Of a guest that did not come up, its console tells why.
		cat "$out/log" "$out/console" >"$out.log" 2>/dev/null
		record_tap "system/$name on $kernel, $machine" "$out.log" "$rc"
	done < <(sed -n 's/^# machine: //p' "$file" | tr ' ' '\n')
}

part_system() {
	local kernel file

	part "system tests: real kernels in QEMU, with igb"
	check "system packages" scripts/setup.sh --system || return 0
	check "system kernels" tests/system/fetch.sh "$build/system" || return 0
	while read -r kernel; do
		for file in tests/system/*.bats; do system_file "$kernel" "$file"; done
	done <"$build/system/versions"
}

# excerpt CASE LOG: what a TAP log says of a case that failed; the whole log, if it has no such case.
excerpt() {
	[ ! -r "$2" ] || title=$1 awk '
		/^(not )?ok / { said = index($0, ENVIRON["title"]) && /^not ok /; found = found || said }
		{ all = all $0 "\n" }
		said { part = part $0 "\n" }
		END { printf "%s", found ? part : all }' "$2"
}

# ends N M: the first N lines, which say what failed, and the last M.
ends() {
	awk -v n="$1" -v m="$2" '
		{ line[NR] = $0 }
		END {
			for (i = 1; i <= NR; i++) {
				if (i <= n || i > NR - m) print line[i]
				else if (i == n + 1) print "..."
			}
		}'
}

summary() {
	local status name log

	if grep -q '^failed' "$results"; then
		echo "== failures"
		while IFS=$'\t' read -r status name log _; do
			[ "$status" = failed ] || continue
			printf -- '-- %s\n   (of %s)\n' "$name" "${log#"$top"/}"
			excerpt "${name#*: }" "$log" | ends 6 15 | sed 's/^/   | /'
		done <"$results"
	fi
	echo "== $SECONDS s"
	awk -F'\t' '{ n[$1]++ } END {
		printf "%d passed, %d failed, %d skipped\n", n["passed"], n["failed"], n["skipped"]
		exit n["failed"] > 0 || n["passed"] == 0 }' "$results"
}

for argument; do
	case $argument in
	--long) long=1 ;;
	build | unit | functional | lint | mutants | system) parts+=("$argument") ;;
	-h | --help) usage && exit 0 ;;
	*) usage >&2 && exit 2 ;;
	esac
done
[ "${#parts[@]}" -gt 0 ] || parts=(build unit functional lint mutants ${long:+system})

mkdir -p "$logs"
: >"$results"
part "packages"
# Without packages or a build the rest would only repeat the failure.
if check "setup" scripts/setup.sh; then
	for one in "${parts[@]}"; do
		"part_$one" || [ "$one" != build ] || break
	done
fi
summary
