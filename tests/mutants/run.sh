#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# Puts one small defect at a time into a copy of the tree and demands that the tests notice.
#
#   run.sh [--tap] [--all] [--green] [--keep] [--jobs N] [NAME...]
#
# NAME is a patch of this folder without .patch; default: those not marked Long, or --all of them.
# --jobs: so many trees are worked in at a time; default: one a processor.
# A patch starts with lines that say what it breaks and which tests must turn red, each of them:
#
#   Breaks: what a user would meet
#   Caught-by: unit/NAME                       a unit test program, by its name in meson
#   Caught-by: functional/FILE.bats [REGEX]    the tests of a file whose names match
#   Long: reason                               only with --all or by NAME
#
# A mutant that no longer applies or does not build is a failure: the code moved on, so should it.
# The named tests must be green without any patch, else their red would prove nothing: that is tried
# first, unless --green says that it was just seen.
set -uo pipefail

here=$(cd "$(dirname "$0")" && pwd)
top=$(cd "$here/../.." && pwd)
tap=
all=
green=
keep=
jobs=$(nproc)
names=()

die() {
	echo "run.sh: $*" >&2
	exit 2
}

field() {
	sed -n "/^--- /q; s/^$1: *//p" "$2"
}

copy_tree() {
	local from=$1 to=$2

	(cd "$from" && git ls-files -z -co --exclude-standard |
		while IFS= read -r -d '' f; do [ ! -e "$f" ] || printf '%s\0' "$f"; done |
		tar -c --null -T -) | tar -x -C "$to" || die "cannot copy the tree to $to"
}

# The programs of the scratch build that a test needs, as ninja's targets; none for a script's test.
targets_of() {
	case $1 in
	unit/*)
		jq -r --arg name "${1#unit/}" --arg root "$work/0/build/" '.[] | select(.name == $name) |
			.cmd[0] | ltrimstr($root)' "$work/tests.json"
		;;
	functional/*)
		jq -r --arg root "$work/0/build/" '.[] | select(.type != "static library") |
			.filename[0] | ltrimstr($root) | select(startswith("tests/unit/") | not)' "$work/targets.json"
		;;
	*) die "Caught-by: $1: neither unit/NAME nor functional/FILE.bats" ;;
	esac
}

# run_test TREE SPEC LOG: the status of the tests that a Caught-by line names.
run_test() {
	local tree=$1 spec=$2 log=$3 file filter=() program

	case $spec in
	unit/*)
		program=$(targets_of "$spec")
		[ -n "$program" ] || { echo "no such test: $spec" >"$log" && return 1; }
		TEST_WAIT_S=15 timeout -k 5 60 "$tree/build/$program" >"$log" 2>&1 </dev/null
		;;
	functional/*)
		file=${spec%%.bats*}.bats
		spec=${spec#"$file"}
		[ -z "${spec# }" ] || filter=(-f "${spec# }")
		BUILD=$tree/build timeout -k 5 180 bats --tap "${filter[@]}" \
			"$tree/tests/$file" >"$log" 2>&1 </dev/null &&
			grep -q '^ok [0-9]* [^#]*$' "$log"
		;;
	esac
}

# build_for TREE LOG SPEC...: what these tests need.
build_for() {
	local tree=$1 log=$2 spec targets=()

	shift 2
	mapfile -t targets < <(for spec; do targets_of "$spec"; done | sort -u)
	[ "${#targets[@]}" -eq 0 ] || ninja -j "$(((jobs + $(nproc) - 1) / jobs))" -C "$tree/build" "${targets[@]}" >"$log" 2>&1
}

# The tests that the chosen mutants name, once each, on the unharmed copy: $work/red gets the red ones.
baseline() {
	local tree=$1 number=0 spec

	while read -r spec; do
		number=$((number + 1))
		[ $((number % jobs)) -eq "${tree##*/}" ] || continue
		run_test "$tree" "$spec" "$tree.log" && continue
		echo "$spec" >>"$work/red"
		{
			tail -n 15 "$tree.log" | sed 's/^/# /'
			echo "# not green without any mutant: $spec"
		} >>"$work/baseline"
	done < <(for name in "${names[@]}"; do field Caught-by "$here/$name.patch"; done | sort -u)
}

