#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# next_release.sh DIR PACKAGE...: makes DIR a root folder with PACKAGEs of Debian's next release and
# all that they depend on, unpacked and not configured: enough to run their programs by chroot.
#
# The packages come from where the machine's own come, with the suite changed. Nothing of the
# machine's package state is read or changed, and nothing is written outside of DIR.
set -euo pipefail

SUITE=trixie

die() {
	echo "next_release.sh: $*" >&2
	exit 1
}

# The sources of this machine's Debian, as one-line entries: its main archive, not updates or others.
sources() {
	# shellcheck disable=SC2016 # apt-get's own variables
	apt-get indextargets --format '$(REPO_URI) $(RELEASE) $(COMPONENT) $(ORIGIN)' \
		'Created-By: Packages' | awk -v "here=$1" -v "next_one=$SUITE" -v "key=$2" \
		'$2 == here && $4 == "Debian" { print "deb [signed-by=" key "]", $1, next_one, $3 }'
}

[ $# -ge 2 ] || die "usage: next_release.sh DIR PACKAGE..."
root=$(realpath -m "$1")
shift
key=/usr/share/keyrings/debian-archive-keyring.gpg
apt=$root/.apt
mkdir -p "$apt/lists/partial" "$apt/cache/archives/partial"
: >"$apt/status"
# shellcheck source=/dev/null
sources "$(. /etc/os-release && echo "$VERSION_CODENAME")" "$key" >"$apt/sources"
[ -s "$apt/sources" ] || die "apt-get knows no main archive of this Debian"

get=(apt-get -q -y
	-o "Dir::Etc::SourceList=$apt/sources" -o Dir::Etc::SourceParts=/dev/null
	-o Dir::Etc::Preferences=/dev/null -o Dir::Etc::PreferencesParts=/dev/null
	-o "Dir::State=$apt" -o "Dir::State::Lists=$apt/lists" -o "Dir::State::status=$apt/status"
	-o "Dir::Cache=$apt/cache" -o "Dir::Cache::archives=$apt/cache/archives"
	-o APT::Sandbox::User=root -o Acquire::Languages=none -o Dpkg::Use-Pty=0)
"${get[@]}" update
"${get[@]}" install --no-install-recommends --download-only "$@"
# the layout with /bin, /lib and /sbin in /usr, as a package of the release would make it
for name in bin lib lib64 sbin; do
	mkdir -p "$root/usr/$name"
	ln -sfn "usr/$name" "$root/$name"
done
mkdir -p "$root"/{proc,sys,dev,run,tmp,var}
ln -sfn /run "$root/var/run"
for deb in "$apt/cache/archives"/*.deb; do
	dpkg-deb --extract "$deb" "$root"
done
rm -rf "$apt"
