#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# One trial of `vfctl bench throughput`, made by vfplane itself: its source mode offers probes by PORT,
# and what comes back there was received.
#
#   trial.sh PORT COMMAND...     COMMAND starts vfplane, as far as its own "--"
#
#   vfctl bench throughput --trial "bench/trial.sh net_ring0 build/app/vfplane -l 0-1 --no-huge -m 256
#       --no-telemetry --vdev=net_ring0"
#   TRIAL_CONFIG=card.conf vfctl bench throughput --trial "bench/trial.sh vf0 build/soft82599/soft82599
#       run --vfs 2 -- build/app/vfplane -l 0-1 --no-huge -m 512"
#
# TRIAL_CONFIG is a configuration with all else: pf and vf sections, the rule that sends the probes back.
# TRIAL_PEER is the MAC they go to. vfctl says the rest by RATE_PPS, FRAME_BYTES and SECONDS_LONG.
set -euo pipefail

die() {
	echo "trial.sh: $*" >&2
	exit 1
}

[ "$#" -ge 2 ] || die "usage: trial.sh PORT COMMAND..."
for what in RATE_PPS FRAME_BYTES SECONDS_LONG; do
	[ -n "${!what-}" ] || die "RATE_PPS, FRAME_BYTES and SECONDS_LONG say what to try; vfctl bench sets them"
done
port=$1
shift
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT

# Rates are whole; a fraction of a packet a second is below every precision. The count ends it.
rate=$(awk -v r="$RATE_PPS" 'BEGIN { printf "%d", r < 1 ? 1 : r }')
count=$(awk -v r="$rate" -v s="$SECONDS_LONG" 'BEGIN { printf "%d", r * s < 1 ? 1 : r * s }')
run=$(awk -v s="$SECONDS_LONG" 'BEGIN { printf "%d", s + 1.999 }')
{
	[ -z "${TRIAL_CONFIG-}" ] || cat "$TRIAL_CONFIG"
	echo "forward trial { from = $port  mode = source  rate = $rate  count = $count"
	echo "	sizes = {$FRAME_BYTES}  probe = yes  peer = ${TRIAL_PEER:-02:09:c0:00:00:01} }"
} >"$tmp/conf"
rc=0
"$@" -- --config "$tmp/conf" --run "$run" --json "$tmp/report" >"$tmp/log" 2>&1 || rc=$?
# 4: what still lay in a limited queue's ring at the end did not come back in time. It is lost.
[ "$rc" -eq 0 ] || [ "$rc" -eq 4 ] || die "vfplane failed: $(tail -n 3 "$tmp/log")"
[ "$rc" -eq 0 ] || echo "trial.sh: $(tail -n 1 "$tmp/log")" >&2

# A source that could not keep the rate sent for longer, or less: what it offered is what it sent over
# the time that it took.
jq -c --argjson rate "$rate" '
	(.probes[] | select(.name == "trial")) as $p |
	(.latency[] | select(.name == "trial" and .kind == "rtt")) as $l |
	{sent: $p.sent, received: $p.received, source: .source,
	pps: (if $p.behind > 0 then [$rate, $p.sent / $p.seconds] | min else $rate end),
	latency: ($l | {p50_ns, p99_ns, p999_ns, max_ns})}' "$tmp/report"
jq -r '.probes[] | select(.name == "trial" and .behind > .sent / 10) |
	"trial.sh: \(.behind) packets were due and not sent in time: the source cannot keep the rate"' \
	"$tmp/report" >&2
