# SPDX-License-Identifier: BSD-3-Clause
# Several testpmds on one card: an interactive one, "a", that survives, and tenants that do not.
# Loads after testpmd.bash. Uses $card; $tmp is the test's folder.
# shellcheck shell=bash disable=SC2154,SC2317 # $card; functions that wait_for calls

declare -gA TENANT
tmp=$BATS_TEST_TMPDIR

# The card's own word, in $tmp/show.
show() {
	"$SOFT82599" show --name "$card" --json >"$tmp/show.new" 2>"$tmp/show.err" && mv "$tmp/show.new" "$tmp/show"
}

# pool OWNER FIELD: of the last show.
pool() {
	jq --arg owner "$1" ".pools[] | select(.owner == \$owner) | .$2" "$tmp/show"
}

mac() {
	pool "$1" 'macs[0]' | tr -d '"'
}

dropped() {
	pool "$1" 'drops | [.[]] | add // 0'
}

# moved NAME OWNER FIELD N: waits until a pool's counter says more than N while NAME lives.
moved() {
	# or there is nothing to wait for: the card is gone
	beyond() { ! show || [ "$(pool "$1" "$2")" -gt "$3" ]; }
	if ! wait_for 30 beyond "$2" "$3" "$4" || ! show; then
		echo "$2 $3 is $(pool "$2" "$3"), wanted more than $4"
		cat "$tmp/show.err"
		tail -n 5 "$tmp/tenant-$1/out" "$tmp/testpmd-$1/err" 2>/dev/null
		return 1
	fi
}

# open_survivors VFS: "a" owns the card, its PF and these VFs, which answer whoever sends them
# something; a burst of each of the first two is under way between them for ever.
open_survivors() {
	local port allow=()

	for port in 03:00.1 $1; do
		allow+=(-a "0000:$port")
	done
	tp_open a "$SOFT82599" run --vfs 8 --name "$card" -- dpdk-testpmd -l 0-1 --no-huge -m 256 \
		--no-telemetry --file-prefix "$card-a" "${allow[@]}" -- -i --total-num-mbufs=16384 \
		--port-topology=loop --no-flush-rx
	tp a "set all queues drop 0 on"
	tp a "set portlist $(seq -s, 1 $((${#allow[@]} / 2 - 1)))"
	tp a "set fwd macswap"
	show
	tp a "set eth-peer 1 $(mac vf1)"
	tp a "set eth-peer 2 $(mac vf0)"
	tp a "start tx_first 1" >"$tmp/start"
	moved a vf1 rx_packets 1000
}

survivors_lost_nothing() {
	[ "$(pool vf0 tx_packets)" -eq "$(pool vf1 rx_packets)" ]
	[ "$(pool vf1 tx_packets)" -eq "$(pool vf0 rx_packets)" ]
	[ "$(pool vf0 drops)$(pool vf1 drops)" = "{}{}" ]
}

# tenant NAME "VFS" TESTPMD-ARGS...: a testpmd that comes to the card and forwards at once.
tenant() {
	local name=$1 dir=$tmp/tenant-$1 port allow=() hold

	for port in $2; do
		allow+=(-a "0000:$port")
	done
	shift 2
	mkdir -p "$dir"
	[ -e "$dir/in" ] || mkfifo "$dir/in"
	exec {hold}<>"$dir/in" # testpmd waits for a line that never comes
	"$SOFT82599" exec --name "$card" -- dpdk-testpmd -l 0-1 --main-lcore 1 --no-huge -m 128 \
		--no-telemetry --file-prefix "$card-$name" "${allow[@]}" -- --total-num-mbufs=8192 \
		--port-topology=loop --no-flush-rx "$@" <"$dir/in" >"$dir/out" 2>&1 3>&- &
	TENANT[$name]=$!
	exec {hold}>&-
}

tenant_wait() {
	wait "${TENANT[$1]}" 2>/dev/null || true
	unset "TENANT[$1]"
}

tenant_kill_all() {
	[ -z "${TENANT[*]}" ] || echo "tenants killed: ${!TENANT[*]}"
	local name

	for name in "${!TENANT[@]}"; do
		kill -KILL "${TENANT[$name]}" 2>/dev/null || true
		tenant_wait "$name"
	done
}
