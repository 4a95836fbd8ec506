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
	(cd "$work" && "$build/soft82599/mixgen" --dst-mac "$mac" --vlan "$vlan" \
		--other-vlan "$other_vlan" mix.pcap)
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

# What of vfplane's output comes as it happens: bring-up, the layout, the VFs. Its final tables follow
# from the report below, where the wire's figures stand beside its own.
live() {
	tee "$work/stdout" | sed -u '/^totals after/,$d'
}

run() {
	local name=demo-$$ rc=0 out=$work/card.json

	rm -rf "$work"/{report,verify,card,bound,restored}.json "$work/restore" "$work/run"
	configuration >"$work/demo.conf"
	printf 'show layout\nshow vfs\n' >"$work/commands"
	title "vfplane on soft82599, a software NIC (no silicon): $vfs VFs, $seconds s"
	# After vfplane the card lives on for a moment: its own counters are the independent witness.
	# shellcheck disable=SC2046
	"$build/soft82599/soft82599" run --name "$name" --vfs "$vfs" --wire "verify:$work/mix.pcap" \
		--verify-json "$work/verify.json" -- bash scripts/lib/demo_card.sh \
		"$build/soft82599/soft82599" "$name" "$work" "$vfs" "$build/app/vfplane" $(lcores) --no-huge -m 512 --file-prefix "$name" -- \
		--config "$work/demo.conf" --cmdline-file "$work/commands" \
		--run "$seconds" --json "$work/report.json" 2>"$work/stderr" | live || rc=$?
	if [ ! -s "$work/report.json" ] || [ ! -s "$work/verify.json" ] || [ ! -s "$out" ]; then
		tail -n 20 "$work/stderr" >&2
		die "the run left no report (exit status $rc); all it said is in $work/stderr"
	fi
	echo "$rc" >"$work/status"
}

# The report with the wire's latency in it, and all the rest that the checks look at.
merge() {
	jq --slurpfile verify "$work/verify.json" '.latency = [$verify[0].latency] + .latency' \
		"$work/report.json" >"$work/merged.json"
	# The packets sent are the file, over and over: how many foreign VLANs were among them?
	tcpdump -nn -e -r "$work/mix.pcap" 2>/dev/null |
		awk -v vlan="vlan $other_vlan," -v sent="$(jq .sent "$work/verify.json")" '
			{ foreign[NR] = index($0, vlan) > 0; all += foreign[NR] }
			END {
				for (i = 1; i <= sent % NR; i++)
					rest += foreign[i]
				print all * int(sent / NR) + rest
			}' >"$work/foreign"
	"$build/ctl/vfctl" predict --config "$work/demo.conf" --json \
		--packets "$(jq .sent "$work/verify.json")" "$work/mix.pcap" >"$work/predicted.json" ||
		echo '{}' >"$work/predicted.json"
	jq -n --slurpfile report "$work/merged.json" --slurpfile verify "$work/verify.json" \
		--slurpfile card "$work/card.json" --slurpfile guess "$work/predicted.json" \
		--slurpfile bound "$work/bound.json" --slurpfile restored "$work/restored.json" \
		--argjson foreign "$(cat "$work/foreign")" --argjson status "$(cat "$work/status")" \
		'{report: $report[0], wire: ($verify[0] | del(.injected)), card: $card[0],
		  seen: [$report[0].ports[] | select(.name == "vf0").queues[]],
		  predicted: [$guess[0].pools[]? | select(.name == "vf0").queues[]],
		  bound: $bound[0].devices, restored: $restored[0].devices,
		  foreign: $foreign, status: $status}' >"$work/all.json"
	[ -z "$json" ] || cp "$work/merged.json" "$json"
}

show_ports() {
	title "Ports, as the NIC counts"
	jq -r '.report.ports[] | [.name, .rx_packets, .tx_packets, .rx_pps, .tx_pps,
		(.rx_packets as $all | [.queues[] | select(.rx_packets > 0) |
			"q\(.id) \(100 * .rx_packets / $all | round)%"] | join(", "))] | @tsv' \
		"$work/all.json" | awk -F'\t' '
		BEGIN { printf "%-6s %12s %12s %10s %10s   %s\n",
			"port", "received", "sent", "rx kpps", "tx kpps", "queues of rx" }
		{ printf "%-6s %12d %12d %10.1f %10.1f   %s\n", $1, $2, $3, $4 / 1e3, $5 / 1e3, $6 == "" ? "-" : $6 }'
}