# Prints why the mutant lives, nothing if it died.
try_mutant() {
	local tree=$1 name=$2 patch=$here/$2.patch file spec specs=()

	mapfile -t specs < <(field Caught-by "$patch")
	[ -n "$(field Breaks "$patch")" ] || { echo "has no Breaks: line" && return; }
	[ "${#specs[@]}" -gt 0 ] || { echo "has no Caught-by: line" && return; }
	if ! patch -d "$tree" -p1 -F2 --no-backup-if-mismatch -r - <"$patch" >"$tree.log" 2>&1; then
		echo "does not apply: $(tr '\n' ' ' <"$tree.log")"
	elif ! build_for "$tree" "$tree.log" "${specs[@]}"; then
		echo "does not build: $(grep -m 1 'error' "$tree.log")"
	else
		for spec in "${specs[@]}"; do
			if grep -qxF -- "$spec" "$work/red"; then
				echo "$spec is red without it"
			elif run_test "$tree" "$spec" "$tree.log"; then
				echo "lives: $spec stays green"
			fi
		done
	fi
	sed -n 's,^+++ b/\([^ \t]*\).*,\1,p' "$patch" | while read -r file; do
		cp "$top/$file" "$tree/$file" # with a new time stamp, so that ninja sees it
	done
}

# Each takes the next mutant that nobody has; $work/NAME.why gets what try_mutant says.
worker() {
	local tree=$1 name

	for name in "${names[@]}"; do
		mkdir "$work/$name.taken" 2>/dev/null || continue
		try_mutant "$tree" "$name" >"$tree.why" && mv "$tree.why" "$work/$name.why"
	done
}

# in_trees FUNCTION: it runs in all trees at a time.
in_trees() {
	local i pids=()

	for ((i = 0; i < jobs; i++)); do
		"$1" "$work/$i" &
		pids+=("$!")
	done
	wait "${pids[@]}"
}

# The first tree is built, the others are its copies, build folder and all.
make_trees() {
	local i

	mkdir "$work/0"
	copy_tree "$top" "$work/0"
	# Little optimisation: the mutants are built one after the other. What goes back to what it was
	# need not be compiled again.
	export CCACHE_DIR=$work/ccache
	if ! CC="ccache gcc" meson setup -Doptimization=1 -Ddebug=false "$work/0/build" "$work/0" >"$work/build.log" 2>&1 ||
		! ninja -C "$work/0/build" >>"$work/build.log" 2>&1; then
		tail "$work/build.log" >&2
		die "the unharmed copy does not build"
	fi
	meson introspect --tests "$work/0/build" >"$work/tests.json"
	meson introspect --targets "$work/0/build" >"$work/targets.json"
	for ((i = 1; i < jobs; i++)); do
		cp -a "$work/0" "$work/$i"
	done
}

while [ $# -gt 0 ]; do
	case $1 in
	--tap) tap=1 ;;
	--all) all=1 ;;
	--green) green=1 ;;
	--keep) keep=1 ;;
	--jobs)
		[[ ${2-} =~ ^[1-9][0-9]?$ ]] || die "--jobs: 1 to 99"
		jobs=$2
		shift
		;;
	-*) sed -n '3,19s/^# \{0,1\}//p' "$0" && exit 2 ;;
	*) names+=("${1%.patch}") ;;
	esac
	shift
done
if [ "${#names[@]}" -eq 0 ]; then
	for patch in "$here"/*.patch; do
		[ -e "$patch" ] || die "no mutants"
		[ -z "$all" ] && [ -n "$(field Long "$patch")" ] || names+=("$(basename "$patch" .patch)")
	done
fi
for name in "${names[@]}"; do
	[ -e "$here/$name.patch" ] || die "$name: no such mutant"
done
[ "$jobs" -le "${#names[@]}" ] || jobs=${#names[@]}

work=$(mktemp -d)
[ -n "$keep" ] || trap 'rm -rf "$work"' EXIT
make_trees
: >"$work/red"
: >"$work/baseline"
[ -n "$green" ] || in_trees baseline
[ -z "$tap" ] || echo "1..${#names[@]}"
cat "$work/baseline"
in_trees worker
number=0
lived=0
for name in "${names[@]}"; do
	number=$((number + 1))
	why=$(cat "$work/$name.why" 2>&1) # none: nobody came to try it
	[ -z "$why" ] && verdict=ok || verdict="not ok"
	[ -z "$why" ] || lived=$((lived + 1))
	if [ -n "$tap" ]; then
		echo "$verdict $number - $name"
	else
		echo "$verdict  $name: $(field Breaks "$here/$name.patch")"
	fi
	[ -z "$why" ] || printf '# %s: %s\n' "$name" "$why"
done
[ -n "$keep" ] && echo "kept: $work" >&2
[ "$lived" -eq 0 ]
