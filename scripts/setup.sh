#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# Installs what vfplane needs from Debian 12's own packages: to build it, to run its demo and to test it.
#
#   setup.sh            install what is missing (as root); quick when nothing is
#   setup.sh --system   besides, what the system tests need (test.sh --long)
#   setup.sh --check    change nothing; name what is missing; exit status 1 if anything is
#   setup.sh --list     print the table of packages and reasons
set -euo pipefail

# PACKAGE  the reason it is here. One line each; only what the tree really uses.
packages() {
	cat <<'TABLE'
gcc                  the compiler
libc6-dev            C headers and start files: gcc only recommends them
meson                the build system
ninja-build          what meson drives
pkg-config           meson finds the libraries below through it
libdpdk-dev          DPDK 22.11: headers, libraries and the unmodified net_ixgbe and net_ixgbe_vf
dpdk                 dpdk-devbind.py: tests see what it says of soft82599's devices
pciutils             lspci, likewise
dpdk-dev             dpdk-testpmd, the outside client in tests and benchmarks; dpdk-telemetry.py
libbsd-dev           strtonum, strlcpy, humanize_number
libmd-dev            SHA-256: a report names the configuration it ran with
zlib1g-dev           histograms in HdrHistogram's encoding, which is deflated
libconfuse-dev       the configuration file's grammar
libjansson-dev       JSON reports
libpcap-dev          soft82599's wire and mixgen read and write captures
libfuse3-dev         soft82599's sysfs
libcmocka-dev        unit tests
bats                 functional tests
shellcheck           checks the scripts
clang                the second compiler
libclang-rt-14-dev   the sanitizers' run time for clang
jq                   scripts and tests read JSON reports
gnuplot-nox          vfctl plot draws with it, and bench_balance's figures become the plot of docs/rss.md
iproute2             tests make network namespaces and TAP links
iputils-ping         tests put real traffic through them
curl                 moves a large file through vfplane, from Linux to Linux
iperf3               TCP through vfplane for ten minutes, while its rules change
ethtool              switches offloads off, so that captures hold what the wire would
tcpdump              reads captures as an independent witness
python3              the far end of the traffic that tests capture, and the web server of one
procps               tests look at processes
util-linux           unshare: namespaces for the tests
patch                tests/mutants applies its patches
ccache               a mutant's file that goes back to what it was is not compiled again
TABLE
}

# What only the guests of tests/system need. SUITE/PACKAGE: not of Debian 12 itself, so
# tests/system/fetch.sh gets it.
system_packages() {
	cat <<'TABLE'
busybox-static       the first process of a guest, before it has the files of this system
kmod                 modprobe and depmod: the modules of the guests' kernels
driverctl            what bind_vfio.sh is compared with, beside dpdk-devbind.py
bookworm-backports/qemu-system-x86    Debian 12's own QEMU has no igb, a NIC with SR-IOV
bookworm/linux-image-amd64            the kernels of the guests: unpacked, not installed
bookworm-backports/linux-image-amd64  likewise, the newest that Debian 12 offers
TABLE
}

die() {
	echo "setup.sh: $*" >&2
	exit 1
}

missing() {
	local installed name
	installed=$(dpkg-query -W -f='${Package} ${db:Status-Status}\n' 2>/dev/null |
		awk '$2 == "installed" { print $1 }')
	{ packages && { [ -z "$system" ] || system_packages; }; } | awk '$1 !~ "/" { print $1 }' | while read -r name; do
		grep -qx -- "$name" <<<"$installed" || echo "$name"
	done
}

install_missing() {
	local names=("$@") apt=(apt-get -q -y -o DPkg::Lock::Timeout=300 -o Dpkg::Use-Pty=0)

	echo "setup.sh: installing ${names[*]}"
	export DEBIAN_FRONTEND=noninteractive
	"${apt[@]}" update >/dev/null || die "apt-get update failed: is there a way to a Debian mirror?"
	"${apt[@]}" install --no-install-recommends "${names[@]}" >/dev/null ||
		die "apt-get could not install: ${names[*]}"
}

system=
case "${1-}" in
"" | --check) ;;
--system) system=1 ;;
--list)
	packages
	system_packages
	exit 0
	;;
*) die "unknown argument '$1' (there are --system, --check and --list)" ;;
esac

command -v dpkg-query >/dev/null ||
	die "not a Debian system: the packages of 'setup.sh --list' must be installed by hand"
mapfile -t lacking < <(missing)
[ "${#lacking[@]}" -gt 0 ] || exit 0
if [ "${1-}" = --check ]; then
	echo "setup.sh: missing: ${lacking[*]}"
	exit 1
fi
if [ "$(id -u)" -ne 0 ]; then
	die "missing: ${lacking[*]}
setup.sh: installing needs root: run this once as root, or
    apt-get install --no-install-recommends ${lacking[*]}"
fi
install_missing "${lacking[@]}"
mapfile -t lacking < <(missing)
[ "${#lacking[@]}" -eq 0 ] || die "still missing after the installation: ${lacking[*]}"
