#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# What bind_vfio.sh, dpdk-devbind.py and driverctl do in the same situation, one after the other, in a
# guest: each line is a situation, a tool, its exit status, the driver afterwards, and what it said.
#
#   guest.sh CACHE VERSION iommu|off OUT compare.sh [in-use]     the rows of docs/bind-vfio.md's table
set -uo pipefail

bind=$(cd "$(dirname "$0")/../.." && pwd)/scripts/bind_vfio.sh
pci=/sys/bus/pci
pf=0000:01:00.0
peer=0000:02:00.0
mate=0000:03:01.0
export PATH=$PATH:/usr/sbin:/usr/share/dpdk/usertools
unset SSH_CONNECTION

driver() {
	basename "$(readlink "$pci/devices/$1/driver" || echo none)"
}

# back DEV DRIVER: by hand, whatever happened.
back() {
	for _ in $(seq 50); do [ ! -e "$pci/devices/$1" ] || break; sleep 0.1; done
	echo >"$pci/devices/$1/driver_override"
	[ "$(driver "$1")" = "$2" ] || {
		[ "$(driver "$1")" = none ] || echo "$1" >"$pci/devices/$1/driver/unbind"
		echo "$1" >"$pci/drivers/$2/bind"
	}
	for _ in $(seq 50); do [ ! -d "$pci/devices/$1/net" ] || break; sleep 0.1; done
}

eth() {
	ls "$pci/devices/$1/net"
}

# row SITUATION TOOL DEV COMMAND...
row() {
	local what=$1 tool=$2 dev=$3 rc=0 said

	shift 3
	said=$(timeout 90 "$@" 2>&1 </dev/null) || rc=$?
	printf '%s | %s | exit %d | on %s, override %s | %s\n' "$what" "$tool" "$rc" "$(driver "$dev")" \
		"$(cat "$pci/devices/$dev/driver_override")" "$(paste -sd'/' <<<"$said" | cut -c1-230)"
}

# three SITUATION DEV DRIVER PREPARE: each tool binds DEV after PREPARE was run.
three() {
	local what=$1 dev=$2 driver=$3 prepare=$4

	eval "$prepare"
	row "$what" bind_vfio.sh "$dev" "$bind" "$dev"
	back "$dev" "$driver"
	eval "$prepare"
	row "$what" dpdk-devbind.py "$dev" dpdk-devbind.py -b vfio-pci "$dev"
	back "$dev" "$driver"
	eval "$prepare"
	row "$what" driverctl "$dev" driverctl --nosave set-override "$dev" vfio-pci
	back "$dev" "$driver"
	"$bind" restore >/dev/null 2>&1
}

hold() {
	python3 "$(dirname "$0")/hold.py" /tmp/held "$1" &
	holder=$!
	until [ -e /tmp/held ]; do sleep 0.1; done
	rm /tmp/held
}

modprobe -a igb igbvf e1000 vfio-pci bridge
sleep 1
if [ ! -d /sys/kernel/iommu_groups/0 ]; then
	three "no IOMMU" $peer igb true
	exit
fi

bindings() {
	three "plain" $peer igb true
	row "by name" bind_vfio.sh $peer "$bind" "$(eth $peer)"
	back $peer igb
	row "by name" dpdk-devbind.py $peer dpdk-devbind.py -b vfio-pci "$(eth $peer)"
	back $peer igb
	row "by name" driverctl $peer driverctl --nosave set-override "$(eth $peer)" vfio-pci
	back $peer igb
	"$bind" restore >/dev/null 2>&1
	# shellcheck disable=SC2016 # three evaluates them
	{
		three "interface up" $peer igb 'ip link set "$(eth $peer)" up'
		three "interface with an IPv6 address" $peer igb \
			'ip link set "$(eth $peer)" up; ip addr add 2001:db8::1/64 dev "$(eth $peer)" nodad'
		three "interface with an IPv4 route" $peer igb \
			'ip link set "$(eth $peer)" up; ip addr add 192.0.2.1/24 dev "$(eth $peer)"'
		three "interface below a bridge with the address" $peer igb \
			'ip link add br0 type bridge 2>/dev/null; ip link set "$(eth $peer)" master br0;
			 ip link set "$(eth $peer)" up; ip link set br0 up; ip addr replace 192.0.2.1/24 dev br0'
		ip link del br0
		three "group mate on its driver" $mate e1000 true
		three "PF with VFs" $pf igb 'echo 1 >$pci/devices/$pf/sriov_numvfs 2>/dev/null'
	}
	echo 0 >$pci/devices/$pf/sriov_numvfs
	"$bind" $peer >/dev/null 2>&1
	row "back to the kernel" bind_vfio.sh $peer "$bind" unbind $peer
	back $peer igb
	dpdk-devbind.py -b vfio-pci $peer
	row "back to the kernel" dpdk-devbind.py $peer dpdk-devbind.py -u $peer
	back $peer igb
	driverctl --nosave set-override $peer vfio-pci
	row "back to the kernel" driverctl $peer driverctl --nosave unset-override $peer
	back $peer igb
	"$bind" restore >/dev/null 2>&1
}

in_use() {
	local tool command

	for tool in bind_vfio.sh dpdk-devbind.py driverctl; do
		"$bind" $peer >/dev/null 2>&1
		hold $peer
		case $tool in
		bind_vfio.sh) command=("$bind" unbind "$peer") ;;
		dpdk-devbind.py) command=(timeout -s KILL 15 dpdk-devbind.py -u "$peer") ;;
		driverctl) command=(timeout -s KILL 15 driverctl --nosave unset-override "$peer") ;;
		esac
		row "in use, back to the kernel" "$tool" $peer "${command[@]}"
		kill "$holder"
		wait "$holder" 2>/dev/null
		sleep 2
		back $peer igb
	done
}

[ "${1-}" = in-use ] || bindings
in_use
