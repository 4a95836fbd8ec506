# SPDX-License-Identifier: BSD-3-Clause
# One testpmd with the PF and two VFs, and the card's own word on what became of its frames.
# Loads after testpmd.bash. Uses $card; $tmp is the test's folder.
# shellcheck shell=bash disable=SC2034,SC2154,SC2317 # $card, mac0, mac1; functions that wait_for calls

# open VERB-ARGS TESTPMD-ARGS...: PF and two VFs in one testpmd, as ports 0, 1 and 2.
open() {
	local verb=$1

	shift
	# shellcheck disable=SC2086 # several words
	tp_open a "$SOFT82599" run --name "$card" --vfs 2 $verb -- dpdk-testpmd -l 0-1 --no-huge \
		-m 384 --file-prefix "$card" -a 0000:03:00.1 -a 0000:03:10.1 -a 0000:03:10.3 \
		-- -i --total-num-mbufs=16384 "$@"
	mac0=$(tp_mac a 1)
	mac1=$(tp_mac a 2)
}

show() {
	"$SOFT82599" show --name "$card" --json
}

# since JQ: by how much the number grew since the last mark.
since() {
	local now

	now=$(show | jq "$1")
	echo $((now - $(jq "$1" "$tmp/mark")))
}

# pool OWNER JQ-EXPRESSION, for since
pool() {
	echo ".pools[] | select(.owner == \"$1\") | ($2) // 0"
}

# send PORT TO: sends frames from PORT until the card has taken a few thousand.
send() {
	tp a "set portlist $1"
	tp a "set eth-peer $1 $2"
	tp a "set fwd txonly"
	show >"$tmp/mark"
	tp a start
	taken() { [ "$(since "[.tx_queues[] | .packets + .drops] | add")" -gt 3000 ]; }
	wait_for 20 taken
	tp a stop >"$tmp/stop"
}

holds() {
	show | jq -c .invariants
	[ "$(show | jq .invariants.hold)" = true ]
}
