# SPDX-License-Identifier: BSD-3-Clause
# VFs that hammer their mailbox: while vfplane starts, while its PF stops and starts and the link flaps,
# and while others forward packets. Long variants make it last.
# timeout: 1200

setup() {
	load helpers
	load vfplane
	load attacker
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
	"$SOFT82599" run --name "$card" -- sleep 900 3>&- &
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

# storm NAME [FLOOD RESETS]: VF 0 and VF 1 forward what the wire sends, while VF 2 floods with requests
# and VF 3 with resets, as fast as the card lets them; or for a minute in peace. What verify says goes
# to $tmp/verify.
storm() {
	"$MIXGEN" "$tmp/mix.pcap"
	sed 's/^forward/vf 2 { owner = tenant }\nvf 3 { owner = tenant }\n&/' "$TOP/config/ping-pong.conf" \
		>"$tmp/c.conf"
	vp_open "$1" "$SOFT82599" run --name "$card" --vfs 4 --wire "verify:$tmp/mix.pcap" \
		--verify-json "$tmp/verify" -- "$VFPLANE" -l 0-1 --no-huge -m 512 --no-telemetry \
		--file-prefix "$card" -- -i --config "$tmp/c.conf"
	logged=$(wc -l <"$tmp/vfplane-$1/err")
	at_open x 0000:03:10.5
	at_open y 0000:03:10.7
	at x "say 1" >"$tmp/o"
	vp "$1" start >"$tmp/o"
	if [ "$#" -gt 1 ]; then
		at_begin x "$2"
		at_begin y "$3"
		at_end x >"$tmp/flood"
		at_end y >"$tmp/resets"
		cat "$tmp/flood" "$tmp/resets"
	else
		sleep 60
	fi
	vp "$1" stop >"$tmp/o"
	vp "$1" "show mailbox last 4"
	logged=$(($(wc -l <"$tmp/vfplane-$1/err") - logged))
	vp_quit "$1" || true # verify judges below
	at_close x
	at_close y
	jq -c '{sent, received, lost, changed, in_flight, unanswered}' "$tmp/verify"
}

# withstood MS: with answers within so many milliseconds, but for one in a hundred.
withstood() {
	[ "$(jq '.received > 1000 and .lost == 0 and .changed == 0 and .duplicated == 0' "$tmp/verify")" = true ]
	# the flood is held to its rate, a reset cannot be
	[ "$(jq '.ack <= 200 * (3 + .seconds) and .ack + .nack > 100' "$tmp/flood")" = true ]
	[ "$(jq '.ack > 100 and .nack == 0' "$tmp/resets")" = true ]
	[ "$(jq -s 'map(.p99_us) | max' "$tmp/flood" "$tmp/resets")" -le $(($1 * 1000)) ]
	echo "$logged lines logged"
	[ "$logged" -le 100 ]
	jq -c . "$tmp/flood" "$tmp/resets" | sed 's/^/# /' >&3
}

@test "a flood of 1,500 requests and a storm of 1,500 resets: the others lose nothing" {
	storm attack "repeat 1500 5 1518" "repeat 1500 1"
	withstood 5000 # others may be at work on the machine
}

# bats test_tags=long
@test "a flood and a storm for 60 s: the others lose no more than in the same run without" {
	storm peace
	[ "$(jq '.lost == 0' "$tmp/verify")" = true ]
	storm attack "for 60 5 1518" "for 60 1"
	withstood 50
}
