# SPDX-License-Identifier: BSD-3-Clause
# shellcheck shell=bash
# shellcheck disable=SC2034,SC2154 # names of the other parts of bind_vfio.sh
# What sysfs and /proc say about a device. Nothing here writes.

sys=${SYSFS_ROOT:-/sys}
proc=${PROC_ROOT:-/proc}
run=${RUN_ROOT:-/run}
etc=${ETC_ROOT:-/etc}
dev_root=${DEV_ROOT:-/dev}
pci=$sys/bus/pci
enable_sriov=$sys/module/vfio_pci/parameters/enable_sriov

# line_of FILE: its first line; empty where there is none.
line_of() {
	local text=

	[ ! -r "$1" ] || IFS= read -r text 2>/dev/null <"$1" || true
	printf '%s' "$text"
}

# end_of LINK: the name that a link ends in; empty where there is none.
end_of() {
	local link

	link=$(readlink "$1") || return 0
	echo "${link##*/}"
}

# resolve NAME: the full address of a device, as people write it; 1 if it is none.
resolve() {
	local name=$1 path=

	case $name in
	????:??:??.?) ;;
	??:??.?) name=0000:$name ;;
	*)
		[[ $name =~ ^[[:alnum:]_.:-]+$ ]] || return 1
		path=$(readlink -f "$sys/class/net/$name/device") || return 1
		# virtio puts a device of its own between the interface and PCI.
		while [ "${#path}" -gt 1 ] && [[ ${path##*/} != ????:??:??.? ]]; do
			path=$(dirname "$path")
		done
		name=${path##*/}
		;;
	esac
	name=${name,,}
	[ -n "$name" ] && [ -e "$pci/devices/$name" ] || return 1
	echo "$name"
}

driver_of() {
	end_of "$pci/devices/$1/driver"
}

# While a write to a device waits in the kernel, reading this file would wait behind it: then it is
# what this run last knew, or "?".
override_of() {
	local value

	if [[ " $blocked " == *" $1 "* ]]; then
		printf '%s' "${known[$1]-?}"
		return
	fi
	value=$(line_of "$pci/devices/$1/driver_override")
	[ "$value" = "(null)" ] || printf '%s' "$value"
}

group_of() {
	end_of "$pci/devices/$1/iommu_group"
}

# The PF of a VF; empty for what is no VF.
pf_of() {
	end_of "$pci/devices/$1/physfn"
}

# Not from sriov_numvfs: while a write to it waits in the kernel, so does who reads it.
vfs_of() {
	local link n=0

	for link in "$pci/devices/$1"/virtfn*; do
		[ ! -L "$link" ] || n=$((n + 1))
	done
	echo "$n"
}

# vf_address PF N: where VF N is, or will be, by the PF's offset and stride.
vf_address() {
	local dev=$1 domain=${1%%:*} at offset stride

	at=$((16#${dev:5:2} << 8 | 16#${dev:8:2} << 3 | ${dev:11:1}))
	offset=$(line_of "$pci/devices/$dev/sriov_offset")
	stride=$(line_of "$pci/devices/$dev/sriov_stride")
	at=$((at + ${offset:-0} + $2 * ${stride:-0}))
	printf '%s:%02x:%02x.%x\n' "$domain" $((at >> 8)) $((at >> 3 & 31)) $((at & 7))
}

# The VFs that a PF has now.
vfs_list() {
	local link

	for link in "$pci/devices/$1"/virtfn*; do
		[ ! -L "$link" ] || end_of "$link"
	done
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

	flags=$(line_of "$1/flags")
	[ -n "$flags" ] && (((flags & 1) == 1))
}

# linked_interfaces lower|upper NAME: all interfaces below or above one, in any depth.
linked_interfaces() {
	local path

	for path in "$sys/class/net/$2/$1"_*; do
		if [ -e "$path" ] || [ -L "$path" ]; then
			echo "${path##*/"$1"_}"
			linked_interfaces "$1" "${path##*/"$1"_}"
		fi
	done
}

# Processes that hold the device's VFIO group, or the device by iommufd.
holders_of() {
	local group node

	group=$(group_of "$1")
	[ -n "$group" ] || return 0
	node=$(basename "$pci/devices/$1/vfio-dev"/* 2>/dev/null) || node=none
	{ find "$proc"/[0-9]*/fd \( -lname "$dev_root/vfio/$group" \
		-o -lname "$dev_root/vfio/devices/$node" \) -printf '%h\n' 2>/dev/null || true; } |
		sed 's,/fd$,,; s,.*/,,' | sort -un | paste -sd' '
}

# name_pids PID...: with their names, for people.
name_pids() {
	local pid text=

	for pid; do
		text+="${text:+, }process $pid ($(line_of "$proc/$pid/comm"))"
	done
	echo "$text"
}

# The driver that the kernel would give the device, if it is loaded; empty if that is not known.
kernel_driver_of() {
	local alias driver

	alias=$(line_of "$pci/devices/$1/modalias")
	[ "$sys" = /sys ] && [ -n "$alias" ] || return 0
	for driver in $(modprobe -R "$alias" 2>/dev/null); do
		if [ "$driver" != vfio_pci ] && [ -d "$pci/drivers/$driver" ]; then
			echo "$driver"
			return
		fi
	done
}
