# SPDX-License-Identifier: BSD-3-Clause
# bind_vfio.sh on a real kernel: every verb, every refusal that a guest can make real.
# machine: iommu
# timeout: 2400
# shellcheck disable=SC2086,SC2154 # guest.bash has the addresses, which have no blanks

setup_file() {
	modprobe -a igb igbvf e1000 vfio-pci bridge 8021q macvlan
}

setup() {
	load guest
	unset SSH_CONNECTION
	before
}

teardown() {
	clean_up
}

# ---- the verbs ----

@test "status: every NIC with driver, group, members, interface and VFs; JSON says the same" {
	eth=$(netdev $pf)
	run -0 "$bind" status
	[[ "$output" == *"$pf"*"8086:10c9"*"igb"*"$eth(down)"*"0 of 7 VFs"* ]]
	[[ "$output" == *"$mate"*"8086:100e"*"e1000"*"group of"*"$mate $mate2"* ]]
	run -0 bash -c "'$bind' status --json | jq -r '.devices[] | select(.pci == \"$pf\") |
		\"\(.driver) \(.total_vfs) \(.iommu_members | length) \(.interfaces[0])\"'"
	[ "$output" = "igb 7 1 $eth" ]
}

@test "bind and unbind, by short address and by the interface's name; the second time nothing is written" {
	eth=$(netdev $peer)
	run -0 --separate-stderr "$bind" 02:00.0
	[[ "$output" == "$peer: igb -> vfio-pci, IOMMU group "*"; gone: $eth" ]]
	[ "$(driver $peer)" = vfio-pci ]
	run -0 "$bind" status 02:00.0
	[[ "$output" == *"/dev/vfio/vfio -> /dev/vfio/"* ]]
	lay_tee
	run -0 "$bind" $peer
	[[ "$output" == *"already on vfio-pci"* ]]
	[ ! -s "$writes" ]
	run -0 "$bind" unbind $peer
	[ "$output" = "$peer: vfio-pci -> igb" ]
	same_as_before
	run -0 "$bind" "$(netdev $peer)"
	[ "$(driver $peer)" = vfio-pci ]
	run -0 "$bind" restore
	same_as_before
}

@test "plan prints the writes that are then made, in their order, and makes none" {
	lay_tee
	run -0 --separate-stderr "$bind" plan pf $pf --vfs 2
	[ ! -s "$writes" ]
	same_as_before
	# The VFs' steps may have become true by then: their PF's driver took them.
	grep -v '#' <<<"$output" | sed "s/^echo \(.*\) > \(.*\)$/\2 <- \1/; s/''$//" >"$BATS_TEST_TMPDIR/planned"
	"$bind" pf $pf --vfs 2
	grep -v '/0000:01:1' "$writes" | diff "$BATS_TEST_TMPDIR/planned" -
}

@test "pf on vfio-pci with 1, 2 and 7 VFs: each changes through 0; token kept; restore" {
	for n in 1 2 7; do
		run -0 "$bind" pf $pf --vfs $n
		[ "$(driver $pf)" = vfio-pci ]
		[ "$(cat $pci/devices/$pf/sriov_numvfs)" = $n ]
		[ "$(driver "$(vf $((n - 1)))")" = vfio-pci ]
		[ "$(stat -c %a /run/vfplane/$pf.token)" = 600 ]
		[ -z "${token-}" ] || [ "$token" = "$(cat /run/vfplane/$pf.token)" ]
		token=$(cat /run/vfplane/$pf.token)
		[[ "$output" != *"$token"* ]]
	done
	run -0 "$bind" status "$(vf 6)"
	[[ "$output" == *"VF 6 of 01:00.0"*"needs the token of $pf"* ]]
	lay_tee
	run -0 "$bind" pf $pf --vfs 7
	[[ "$output" == *"nothing to do"* ]]
	[ ! -s "$writes" ]
	run -0 "$bind" restore
	same_as_before
}

