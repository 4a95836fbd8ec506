#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# Gives one PCI network device to vfio-pci, or back to its kernel driver.
#
#   bind_vfio.sh DEV            bind DEV to vfio-pci; refuses an interface that is up
#   bind_vfio.sh unbind DEV     give it back to the kernel driver that wants it
#   bind_vfio.sh status [DEV]   show drivers, IOMMU groups and interfaces; changes nothing
#
# DEV is 0000:03:10.1, 03:10.1 or an interface name. Only this one device is touched: it works by
# driver_override; new_id or the module's ids= would grab every device of the same kind.
# Exit status: 0 done, or there was nothing to do; 1 refused or failed, all put back; 2 usage.
set -euo pipefail

sys=${SYSFS_ROOT:-/sys}
pci=$sys/bus/pci
write_limit=10

die() {
	echo "bind_vfio.sh: $*" >&2
	exit 1
}

usage() {
	sed -n '3,12s/^# \{0,1\}//p' "$0"
}

# resolve NAME: the full address of a device of this machine.
resolve() {
	local name=$1 path

	case $name in
	????:??:??.?) ;;
	??:??.?) name=0000:$name ;;
	*)
		path=
		if [[ $name =~ ^[[:alnum:]_.:-]+$ ]]; then
			path=$(readlink -f "$sys/class/net/$name/device") || true
		fi
		# virtio puts a device of its own between the interface and PCI.
		while [ "${#path}" -gt 1 ] && [[ ${path##*/} != ????:??:??.? ]]; do
			path=$(dirname "$path")
		done
		[ "${#path}" -gt 1 ] ||
			die "$1: neither a PCI address (03:10.1) nor an interface of a PCI device here"
		name=${path##*/}
		;;
	esac
	name=${name,,}
	[ -e "$pci/devices/$name" ] || die "$name: no such PCI device (see bind_vfio.sh status)"
	echo "$name"
}

driver_of() {
	local link

	link=$(readlink "$pci/devices/$1/driver") || return 0
	echo "${link##*/}"
}

override_of() {
	local value

	value=$(cat "$pci/devices/$1/driver_override" 2>/dev/null) || return 0
	[ "$value" = "(null)" ] || echo "$value"
}

group_of() {
	local link

	link=$(readlink "$pci/devices/$1/iommu_group") || return 0
	echo "${link##*/}"
}

# The sysfs folders of a device's interfaces; with virtio they lie one folder deeper.
interfaces_of() {
	local path

	for path in "$pci/devices/$1/net"/* "$pci/devices/$1"/virtio*/net/*; do
		[ ! -e "$path" ] || echo "$path"
	done
}

# IFF_UP is bit 0 of flags; operstate would call an interface without a carrier down.
is_up() {
	local flags

	flags=$(cat "$1/flags" 2>/dev/null) || return 1
	(((flags & 1) == 1))
}

# put FILE VALUE: one write, as sysfs wants it, in a child that cannot hang the script.
put() {
	printf '%s\n' "$2" | timeout "$write_limit" tee "$1" >/dev/null
}

# Processes that hold the device's VFIO group: taking it away would block until they let go.
holders_of() {
	local group fd pid found=

	group=$(group_of "$1")
	[ -n "$group" ] || return 0
	for fd in /proc/[0-9]*/fd/*; do
		[ "$(readlink "$fd" 2>/dev/null)" = "/dev/vfio/$group" ] || continue
		pid=${fd#/proc/}
		pid=${pid%%/*}
		[[ " $found " == *" $pid "* ]] || found+="${found:+ }$pid"
	done
	echo "$found"
}

# Everything that can be known to go wrong is said before anything is written.
check_bind() {
	local dev=$1 path vfs

	for path in $(interfaces_of "$dev"); do
		! is_up "$path" || die "$dev: its interface ${path##*/} is up, and would vanish.
If nothing needs it: ip link set dev ${path##*/} down"
	done
	vfs=$(cat "$pci/devices/$dev/sriov_numvfs" 2>/dev/null || echo 0)
	[ "$vfs" -eq 0 ] || die "$dev: has $vfs VFs, and the kernel refuses a PF with VFs for vfio-pci.
Destroy them first: echo 0 > $pci/devices/$dev/sriov_numvfs"
	if [ -z "$(group_of "$dev")" ]; then
		[ -n "$(ls "$sys/kernel/iommu_groups" 2>/dev/null)" ] ||
			die "$dev: this machine has no IOMMU groups: VT-d or AMD-Vi is off in the firmware,
or the kernel command line lacks intel_iommu=on"
		die "$dev: is in no IOMMU group, so vfio-pci cannot isolate it"
	fi
	if [ ! -d "$pci/drivers/vfio-pci" ] && [ "$sys" = /sys ]; then
		modprobe vfio-pci 2>/dev/null || true
	fi
	[ -d "$pci/drivers/vfio-pci" ] || die "the kernel has no vfio-pci driver: modprobe vfio-pci"
	[ -w "$pci/devices/$dev/driver_override" ] || die "$dev: cannot write driver_override: not root?"
}

# A group can be opened only when every member is on vfio-pci, driverless or a bridge.
warn_group() {
	local dev=$1 group mate driver

	group=$(group_of "$dev")
	for mate in "$sys/kernel/iommu_groups/$group/devices"/*; do
		mate=${mate##*/}
		if [ "$mate" = "$dev" ] || [ ! -e "$pci/devices/$mate" ]; then
			continue
		fi
		driver=$(driver_of "$mate")
		case $driver in
		"" | vfio-pci | pcieport) ;;
		*) echo "bind_vfio.sh: warning: $mate shares IOMMU group $group and is on $driver:" \
			"until it leaves, no program can open the group" >&2 ;;
		esac
	done
}

