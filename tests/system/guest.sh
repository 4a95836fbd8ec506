#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# Runs a command on a real kernel: in a guest of QEMU with two igb NICs (82576) that have SR-IOV.
#
#   guest.sh CACHE VERSION MACHINE OUT COMMAND...
#
# CACHE and VERSION: a kernel that fetch.sh brought. MACHINE: `iommu`, `off` (an IOMMU that the command
# line does not switch on) or `none` (no IOMMU). COMMAND sees the host's files below a tmpfs, as root;
# the folder OUT of the host is its /mnt. What it says goes to OUT/log. Exit status: COMMAND's, or 3 if
# the guest did not come to it or took longer than GUEST_LIMIT seconds (600): OUT/console says why.
#
# TCG only: a stock kernel does not boot on every /dev/kvm, and the test is the same everywhere.
set -euo pipefail

[ $# -ge 5 ] || { sed -n '3,12s/^# \{0,1\}//p' "$0" >&2 && exit 2; }
here=$(cd "$(dirname "$0")" && pwd)
cache=$(cd "$1" && pwd)
version=$2
machine=$3
mkdir -p "$4"
out=$(cd "$4" && pwd)
shift 4
tree=$cache/kernels/$version
limit=${GUEST_LIMIT:-600}

# The modules that it takes to reach the host's files, in the order of insmod.
modules() {
	local name

	for name in virtio_pci 9pnet_virtio 9p overlay; do
		modprobe -d "$tree" -S "$version" --show-depends "$name"
	done | awk '$1 == "insmod" && !seen[$2]++ { print $2 }'
}

initrd() {
	local dir path name

	dir=$(mktemp -d)
	mkdir -p "$dir/bin" "$dir/lib"
	cp /bin/busybox "$dir/bin/"
	install -m 755 "$here/init" "$dir/init"
	for path in $(modules); do
		name=${path##*/}
		name=${name%.xz}
		if [ "$name" = "${path##*/}" ]; then cp "$path" "$dir/lib/"; else xz -dc "$path" >"$dir/lib/$name"; fi
		echo "$name"
	done >"$dir/modules"
	(cd "$dir" && find . | busybox cpio -o -H newc 2>/dev/null | gzip -1)
	rm -r "$dir"
}

# rp0, rp1: igb0 and igb1, alone in their IOMMU groups, on one hub: each is the other's wire. Behind
# the PCI bridge: two e1000s that share a group, as all functions behind such a bridge do.
devices() {
	cat <<-'END'
		-device pcie-root-port,id=rp0,bus=pcie.0,chassis=1,slot=1,addr=0x4
		-device pcie-root-port,id=rp1,bus=pcie.0,chassis=2,slot=2,addr=0x5
		-device pcie-pci-bridge,id=br0,bus=pcie.0,addr=0x6
		-netdev hubport,id=h0,hubid=0
		-netdev hubport,id=h1,hubid=0
		-device igb,id=igb0,bus=rp0,netdev=h0,mac=52:54:00:00:00:01,romfile=
		-device igb,id=igb1,bus=rp1,netdev=h1,mac=52:54:00:00:00:02,romfile=
		-netdev hubport,id=h2,hubid=1
		-netdev hubport,id=h3,hubid=1
		-device e1000,bus=br0,addr=1,netdev=h2,romfile=
		-device e1000,bus=br0,addr=2,netdev=h3,romfile=
	END
}

case $machine in
iommu) iommu=(-device "intel-iommu,intremap=on") append="intel_iommu=on iommu=pt" ;;
off) iommu=(-device "intel-iommu,intremap=on") append="intel_iommu=off" ;;
none) iommu=() append="" ;;
*) echo "guest.sh: machine '$machine': iommu, off or none" >&2 && exit 2 ;;
esac

rm -f "$out/status" "$out/log"
printf 'export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root\ncd /\n%s\n' \
	"$(printf '%q ' "$@")" >"$out/command"
echo "$tree/lib/modules/$version" >"$out/modules"
initrd >"$out/initrd"
# no_timer_check: on a busy machine an emulated timer may be late for the kernel's own test of it.
# Guest memory above 2560M would put the VFs' BARs where QEMU 10's igb is dead.
# shellcheck disable=SC2046
timeout -k 5 "$limit" qemu-system-x86_64 -accel tcg,thread=multi -cpu max -smp 2 -m 2048 -machine q35 \
	-nodefaults -no-user-config -nographic -no-reboot "${iommu[@]}" $(devices) \
	-fsdev "local,id=f0,path=/,security_model=none,readonly=on,multidevs=remap" \
	-device virtio-9p-pci,fsdev=f0,mount_tag=host \
	-fsdev "local,id=f1,path=$out,security_model=none" \
	-device virtio-9p-pci,fsdev=f1,mount_tag=out \
	-serial stdio -kernel "$tree/boot/vmlinuz-$version" -initrd "$out/initrd" \
	-append "console=ttyS0 panic=-1 no_timer_check quiet loglevel=4 $append" >"$out/console" 2>&1 </dev/null || true
rm -f "$out/initrd" "$out/modules"
[ -s "$out/status" ] || exit 3
exit "$(cat "$out/status")"
