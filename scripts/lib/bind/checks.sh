# SPDX-License-Identifier: BSD-3-Clause
# shellcheck shell=bash
# shellcheck disable=SC2154 # names of the other parts of bind_vfio.sh
# Pre-flight: everything that can be known to go wrong is said before anything is written. The
# checks follow from the steps that are planned, so each verb gets those that concern it.

refusals=0
force=

# refuse CODE DEVICE REASON REMEDY [forceable]: collected, so that one run tells all of them.
refuse() {
	if [ -n "${5-}" ] && [ -n "$force" ]; then
		echo "bind_vfio.sh: forced [$1] ${2:+$2: }$3" >&2
		return
	fi
	refusals=$((refusals + 1))
	echo "bind_vfio.sh: refused [$1] ${2:+$2: }$3" >&2
	echo "    instead: $4${5:+   (or go on with --force)}" >&2
}

warn() {
	echo "bind_vfio.sh: warning [$1] ${2:+$2: }$3" >&2
}

stop_if_refused() {
	[ "$refusals" -eq 0 ] || exit 2
}

fail_early() {
	refuse "${2:-not-root}" "" "$1" "${3:-type it again as root, or with sudo}"
	exit 2
}

# ---- what must not be cut off ----

# The peers that this machine is worked on from: "CLIENT SERVER", empty without SSH.
ssh_peers() {
	local text=${SSH_CONNECTION-} pid=$$

	# sudo drops the variable, but the shell above has it.
	while [ -z "$text" ] && [ "${pid:-0}" -gt 1 ]; do
		text=$({ tr '\0' '\n' <"$proc/$pid/environ" | sed -n 's/^SSH_CONNECTION=//p'; } 2>/dev/null |
			head -n 1) || true
		pid=$(sed -n 's/^PPid:[[:space:]]*//p' "$proc/$pid/status" 2>/dev/null) || true
	done
	awk '{ print $1, $3 }' <<<"$text"
}

# interfaces_to CLIENT [SERVER]: by which the machine talks to it, with all that lie below them.
interfaces_to() {
	local name

	{
		# There may be no route: in another table, or in another VRF.
		[ -z "${2-}" ] || ip -o addr show to "${2%%%*}" 2>/dev/null | awk '{ print $2 }' || true
		ip -o route get "${1%%%*}" 2>/dev/null | sed -n 's/.* dev \([^ ]*\).*/\1/p' || true
	} | sed 's/@.*//' | sort -u | while read -r name; do
		echo "$name"
		linked_interfaces lower "$name"
	done
}

# Interfaces that the session or the root file system needs: ssh_needs and root_needs, once.
find_needs() {
	local peers server

	[ -z "${needs_known-}" ] || return 0
	needs_known=1
	peers=$(ssh_peers)
	# shellcheck disable=SC2086
	ssh_needs=" $([ -z "${peers// /}" ] || interfaces_to $peers | paste -sd' ') "
	server=$(awk '$2 == "/" && $3 ~ /^nfs/ { sub(/.*[(,]addr=/, "", $4); sub(/,.*/, "", $4); print $4 }' \
		"$proc/mounts" 2>/dev/null) || true
	root_needs=" $([ -z "$server" ] || interfaces_to "$server" | paste -sd' ') "
	if [ -n "$(ls "$sys/class/iscsi_session" 2>/dev/null)" ]; then
		root_needs+="$(for server in "$sys"/class/iscsi_connection/*/persistent_address; do
			interfaces_to "$(line_of "$server")"
		done | paste -sd' ') "
	fi
}

# Never forced: one would saw off the branch that one sits on.
check_needed() {
	local name=$2

	find_needs
	[[ $ssh_needs != *" $name "* ]] || refuse ssh-interface "$1" \
		"your SSH session comes in through its interface $name" \
		"log in by another interface or the console, then type this again"
	[[ $root_needs != *" $name "* ]] || refuse root-interface "$1" \
		"the root file system or an iSCSI disk is reached through its interface $name" \
		"use another device: this machine cannot run without it"
}

