#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# Gives PCI network devices to vfio-pci, and back, as a transaction: all or
# nothing.
#
#   bind_vfio.sh [--force] DEV...         bind to vfio-pci
#   bind_vfio.sh [--force] unbind DEV...  back to the driver it had
#   bind_vfio.sh [--force] pf DEV --vfs N [--kernel-pf]
#                                         the PF and N VFs on vfio-pci; or only
#                                         the VFs
#   bind_vfio.sh status [--json] [DEV...] drivers, IOMMU groups, interfaces, VFs
#   bind_vfio.sh plan VERB...             every write that VERB would make
#   bind_vfio.sh [--force] restore        undo all that it did since boot
#   bind_vfio.sh persist DEV | persist pf DEV --vfs N [--kernel-pf]
#                                         at each boot
#   bind_vfio.sh unpersist DEV
#   bind_vfio.sh qemu-args DEV            arguments that give DEV to a VM
#   bind_vfio.sh libvirt-xml DEV
#
# DEV is 0000:03:10.1, 03:10.1 or an interface's name. Only the named devices are
# touched: it works by driver_override; new_id or the module's ids= would grab
# every device of the same kind.
# Exit status: 0 done, or there was nothing to do; 2 refused, nothing was written;
# 3 failed, all put back; 4 not all could be put back: a list says what.
# BIND_TIMEOUT: seconds that a write may take (10).
set -euo pipefail

here=$(dirname "$(readlink -f "$0")")/lib/bind
# shellcheck source-path=SCRIPTDIR/lib/bind
. "$here/sysfs.sh"
# shellcheck source-path=SCRIPTDIR/lib/bind
. "$here/checks.sh"
# shellcheck source-path=SCRIPTDIR/lib/bind
. "$here/steps.sh"
# shellcheck source-path=SCRIPTDIR/lib/bind
. "$here/handoff.sh"

usage() {
	sed -n '3,25s/^# \{0,1\}//p' "$0"
}

bad_usage() {
	echo "bind_vfio.sh: refused [usage] $1" >&2
	echo "    instead: bind_vfio.sh --help" >&2
	exit 2
}

verb=bind
devices=()
vfs_wanted=
kernel_pf=
json=
plan_only=

# Options may stand anywhere; the first word may be a verb.
arguments() {
	local word words=() number=

	for word; do
		if [ -n "$number" ]; then
			[[ $word =~ ^[0-9]{1,4}$ ]] || bad_usage "--vfs $word: a number is wanted"
			vfs_wanted=$((10#$word)) number=
			continue
		fi
		case $word in
		-h | --help) usage && exit 0 ;;
		--force) force=1 ;;
		--json) json=1 ;;
		--kernel-pf) kernel_pf=1 ;;
		--vfs) number=1 ;;
		-*) bad_usage "$word: no such option" ;;
		*) words+=("$word") ;;
		esac
	done
	[ -z "$number" ] || bad_usage "--vfs: a number is missing"
	set -- "${words[@]}"
	if [ "${1-}" = plan ]; then
		plan_only=1
		shift
	fi
	if [ "${1-}" = persist ]; then
		boot=1
		shift
	fi
	case ${1-} in
	bind | unbind | pf | status | restore | unpersist | qemu-args | libvirt-xml)
		verb=$1
		shift
		;;
	"") bad_usage "which device? bind_vfio.sh status lists them" ;;
	esac
	devices=("$@")
}

# What goes together and what does not.
check_arguments() {
	local n=${#devices[@]}

	case $verb in
	status) ;;
	restore) [ "$n" -eq 0 ] || bad_usage "restore takes no device: it undoes all" ;;
	pf | unpersist | qemu-args | libvirt-xml) [ "$n" -eq 1 ] || bad_usage "$verb takes one device" ;;
	*) [ "$n" -gt 0 ] || bad_usage "$verb: which device? bind_vfio.sh status lists them" ;;
	esac
	[ "$verb" != pf ] || [ -n "$vfs_wanted" ] || bad_usage "pf: how many VFs? --vfs N"
	[ "$verb" = pf ] || [ -z "$vfs_wanted$kernel_pf" ] || bad_usage "--vfs and --kernel-pf go with pf"
	[ "$verb" = status ] || [ -z "$json" ] || bad_usage "--json goes with status"
	[ -z "$plan_only" ] || [[ $verb =~ ^(bind|unbind|pf|restore)$ ]] || bad_usage "there is nothing to plan in $verb"
	[ -z "${boot-}" ] || { [[ $verb =~ ^(bind|pf)$ ]] && [ "$n" -eq 1 ]; } || bad_usage "persist takes one device, or pf DEV --vfs N"
}