@test "pf --kernel-pf with 1, 2 and 7 VFs: the PF stays with igb, its VFs have lasting addresses" {
	for n in 1 2 7; do
		run -0 "$bind" pf $pf --vfs $n --kernel-pf
		[ "$(driver $pf)" = igb ]
		[ "$(driver "$(vf $((n - 1)))")" = vfio-pci ]
		run -0 ip link show dev "$(netdev $pf)"
		[[ "$output" == *"vf $((n - 1)) "*"02:09:c0:01:00:0$((n - 1))"* ]]
	done
	lay_tee
	run -0 "$bind" pf $pf --vfs 7 --kernel-pf
	[[ "$output" == *"nothing to do"* ]]
	[ ! -s "$writes" ]
	# No VFs any more: those to come find a driver again, as before.
	run -0 "$bind" pf $pf --vfs 0 --kernel-pf
	same_as_before
}

@test "from the PF on vfio-pci to the kernel's PF and back" {
	"$bind" pf $pf --vfs 2
	run -0 "$bind" pf $pf --vfs 2 --kernel-pf
	[ "$(driver $pf)" = igb ]
	[ "$(driver "$(vf 1)")" = vfio-pci ]
	run -0 "$bind" pf $pf --vfs 1
	[ "$(driver $pf)" = vfio-pci ]
	run -0 "$bind" restore
	same_as_before
}

@test "a VF goes to igbvf and back; without igbvf it is left without a driver" {
	"$bind" pf $pf --vfs 1 --kernel-pf
	run -0 "$bind" unbind "$(vf 0)"
	[ "$output" = "$(vf 0): vfio-pci -> igbvf" ]
	run -0 "$bind" "$(netdev "$(vf 0)")"
	[ "$(driver "$(vf 0)")" = vfio-pci ]
	modprobe -r igbvf
	run -0 "$bind" unbind "$(vf 0)"
	modprobe igbvf
	[ "$output" = "$(vf 0): vfio-pci -> no driver (none in the kernel wants it)" ]
}

@test "killed after any of its writes: refused until restore, which puts all back" {
	for k in 2 4 5; do
		lay_tee "[ \$n != $k ] || { /usr/bin/tee \"\$1\" <<<\"\$text\"; kill -9 \$PPID; exit; }"
		run -137 "$bind" pf $pf --vfs 1
		run -2 "$bind" $peer
		[[ "$output" == *"[interrupted]"*"bind_vfio.sh restore"* ]]
		run -0 "$bind" restore
		same_as_before
	done
}

@test "any write that fails: all is put back, exit 3" {
	for k in 2 4 5; do
		lay_tee "[ \$n != $k ] || { echo 'tee: x: Device or resource busy' >&2; exit 1; }"
		run -3 "$bind" pf $pf --vfs 1
		[[ "$output" == *"busy"*"all put back as it was"* ]]
		same_as_before
	done
}

@test "persist writes a unit that systemd takes, and that binds" {
	run -0 "$bind" persist pf $pf --vfs 1
	unit=/etc/systemd/system/vfplane-bind-$pf.service
	[ -L "/etc/systemd/system/multi-user.target.wants/${unit##*/}" ]
	! command -v systemd-analyze >/dev/null || systemd-analyze verify "$unit" 2>&1 | grep "${unit##*/}" && false
	run -0 bash -c "$(sed -n 's/^ExecStart=//p' "$unit")"
	[ "$(driver "$(vf 0)")" = vfio-pci ]
	run -0 "$bind" unpersist $pf
	[ ! -e "$unit" ] && [ ! -e "/etc/systemd/system/multi-user.target.wants/${unit##*/}" ]
}

# ---- handing a VF to a VM ----

# qemu ARGUMENTS...: the words of a QEMU that does nothing, until it said that it runs.
@test "qemu-args: QEMU takes the VF by them, with the token in no command line" {
	"$bind" pf $pf --vfs 2
	token=$(cat /run/vfplane/$pf.token)
	hold $pf "$token"
	run -0 "$bind" qemu-args "$(vf 0)"
	[[ "$output" != *"$token"* ]]
	mkfifo "$BATS_TEST_TMPDIR/qmp"
	sleep 1000 >"$BATS_TEST_TMPDIR/qmp" 3>&- &
	keep=$!
	# shellcheck disable=SC2086
	qemu-system-x86_64 -accel tcg -machine q35 -m 64 -nodefaults -nographic -S -qmp stdio $output \
		<"$BATS_TEST_TMPDIR/qmp" >"$BATS_TEST_TMPDIR/said" 2>&1 3>&- &
	qemu=$!
	wait_for 60 grep -q QMP "$BATS_TEST_TMPDIR/said" || { cat "$BATS_TEST_TMPDIR/said" && false; }
	run ! grep -al "$token" "/proc/$qemu/cmdline"
	run -2 "$bind" unbind "$(vf 0)"
	kill "$qemu" "$keep"
	wait "$qemu" || true
	[[ "$output" == *"[in-use]"*"process $qemu (qemu-system-x86"*"kill $qemu"* ]]
}