# The interfaces of a device that is to leave its kernel driver.
check_interfaces() {
	local dev=$1 path name above remedy

	for path in $(interfaces_of "$dev"); do
		name=${path##*/}
		check_needed "$dev" "$name"
		above=$({ linked_interfaces upper "$name"; end_of "$path/master"; } | sort -u | paste -sd, | sed 's/,/, /g')
		remedy="ip link delete ${above%%,*}"
		[ -z "$(end_of "$path/master")" ] || remedy="ip link set dev $name nomaster"
		[ -z "$above" ] || refuse interface-above "$dev" \
			"$above stands on its interface $name, which would vanish" "$remedy" force
		if is_up "$path"; then
			refuse interface-up "$dev" "its interface $name is up, and would vanish" \
				"ip link set dev $name down" force
		elif [ -n "$(ip -o addr show dev "$name" 2>/dev/null)" ]; then
			refuse interface-address "$dev" "its interface $name has an address, which would be lost" \
				"ip addr flush dev $name" force
		fi
	done
}

# ---- what vfio-pci needs ----

check_module() {
	local locked

	[ ! -d "$pci/drivers/vfio-pci" ] || return 0
	# Built in, it has no module; spelled vfio_pci, modprobe knows it all the same.
	if [ "$sys" = /sys ] && [ -n "${plan_only-}" ]; then
		! modprobe -n -q vfio-pci 2>/dev/null || return 0
	elif [ "$sys" = /sys ]; then
		modprobe vfio-pci 2>/dev/null || true
		[ ! -d "$pci/drivers/vfio-pci" ] || return 0
	fi
	locked=$(line_of "$sys/kernel/security/lockdown")
	[ -z "$locked" ] || [[ $locked == *"[none]"* ]] || refuse lockdown "" \
		"the kernel is locked down ($locked) and loads signed modules only" \
		"use the distribution's own kernel and modules, or turn Secure Boot off in the firmware"
	refuse no-module "" "the kernel has no vfio-pci driver" \
		"modprobe vfio-pci   (if there is no such module: install the distribution's full kernel)"
}

# Firmware and command line look alike from the device: tell them apart.
check_iommu() {
	local dev=$1 group tables=$sys/firmware/acpi/tables option=intel_iommu=on

	group=$(group_of "$dev")
	if [ -n "$group" ]; then
		[ "$(line_of "$sys/kernel/iommu_groups/$group/name")" != vfio-noiommu ] ||
			refuse no-iommu-mode "$dev" "is in VFIO's no-IOMMU mode, which isolates nothing" \
				"boot with the IOMMU on; bind_vfio.sh status shows the groups then"
		return
	fi
	if [ -n "$(ls "$sys/kernel/iommu_groups" 2>/dev/null)" ]; then
		refuse no-iommu-group "$dev" "is in no IOMMU group, so nothing would confine its DMA" \
			"try another slot, or the firmware's settings for this one"
	elif [ -e "$tables/DMAR" ] || [ -e "$tables/IVRS" ]; then
		[ ! -e "$tables/IVRS" ] || option=amd_iommu=on
		refuse no-iommu-cmdline "$dev" "the IOMMU is there, but the kernel does not use it" \
			"add $option to GRUB_CMDLINE_LINUX in /etc/default/grub, update-grub, reboot"
	else
		refuse no-iommu-firmware "$dev" "the machine shows no IOMMU: no DMAR or IVRS table" \
			"turn on VT-d or AMD-Vi in the firmware (a VM needs a virtual IOMMU), then reboot"
	fi
}

# A group can be opened only when every member is on vfio-pci, driverless or a bridge.
check_group() {
	local dev=$1 group mate driver

	group=$(group_of "$dev")
	for mate in "$sys/kernel/iommu_groups/${group:-none}/devices"/*; do
		mate=${mate##*/}
		if [ "$mate" = "$dev" ] || [ ! -e "$pci/devices/$mate" ]; then
			continue
		fi
		[[ " ${steps[*]/#/,} " != *",bind $mate vfio-pci"* ]] || continue
		driver=$(driver_of "$mate")
		case $driver in
		"" | vfio-pci | pcieport | shpchp | pci-stub) ;; # these do no DMA of their own
		*) refuse group-sibling "$dev" \
			"$mate shares IOMMU group $group and is on $driver: no program could open the group" \
			"bind_vfio.sh $dev $mate" force ;;
		esac
	done
}

# Is it a network device at all?
check_class() {
	[[ $(line_of "$pci/devices/$1/class") == 0x02* ]] || refuse no-network-device "$1" \
		"is no network device (class $(line_of "$pci/devices/$1/class"))" \
		"bind_vfio.sh status lists those that are" force
}

# Device ids of 82599, X540 and X550 and of their VFs, as linux/drivers/net/ethernet/intel/ixgbe has them.
known_ids='10f[789bc]|1507|1514|1517|151c|1529|152a|154[adf]|155[78]|1528|1560|1563|15d1|15a[a-e]|15c[2-46-8e]|15e[45]'
known_ids+='|10ed|1515|1565|15a8|15c5'

