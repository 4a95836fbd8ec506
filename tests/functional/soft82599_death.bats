# SPDX-License-Identifier: BSD-3-Clause
# Tenants of one card are killed in the midst of traffic: the others lose nothing.
# timeout: 900
# shellcheck disable=SC2034,SC2154 # variables of the files that setup loads

setup() {
	load helpers
	load testpmd
	load processes
	need_built "$SOFT82599"
	card=$(unique_name)
}

teardown() {
	tenant_kill_all
	tp_kill_all
}

# What the card holds for others, its own descriptors included.
holdings() {
	jq -c '[.held, (.clients | length)]' "$tmp/show"
	find "/proc/$(jq .pid "$tmp/show")/fd" -mindepth 1 | wc -l
}

# The functions that the dead tenant had are free; $freed is how long that took, in ms.
await_free() {
	local start=${EPOCHREALTIME/./}

	free_now() {
		show && [ "$(jq '[.functions[] | select(.name == "vf3" and .pid == null and
			.users == 0)] | length' "$tmp/show")" = 1 ]
	}
	wait_for 10 free_now
	freed=$(((${EPOCHREALTIME/./} - start) / 1000))
}

# kill_rounds N: VF 0 and VF 1 play ping-pong in one process, VF 2 there talks to VF 3 of a
# tenant, which is killed N times: by turns while it answers, and while it floods.
kill_rounds() {
	local round mode base before='' freed_ms=() median

	open_survivors "03:10.1 03:10.3 03:10.5"
	for ((round = 1; round <= $1; round++)); do
		mode=$([ $((round % 2)) = 1 ] && echo macswap || echo txonly)
		show
		base=$(pool vf3 tx_packets)
		tenant b 03:10.7 --forward-mode="$mode" --tx-first --eth-peer="0,$(mac vf2)"
		moved b vf3 tx_packets $((base + 5000))
		kill -KILL "${TENANT[b]}"
		await_free
		echo "round $round, $mode: free after $freed ms"
		freed_ms+=("$freed")
		tenant_wait b
		moved a vf1 rx_packets $(($(pool vf1 rx_packets) + 5000))
		show
		[ -n "$before" ] || before=$(holdings)
	done
	# Within a second; a look may come late where the machine has other work.
	median=$(printf '%s\n' "${freed_ms[@]}" | sort -n | sed -n "$(($1 / 2))p")
	[ "$median" -lt 1000 ]
	tp a stop >"$tmp/stop"
	show
	jq -c '.pools[:4][] | {owner, rx_packets, tx_packets, drops}, .stats' "$tmp/show"
	[ "$(holdings)" = "$before" ]
	survivors_lost_nothing
	# What went to the tenant arrived, or was dropped at its VF; VF 2's first burst knew no peer.
	[ "$(pool vf2 tx_packets)" -eq \
		$(($(pool vf3 rx_packets) + $(dropped vf3) + $(jq .stats.wire_tx_packets "$tmp/show"))) ]
	# Of a burst that a death cut short, the frames may not have been counted.
	repairs=$(jq .stats.lock_repairs "$tmp/show")
	off=$(($(pool vf3 tx_packets) - $(pool vf2 rx_packets) - $(dropped vf2)))
	echo "$repairs deaths inside the lock, $off frames off"
	[ "${off#-}" -le $((32 * repairs)) ]
	[ "$repairs" -ge 1 ]
}

@test "a tenant is killed 20 times in the midst of traffic" {
	kill_rounds 20
}

@test "when the card ends, tenants live on, with registers that read all ones, and can quit" {
	"$SOFT82599" run --name "$card" --vfs 2 -- sleep 60 3>&- &
	launcher=$!
	wait_for 10 show
	for name in p v; do
		port=$([ $name = p ] && echo 03:00.1 || echo 03:10.1)
		tp_open $name "$SOFT82599" exec --name "$card" -- dpdk-testpmd -l 0-1 --no-huge \
			-m 128 --no-telemetry --file-prefix "$card-$name" -a "0000:$port" -- -i \
			--total-num-mbufs=8192
	done
	tp v "start tx_first 1" >"$tmp/start"
	# The launcher passes SIGTERM on, and ends with its COMMAND.
	kill -TERM "$launcher"
	rc=0
	wait "$launcher" || rc=$?
	[ "$rc" = 143 ]
	tp v "show port stats 0" >"$tmp/stats"
	cat "$tmp/stats"
	kill -0 "${TP_PID[p]}"
	tp_quit v
	tp_quit p
	run -3 "$SOFT82599" exec --name "$card" -- true
}

# bats test_tags=long
@test "a tenant is killed 200 times in the midst of traffic" {
	kill_rounds 200
}