@test "libvirt-xml: for a VF of a kernel PF; refused where a token is needed" {
	"$bind" pf $pf --vfs 1 --kernel-pf
	run -0 "$bind" libvirt-xml "$(vf 0)"
	[[ "$output" == *"managed='no'"*"bus='0x01' slot='0x10' function='0x0'"* ]]
	"$bind" pf $pf --vfs 1
	run -2 "$bind" libvirt-xml "$(vf 0)"
	[[ "$output" == *"[token-needed]"*"qemu-args"* ]]
}

# ---- the refusals ----

@test "refused: an interface that is up; an address; --force goes on" {
	eth=$(netdev $peer)
	ip link set "$eth" up
	run -2 "$bind" $peer
	[[ "$output" == *"[interface-up]"*"ip link set dev $eth down"* ]]
	same_as_before
	# What it says to type is what helps.
	ip link set dev "$eth" down
	ip addr add 192.0.2.1/24 dev "$eth"
	run -2 "$bind" $peer
	[[ "$output" == *"[interface-address]"*"ip addr flush dev $eth"* ]]
	ip addr flush dev "$eth"
	run -0 "$bind" $peer
	"$bind" restore
	ip link set "$(netdev $peer)" up
	run -0 "$bind" --force $peer
	[[ "$output" == *"forced [interface-up]"* ]]
}

@test "refused: an interface under a bridge, a VLAN, a macvlan" {
	eth=$(netdev $peer)
	ip link add br0 type bridge
	ip link set "$eth" master br0
	run -2 "$bind" $peer
	[[ "$output" == *"[interface-above]"*"br0 stands on its interface $eth"*"ip link set dev $eth nomaster"* ]]
	ip link set dev "$eth" nomaster
	ip link add link "$eth" name v7 type vlan id 7
	run -2 "$bind" $peer
	[[ "$output" == *"[interface-above]"*"v7 stands on"*"ip link delete v7"* ]]
	ip link delete v7
	ip link add link "$eth" name mv type macvlan
	run -2 "$bind" $peer
	[[ "$output" == *"[interface-above]"*"mv stands on"* ]]
	ip link delete mv
	same_as_before
}

@test "refused even with --force: the interface of the SSH session, also below a bridge" {
	eth=$(netdev $peer)
	ip addr add 192.0.2.1/24 dev "$eth"
	SSH_CONNECTION="192.0.2.9 50000 192.0.2.1 22" run -2 "$bind" --force $peer
	[[ "$output" == *"[ssh-interface]"*"comes in through its interface $eth"* ]]
	ip addr flush dev "$eth"
	ip link add br0 type bridge
	ip link set "$eth" master br0
	ip addr add 192.0.2.1/24 dev br0
	SSH_CONNECTION="192.0.2.9 50000 192.0.2.1 22" run -2 "$bind" --force $peer
	[[ "$output" == *"[ssh-interface]"* ]]
	# A PF that makes VFs starts anew: its link goes, and the session with it.
	eth=$(netdev $pf)
	ip addr flush dev br0
	ip link set "$(netdev $peer)" nomaster
	ip link set "$eth" master br0
	ip addr add 192.0.2.1/24 dev br0
	SSH_CONNECTION="192.0.2.9 50000 192.0.2.1 22" run -2 "$bind" --force pf $pf --vfs 2 --kernel-pf
	[[ "$output" == *"[ssh-interface]"* ]]
	same_as_before
}

