#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# Puts one small defect at a time into a copy of the tree and demands that the tests notice.
#
#   run.sh [--tap] [--all] [--keep] [NAME...]
#
# NAME is a patch of this folder without .patch; default: those marked quick, or --all of them.
# A patch starts with lines that say what it breaks and which tests must turn red, each of them:
#
#   Breaks: what a user would meet
#   Caught-by: unit/NAME                       a unit test program, by its name in meson
#   Caught-by: functional/FILE.bats [REGEX]    the tests of a file whose names match
#   Long: reason                               only with --all or by NAME
#
# A mutant that no longer applies or does not build is a failure: the code moved on, so should it.
# The named tests must be green without any patch, else their red would prove nothing.
set -uo pipefail

here=$(cd "$(dirname "$0")" && pwd)
top=$(cd "$here/../.." && pwd)
tap=
all=
keep=
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

# run_test SPEC LOG: the status of the tests that a Caught-by line names, in the scratch tree.
run_test() {
	local spec=$1 log=$2 file filter=()

	case $spec in
	unit/*)
		timeout -k 5 120 meson test -C "$scratch/build" --no-rebuild --suite unit "${spec#unit/}" \
			>"$log" 2>&1 </dev/null
		;;
	functional/*)
		file=${spec%%.bats*}.bats
		spec=${spec#"$file"}
		[ -z "${spec# }" ] || filter=(-f "${spec# }")
		BUILD=$scratch/build timeout -k 5 180 bats --tap "${filter[@]}" \
			"$scratch/tests/$file" >"$log" 2>&1 </dev/null &&
			grep -q '^ok [0-9]* [^#]*$' "$log"
		;;
	*) die "Caught-by: $spec: neither unit/NAME nor functional/FILE.bats" ;;
	esac
}

# The tests that the chosen mutants name, once each, on the unharmed copy.
baseline() {
	local spec

	while read -r spec; do
		if ! run_test "$spec" "$work/baseline.log"; then
			tail -n 15 "$work/baseline.log" | sed 's/^/# /'
			echo "# not green without any mutant: $spec"
			broken[$spec]=1
		fi
	done < <(for name in "${names[@]}"; do field Caught-by "$here/$name.patch"; done | sort -u)
}

# Prints why the mutant lives, nothing if it died.
try_mutant() {
	local name=$1 patch=$here/$1.patch file spec file_list

	[ -n "$(field Breaks "$patch")" ] || { echo "has no Breaks: line" && return; }
	[ -n "$(field Caught-by "$patch")" ] || { echo "has no Caught-by: line" && return; }
	file_list=$(sed -n 's,^+++ b/\([^ \t]*\).*,\1,p' "$patch")
	if ! patch -d "$scratch" -p1 -F2 --no-backup-if-mismatch -r - <"$patch" >"$work/patch.log" 2>&1; then
		echo "does not apply: $(tr '\n' ' ' <"$work/patch.log")"
	elif ! ninja -C "$scratch/build" >"$work/ninja.log" 2>&1; then
		echo "does not build: $(grep -m 1 'error' "$work/ninja.log")"
	else
		while read -r spec; do
			if [ -n "${broken[$spec]-}" ]; then
				echo "$spec is red without it"
			elif run_test "$spec" "$work/test.log"; then
				echo "lives: $spec stays green"
			fi
		done < <(field Caught-by "$patch")
	fi
	for file in $file_list; do
		cp "$top/$file" "$scratch/$file" # with a new time stamp, so that ninja sees it
	done
}

for argument; do
	case $argument in
	--tap) tap=1 ;;
	--all) all=1 ;;
	--keep) keep=1 ;;
	-*) sed -n '3,16s/^# \{0,1\}//p' "$0" && exit 2 ;;
	*) names+=("${argument%.patch}") ;;
	esac
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

work=$(mktemp -d)
[ -n "$keep" ] || trap 'rm -rf "$work"' EXIT
scratch=$work/tree
declare -A broken=()
mkdir "$scratch"
copy_tree "$top" "$scratch"
# Little optimisation: the mutants are built one after the other.
if ! meson setup -Doptimization=1 -Ddebug=false "$scratch/build" "$scratch" >"$work/build.log" 2>&1 ||
	! ninja -C "$scratch/build" >>"$work/build.log" 2>&1; then
	tail "$work/build.log" >&2
	die "the unharmed copy does not build"
fi
[ -z "$tap" ] || echo "1..${#names[@]}"
baseline
number=0
lived=0
for name in "${names[@]}"; do
	number=$((number + 1))
	why=$(try_mutant "$name")
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
