# SPDX-License-Identifier: BSD-3-Clause
# VFs that hammer their mailbox: while vfplane starts, while its PF stops and starts and the link flaps,
# and while others forward packets. Long variants make it last; the last one is storms_minute.bats.
# timeout: 1200

setup() {
	load helpers
	load vfplane
	load attacker
	load storm
	need_built "$SOFT82599" "$VFPLANE" "$MBOX_RAW" "$MIXGEN"
	card=$(unique_name)
	tmp=$BATS_TEST_TMPDIR
	launcher=
}

teardown() {
	at_kill_all
	vp_kill_all
	[ -z "$launcher" ] || kill "$launcher" 2>/dev/null || true
}

# starts_under_hammer N: VF_RESET and MACVLAN by turns, without a pause, from before the PF is probed
# until it is closed. The second would be granted by a PMD that nobody tells what to do.
starts_under_hammer() {
	local i

	cat >"$tmp/c.conf" <<-END
		pf 0 { pci = 0000:03:00.1  queues_per_pool = 2 }
		vf 0 { owner = tenant  port_vlan = 300 }
		vf 1 { owner = tenant  request_rate = 0 }
	END
	printf 'show vf 1\nquit\n' >"$tmp/commands"
	"$SOFT82599" run --name "$card" -- sleep 1200 3>&- &
	launcher=$!
	wait_for 10 "$SOFT82599" show --name "$card" --json >/dev/null
	at_open x 0000:03:10.3
	for ((i = 0; i < $1; i++)); do
		at_begin x "hammer 0.9 1+0x10005%2 0x00c00902 0x0000"
		"$SOFT82599" exec --name "$card" -- "$VFPLANE" -l 0-1 --no-huge -m 128 --no-telemetry \
			--file-prefix "$card" -- -i --config "$tmp/c.conf" --cmdline-file "$tmp/commands" \
			>"$tmp/out" 2>"$tmp/err" </dev/null || { cat "$tmp/out" "$tmp/err" && return 1; }
		at_end x >>"$tmp/answers"
		awk '/^requests / { requests = $2 } /^resets / { resets = $2 }
			END { exit requests == 0 && resets == 0 }' "$tmp/out"
	done
	jq -sc '[(map(.sent) | add), (map(.ack) | add), (map(.nack) | add), (map(.others) | add)]' \
		"$tmp/answers" | tee "$tmp/sum"
	[ "$(jq '.[1] > 0 and .[2] > 0 and .[3] == 0' "$tmp/sum")" = true ]
	[ "$("$SOFT82599" show --name "$card" --json | jq '[.filters.rar[] | select(.mac == "02:09:c0:00:00:00")] |
		length')" -le 1 ]
}

@test "20 starts with a VF that hammers VF_RESET: no crash, nothing granted that was not decided" {
	starts_under_hammer 20
}

# bats test_tags=long
@test "200 starts with a VF that hammers VF_RESET: no crash, nothing granted that was not decided" {
	starts_under_hammer 200
}

# alive NAME: its reset is answered. A ping of the PF overwrites a request that it has not read yet, so
# a driver asks again, and so does this.
alive() {
	local try

	for try in 1 2 3; do
		[ "$(answers "$1" "repeat 1 1")" != "ack 1, nack 0, silent 0" ] || return 0
		echo "try $try: $(cat "$tmp/answer")"
	done
	return 1
}

policy_is_back() {
	registers >"$tmp/now" && diff "$tmp/before" "$tmp/now" >"$tmp/diff"
}

# restarts N: the PF stops and starts, the link flaps, a VF resets all the time.
restarts() {
	local i

	cat >"$tmp/c.conf" <<-END
		pf 0 { pci = 0000:03:00.1  queues_per_pool = 2 }
		vf 0 { owner = tenant  port_vlan = 300  rate = 2000 }
		vf 1 { owner = tenant  vlans = {7, 8}  request_rate = 0 }
	END
	vp_open a "$SOFT82599" run --name "$card" -- "$VFPLANE" -l 0-1 --no-huge -m 128 --no-telemetry \
		--file-prefix "$card" -- -i --config "$tmp/c.conf"
	at_open x 0000:03:10.1
	at_open y 0000:03:10.3
	[ "$(answers x "repeat 1 1")" = "ack 1, nack 0, silent 0" ]
	[ "$(answers y "repeat 1 1")" = "ack 1, nack 0, silent 0" ]
	registers >"$tmp/before"
	for ((i = 0; i < $1; i++)); do
		at_begin y "hammer 0.3 1"
		"$SOFT82599" ctl --name "$card" link down
		vp a "port stop 0" | grep -q "pf0 stopped"
		"$SOFT82599" ctl --name "$card" link up
		[ $((i % 2)) -eq 0 ] || "$SOFT82599" ctl --name "$card" link down
		vp a "port start 0" | grep -q "pf0 started"
		"$SOFT82599" ctl --name "$card" link up
		at_end y >"$tmp/o"
		# Both VFs come back as a driver does, by a reset, and the mailbox answers.
		alive x
		alive y
		wait_for 5 policy_is_back || { cat "$tmp/diff" && return 1; }
	done
	vp a "show drift" >"$tmp/drift"
	cat "$tmp/drift"
	grep -q "PF start  *vf0  *$1  *port VLAN, MAC, anti-spoof, rate" "$tmp/drift"
	grep -q "PF start  *vf1  *$1  *MAC, VLANs, anti-spoof" "$tmp/drift"
	rated() { "$SOFT82599" show --name "$card" --json | jq -e '[.tx_queues[] | select(.pool == 0) | .rate_mbps] |
		all(. == 1000)' >/dev/null; }
	wait_for 5 rated
}

@test "20 stops and starts of the PF with link flaps: settings back, mailbox alive, drift told" {
	restarts 20
}

# bats test_tags=long
@test "200 stops and starts of the PF with link flaps: settings back, mailbox alive, drift told" {
	restarts 200
}

@test "a flood of 1,500 requests and a storm of 1,500 resets: the others lose nothing" {
	storm attack "repeat 1500 5 1518" "repeat 1500 1"
	withstood 5000 # others may be at work on the machine
}
