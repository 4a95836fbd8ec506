# SPDX-License-Identifier: BSD-3-Clause
# bind_vfio.sh against a folder that behaves like sysfs (fake_kernel_tee), then against soft82599's.
# shellcheck disable=SC2030,SC2031 # each test has a shell of its own

setup() {
	load helpers
	bind=$TOP/scripts/bind_vfio.sh
	export SYSFS_ROOT=$BATS_TEST_TMPDIR/sys
	export RUN_ROOT=$BATS_TEST_TMPDIR/run
	unset SSH_CONNECTION
	export FAKE_LOG=$BATS_TEST_TMPDIR/writes
	pci=$SYSFS_ROOT/bus/pci
	mkdir -p "$BATS_TEST_TMPDIR/bin" "$pci/devices" "$pci/drivers"/{ixgbe,ixgbevf,vfio-pci} \
		"$SYSFS_ROOT/class/net"
	touch "$pci/drivers_probe" "$FAKE_LOG"
	ln -s "$TOP/tests/functional/fake_kernel_tee" "$BATS_TEST_TMPDIR/bin/tee"
	PATH=$BATS_TEST_TMPDIR/bin:$PATH
	device 0000:03:00.1 0x10fb ixgbe 31
	device 0000:03:10.1 0x10ed ixgbevf 36
	device 0000:03:10.3 0x10ed ixgbevf 37
	interface 0000:03:10.1 enp3s16f1 0x1002
}

# device BDF ID DRIVER GROUP
device() {
	local dir=$pci/devices/$1

	mkdir -p "$dir" "$SYSFS_ROOT/kernel/iommu_groups/$4/devices"
	echo 0x8086 >"$dir/vendor"
	echo "$2" >"$dir/device"
	echo 0x020000 >"$dir/class"
	echo "(null)" >"$dir/driver_override"
	echo "$3" >"$dir/wanted_by"
	ln -s "../../drivers/$3" "$dir/driver"
	ln -s "../../../../kernel/iommu_groups/$4" "$dir/iommu_group"
	ln -s "../../../../bus/pci/devices/$1" "$SYSFS_ROOT/kernel/iommu_groups/$4/devices/$1"
}

# interface BDF NAME FLAGS
interface() {
	mkdir -p "$pci/devices/$1/net/$2" "$SYSFS_ROOT/class/net/$2"
	echo "$3" >"$pci/devices/$1/net/$2/flags"
	ln -s "../../../bus/pci/devices/$1" "$SYSFS_ROOT/class/net/$2/device"
}

driver() {
	basename "$(readlink "$pci/devices/$1/driver" || echo none)"
}

# The whole tree as text: to see that nothing changed.
picture() {
	(cd "$SYSFS_ROOT" && find . -type f -exec grep -H . {} + | sort &&
		find . -type l -printf '%p -> %l\n' | sort)
}

@test "binds one VF by its short address, and only that one" {
	run -0 --separate-stderr "$bind" 03:10.1
	[[ "$output" == "0000:03:10.1: ixgbevf -> vfio-pci, IOMMU group 36; gone: enp3s16f1" ]]
	[ "$(driver 0000:03:10.1)" = vfio-pci ]
	[ "$(driver 0000:03:10.3)" = ixgbevf ]
	[ "$(cat "$pci/devices/0000:03:10.3/driver_override")" = "(null)" ]
	# By driver_override: an id given to the driver would have taken the other VF too.
	run -1 grep -E 'new_id|10ed' "$FAKE_LOG"
}

@test "takes the full address, capital letters and the interface's name alike" {
	run -0 "$bind" 0000:03:10.1
	[ "$(driver 0000:03:10.1)" = vfio-pci ]
	run -0 "$bind" unbind 0000:03:10.1
	device 0000:0a:10.1 0x10ed ixgbevf 40
	run -0 "$bind" 0A:10.1
	[ "$(driver 0000:0a:10.1)" = vfio-pci ]
	interface 0000:03:10.3 enp3s16f3 0x1002
	run -0 "$bind" enp3s16f3
	[ "$(driver 0000:03:10.3)" = vfio-pci ]
}

@test "binding twice writes nothing the second time" {
	"$bind" 03:10.1
	: >"$FAKE_LOG"
	run -0 "$bind" 03:10.1
	[[ "$output" == *"already on vfio-pci"* ]]
	[ ! -s "$FAKE_LOG" ]
}

@test "refuses an interface that is up, says what to do, and writes nothing" {
	echo 0x1003 >"$pci/devices/0000:03:10.1/net/enp3s16f1/flags"
	run -2 "$bind" 03:10.1
	[[ "$output" == *"[interface-up]"*"enp3s16f1 is up"*"ip link set dev enp3s16f1 down"* ]]
	[ ! -s "$FAKE_LOG" ]
	[ "$(driver 0000:03:10.1)" = ixgbevf ]
}