# All names, before anything else: each wrong one is said.
resolve_devices() {
	local i dev

	for i in "${!devices[@]}"; do
		if dev=$(resolve "${devices[$i]}"); then
			devices[i]=$dev
		else
			refuse no-device "${devices[$i]}" \
				"is $([ "$verb" != bind ] || echo "no verb and ")neither a PCI address (03:10.1) nor an interface of a PCI device here" \
				"bind_vfio.sh status lists the devices, --help the verbs"
		fi
	done
	stop_if_refused
}

check_pf() {
	local dev=$1 total

	total=$(line_of "$pci/devices/$dev/sriov_totalvfs")
	if [ -n "$(pf_of "$dev")" ]; then
		refuse is-vf "$dev" "is itself a VF" "bind_vfio.sh pf $(pf_of "$dev") --vfs $vfs_wanted"
	elif [ "${total:-0}" -eq 0 ]; then
		refuse no-sriov "$dev" "can have no VFs" "bind_vfio.sh $dev   (for itself)"
	elif [ "$vfs_wanted" -gt "$total" ]; then
		refuse too-many-vfs "$dev" "$vfs_wanted VFs are more than its $total" \
			"bind_vfio.sh pf $dev --vfs $total"
	fi
	stop_if_refused
}

make_plan() {
	local dev

	case $verb in
	bind) for dev in "${devices[@]}"; do plan_vfio "$dev"; done ;;
	unbind)
		for dev in "${devices[@]}"; do
			if [ "$(driver_of "$dev")" = vfio-pci ] || [ "$(override_of "$dev")" = vfio-pci ]; then
				plan_no_vfs "$dev"
				plan_unbind "$dev"
			fi
		done
		;;
	pf)
		check_pf "${devices[0]}"
		plan_pf "${devices[0]}" "$vfs_wanted" "$kernel_pf"
		;;
	restore) [ ! -e "$box/origin" ] || plan_return "$box/origin" ;;
	esac
}

# VFs that are made on the way are not what they are now: their steps are shown all the same.
print_plan() {
	local step kind dev value made=' ' i

	for step in "${steps[@]}"; do
		read -r kind dev value <<<"$step"
		if [ "$kind" = vfs ] && ! step_holds "$kind" "$dev" "$value"; then
			for ((i = 0; i < value; i++)); do made+="$(vf_address "$dev" "$i") "; done
		fi
		if [[ $made != *" $dev "* ]]; then
			step_holds "$kind" "$dev" "$value" || step_text "$kind" "$dev" "$value"
		elif [ "$kind" != free ]; then
			echo "$(step_text "$kind" "$dev" "$value")   # unless it is so by then"
		fi
	done
	[ -n "$(pending)" ] || echo "nothing to do"
}

# What each device was before, for the report.
declare -A was gone had
remember() {
	local dev

	for dev in "${devices[@]}"; do
		was[$dev]=$(driver_of "$dev")
		had[$dev]=$(vfs_of "$dev")
		gone[$dev]=$(interfaces_of "$dev" | sed 's,.*/,,' | paste -sd' ')
	done
}

