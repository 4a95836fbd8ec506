# SPDX-License-Identifier: BSD-3-Clause
# A flood of requests and a storm of resets beside two VFs that forward. Uses $card and $tmp. Loads after
# attacker.bash.
# shellcheck shell=bash disable=SC2154 # $card, $tmp

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
