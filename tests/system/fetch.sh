#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# Gets what the system test needs beyond scripts/setup.sh, from Debian 12 and its backports:
# a QEMU that has igb (8 or later), and the kernels of both, unpacked under the cache.
#
#   fetch.sh CACHE      afterwards CACHE/versions names the kernels, one a line, and
#                       CACHE/kernels/VERSION/ holds each one's boot/ and lib/modules/
#
# What it got serves for a week before it looks for newer ones.
#
# Where Debian is fetched from is the system's affair: its own entry is copied with other suites.
# Exit status 77, with the reason as the last line, where that is not to be had.
set -euo pipefail

cache=${1:?fetch.sh CACHE}
mkdir -p "$cache"
cache=$(cd "$cache" && pwd)
backports=bookworm-backports

skip() {
	echo "$*"
	exit 77
}

has_igb() {
	command -v qemu-system-x86_64 >/dev/null &&
		qemu-system-x86_64 -device help 2>/dev/null | grep -q '"igb"'
}

# All is there already, and not old.
fresh() {
	local version

	has_igb && [ -n "$(find "$cache/versions" -mtime -7 2>/dev/null)" ] || return 1
	while read -r version; do
		[ -e "$cache/kernels/$version/boot/vmlinuz-$version" ] || return 1
	done <"$cache/versions"
}

# sources SUITE: the system's first entry for the release itself, with SUITE in its place.
sources() {
	local entry

	for entry in /etc/apt/sources.list.d/*.sources; do
		[ -e "$entry" ] || continue
		awk -v suite="$1" 'BEGIN { RS = ""; FS = "\n" }
			!done && /(^|\n)Suites:[^\n]* ?bookworm( |\n|$)/ {
				for (i = 1; i <= NF; i++)
					print $i ~ /^Suites:/ ? "Suites: " suite : $i
				print ""
				done = 1
			}' "$entry"
	done
	[ ! -e /etc/apt/sources.list ] || awk -v suite="$1" '
		!done && $1 == "deb" && / bookworm / {
			print ""; sub(/ bookworm /, " " suite " "); print >"/dev/stderr"; done = 1
		}' /etc/apt/sources.list 2>"$cache/apt/$1.list"
}

# apt_of SUITE VERB...: apt with lists of its own, so that the system's stay as they are.
apt_of() {
	local suite=$1 dir=$cache/apt/$1

	shift
	apt-get -q -y -o Dpkg::Use-Pty=0 -o DPkg::Lock::Timeout=300 \
		-o "Dir::Etc::sourcelist=/dev/null" -o "Dir::Etc::sourceparts=$dir/sources" \
		-o "Dir::State::lists=$dir/lists" -o "Dir::Cache::pkgcache=$dir/pkgcache.bin" \
		-o "Dir::Cache::srcpkgcache=$dir/srcpkgcache.bin" -o APT::Sandbox::User=root "$@"
}

update() {
	local suite=$1 dir=$cache/apt/$1

	mkdir -p "$dir/sources" "$dir/lists/partial"
	sources "$suite" >"$dir/sources/one.sources"
	mv "$cache/apt/$suite.list" "$dir/sources/two.list" 2>/dev/null || true
	apt_of "$suite" update >"$cache/apt.log" 2>&1 ||
		skip "no way to Debian's $suite: $(grep -m 1 '^[EW]:' "$cache/apt.log")"
}

# kernel SUITE: the newest kernel of a suite, unpacked.
kernel() {
	local suite=$1 name version

	name=$(apt_of "$suite" -s -t "$suite" -o Debug::NoLocking=1 -o APT::Install-Recommends=0 \
		install linux-image-amd64 2>/dev/null |
		sed -n 's/^Inst \(linux-image-[0-9][^ ]*\) .*/\1/p' | head -n 1)
	[ -n "$name" ] || skip "$suite has no kernel"
	version=${name#linux-image-}
	version=${version%-unsigned}
	if [ ! -e "$cache/kernels/$version/boot/vmlinuz-$version" ]; then
		(cd "$cache/apt" && apt_of "$suite" download "$name" >>"$cache/apt.log" 2>&1) ||
			skip "cannot download $name"
		mkdir -p "$cache/kernels/$version"
		dpkg -x "$cache/apt/$name"_*.deb "$cache/kernels/$version"
		rm "$cache/apt/$name"_*.deb
	fi
	depmod -b "$cache/kernels/$version" "$version"
	echo "$version"
}

qemu() {
	! has_igb || return 0
	[ "$(id -u)" -eq 0 ] || skip "installing QEMU from $backports needs root"
	mkdir -p "$cache/apt/both"
	update bookworm
	cp "$cache/apt/bookworm/sources"/* "$cache/apt/$backports/sources/two.sources" 2>/dev/null || true
	apt_of "$backports" update >>"$cache/apt.log" 2>&1
	DEBIAN_FRONTEND=noninteractive apt_of "$backports" install --no-install-recommends \
		-t "$backports" qemu-system-x86 >>"$cache/apt.log" 2>&1 ||
		skip "cannot install qemu-system-x86 of $backports"
}

if fresh; then
	cat "$cache/versions"
	exit
fi
mkdir -p "$cache/apt" "$cache/kernels"
update "$backports"
qemu
update bookworm
{ kernel bookworm && kernel "$backports"; } | tee "$cache/versions.new"
mv "$cache/versions.new" "$cache/versions"
