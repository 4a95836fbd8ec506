#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# One run of bind_vfio.sh on a card whose sysfs fails at some write; run by bind_faults.bats on
# soft82599. Afterwards all must be as before, or the exit status 4 with a list that is true; and
# then `restore` must put the rest back.
#
#   bind_case.sh SCENARIO KILL     KILL: "before K", "after K" (kill -9 around write K), or ""
#
# Exit status: 0 the fault was met and all is well; 7 the fault was not met; else it says what is wrong.
set -uo pipefail

scenario=$1
read -r when at <<<"${2-}"
bind=$TOP/scripts/bind_vfio.sh
pci=/sys/bus/pci
# Memory, as /run is: the journal is synced.
box=$(mktemp -d -p /dev/shm)
trap 'rm -rf "$box"' EXIT
export RUN_ROOT=$box/run BIND_TIMEOUT=${BIND_TIMEOUT:-0.4}

wrong() {
	echo "$scenario: $*" >&2
	cat "$box/said" >&2
	exit 1
}

# A line for each fact that the script may change: what a run leaves is compared by it.
picture() {
	local path dev

	for path in "$pci"/devices/*; do
		dev=${path##*/}
		echo "$dev: driver $(basename "$(readlink "$path/driver" || echo none)")"
		echo "$dev: override $(cat "$path/driver_override")"
		[ ! -e "$path/sriov_numvfs" ] ||
			echo "$dev: vfs $(cat "$path/sriov_numvfs") autoprobe $(cat "$path/sriov_drivers_autoprobe")"
	done
	echo "vfio_pci: enable_sriov $(cat /sys/module/vfio_pci/parameters/enable_sriov)"
}

# Writes that are not the script's; they count for the card's faults, see bind_faults.bats.
by_hand() {
	echo "$1" >"$2" || wrong "the scenario's own write failed: $1 > $2"
}

kernel_pf() {
	by_hand 0000:03:00.1 "$pci/drivers/vfio-pci/unbind"
	by_hand 0000:03:00.1 "$pci/drivers/ixgbe/bind"
	by_hand N /sys/module/vfio_pci/parameters/enable_sriov
}

prepare() {
	case $scenario in
	bind)
		by_hand 0000:03:10.1 "$pci/drivers/vfio-pci/unbind"
		by_hand 0000:03:10.1 "$pci/drivers/ixgbevf/bind"
		;;
	pf | restore-pf) kernel_pf ;;
	esac
}

# What runs before the verb under test, with the state before it as the one to come back to.
ahead() {
	case $scenario in
	restore-pf) "$bind" pf 03:00.1 --vfs 2 ;;
	restore-kernel-pf) "$bind" pf 03:00.1 --vfs 1 --kernel-pf ;;
	esac >"$box/said" 2>&1
}

verb() {
	case $scenario in
	bind) "$bind" 03:10.1 ;;
	unbind) "$bind" unbind 03:10.1 03:10.3 ;;
	pf) "$bind" pf 03:00.1 --vfs 2 ;;
	fewer) "$bind" pf 03:00.1 --vfs 1 ;;
	kernel-pf) "$bind" pf 03:00.1 --vfs 2 --kernel-pf ;;
	restore*) "$bind" restore ;;
	esac >"$box/said" 2>&1
}

# A tee that kills whoever started it, before or after it has written.
lay_trap() {
	mkdir "$box/bin"
	cat >"$box/bin/tee" <<-END
		#!/bin/bash
		echo x >>"$box/count"
		n=\$(wc -l <"$box/count")
		[ "$when\$n" != before$at ] || { kill -9 \$PPID; exit 1; }
		/usr/bin/tee "\$@"
		rc=\$?
		[ "$when\$n" != after$at ] || kill -9 \$PPID
		exit \$rc
	END
	chmod +x "$box/bin/tee"
	PATH=$box/bin:$PATH
}

# The devices of the list that the script printed, against those that really differ.
check_list() {
	diff "$box/before" "$box/after" | sed -n 's/^[<>] \([^ ]*\): .*/\1/p' | sort -u >"$box/differ"
	sed -n '/not put back:/,$s/^    \([0-9a-f:.]*\|vfio_pci\): .*/\1/p' "$box/said" | sort -u >"$box/listed"
	# VFs that vanished or came with their PF's number are said with that number.
	if grep -q 'has [0-9]* VFs, had' "$box/said"; then
		sed -i '/:1[0-9]\./d' "$box/differ" "$box/listed"
	fi
	diff "$box/differ" "$box/listed" >"$box/diff" || wrong "the list is not true: $(cat "$box/diff")"
	[ -s "$box/listed" ] || grep -q 'under way: echo' "$box/said" || wrong "exit 4 with an empty list"
}

same() {
	picture >"$box/after"
	diff "$box/before" "$box/after" >"$box/diff" || wrong "$1: $(cat "$box/diff")"
}

prepare
picture >"$box/before"
ahead || exit 0 # the fault hit what goes ahead: another scenario has that
[ -z "$when" ] || lay_trap
verb
rc=$?
[ -z "$when" ] || PATH=${PATH#"$box/bin:"}
picture >"$box/after"
case $rc in
0) [[ $scenario != restore* ]] || same "restore said that it was done" && exit 7 ;;
3) same "exit 3, but not as before" ;;
4) check_list ;;
137) [ -n "$when" ] || wrong "killed" ;;
*) wrong "exit status $rc" ;;
esac
if [ "$rc" = 137 ] && [ -e "$RUN_ROOT/vfplane/bind/current" ]; then
	"$bind" 03:10.1 >"$box/said" 2>&1
	grep -q 'refused \[interrupted\]' "$box/said" || wrong "went on over a run that was cut short"
fi
[ -z "${FAULT_STAYS-}" ] || exit 0
# On a kernel even reading would wait behind a write that hangs; here the end of its writer ends it.
if grep -q 'has not returned' "$box/said"; then
	"$bind" restore >"$box/said" 2>&1
	grep -q 'refused \[still-waiting\]' "$box/said" || wrong "did not see the write that waits"
	read -r pid _ <"$RUN_ROOT/vfplane/bind/waiting"
	kill -KILL "$pid"
	timeout 5 tail --pid="$pid" -s 0.05 -f /dev/null || wrong "the write that hung is not over"
fi
"$bind" restore >"$box/said" 2>&1 || wrong "restore: exit status $?"
same "after restore"