report() {
	local dev now vf

	for dev in "${devices[@]}"; do
		now=$(driver_of "$dev")
		if [ "$now" != vfio-pci ]; then
			[ "$verb" != unbind ] ||
				echo "$dev: vfio-pci -> ${now:-no driver (none in the kernel wants it)}$(
					[ "${had[$dev]}" -eq 0 ] || echo "; its ${had[$dev]} VFs are gone"
				)"
		elif [ "${was[$dev]}" = vfio-pci ]; then
			[ "$verb" = pf ] || echo "$dev: already on vfio-pci, IOMMU group $(group_of "$dev")"
		else
			echo "$dev: ${was[$dev]:-no driver} -> vfio-pci, IOMMU group $(group_of "$dev")${gone[$dev]:+; gone: ${gone[$dev]}}"
		fi
	done
	[ "$verb" = pf ] || return 0
	echo "$dev: on ${now:-no driver}, $(vfs_of "$dev") VFs$([ "$now" != vfio-pci ] || [ "$vfs_wanted" -eq 0 ] ||
		echo ", token in $(token_file "$dev")")"
	for vf in $(vfs_list "$dev"); do
		echo "$vf: VF $(vf_number "$vf") on $(driver_of "$vf"), IOMMU group $(group_of "$vf")"
	done
}

nothing_to_do() {
	local dev now

	for dev in "${devices[@]}"; do
		now=$(driver_of "$dev")
		case $verb in
		bind) echo "$dev: already on vfio-pci, IOMMU group $(group_of "$dev")" ;;
		unbind) echo "$dev: not on vfio-pci but on ${now:-no driver}: nothing to do" ;;
		pf) echo "$dev: on ${now:-no driver}, $(vfs_of "$dev") VFs already: nothing to do" ;;
		esac
	done
	[ "$verb" != restore ] || echo "all is as it was: nothing to do"
}

# The verbs that write.
change() {
	make_plan
	if [ -z "$(pending)" ]; then
		[ "$verb" != pf ] || token_for_pf
		[ "$verb" != restore ] || rm -f "$box/origin" "$box/current"
		nothing_to_do
		return
	fi
	check_steps
	stop_if_refused
	remember
	if [ "$verb" = restore ]; then
		restore
		return
	fi
	transact
	[ "$verb" = unbind ] || check_limits
	[ "$verb" != pf ] || check_pf_up "${devices[0]}"
	token_for_pf
	report
}

token_for_pf() {
	if [ "$verb" = pf ] && [ -z "$kernel_pf" ] && [ "$vfs_wanted" -gt 0 ]; then
		make_token "${devices[0]}"
	fi
}

# As a roll-back, back to the first state of all; it can be repeated until it is complete.
restore() {
	local rc=0

	trap 'stop_requested=1' INT TERM HUP
	run_steps || rc=$?
	if [ "$rc" -ne 0 ]; then
		echo "bind_vfio.sh: $failure" >&2
		incomplete "$box/origin"
	fi
	[ -z "$(differences "$box/origin")" ] || incomplete "$box/origin"
	awk '$1 == "device" { print $2 ": on " $3 }' "$box/origin" | sed 's/on -$/on no driver/'
	rm -f "$box/origin" "$box/current"
}

arguments "$@"
check_arguments
if [ "$verb" = status ] && [ "${#devices[@]}" -eq 0 ]; then
	mapfile -t devices < <(status_devices)
fi
# What an interrupted run left comes first: it may be why a device is not there.
if [[ $verb =~ ^(bind|unbind|pf|restore)$ ]] && [ -z "$plan_only${boot-}" ]; then
	lock "$verb"
elif [ -n "$plan_only" ]; then
	refuse_waiting
elif still_waiting; then
	warn still-waiting "" "$hanging; some facts cannot be read until then"
fi
[ "$verb" = unpersist ] || resolve_devices
if [ -n "${boot-}" ]; then
	words=()
	[ "$verb" != pf ] || words=(pf)
	words+=("${devices[0]}")
	[ -z "$vfs_wanted" ] || words+=(--vfs "$vfs_wanted")
	[ -z "$kernel_pf" ] || words+=(--kernel-pf)
	persist "${devices[0]}" "${words[@]}"
	exit
fi
case $verb in
status) status "${devices[@]}" ;;
unpersist)
	dev=$(resolve "${devices[0]}") || dev=${devices[0]}
	[[ $dev != ??:??.? ]] || dev=0000:$dev
	unpersist "$dev"
	;;
qemu-args) qemu_args "${devices[0]}" ;;
libvirt-xml) libvirt_xml "${devices[0]}" ;;
*)
	if [ -n "$plan_only" ]; then
		make_plan
		print_plan
		check_steps
		stop_if_refused
	else
		change
	fi
	;;
esac
