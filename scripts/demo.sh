#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# Shows vfplane at work on soft82599, the software 82599: no card needed.
#
#   demo.sh [--seconds N] [--vfs N] [--json FILE]
#
# Sets up, builds, and lets a packet mix enter by the wire for VF 0, cross vfplane to VF 1 and leave
# by the wire, where every packet is checked. Defaults: 5 seconds, 2 VFs. FILE gets the report.
# Exit status: 0 only if every check passed. What it made is in build/demo.
set -euo pipefail

top=$(cd "$(dirname "$0")/.." && pwd)
cd "$top"
build=$top/build
work=$build/demo
seconds=5
vfs=2
json=
mac=02:09:c0:00:00:00
vlan=100       # registered for VF 0 in the configuration
other_vlan=300 # registered for nobody
failures=0

die() {
	echo "demo.sh: $*" >&2
	exit 2
}

# number OPTION VALUE LOW HIGH
number() {
	if ! [[ $2 =~ ^[0-9]{1,6}$ ]] || [ "$2" -lt "$3" ] || [ "$2" -gt "$4" ]; then
		die "$1 '$2': $3 to $4 are allowed"
	fi
}

arguments() {
	while [ $# -gt 0 ]; do
		case $1 in
		-h | --help)
			sed -n '3,9s/^# \{0,1\}//p' "$0"
			exit 0
			;;
		--seconds | --vfs | --json)
			[ $# -ge 2 ] || die "$1: a value is missing"
			printf -v "${1#--}" %s "$2"
			shift 2
			;;
		*) die "unknown argument '$1' (there are --seconds N, --vfs N and --json FILE)" ;;
		esac
	done
	number --seconds "$seconds" 1 86400
	# One process holds the PF and at most 31 VFs: Debian's DPDK has room for 32 ports.
	number --vfs "$vfs" 2 31
	[ -z "$json" ] || : >"$json" || die "--json $json: cannot be written"
}

title() {
	printf '\n== %s\n' "$*"
}

prepare() {
	title "Set-up and build"
	scripts/setup.sh
	mkdir -p "$work"
	if ! { { [ -e "$build/build.ninja" ] || meson setup "$build"; } && ninja -C "$build"; } \
		>"$work/build.log" 2>&1; then
		tail -n 20 "$work/build.log" >&2
		die "the build failed: $work/build.log"
	fi
	echo "ready after $SECONDS s"
	title "The packet mix"
	"$build/soft82599/mixgen" --dst-mac "$mac" --vlan "$vlan" --other-vlan "$other_vlan" \
		"$work/mix.pcap"
}

# The example configuration; more VFs than it names are brought up and left idle.
configuration() {
	local n

	cat config/ping-pong.conf
	for ((n = 2; n < vfs; n++)); do
		printf 'vf %d { mac = 02:09:c0:00:00:%02x }\n' "$n" "$n"
	done
}

# Two lcores: one for control, one that polls; on a machine with one core they share it.
lcores() {
	if [ "$(nproc)" -gt 1 ]; then echo "-l 0-1"; else echo "--lcores=0@0,1@0"; fi
}

run() {
	local name=demo-$$ rc=0

	rm -f "$work"/{report,verify,card}.json
	configuration >"$work/demo.conf"
	echo "show bringup" >"$work/commands"
	title "vfplane on a software NIC (soft82599, no silicon), $vfs VFs, $seconds s"
	# After vfplane the card lives on for a moment: its own counters are the independent witness.
	# shellcheck disable=SC2016,SC2046
	"$build/soft82599/soft82599" run --name "$name" --vfs "$vfs" --wire "verify:$work/mix.pcap" \
		--verify-json "$work/verify.json" -- bash -c '
			card=$1 name=$2 out=$3 rc=0
			shift 3
			"$@" || rc=$?
			"$card" show --name "$name" --json >"$out" || rc=${rc/#0/1}
			exit "$rc"' demo "$build/soft82599/soft82599" "$name" "$work/card.json" \
		"$build/app/vfplane" $(lcores) --no-huge -m 512 --file-prefix "$name" -- \
		--config "$work/demo.conf" --cmdline-file "$work/commands" \
		--run "$seconds" --json "$work/report.json" 2>"$work/stderr" || rc=$?
	if [ "$rc" -ne 0 ]; then
		sed 's/^/  | /' "$work/stderr" | tail -n 20 >&2
		verdict 1 "vfplane and the card ended well" "exit status $rc, $work/stderr"
	fi
	[ -s "$work/report.json" ] && [ -s "$work/verify.json" ] || die "no report: $work/stderr"
}

# verdict FAILED TEXT DETAIL
verdict() {
	local word=PASS

	if [ "$1" -ne 0 ]; then
		word=FAIL
		failures=$((failures + 1))
	fi
	printf '  %-4s  %-36s %s\n' "$word" "$2" "$3"
}

# expect TEXT DETAIL CONDITION: jq over {report, verify, card, mix}; DETAIL is a jq string.
expect() {
	local rc=0

	jq -e "$3" "$work/all.json" >/dev/null 2>&1 || rc=1
	verdict "$rc" "$1" "$(jq -r "$2" "$work/all.json" 2>/dev/null || echo "not reported")"
}
