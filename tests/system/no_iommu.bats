# SPDX-License-Identifier: BSD-3-Clause
# shellcheck disable=SC2086,SC2154 # guest.bash has the addresses, which have no blanks
# bind_vfio.sh where no IOMMU confines anything: it says which of the two reasons it is, and no force
# helps. (Debian's kernels have no no-IOMMU mode of VFIO: functional/bind_vfio.bats has that.)
# machine: off none

setup_file() {
	modprobe -a igb vfio-pci
}

setup() {
	load guest
	before
	if [ -e /sys/firmware/acpi/tables/DMAR ]; then code=no-iommu-cmdline; else code=no-iommu-firmware; fi
}

@test "refused: no IOMMU, with the reason and what to do" {
	[ "$code" = "no-iommu-$([ "$MACHINE" = off ] && echo cmdline || echo firmware)" ]
	run -2 "$bind" $peer
	[[ "$output" == *"[$code]"* ]]
	case $code in
	*cmdline) [[ "$output" == *"intel_iommu=on"*"GRUB_CMDLINE_LINUX"* ]] ;;
	*) [[ "$output" == *"VT-d"*"firmware"* ]] ;;
	esac
	run -2 "$bind" --force $peer
	[[ "$output" == *"[$code]"* ]]
	run -2 "$bind" --force pf $pf --vfs 2
	[[ "$output" == *"[$code]"* ]]
	same_as_before
}

@test "status: no group, and every interface all the same" {
	run -0 "$bind" status $peer
	[[ "$output" == *"$peer"*"igb"*" - "*"$(netdev $peer)(down)"* ]]
}