@test "refused: a mate of the IOMMU group that stays with its driver; both together are bound" {
	run -2 "$bind" $mate
	[[ "$output" == *"[group-sibling]"*"$mate2 shares IOMMU group"*"bind_vfio.sh $mate $mate2"* ]]
	run -0 "$bind" $mate $mate2
	hold $mate
	let_go
	run -0 "$bind" restore
	same_as_before
}

@test "refused: a device that a process holds, and a number of VFs while one is held" {
	"$bind" pf $pf --vfs 2 --kernel-pf
	hold "$(vf 1)"
	run -2 "$bind" unbind "$(vf 1)"
	[[ "$output" == *"[in-use]"*"process $holder (python3)"*"kill $holder"* ]]
	run -2 "$bind" pf $pf --vfs 4 --kernel-pf
	[[ "$output" == *"[vf-in-use]"*"$(vf 1) is in use by process $holder"* ]] ||
		[[ "$output" == *"[vf-in-use]"*"$(vf 1): is in use by process $holder"* ]]
	run -2 "$bind" --force restore
	[[ "$output" == *"[vf-in-use]"* ]]
	let_go
	run -0 "$bind" restore
	same_as_before
}

@test "numvfs while a VF is taken into use: the write hangs, is said to, and restore mends it" {
	"$bind" pf $pf --vfs 1 --kernel-pf
	# A VM that starts between the checks and the write.
	lay_tee "[[ \$1 != */sriov_numvfs ]] || [ -e '$BATS_TEST_TMPDIR/held' ] || {
		setsid python3 $BATS_TEST_DIRNAME/hold.py '$BATS_TEST_TMPDIR/held' $(vf 0) 3>&- </dev/null >/dev/null 2>&1 &
		echo \$! >'$BATS_TEST_TMPDIR/pid'
		until [ -e '$BATS_TEST_TMPDIR/held' ]; do sleep 0.1; done; }"
	BIND_TIMEOUT=20 run -4 "$bind" pf $pf --vfs 2 --kernel-pf
	holder=$(cat "$BATS_TEST_TMPDIR/pid")
	[[ "$output" == *"has not returned after 20 s"*"in use by process $holder"* ]]
	[[ "$output" == *"nothing was rolled back"*"bind_vfio.sh restore"* ]]
	kill "$holder"
	wait_for 20 test "$(cat $pci/devices/$pf/sriov_numvfs)" = 0 || true
	run -0 "$bind" restore
	same_as_before
}

@test "refused: more VFs than there are, VFs of a VF, of a NIC without SR-IOV; a PF with VFs alone" {
	run -2 "$bind" pf $pf --vfs 8
	[[ "$output" == *"[too-many-vfs]"*"more than its 7"* ]]
	run -2 "$bind" pf $mate --vfs 1
	[[ "$output" == *"[no-sriov]"* ]]
	"$bind" pf $pf --vfs 2 --kernel-pf
	run -2 "$bind" pf "$(vf 0)" --vfs 1
	[[ "$output" == *"[is-vf]"*"bind_vfio.sh pf $pf"* ]]
	run -2 "$bind" $pf
	[[ "$output" == *"[has-vfs]"*"bind_vfio.sh pf $pf --vfs 2"* ]]
}

@test "refused: while another one is at work" {
	exec 8>>/run/vfplane/bind/lock
	flock 8
	echo $$ >&8
	run -2 "$bind" $peer
	exec 8>&-
	[[ "$output" == *"[locked]"*"is at work"* ]]
}

# The last: it cannot be undone before the guest ends.
@test "refused: without the vfio-pci module; and said when the kernel is locked down" {
	modprobe -r vfio-pci
	mkdir -p "$BATS_TEST_TMPDIR/empty"
	mount -o bind "$BATS_TEST_TMPDIR/empty" "/lib/modules/$(uname -r)"
	run -2 "$bind" $peer
	[[ "$output" == *"[no-module]"*"modprobe vfio-pci"* ]]
	echo integrity >/sys/kernel/security/lockdown
	run -2 "$bind" $peer
	umount "/lib/modules/$(uname -r)"
	[[ "$output" == *"[lockdown]"*"integrity"* ]]
	# Debian's own modules are signed: with them it works all the same.
	run -0 "$bind" $peer
	modprobe -r vfio-pci || true
}