show_latency() {
	title "Latency"
	jq -r '.report.latency[] | select(.count > 0) |
		[.name, .kind, .count, .min_ns, .p50_ns, .p99_ns, .p999_ns, .max_ns] | @tsv' \
		"$work/all.json" | awk -F'\t' '
		function t(ns) {
			if (ns < 1e3) return sprintf("%.0f ns", ns)
			if (ns < 1e6) return sprintf("%.1f us", ns / 1e3)
			return sprintf("%.1f ms", ns / 1e6)
		}
		BEGIN { printf "%-14s %-9s %9s %9s %9s %9s %9s\n",
			"path", "kind", "packets", "min", "p50", "p99", "p99.9" }
		{ printf "%-14s %-9s %9d %9s %9s %9s %9s\n", $1, $2, $3, t($4), t($5), t($6), t($7) }'
	cat <<-'END'
		wire: stamped by soft82599 where a packet enters and leaves, queueing included.
		residence: from rx_burst called to tx_burst accepted. bound: the most that a
		packet can have waited in ring and software. Clock: TSC. The software NIC and
		the program share these cores: none of this tells anything about silicon.
	END
}

# Where the card has no sysfs of its own there was nothing to bind.
show_restore() {
	[ -s "$work/restore" ] || return 0
	title "Given back"
	cat "$work/restore"
}

# verdict FAILED TEXT DETAIL
verdict() {
	local word=PASS

	if [ "$1" -ne 0 ]; then
		word=FAIL
		failures=$((failures + 1))
	fi
	printf '%s  %-28s %s\n' "$word" "$2" "$3"
}

# expect TEXT DETAIL CONDITION: jq over {report, wire, card, seen, predicted, foreign, status}.
expect() {
	local rc=0

	jq -e "$3" "$work/all.json" >/dev/null 2>&1 || rc=1
	verdict "$rc" "$1" "$(jq -r "\"$2\"" "$work/all.json" 2>/dev/null || echo "not reported")"
}

# The conditions are jq's to expand, not the shell's.
# shellcheck disable=SC2016
checks() {
	title "Checked against the wire"
	expect "packets" \
		'\(.wire.to_vf) to VF 0, \(.wire.received) back, \(.wire.lost) lost, \(.wire.extra) extra' \
		'.wire | .to_vf > 0 and .received == .to_vf and .lost == 0 and .extra == 0 and .in_flight == 0'
	expect "content" '\(.wire.changed) changed, \(.wire.duplicated) doubled' \
		'.wire | .changed == 0 and .duplicated == 0'
	expect "order within each flow" '\(.wire.reordered) out of order in \(.wire.flows) flows' \
		'.wire.reordered == 0'
	expect "addresses" '\(.wire.macs) as the mode mac says' '.wire.macs == "rewritten"'
	expect "predicted queue is actual" \
		'\(.predicted | map("q\(.id) \(.packets)") | join(", ")); seen \(.seen | map(.rx_packets) | join(", "))' \
		'[.predicted[].packets] == [.seen[].rx_packets] and (.seen | length > 0)'
	expect "both queues of VF 0 used" \
		'\(.seen | map("q\(.id) \(.rx_packets)") | join(", "))' \
		'.seen | length == 2 and all(.rx_packets > 0)'
	expect "unregistered VLAN kept out" \
		'\(.foreign) sent, \((.wire.dropped.vlan_filter // 0) + .wire.default_pool) dropped, 0 at VF 0' \
		'.foreign > 0 and (.wire.dropped.vlan_filter // 0) + .wire.default_pool == .foreign and
		 ([.card.pools[] | select(.owner == "vf0").rx_packets] == [.wire.to_vf])'
	expect "no other drops in the NIC" '\([.card.pools[].drops | to_entries[]] | length) kinds' \
		'[.card.pools[].drops | to_entries[]] == []'
	expect "every packet accounted for" \
		'\(.report.totals.unaccounted) unaccounted, NIC against workers' \
		'.report.totals.unaccounted == 0'
	expect "latency measured" \
		'\([.report.latency[] | select(.count > 0)] | length) paths, wire to wire among them' \
		'[.report.latency[] | select(.count > 0)] |
		 (map(.kind) | index("wire")) != null and
		 all(.min_ns <= .p50_ns and .p50_ns <= .p99_ns and .p99_ns <= .max_ns)'
	[ ! -s "$work/restore" ] || expect "bound to vfio-pci" \
		'PF and \(.bound | length - 1) VFs: \(.bound | map(.driver) | unique | join(", "))' \
		".bound | length == $((vfs + 1)) and all(.driver == \"vfio-pci\" and .iommu_group != null)"
	[ ! -s "$work/restore" ] || expect "given back as they were" \
		'PF on \(.restored[0].driver), \(.restored[0].vfs) VFs' \
		'.restored | length == 1 and .[0].driver == "ixgbe" and .[0].vfs == 0'
	expect "source is named" '\(.report.source)' '.report.source == "soft82599"'
	expect "vfplane and card ended well" 'exit status \(.status)' '.status == 0'
}

arguments "$@"
prepare
run
merge
show_ports
show_latency
show_restore
checks
echo
if [ "$failures" -gt 0 ]; then
	echo "$failures checks FAILED. What was said: ${work#"$top"/}/stdout and stderr." >&2
fi
echo "report: ${json:-${work#"$top"/}/merged.json}   everything: ${work#"$top"/}"
[ "$failures" -eq 0 ]