# The script once ended there, status 2, without a word.
@test "an SSH session that no route leads to does not end it" {
	printf '#!/bin/sh\nexit 2\n' >"$BATS_TEST_TMPDIR/bin/ip"
	chmod +x "$BATS_TEST_TMPDIR/bin/ip"
	SSH_CONNECTION="192.0.2.9 50000 192.0.2.1 22" run -0 "$bind" 03:10.1
	[ "$(driver 0000:03:10.1)" = vfio-pci ]
}

@test "sees an interface that lies a folder deeper, as virtio's do" {
	mkdir -p "$pci/devices/0000:03:10.3/virtio2/net/eth9" "$SYSFS_ROOT/class/net/eth9"
	echo 0x1003 >"$pci/devices/0000:03:10.3/virtio2/net/eth9/flags"
	ln -s "../../../bus/pci/devices/0000:03:10.3/virtio2" "$SYSFS_ROOT/class/net/eth9/device"
	run -2 "$bind" eth9
	[[ "$output" == *"0000:03:10.3: its interface eth9 is up"* ]]
}

@test "refuses a PF that has VFs" {
	ln -s ../0000:03:10.1 "$pci/devices/0000:03:00.1/virtfn0"
	ln -s ../0000:03:10.3 "$pci/devices/0000:03:00.1/virtfn1"
	run -2 "$bind" 03:00.1
	[[ "$output" == *"[has-vfs]"*"has 2 VFs"*"bind_vfio.sh pf 0000:03:00.1 --vfs 2"* ]]
	[ ! -s "$FAKE_LOG" ]
}

@test "without IOMMU groups it says where to switch them on" {
	rm -r "$SYSFS_ROOT/kernel/iommu_groups"/* "$pci/devices"/*/iommu_group
	run -2 "$bind" 03:10.1
	[[ "$output" == *"[no-iommu-firmware]"*"VT-d or AMD-Vi"* ]]
	[ ! -s "$FAKE_LOG" ]
	mkdir -p "$SYSFS_ROOT/firmware/acpi/tables"
	touch "$SYSFS_ROOT/firmware/acpi/tables/DMAR"
	run -2 "$bind" --force 03:10.1
	[[ "$output" == *"[no-iommu-cmdline]"*"intel_iommu=on"* ]]
	[ ! -s "$FAKE_LOG" ]
}

@test "VFIO's no-IOMMU mode isolates nothing: refused, --force or not" {
	echo vfio-noiommu >"$SYSFS_ROOT/kernel/iommu_groups/36/name"
	run -2 "$bind" --force 03:10.1
	[[ "$output" == *"[no-iommu-mode]"*"isolates nothing"*"boot with the IOMMU on"* ]]
	[ ! -s "$FAKE_LOG" ]
}

@test "without the vfio-pci driver it says so and writes nothing" {
	rmdir "$pci/drivers/vfio-pci"
	run -2 "$bind" 03:10.1
	[[ "$output" == *"[no-module]"*"modprobe vfio-pci"* ]]
	[ ! -s "$FAKE_LOG" ]
}

@test "when vfio-pci refuses the device, everything is put back" {
	rm -r "$pci/devices/0000:03:10.1/net"
	picture >"$BATS_TEST_TMPDIR/before"
	FAKE_REFUSE=vfio-pci run -3 "$bind" 03:10.1
	[[ "$output" == *"failed: echo 0000:03:10.1 > "*"/vfio-pci/bind"*"all put back as it was"* ]]
	picture >"$BATS_TEST_TMPDIR/after"
	diff "$BATS_TEST_TMPDIR/before" "$BATS_TEST_TMPDIR/after"
	[ "$(driver 0000:03:10.1)" = ixgbevf ]
}

@test "when a write fails half way, everything is put back" {
	rm -r "$pci/devices/0000:03:10.1/net"
	picture >"$BATS_TEST_TMPDIR/before"
	FAKE_REFUSE=unbind run -3 "$bind" 03:10.1
	[[ "$output" == *"all put back as it was"* ]]
	picture >"$BATS_TEST_TMPDIR/after"
	diff "$BATS_TEST_TMPDIR/before" "$BATS_TEST_TMPDIR/after"
}

