# SPDX-License-Identifier: BSD-3-Clause
# vfctl: layouts and predictions without a NIC.

setup() {
	load helpers
	need_built "$VFCTL" "$MIXGEN"
	mix=$BATS_TEST_TMPDIR/mix.pcap
}

@test "plan: layouts, and why not" {
	run -0 "$VFCTL" plan --vfs 2 --queues 2 --json
	[ "$(jq -c '.plan[0] | [.pools, .queues_per_pool, .pf_pool, .pf_first_queue]' <<<"$output")" = \
		"[64,2,2,4]" ]
	run -0 "$VFCTL" plan --vfs 31 --json
	[ "$(jq -c '.plan[0] | [.pools, .queues_per_pool]' <<<"$output")" = "[32,4]" ]
	run -2 "$VFCTL" plan --vfs 40 --queues 4
	[[ "$output" == *"at most 31 VFs"* ]]
	run -2 "$VFCTL" plan --vfs 64
	run -0 "$VFCTL" plan --config "$TOP/config/ping-pong.conf" --json
	[ "$(jq -c '.plan[0] | [.vfs, .pools]' <<<"$output")" = "[2,64]" ]
}

@test "plan: VLANs, DCB, pools of the PF's own; the picture of the queues" {
	run -0 "$VFCTL" plan --vfs 3 --queues 2
	[[ "$output" == *"001122**......"* ]]
	[ "$(awk '{ if (length > 80) n++ } END { print n + 0 }' <<<"$output")" = 0 ]
	run -0 "$VFCTL" plan --vfs 2 --dcb 8 --json
	[ "$(jq -c '.plan[0] | [.mode, .pools, .owners[2].first_queue]' <<<"$output")" = '["VMDq + DCB",16,16]' ]
	run -2 "$VFCTL" plan --vfs 2 --dcb 8 --rss yes
	[[ "$output" == *"refuses VMDQ_DCB_RSS"* ]]
	run -2 "$VFCTL" plan --vfs 2 --vlans 64
	[[ "$output" == *"63 VLAN filters"* ]]
	run -0 "$VFCTL" plan --pools 3 --json
	[ "$(jq -c '.plan[0] | [.mode, .pf_queues]' <<<"$output")" = '["VMDq",6]' ]
	run -2 "$VFCTL" plan --pools 3 --rss yes
	[[ "$output" == *"forgets the pools"* ]]
}

@test "predict: each packet is counted once, tags decide" {
	"$MIXGEN" --json "$mix" >"$BATS_TEST_TMPDIR/s"
	run -0 "$VFCTL" predict --config "$TOP/config/ping-pong.conf" --json "$mix"
	[ "$(jq .packets <<<"$output")" = 4000 ]
	[ "$(jq '[.pools[].packets, .nowhere[].packets] | add' <<<"$output")" = 4000 ]
	[ "$(jq '.nowhere[] | select(.reason == "vlan not registered") | .packets' <<<"$output")" = \
		"$(jq .tags.other "$BATS_TEST_TMPDIR/s")" ]
	[ "$(jq '.pools[0].queues | map(select(.packets > 1000)) | length' <<<"$output")" = 2 ]
	[ "$(jq '.pools[1].packets' <<<"$output")" = 0 ]
}

@test "predict: --packets repeats the capture" {
	"$MIXGEN" "$mix"
	once=$("$VFCTL" predict --config "$TOP/config/ping-pong.conf" --json "$mix")
	thrice=$("$VFCTL" predict --config "$TOP/config/ping-pong.conf" --packets 12000 --json "$mix")
	[ "$(jq -c '[.pools[].queues[].packets * 3]' <<<"$once")" = \
		"$(jq -c '[.pools[].queues[].packets]' <<<"$thrice")" ]
	some=$("$VFCTL" predict --config "$TOP/config/ping-pong.conf" --packets 5 --json "$mix")
	[ "$(jq .packets <<<"$some")" = 5 ]
}

@test "mistakes are told" {
	run -2 "$VFCTL" predict --config "$TOP/config/ping-pong.conf" /nonexistent.pcap
	[[ "$output" == *"/nonexistent.pcap"* ]]
	echo nonsense >"$mix"
	run -2 "$VFCTL" predict --config "$TOP/config/ping-pong.conf" "$mix"
	run -2 "$VFCTL" predict "$mix"
	[[ "$output" == *"usage: vfctl predict"* ]]
	run -2 "$VFCTL" pradict
	[[ "$output" == *"no such command: pradict"* ]]
	run -0 "$VFCTL" --help
}
