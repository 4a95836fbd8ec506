# SPDX-License-Identifier: BSD-3-Clause
# Drives mbox_raw, the tenant that means no good, and compares what the card holds before and after.
# Uses $card. Loads after vfplane.bash.
# shellcheck shell=bash disable=SC2154 # $card

MBOX_RAW=$BUILD/tests/functional/mbox_raw
declare -gA AT_IN AT_OUT AT_PID

# at_open NAME BDF: a process of its own on the card, with that VF.
at_open() {
	local dir=$BATS_TEST_TMPDIR/attacker-$1 in out

	mkdir -p "$dir"
	rm -f "$dir/in" "$dir/out"
	mkfifo "$dir/in" "$dir/out"
	"$SOFT82599" exec --name "$card" -- "$MBOX_RAW" "$2" <"$dir/in" >"$dir/out" 2>"$dir/err" 3>&- &
	AT_PID[$1]=$!
	exec {in}>"$dir/in" {out}<"$dir/out"
	AT_IN[$1]=$in
	AT_OUT[$1]=$out
}

# at_begin NAME LINE: without waiting for the answer.
at_begin() {
	echo "$2" >&"${AT_IN[$1]}"
}

# at_end NAME: the answer to the oldest line that has none yet, as JSON.
at_end() {
	local line

	if ! read -r -t 250 line <&"${AT_OUT[$1]}"; then
		echo "the attacker $1 does not answer: $(cat "$BATS_TEST_TMPDIR/attacker-$1/err")"
		return 1
	fi
	echo "$line"
}

at() {
	at_begin "$1" "$2"
	at_end "$1"
}

# answers NAME LINE: "ack 1, nack 2, silent 0" of repeat, for and random.
answers() {
	at "$1" "$2" | tee "$BATS_TEST_TMPDIR/answer" |
		jq -r '"ack \(.ack), nack \(.nack), silent \(.silent + .untaken)"'
}

at_close() {
	local in=${AT_IN[$1]} out=${AT_OUT[$1]}

	echo quit >&"$in" # its end of input may be kept open by a later process
	exec {in}>&- {out}<&-
	wait "${AT_PID[$1]}"
	unset "AT_PID[$1]"
}

at_kill_all() {
	local name

	for name in "${!AT_PID[@]}"; do
		kill -KILL "${AT_PID[$name]}" 2>/dev/null || true
	done
}

# registers [VF...]: what the card holds, counters left out; and without what is these VFs' own.
registers() {
	"$SOFT82599" show --name "$card" --json | jq -S --argjson without "[$(IFS=, && echo "$*")]" '
		def others: select(.id as $id | $without | index($id) | not);
		{geometry,
		 digests: .filters.digests,
		 rar: [.filters.rar[] | .pools -= $without | select(.pools != [])],
		 vlvf: [.filters.vlvf[] | .pools -= $without | select(.pools != []) | del(.index)] |
			sort,
		 promiscuous: [.filters.unicast_promiscuous, .filters.multicast_promiscuous],
		 pools: [.pools[] | others | {id, macs, vlans, rx, tx, accepts, mac_antispoof,
			vlan_antispoof, vlan_insert, first_queue, rss_queues}],
		 hold: .invariants.hold}'
}
