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

@test "snapshot and diff: a VF leaves its kernel driver, in sentences and in JSON" {
	export SYSFS_ROOT=$BATS_TEST_TMPDIR/sys
	vf=$SYSFS_ROOT/bus/pci/devices/0000:03:10.1
	mkdir -p "$vf/net/enp3s16f1" "$vf/msi_irqs" "$SYSFS_ROOT/class/net/enp3s16f1" \
		"$SYSFS_ROOT/kernel/iommu_groups/36/devices/0000:03:10.1"
	touch "$vf/msi_irqs/72" "$vf/msi_irqs/73"
	echo 0x020000 >"$vf/class"
	echo 02:09:c0:00:00:00 >"$vf/net/enp3s16f1/address"
	echo 0x1003 >"$vf/net/enp3s16f1/flags"
	ln -s /drivers/ixgbevf "$vf/driver"
	ln -s /groups/36 "$vf/iommu_group"
	ln -s ../../../bus/pci/devices/0000:03:10.1 "$SYSFS_ROOT/class/net/enp3s16f1/device"
	printf '\x86\x80\xed\x10\x06\x04' | dd of="$vf/config" status=none
	run -0 "$VFCTL" snapshot -o "$BATS_TEST_TMPDIR/before" enp3s16f1
	[ "$(jq -r '.devices[1].facts | "\(.driver) \(.msi_irqs) \(."net.enp3s16f1.state")"' \
		"$BATS_TEST_TMPDIR/before")" = "ixgbevf 72 73 up" ]
	ln -sfn /drivers/vfio-pci "$vf/driver"
	rm -r "$vf/net" "$vf/msi_irqs"
	printf '\x86\x80\xed\x10\x02\x04' | dd of="$vf/config" status=none
	"$VFCTL" snapshot 03:10.1 >"$BATS_TEST_TMPDIR/after"
	run -0 "$VFCTL" diff "$BATS_TEST_TMPDIR/before" "$BATS_TEST_TMPDIR/after"
	[ "$(awk '{ if (length > 80) n++ } END { print n + 0 }' <<<"$output")" = 0 ]
	[[ "$output" == *"driver: ixgbevf -> vfio-pci"*"/dev/vfio/36"* ]]
	[[ "$output" == *"msi_irqs: 72 73 -> -"*"freed its 2 interrupt vectors"* ]]
	[[ "$output" == *"net.enp3s16f1: 02:09:c0:00:00:00 -> -"* ]]
	[[ "$output" == *"config COMMAND: 0406 -> 0402"*"it may do no DMA"* ]]
	run -0 "$VFCTL" diff --json "$BATS_TEST_TMPDIR/before" "$BATS_TEST_TMPDIR/after"
	[ "$(jq -c '[.changes[].what]' <<<"$output")" = \
		'["config COMMAND","driver","msi_irqs","net.enp3s16f1"]' ]
	run -0 "$VFCTL" diff "$BATS_TEST_TMPDIR/after" "$BATS_TEST_TMPDIR/after"
	[ "$output" = "no difference" ]
}

@test "snapshot and diff: what they refuse names what is allowed" {
	run -2 "$VFCTL" snapshot nosuch0
	[[ "$output" == *"nosuch0 is neither a PCI address"*"usage: vfctl snapshot"* ]]
	run -2 "$VFCTL" snapshot 7f:1f.7
	[[ "$output" == *"there is no PCI device 0000:7f:1f.7"* ]]
	run -2 "$VFCTL" diff "$BATS_TEST_TMPDIR/nothing"
	[[ "$output" == *"BEFORE AFTER"* ]]
	echo '{"schema": "vfplane.report/1"}' >"$BATS_TEST_TMPDIR/report"
	run -2 "$VFCTL" diff "$BATS_TEST_TMPDIR/report" "$BATS_TEST_TMPDIR/report"
	[[ "$output" == *"report is no snapshot"*"vfctl snapshot"* ]]
	SYSFS_ROOT=$BATS_TEST_TMPDIR/none run -2 "$VFCTL" snapshot
	[[ "$output" == *"/none/"*"No such file"* ]]
}

@test "snapshot of a card: the PF with its VFs; fewer of them are told" {
	need_built "$SOFT82599"
	export VFCTL
	# shellcheck disable=SC2016
	run -0 "$SOFT82599" run --name "$(unique_name)" --vfs 2 -- bash -euc '
		cd "$BATS_TEST_TMPDIR"
		"$VFCTL" snapshot 03:00.1 >before
		echo 0 >/sys/bus/pci/devices/0000:03:00.1/sriov_numvfs
		echo 1 >/sys/bus/pci/devices/0000:03:00.1/sriov_numvfs
		"$VFCTL" snapshot 03:00.1 >after
		"$VFCTL" diff before after'
	[[ "$output" == *"0000:03:00.1"*"sriov_numvfs: 2 -> 1"*"0000:03:10.3"*"this VF is gone"* ]]
}
