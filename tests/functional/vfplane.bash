# SPDX-License-Identifier: BSD-3-Clause
# Drives interactive vfplanes, several at a time: each has a name of the test's choice.
# shellcheck shell=bash

declare -gA VP_IN VP_PID

# vp_open NAME COMMAND...: starts COMMAND, which ends in a vfplane with -i; waits for its prompt.
vp_open() {
	local name=$1 dir=$BATS_TEST_TMPDIR/vfplane-$1 in

	shift
	mkdir -p "$dir"
	mkfifo "$dir/in"
	"$@" <"$dir/in" >"$dir/out" 2>"$dir/err" 3>&- &
	VP_PID[$name]=$!
	exec {in}>"$dir/in"
	VP_IN[$name]=$in
	vp_prompt "$name" 1
}

vp_prompts() {
	grep -o 'vfplane> ' "$BATS_TEST_TMPDIR/vfplane-$1/out" | wc -l
}

vp_prompted() {
	[ "$(vp_prompts "$1")" -ge "$2" ] || ! kill -0 "${VP_PID[$1]}" 2>/dev/null
}

# vp_prompt NAME N: waits for the Nth prompt.
vp_prompt() {
	local dir=$BATS_TEST_TMPDIR/vfplane-$1

	if ! wait_for 40 vp_prompted "$1" "$2" || [ "$(vp_prompts "$1")" -lt "$2" ]; then
		echo "vfplane $1 did not answer; its last lines:"
		tail -n 15 "$dir/out" "$dir/err"
		return 1
	fi
}

# vp NAME COMMAND: runs it and prints what vfplane said.
vp() {
	local name=$1 out=$BATS_TEST_TMPDIR/vfplane-$1/out size next

	size=$(stat -c %s "$out")
	next=$(($(vp_prompts "$name") + 1))
	echo "$2" >&"${VP_IN[$name]}"
	vp_prompt "$name" "$next"
	tail -c +"$((size + 1))" "$out" | tr -d '\r'
}

# vp_quit NAME: the status of COMMAND.
vp_quit() {
	local in=${VP_IN[$1]}

	echo quit >&"$in"
	exec {in}>&-
	wait "${VP_PID[$1]}"
}

# For teardown: nothing of a failed test stays.
vp_kill_all() {
	local name

	for name in "${!VP_PID[@]}"; do
		pkill -KILL -P "${VP_PID[$name]}" || true # of `run`: COMMAND would outlive its card
		kill -KILL "${VP_PID[$name]}" 2>/dev/null || true
	done
}