@test "what cannot be put back is said, not hidden" {
	cat >"$BATS_TEST_TMPDIR/bin/tee.sh" <<-'END'
		#!/bin/bash
		case $1 in */bind) exit 1 ;; esac
		exec "$TOP/tests/functional/fake_kernel_tee" "$1"
	END
	chmod +x "$BATS_TEST_TMPDIR/bin/tee.sh"
	ln -sf tee.sh "$BATS_TEST_TMPDIR/bin/tee"
	run -4 "$bind" 03:10.1
	[[ "$output" == *"not put back:"*"0000:03:10.1: on no driver, was on ixgbevf"* ]]
}

@test "a bind that the kernel swallows is noticed" {
	cat >"$BATS_TEST_TMPDIR/bin/tee.sh" <<-'END'
		#!/bin/bash
		case $1 in */vfio-pci/bind) exit 0 ;; esac
		exec "$TOP/tests/functional/fake_kernel_tee" "$1"
	END
	chmod +x "$BATS_TEST_TMPDIR/bin/tee.sh"
	ln -sf tee.sh "$BATS_TEST_TMPDIR/bin/tee"
	run -3 "$bind" 03:10.1
	[[ "$output" == *"the kernel took it and nothing changed"* ]]
	[ "$(driver 0000:03:10.1)" = ixgbevf ]
}

@test "an override that does not stick is noticed before the driver is gone" {
	printf '#!/bin/sh\ncat >/dev/null\n' >"$BATS_TEST_TMPDIR/bin/tee.sh"
	chmod +x "$BATS_TEST_TMPDIR/bin/tee.sh"
	ln -sf tee.sh "$BATS_TEST_TMPDIR/bin/tee"
	run -3 "$bind" 03:10.1
	[ "$(driver 0000:03:10.1)" = ixgbevf ]
}

@test "unbind gives the device back to its kernel driver and clears the override" {
	"$bind" 03:10.1
	run -0 "$bind" unbind 03:10.1
	[[ "$output" == "0000:03:10.1: vfio-pci -> ixgbevf" ]]
	[ "$(driver 0000:03:10.1)" = ixgbevf ]
	[ "$(cat "$pci/devices/0000:03:10.1/driver_override")" = "(null)" ]
}

@test "an id that is no 82599's is told, and bound all the same" {
	device 0000:04:00.0 0x10c9 ixgbe 40
	run -0 "$bind" 04:00.0
	[[ "$output" == *"warning [unknown-id] 0000:04:00.0: 8086:10c9 is no 82599"* ]]
	run -0 "$bind" 03:00.1 03:10.3
	[[ "$output" != *unknown-id* ]]
}

@test "unbind where no kernel driver is there leaves it driverless and says so" {
	"$bind" 03:10.1
	rmdir "$pci/drivers/ixgbevf"
	run -0 "$bind" unbind 03:10.1
	[[ "$output" == *"no driver"* ]]
	[ "$(driver 0000:03:10.1)" = none ]
}

@test "unbind of a device that vfio-pci does not have does nothing" {
	run -0 "$bind" unbind 03:10.3
	[[ "$output" == *"not on vfio-pci but on ixgbevf"* ]]
	[ ! -s "$FAKE_LOG" ]
}

@test "a mate of the IOMMU group on a kernel driver is refused, unless both are named" {
	device 0000:03:10.5 0x10ed ixgbevf 36
	run -2 "$bind" 03:10.1
	[[ "$output" == *"[group-sibling]"*"0000:03:10.5 shares IOMMU group 36 and is on ixgbevf"* ]]
	[[ "$output" == *"bind_vfio.sh 0000:03:10.1 0000:03:10.5"* ]]
	[ ! -s "$FAKE_LOG" ]
	run -0 "$bind" 0000:03:10.1 0000:03:10.5
	[ "$(driver 0000:03:10.5)" = vfio-pci ]
}

@test "status shows driver, group and interface, and changes nothing" {
	"$bind" 03:10.3
	: >"$FAKE_LOG"
	run -0 "$bind" status
	[[ "${lines[1]}" == "0000:03:00.1"*"8086:10fb"*"ixgbe"*"31"* ]]
	[[ "${lines[2]}" == *"8086:10ed"*"ixgbevf"*"36"*"enp3s16f1(down)" ]]
	[[ "${lines[3]}" == *"vfio-pci"*"37"*"override vfio-pci"*"/dev/vfio/vfio -> /dev/vfio/37" ]]
	[ "${#lines[@]}" = 4 ]
	[ ! -s "$FAKE_LOG" ]
	run -0 "$bind" status 03:10.3
	[ "${#lines[@]}" = 2 ]
}

