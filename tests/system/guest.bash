# SPDX-License-Identifier: BSD-3-Clause
# For the tests that run inside a guest of guest.sh: two igb NICs and two e1000s on a real kernel.
# shellcheck shell=bash disable=SC2034 # for the tests

bats_require_minimum_version 1.5.0

TOP=$(cd "$BATS_TEST_DIRNAME/../.." && pwd)
BUILD=${BUILD:-$TOP/build}
VFPLANE=$BUILD/app/vfplane
VFCTL=$BUILD/ctl/vfctl
bind=$TOP/scripts/bind_vfio.sh

pf=0000:01:00.0   # igb0: 7 VFs, alone in its IOMMU group
peer=0000:02:00.0 # igb1: on the same wire
mate=0000:03:01.0 # an e1000 behind a PCI bridge, with
mate2=0000:03:02.0
pci=/sys/bus/pci
# An emulated machine on a busy one: what takes milliseconds elsewhere may take seconds.
export BIND_TIMEOUT=60

# The address of igb0's VF N: VFs begin at 01:10.0, every second function.
vf() {
	printf '0000:01:%02x.%d\n' $((16 + $1 / 4)) $(($1 % 4 * 2))
}

driver() {
	basename "$(readlink "$pci/devices/$1/driver" || echo none)"
}

# The interface of a device, once it is there.
netdev() {
	local path="$pci/devices/$1/net"

	wait_for "${2-20}" test -d "$path" && ls "$path"
}

wait_for() {
	local deadline=$((SECONDS + $1))

	shift
	until "$@"; do
		[ "$SECONDS" -lt "$deadline" ] || return 1
		sleep 0.1
	done
}

# A line for each fact that bind_vfio.sh may change. A guest of TCG starts programs slowly.
picture() {
	find "$pci"/devices/*/driver -printf '%p %l\n' | sort
	grep -H . "$pci"/devices/*/driver_override "$pci"/devices/*/sriov_{numvfs,drivers_autoprobe} \
		/sys/module/vfio_pci/parameters/enable_sriov
}

before() {
	picture >"$BATS_TEST_TMPDIR/before"
}

same_as_before() {
	picture | diff "$BATS_TEST_TMPDIR/before" -
}

# A tee in front of the real one that logs each write of the script to $writes; $1 is what it does
# besides, with the file in $1 and the text in $text.
lay_tee() {
	writes=$BATS_TEST_TMPDIR/writes
	: >"$writes"
	mkdir -p "$BATS_TEST_TMPDIR/bin"
	cat >"$BATS_TEST_TMPDIR/bin/tee" <<-END
		#!/bin/bash
		text=\$(cat)
		echo "\$1 <- \$text" >>"$writes"
		n=\$(wc -l <"$writes")
		${1-}
		/usr/bin/tee "\$1" <<<"\$text"
	END
	chmod +x "$BATS_TEST_TMPDIR/bin/tee"
	PATH=$BATS_TEST_TMPDIR/bin:$PATH
}

# hold DEV [TOKEN]: a process that has the device open, as a VM would. Sets holder.
hold() {
	rm -f "$BATS_TEST_TMPDIR/held"
	python3 "$BATS_TEST_DIRNAME/hold.py" "$BATS_TEST_TMPDIR/held" "$@" 3>&- &
	holder=$!
	wait_for 10 test -e "$BATS_TEST_TMPDIR/held"
}

let_go() {
	kill "$holder" 2>/dev/null || true
	wait "$holder" 2>/dev/null || true
}

# For teardown: as the guest was when it came up, whatever a test left.
clean_up() {
	local link

	[ -z "${holder-}" ] || let_go
	ip link del br0 2>/dev/null || true
	picture | cmp -s "$BATS_TEST_TMPDIR/before" - && [ -n "$BATS_TEST_COMPLETED" ] && return
	for link in "$(netdev $pf 0)" "$(netdev $peer 0)"; do
		[ -z "$link" ] || { ip addr flush dev "$link" && ip link set "$link" down; } || true
	done
	"$bind" restore >/dev/null 2>&1 || true
	[ "$(driver $pf)" = igb ] || "$bind" --force unbind $pf || true
	[ "$(cat $pci/devices/$pf/sriov_numvfs)" = 0 ] || echo 0 >$pci/devices/$pf/sriov_numvfs
}
