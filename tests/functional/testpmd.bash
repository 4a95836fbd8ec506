# SPDX-License-Identifier: BSD-3-Clause
# Drives interactive testpmds, several at a time: each has a name of the test's choice.
# shellcheck shell=bash

# -g: load runs in a function
declare -gA TP_IN TP_PID

# tp_open NAME COMMAND...: starts COMMAND, which ends in a testpmd with -i; waits for its prompt.
tp_open() {
	local name=$1 dir=$BATS_TEST_TMPDIR/testpmd-$1 in

	shift
	mkdir -p "$dir"
	mkfifo "$dir/in"
	stdbuf -o0 "$@" <"$dir/in" >"$dir/out" 2>"$dir/err" 3>&- &
	TP_PID[$name]=$!
	exec {in}>"$dir/in"
	TP_IN[$name]=$in
	tp_prompt "$name" 1
}

tp_prompts() {
	grep -o 'testpmd> ' "$BATS_TEST_TMPDIR/testpmd-$1/out" | wc -l
}

# tp_prompt NAME N: waits for the Nth prompt; testpmd writes one when it has done a command.
tp_prompt() {
	local dir=$BATS_TEST_TMPDIR/testpmd-$1

	if ! wait_for 40 tp_prompted "$1" "$2" || [ "$(tp_prompts "$1")" -lt "$2" ]; then
		echo "testpmd $1 did not answer; its last lines:"
		tail -n 15 "$dir/out" "$dir/err"
		return 1
	fi
}

# So many prompts, or the process is gone: then there is nothing to wait for.
tp_prompted() {
	[ "$(tp_prompts "$1")" -ge "$2" ] || ! kill -0 "${TP_PID[$1]}" 2>/dev/null
}

# tp NAME COMMAND: runs it and prints what testpmd said.
tp() {
	local name=$1 out=$BATS_TEST_TMPDIR/testpmd-$1/out size next

	size=$(stat -c %s "$out")
	next=$(($(tp_prompts "$name") + 1))
	echo "$2" >&"${TP_IN[$name]}"
	tp_prompt "$name" "$next"
	tail -c +"$((size + 1))" "$out" | tr -d '\r'
}

# tp_all NAME: runs the commands of standard input one after the other; prints what was said.
tp_all() {
	local name=$1 out=$BATS_TEST_TMPDIR/testpmd-$1/out size next lines

	lines=$(cat)
	size=$(stat -c %s "$out")
	next=$(($(tp_prompts "$name") + $(wc -l <<<"$lines")))
	echo "$lines" >&"${TP_IN[$name]}"
	tp_prompt "$name" "$next"
	tail -c +"$((size + 1))" "$out" | tr -d '\r'
}

# tp_quit NAME: the status of COMMAND. Of its own testpmd closes the PF first, and each of its VFs then
# waits 3.5 s for an answer from it.
tp_quit() {
	local in=${TP_IN[$1]} port last

	last=$(tp "$1" "show port summary all" | sed -n 's/^Number of available ports: //p')
	if [ "$last" -gt 1 ]; then
		tp "$1" stop >/dev/null
		for ((port = last - 1; port > 0; port--)); do
			tp "$1" "port stop $port" >/dev/null
			tp "$1" "port close $port" >/dev/null
		done
	fi
	echo quit >&"$in"
	exec {in}>&-
	wait "${TP_PID[$1]}"
}

# For teardown: ends testpmd at once, and waits for the launcher to follow.
tp_kill_all() {
	local name pid

	for name in "${!TP_PID[@]}"; do
		pid=$(pgrep -P "${TP_PID[$name]}") || pid=${TP_PID[$name]} # exec has become testpmd
		# shellcheck disable=SC2086 # a list
		kill -KILL $pid 2>/dev/null || true
		wait "${TP_PID[$name]}" 2>/dev/null || true
	done
}

# tp_mac NAME PORT
tp_mac() {
	tp "$1" "show port info $2" | sed -n 's/^MAC address: //p'
}

# tp_total NAME FIELD: of "Accumulated forward statistics", RX-packets or TX-packets.
tp_total() {
	tp "$1" "show fwd stats all" |
		sed -n "/Accumulated/,\$s/.*$2: *\\([0-9]*\\).*/\\1/p" | head -n 1
}