@test "nonsense is refused before anything is touched" {
	run -2 "$bind" 03:10.7 nosuch0 ../../etc
	# All wrong names at once.
	[ "$(grep -c 'refused \[no-device\].*neither a PCI address' <<<"$output")" = 3 ]
	run -2 "$bind"
	run -2 "$bind" unbind
	run -2 "$bind" --forse 03:10.1
	run -2 "$bind" pf 03:00.1
	run -2 "$bind" pf 03:00.1 --vfs two
	run -2 "$bind" --vfs 2 03:10.1
	run -2 "$bind" restore 03:10.1
	run -2 "$bind" plan status
	[ ! -s "$FAKE_LOG" ]
}

@test "on soft82599's sysfs: unbind, bind and status as on a kernel" {
	need_built "$SOFT82599"
	unset SYSFS_ROOT
	PATH=${PATH#"$BATS_TEST_TMPDIR/bin:"}
	export bind
	# The card's devices begin on vfio-pci. The inner shell expands: it is on the card.
	# shellcheck disable=SC2016
	run -0 "$SOFT82599" run --name "$(unique_name)" --vfs 2 -- bash -euc '
		driver() { basename "$(readlink /sys/bus/pci/devices/0000:$1/driver || echo none)"; }
		[ "$(driver 03:10.1)" = vfio-pci ]
		"$bind" unbind 03:10.1
		[ "$(driver 03:10.1)" != vfio-pci ]
		[ "$(driver 03:10.3)" = vfio-pci ]
		"$bind" 03:10.1
		[ "$(driver 03:10.1)" = vfio-pci ]
		"$bind" status'
	[[ "$output" == *"0000:03:10.1: "*" -> vfio-pci, IOMMU group"* ]]
	[[ "$output" == *"0000:03:00.1"*"8086:10fb"* ]]
}

@test "a PF goes back with its VFs, and restore brings them again" {
	need_built "$SOFT82599"
	unset SYSFS_ROOT
	PATH=${PATH#"$BATS_TEST_TMPDIR/bin:"}
	export bind
	# shellcheck disable=SC2016
	run -0 "$SOFT82599" run --name "$(unique_name)" --vfs 2 -- bash -euc '
		"$bind" plan unbind 03:00.1 | head -n 1
		"$bind" unbind 03:00.1
		[ ! -e /sys/bus/pci/devices/0000:03:10.1 ]
		"$bind" restore
		"$bind" status 03:10.1 03:10.3'
	[[ "${lines[0]}" == "echo 0 > "*"/sriov_numvfs" ]]
	[[ "$output" == *"vfio-pci -> ixgbe; its 2 VFs are gone"* ]]
	[[ "$output" == *"VF 1 of 03:00.1"* ]]
}

@test "vfplane on a kernel driver says what to type, and that helps" {
	need_built "$SOFT82599" "$VFPLANE"
	unset SYSFS_ROOT
	PATH=${PATH#"$BATS_TEST_TMPDIR/bin:"}
	export bind name
	name=$(unique_name)
	# shellcheck disable=SC2016
	run -0 "$SOFT82599" run --name "$name" --vfs 2 -- bash -uc '
		plane() { "$VFPLANE" -l 0,1 --no-huge -m 256 --file-prefix "$name" "$@" --run 1; }
		cd "$TOP"
		"$bind" unbind 03:10.1 03:10.3 >&2
		plane -a 03:10.1 -a 03:10.3 -- 2>&1 | tee "$BATS_TEST_TMPDIR/plain"
		plane -- --config config/ping-pong.conf 2>&1 | tee "$BATS_TEST_TMPDIR/pf"
		$(sed -n "s/.*; type: //p" "$BATS_TEST_TMPDIR/plain") >&2 || exit 1
		"$bind" unbind 03:00.1 >&2
		plane -- --config config/ping-pong.conf 2>&1 | tee "$BATS_TEST_TMPDIR/none"
		$(sed -n "s/.*; make more: \([^,]*\),.*/\1/p" "$BATS_TEST_TMPDIR/none") >&2 || exit 1
		plane -- --config config/ping-pong.conf >/dev/null 2>&1 || exit 1'
	[ "$(cat "$BATS_TEST_TMPDIR/plain")" = "vfplane: vf0: 0000:03:10.1 is on driver ixgbevf, not on \
vfio-pci; type: scripts/bind_vfio.sh 0000:03:10.1 0000:03:10.3" ]
	[[ "$(cat "$BATS_TEST_TMPDIR/pf")" == *"type: scripts/bind_vfio.sh pf 0000:03:00.1 --vfs 2" ]]
	[[ "$(cat "$BATS_TEST_TMPDIR/none")" == *"has 0 VFs; make more: scripts/bind_vfio.sh pf 0000:03:00.1 --vfs 2,"* ]]
}
