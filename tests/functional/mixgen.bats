# SPDX-License-Identifier: BSD-3-Clause
# mixgen's captures, read by a program that did not make them: tcpdump.

setup() {
	load helpers
	need_built "$MIXGEN"
	mix=$BATS_TEST_TMPDIR/mix.pcap
}

# How many packets of the capture a filter lets through.
count() {
	tcpdump -nn -r "$mix" "$@" 2>/dev/null | wc -l
}

@test "tcpdump finds no wrong checksum and no broken packet" {
	"$MIXGEN" --packets 4000 --flows 300 "$mix"
	tcpdump -nn -vv -r "$mix" >"$BATS_TEST_TMPDIR/text" 2>/dev/null
	run grep -ciE 'incorrect|wrong|bad|truncat|invalid' "$BATS_TEST_TMPDIR/text"
	[ "$output" = 0 ]
	# It did verify: transport checksums of whole packets, and ICMPv6.
	[ "$(grep -c '(correct)' "$BATS_TEST_TMPDIR/text")" -gt 1000 ]
	[ "$(grep -c 'udp sum ok' "$BATS_TEST_TMPDIR/text")" -gt 300 ]
	[ "$(grep -c 'icmp6 sum ok' "$BATS_TEST_TMPDIR/text")" -gt 10 ]
}

@test "the summary's counts are what the capture holds" {
	"$MIXGEN" --packets 3000 --flows 200 --vlan 7 --other-vlan 9 --json "$mix" >"$BATS_TEST_TMPDIR/s"
	want() { jq -r "$1" "$BATS_TEST_TMPDIR/s"; }
	[ "$(count)" = 3000 ]
	[ "$(want .packets)" = 3000 ]
	[ "$(count vlan 7)" = "$(want .tags.registered)" ]
	[ "$(count vlan 9)" = "$(want .tags.other)" ]
	[ "$(count not vlan)" = "$(want .tags.untagged)" ]
	# Without `vlan` a filter sees untagged frames only.
	tcp4=$(($(count ip and tcp) + $(count vlan and ip and tcp)))
	[ "$tcp4" = "$(want .kinds.tcp4)" ]
	icmp6=$(($(count icmp6) + $(count vlan and icmp6)))
	[ "$icmp6" = "$(want .kinds.icmp6)" ]
	frag4='ip[6:2] & 0x3fff != 0'
	frag4=$(($(count ip and "$frag4") + $(count vlan and ip and "$frag4")))
	[ "$frag4" = "$(want .kinds.frag4)" ]
	[ "$(want '[.tags[]] | add')" = 3000 ]
	[ "$(want '[.kinds[]] | add')" = 3000 ]
	[ "$(want '[.kinds[] | select(. == 0)] | length')" = 0 ]
}

@test "frames reach from 64 to 1518 bytes on the wire, tags apart" {
	"$MIXGEN" --json "$mix" >"$BATS_TEST_TMPDIR/s"
	[ "$(jq .shortest "$BATS_TEST_TMPDIR/s")" = 64 ]
	[ "$(jq .longest "$BATS_TEST_TMPDIR/s")" = 1518 ]
	[ "$(count not vlan and less 59)" = 0 ]
	[ "$(count not vlan and greater 1515)" = 0 ]
	[ "$(count vlan and greater 1519)" = 0 ]
	[ "$(count vlan and greater 1518)" -gt 0 ]
}

@test "hundreds of flows, a few of them heavy" {
	"$MIXGEN" --flows 300 --packets 6000 "$mix"
	# One line a flow: source address and port; fragments show by their address.
	tcpdump -nn -r "$mix" 2>/dev/null |
		sed -nE 's/.* (IP6?|ICMP) ([^ ]+) > .*/\2/p' | sort | uniq -c | sort -rn >"$BATS_TEST_TMPDIR/flows"
	flows=$(wc -l <"$BATS_TEST_TMPDIR/flows")
	top=$(awk 'NR <= 15 { n += $1 } END { print n + 0 }' "$BATS_TEST_TMPDIR/flows")
	echo "$flows flows, the first 15 have $top packets"
	[ "$flows" -ge 300 ]
	[ "$top" -gt 2000 ]
}

@test "the same seed makes the same file, another seed another" {
	"$MIXGEN" --seed 5 "$mix"
	"$MIXGEN" --seed 5 "$mix.again"
	"$MIXGEN" --seed 6 "$mix.other"
	cmp "$mix" "$mix.again"
	run ! cmp -s "$mix" "$mix.other"
}

@test "every frame goes to the address that was asked for, from several peers" {
	"$MIXGEN" --dst-mac 02:09:c0:00:00:07 "$mix"
	[ "$(count ether dst 02:09:c0:00:00:07)" = 4000 ]
	[ "$(tcpdump -nn -e -r "$mix" 2>/dev/null | awk '{ print $2 }' | sort -u | wc -l)" = 8 ]
}

@test "bad arguments say what is allowed" {
	run -2 "$MIXGEN" --vlan 4095 "$mix"
	[[ "$output" == *"--vlan 4095: too large, 1 to 4094 are allowed"* ]]
	run -2 "$MIXGEN" --dst-mac nonsense "$mix"
	[[ "$output" == *"not a MAC address"* ]]
	run -2 "$MIXGEN"
	[[ "$output" == usage:* ]]
	run -1 "$MIXGEN" /nonexistent/folder/mix.pcap
	[[ "$output" == *"/nonexistent/folder/mix.pcap"* ]]
}
