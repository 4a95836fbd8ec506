#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# What demo.sh runs on the card: devices to vfio-pci, the program, and the devices back.
#
#   demo_card.sh SOFT82599 NAME WORK VFS PROGRAM...
#
# WORK/card.json gets what the card says after PROGRAM, bound.json and restored.json what
# bind_vfio.sh says before and after it. Exit status: that of PROGRAM.
set -euo pipefail

card=$1
name=$2
work=$3
vfs=$4
shift 4
bind=$(dirname "$0")/../bind_vfio.sh
pci=/sys/bus/pci
pf=0000:03:00.1
rc=0

# A run of its own: the journal of this machine's devices is none of its business.
export RUN_ROOT=$work/run
mkdir -p "$RUN_ROOT"

# As a machine has it after it has booted: the PF with its kernel driver, no VFs.
as_booted() {
	echo 0 >$pci/devices/$pf/sriov_numvfs
	echo $pf >$pci/drivers/vfio-pci/unbind
	echo $pf >$pci/drivers/ixgbe/bind
}

bring_up() {
	as_booted
	echo "\$ scripts/bind_vfio.sh pf 03:00.1 --vfs $vfs"
	"$bind" pf $pf --vfs "$vfs" >"$work/bind"
	sed -n 1,4p "$work/bind" | sed "s,token in .*,token kept,"
	[ "$vfs" -le 2 ] || echo "... $((vfs - 2)) more"
	"$bind" status --json >"$work/bound.json"
}

give_back() {
	{
		echo "\$ scripts/bind_vfio.sh restore"
		"$bind" restore
	} >"$work/restore"
	"$bind" status --json >"$work/restored.json"
}

# Without a sysfs of the card's own, which takes namespaces, there is nothing to bind.
if [ -n "${SYSFS_PCI_DEVICES-}" ]; then
	echo null | tee "$work/bound.json" >"$work/restored.json"
else
	bring_up
fi
"$@" || rc=$?
"$card" show --name "$name" --json >"$work/card.json" || rc=${rc/#0/1}
[ -n "${SYSFS_PCI_DEVICES-}" ] || give_back || rc=${rc/#0/1}
exit "$rc"