# put_back DEV DRIVER OVERRIDE: as it was before; says so if even that fails.
put_back() {
	local dev=$1 driver=$2 override=$3 now

	put "$pci/devices/$dev/driver_override" "$override" || true
	now=$(driver_of "$dev")
	if [ "$now" != "$driver" ]; then
		[ -z "$now" ] || put "$pci/drivers/$now/unbind" "$dev" || true
		[ -z "$driver" ] || put "$pci/drivers/$driver/bind" "$dev" || true
	fi
	if [ "$(driver_of "$dev")" = "$driver" ] && [ "$(override_of "$dev")" = "$override" ]; then
		echo "bind_vfio.sh: $dev: put back on ${driver:-no driver}" >&2
	else
		echo "bind_vfio.sh: $dev: could not be put back: now on $(driver_of "$dev" |
			grep . || echo "no driver"), was on ${driver:-no driver}" >&2
	fi
}

bind() {
	local dev=$1 driver override gone

	driver=$(driver_of "$dev")
	override=$(override_of "$dev")
	if [ "$driver" = vfio-pci ]; then
		echo "$dev: already on vfio-pci, IOMMU group $(group_of "$dev")"
		return
	fi
	check_bind "$dev"
	gone=$(interfaces_of "$dev" | sed 's,.*/,,' | paste -sd' ')
	trap 'put_back "$dev" "$driver" "$override"; exit 1' INT TERM HUP
	if ! { put "$pci/devices/$dev/driver_override" vfio-pci &&
		[ "$(override_of "$dev")" = vfio-pci ] &&
		{ [ -z "$driver" ] || put "$pci/drivers/$driver/unbind" "$dev"; } &&
		put "$pci/drivers_probe" "$dev" && [ "$(driver_of "$dev")" = vfio-pci ]; }; then
		put_back "$dev" "$driver" "$override"
		die "$dev: vfio-pci did not take it; the kernel's log (dmesg) says why"
	fi
	trap - INT TERM HUP
	echo "$dev: ${driver:-no driver} -> vfio-pci, IOMMU group $(group_of "$dev")${gone:+; gone: $gone}"
	warn_group "$dev"
}

unbind() {
	local dev=$1 driver override users now

	driver=$(driver_of "$dev")
	override=$(override_of "$dev")
	if [ "$driver" != vfio-pci ] && [ "$override" != vfio-pci ]; then
		echo "$dev: not on vfio-pci but on ${driver:-no driver}: nothing to do"
		return
	fi
	users=$(holders_of "$dev")
	[ -z "$users" ] || die "$dev: in use by process $users: end it first"
	[ -w "$pci/devices/$dev/driver_override" ] || die "$dev: cannot write driver_override: not root?"
	if ! { put "$pci/devices/$dev/driver_override" "" && [ -z "$(override_of "$dev")" ] &&
		{ [ -z "$driver" ] || put "$pci/drivers/$driver/unbind" "$dev"; }; }; then
		put_back "$dev" "$driver" "$override"
		die "$dev: the kernel did not let go of it"
	fi
	# That no driver wants the device is no error: nobody may be there for it.
	put "$pci/drivers_probe" "$dev" || true
	now=$(driver_of "$dev")
	[ "$now" != vfio-pci ] || die "$dev: vfio-pci took it again: is its id in the module's ids=?"
	echo "$dev: vfio-pci -> ${now:-no driver (none in the kernel wants it)}"
}

status_line() {
	local dev=$1 names='' path override note=''

	for path in $(interfaces_of "$dev"); do
		names+="${names:+,}${path##*/}"
		if is_up "$path"; then names+="(up)"; else names+="(down)"; fi
	done
	override=$(override_of "$dev")
	[ -z "$override" ] || note="override $override"
	printf '%-13s %-9s %-12s %-6s %-18s %s\n' "$dev" \
		"$(cut -c3-6 "$pci/devices/$dev/vendor"):$(cut -c3-6 "$pci/devices/$dev/device")" \
		"$(driver_of "$dev" | grep . || echo -)" "$(group_of "$dev" | grep . || echo -)" \
		"${names:--}" "$note" | sed 's/ *$//'
}

# Network devices, and whatever else is on vfio-pci.
status_devices() {
	local path dev

	for path in "$pci/devices"/*; do
		dev=${path##*/}
		[ -e "$path/class" ] || continue
		if [[ $(cat "$path/class") == 0x02* || $(driver_of "$dev") == vfio-pci ]]; then
			echo "$dev"
		fi
	done
}

status() {
	local dev

	printf '%-13s %-9s %-12s %-6s %-18s %s\n' device id driver group interface note
	for dev; do
		status_line "$dev"
	done
}

case "${1-}:$#" in
-h:1 | --help:1) usage ;;
status:1)
	mapfile -t devices < <(status_devices)
	status "${devices[@]}"
	;;
status:2 | unbind:2 | bind:2)
	dev=$(resolve "$2")
	"$1" "$dev"
	;;
-*:* | unbind:* | bind:* | status:*)
	usage >&2
	exit 2
	;;
*:1)
	dev=$(resolve "$1")
	bind "$dev"
	;;
*)
	usage >&2
	exit 2
	;;
esac