check_id() {
	local vendor device

	vendor=$(line_of "$pci/devices/$1/vendor") device=$(line_of "$pci/devices/$1/device")
	[[ $vendor:$device =~ ^0x8086:0x($known_ids)$ ]] || warn unknown-id "$1" \
		"${vendor#0x}:${device#0x} is no 82599, X540 or X550: vfplane rules PFs of these only"
}

check_libvirt() {
	local dev=$1 file address

	address="bus='0x${dev:5:2}' slot='0x${dev:8:2}' function='0x${dev:11:1}'"
	for file in "$run"/libvirt/qemu/*.xml; do
		if grep -qs "$address" "$file"; then
			file=${file##*/}
			refuse libvirt "$dev" "libvirt has given it to the VM ${file%.xml}" \
				"virsh detach-device ${file%.xml} DEVICE.xml, or virsh shutdown ${file%.xml}" force
		fi
	done
}

check_holders() {
	local users

	users=$(holders_of "$1")
	# shellcheck disable=SC2086
	[ -z "$users" ] || refuse "$2" "$1" "is in use by $(name_pids $users), for which the kernel would wait" \
		"end it first: kill ${users%% *}"
}

# vfio-pci needs no locked memory of ours, but what opens the device does.
check_limits() {
	local pages

	pages=$({ cat "$sys"/kernel/mm/hugepages/hugepages-*/nr_hugepages 2>/dev/null || true; } |
		awk '{ n += $1 } END { print n }')
	[ "${pages:-1}" != 0 ] || warn hugepages "" \
		"no hugepages: DPDK needs --no-huge, or: echo 512 > /proc/sys/vm/nr_hugepages"
	[ "$(id -u)" -eq 0 ] || [ "$(ulimit -l)" = unlimited ] || warn memlock "" \
		"locked memory is limited to $(ulimit -l) KiB: DMA mappings will fail; see limits.conf(5)"
}

# A kernel's PF that is down answers its VFs nothing: no link, no address but a random one.
check_pf_up() {
	local path

	[ "$vfs_wanted" -gt 0 ] || return 0
	for path in $(interfaces_of "$1"); do
		is_up "$path" || warn pf-down "$1" \
			"its interface is down, so its VFs get no link and no address: ip link set dev ${path##*/} up"
	done
}

# ---- all of them ----

check_step() {
	local kind=$1 dev=$2 value=$3 vf path

	case $kind in
	free)
		if [ "$(driver_of "$dev")" = vfio-pci ]; then
			check_holders "$dev" in-use
			# vfio-pci takes its PF's VFs away when it lets the PF go.
			for vf in $(vfs_list "$dev"); do check_holders "$vf" vf-in-use; done
		else
			check_interfaces "$dev"
		fi
		check_libvirt "$dev"
		;;
	bind)
		[ "$value" = vfio-pci ] && [ -e "$pci/devices/$dev" ] || return 0
		check_class "$dev"
		check_id "$dev"
		check_iommu "$dev"
		check_group "$dev"
		if [ "$(vfs_of "$dev")" -gt 0 ] && [[ " ${steps[*]/#/,} " != *",vfs $dev 0"* ]]; then
			refuse has-vfs "$dev" \
				"has $(vfs_of "$dev") VFs: they would vanish, or keep vfio-pci from taking it" \
				"bind_vfio.sh pf $dev --vfs $(vfs_of "$dev")   (for the PF and its VFs together)"
		fi
		;;
	vfs)
		# The PF's driver starts anew: its link goes down for seconds.
		for path in $(interfaces_of "$dev"); do check_needed "$dev" "${path##*/}"; done
		for vf in $([ "$value" -ne 0 ] || vfs_list "$dev"); do
			check_holders "$vf" vf-in-use
			check_interfaces "$vf"
			check_libvirt "$vf"
		done
		;;
	esac
}

# check_steps: every step that would write. Each complaint once, however many steps meet it.
check_steps() {
	local step checked=' '

	while read -r step; do
		[ -n "$step" ] || continue
		[[ $step != "bind "*" vfio-pci" ]] || [[ $checked == *" module "* ]] || {
			check_module
			checked+="module "
		}
		# shellcheck disable=SC2086
		check_step $step
	done < <(pending)
	[ "$sys" != /sys ] || [ "$(id -u)" -eq 0 ] || [ -n "${plan_only-}" ] || [ -w "$pci/drivers_probe" ] ||
		refuse not-root "" "only root can write to $pci" "type it again as root, or with sudo"
}
