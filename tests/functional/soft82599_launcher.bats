# SPDX-License-Identifier: BSD-3-Clause
# The launcher: command line, exit statuses, what COMMAND sees, and that nothing stays behind.
# shellcheck disable=SC2016,SC2030,SC2031 # scripts for other shells; each test is a subshell

setup() {
	load helpers
	need_built "$SOFT82599"
	card=$(unique_name)
	sysfs=/sys/bus/pci
	tmp=$BATS_TEST_TMPDIR
	children=()
	open=
}

teardown() {
	local pid

	for pid in "${children[@]}"; do
		kill -KILL "$pid" 2>/dev/null || true
	done
	[ -z "$open" ] || rm -rf "$open"
}

run_card() {
	"$SOFT82599" run --name "$card" "$@"
}

# A card in the background whose COMMAND waits; $launcher and $command are their processes.
start_card() {
	"$SOFT82599" run --name "$card" "$@" -- sh -c 'echo $$ >"$0"; exec sleep 60' "$tmp/pid" \
		>"$tmp/out" 2>&1 3>&- &
	launcher=$!
	children+=("$launcher")
	wait_for 10 test -s "$tmp/pid"
	command=$(cat "$tmp/pid")
	children+=("$command")
}

gone() {
	! kill -0 "$1" 2>/dev/null
}

# Nothing of this card: mount, folder, socket.
nothing_left() {
	! grep -q soft82599 /proc/self/mounts
	! grep -q "soft82599/$card" /proc/net/unix
	[ -z "$(find "$tmp/tmpdir" -mindepth 1 2>/dev/null)" ]
}

@test "usage errors name what is wrong and what is allowed, and touch nothing" {
	while IFS='|' read -r args wanted; do
		# shellcheck disable=SC2086 # several words
		run -2 "$SOFT82599" $args
		echo "$args: $output"
		[[ "$output" == *"$wanted"* ]]
	done <<-END
		|a verb is missing
		walk|'walk' is not a verb
		run|COMMAND: is missing
		run --vfs 64 -- true|--vfs 64: 0 to 63 are allowed
		run --vfs x -- true|0 to 63 are allowed
		run --pf 3:0 -- true|such as 0000:03:00.1
		run --pf 03:00.2 -- true|functions 0 and 1
		run --wire rope -- true|none, loop, pcap:IN[:OUT], verify:IN[:FIRST.pcap], tap:IF and peer:NAME
		run --wire tap: -- true|tap:IF names an interface, 1 to 15 characters
		run --wire peer: -- true|peer:NAME is the name of the other card
		run --wire pcap: -- true|names files
		run --vf-token maybe -- true|strict and lenient
		run --sysfs tar -- true|auto, fuse and files
		run --log loud -- true|error, warn, info and debug
		run --window 0 -- true|1 to 65536
		run --verify-json x -- true|goes with --wire verify
		run --bogus -- true|no such option
		run --vfs|a value is missing
		exec -- true|--name: is missing
		show|--name: is missing
		show --name a b|options only
	END
}

@test "a capture that cannot be read is an error of set-up" {
	run -3 "$SOFT82599" run --wire pcap:/nonexistent -- true
	[[ "$output" == */nonexistent* ]]
	echo "no capture" >"$tmp/text"
	run -3 "$SOFT82599" run --wire "verify:$tmp/text" -- true
	run -3 "$SOFT82599" run --wire "verify:$tmp/text:/nonexistent/x" -- true
}

@test "--help and --version answer and end well" {
	run -0 "$SOFT82599" --help
	[[ "$output" == *"soft82599 exec --name NAME"* ]]
	[ "$(wc -L <<<"$output")" -le 80 ]
	run -0 "$SOFT82599" --version
	[[ "$output" == "soft82599 "* ]]
	run -0 "$SOFT82599" run --help
}

@test "the exit status is COMMAND's, as a shell gives it" {
	run -0 run_card -- true
	run -7 run_card -- sh -c 'exit 7'
	run -143 run_card -- sh -c 'kill -TERM $$'
	run -127 run_card -- /nonexistent
	[[ "$output" == *"/nonexistent: No such file"* ]]
	run -126 run_card -- /etc/passwd
	[[ "$output" == *"Permission denied"* ]]
}

@test "a name is taken once, and free again when the card has ended" {
	run -3 run_card -- "$SOFT82599" run --name "$card" -- true
	[[ "$output" == *"'$card' runs already"* ]]
	run -0 run_card -- true
	run -3 "$SOFT82599" show --name "$card"
	[[ "$output" == *"no card named '$card'"* ]]
}

@test "SIGTERM to the launcher reaches COMMAND, and its status comes back" {
	"$SOFT82599" run --name "$card" -- bash -c \
		'trap "exit 9" TERM; touch "$0"; while :; do sleep 0.05; done' "$tmp/up" 3>&- &
	launcher=$!
	children+=("$launcher")
	wait_for 10 test -e "$tmp/up"
	kill -TERM "$launcher"
	rc=0
	wait "$launcher" || rc=$?
	[ "$rc" = 9 ]
}

@test "COMMAND sees the card and nothing else, the machine sees nothing of it" {
	before=$(ls "$sysfs/devices")
	run -0 run_card --vfs 3 -- ls "$sysfs/devices"
	[ "$output" = "0000:03:00.1
0000:03:10.1
0000:03:10.3
0000:03:10.5" ]
	run -0 run_card --pf 0001:05:00.0 --vfs 1 -- ls "$sysfs/devices"
	[ "$output" = "0001:05:00.0
0001:05:10.0" ]
	[ "$(ls "$sysfs/devices")" = "$before" ]
}

@test "links in sysfs resolve" {
	run -0 run_card -- sh -c '
		cd /sys/bus/pci/devices/0000:03:10.1
		for l in driver iommu_group physfn ../0000:03:00.1/virtfn1; do readlink -e $l; done
		readlink -e iommu_group/devices/*'
	[ "${lines[0]}" = /sys/bus/pci/drivers/vfio-pci ]
	[[ "${lines[1]}" == /sys/kernel/iommu_groups/[0-9]* ]]
	[ "${lines[2]}" = /sys/bus/pci/devices/0000:03:00.1 ]
	[ "${lines[3]}" = /sys/bus/pci/devices/0000:03:10.3 ]
	[ "${lines[4]}" = /sys/bus/pci/devices/0000:03:10.1 ]
}

@test "lspci and dpdk-devbind.py know the devices" {
	command -v lspci >/dev/null || skip "no lspci"
	run -0 run_card -- lspci -nnk -d 8086:10ed
	[ "$(grep -c 'Kernel driver in use: vfio-pci' <<<"$output")" = 2 ]
	[[ "$output" == *"Subsystem:"*"[5f82:0599]"* ]]
	command -v dpdk-devbind.py >/dev/null || skip "no dpdk-devbind.py"
	run -0 run_card -- dpdk-devbind.py --status-dev net
	[[ "$output" == *"using DPDK-compatible driver"*"0000:03:00.1"*"drv=vfio-pci"* ]]
}

@test "dpdk-devbind.py moves a VF to ixgbevf and back" {
	command -v dpdk-devbind.py >/dev/null || skip "no dpdk-devbind.py"
	run -0 run_card -- sh -ec '
		d=/sys/bus/pci/devices/0000:03:10.1/driver
		dpdk-devbind.py -b ixgbevf 03:10.1
		readlink $d
		dpdk-devbind.py -b vfio-pci 03:10.1
		readlink $d
		dpdk-devbind.py -u 03:10.1
		test ! -e $d'
	[[ "$output" == *"/ixgbevf"*"/vfio-pci"* ]]
}

@test "writes to sysfs fail as a kernel's do" {
	run -0 run_card -- bash -c '
		cd /sys/bus/pci
		vf=0000:03:10.1 pf=devices/0000:03:00.1
		try() { echo "$1" 2>&1 >"$2" || true; }
		try $vf drivers/ixgbevf/unbind
		try $vf drivers/vfio-pci/bind
		echo $vf >drivers/vfio-pci/unbind
		try $vf drivers/vfio-pci/bind
		try 1 $pf/sriov_numvfs
		try 99 $pf/sriov_numvfs
		try 1 $pf/vendor
		echo vfio-pci >devices/$vf/driver_override
		echo $vf >drivers_probe
		readlink devices/$vf/driver
		cat devices/$vf/driver_override'
	[[ "${lines[0]}" == *"No such device" ]]
	[[ "${lines[1]}" == *"Device or resource busy" ]] || [[ "${lines[1]}" == *"No such device" ]]
	[[ "${lines[2]}" == *"No such device" ]]
	[[ "${lines[3]}" == *"Device or resource busy" ]]
	[[ "${lines[4]}" == *"Numerical result out of range" ]]
	[ "${lines[-2]}" = ../../drivers/vfio-pci ]
	[ "${lines[-1]}" = vfio-pci ]
}

@test "exec: another process sees the same card, in its own folder" {
	start_card
	cd "$tmp"
	run -0 "$SOFT82599" exec --name "$card" -- sh -c 'pwd; ls /sys/bus/pci/devices'
	[ "${lines[0]}" = "$tmp" ]
	[ "${lines[2]}" = 0000:03:10.1 ]
	run -5 "$SOFT82599" exec --name "$card" -- sh -c 'exit 5'
	run -127 "$SOFT82599" exec --name "$card" -- /nonexistent
	# what one does to sysfs the other sees
	"$SOFT82599" exec --name "$card" -- \
		sh -c 'echo 0000:03:10.1 >/sys/bus/pci/drivers/vfio-pci/unbind'
	run -1 "$SOFT82599" exec --name "$card" -- test -e /sys/bus/pci/devices/0000:03:10.1/driver
	[ "$("$SOFT82599" show --name "$card" --json |
		jq -r '.functions[] | select(.name == "vf0").driver')" = "" ]
	run -3 "$SOFT82599" exec --name "$card-not" -- true
}

@test "show: tables of 80 columns, and JSON" {
	start_card --vfs 2
	run -0 "$SOFT82599" show --name "$card"
	[[ "$output" == *Functions*Pools*Mailboxes* ]]
	[ "$(wc -L <<<"$output")" -le 80 ]
	"$SOFT82599" show --name "$card" --json >"$tmp/json"
	[ "$(jq -r .source "$tmp/json")" = soft82599 ]
	[ "$(jq -c '[.functions[].bdf]' "$tmp/json")" = \
		'["0000:03:00.1","0000:03:10.1","0000:03:10.3"]' ]
	[ "$(jq .pid "$tmp/json")" = "$launcher" ]
}

@test "nothing is left after the end, nor after kill -9 of COMMAND" {
	mkdir "$tmp/tmpdir"
	export TMPDIR=$tmp/tmpdir
	for how in fuse files; do
		rm -f "$tmp/pid"
		start_card --sysfs $how
		kill -KILL "$command"
		rc=0
		wait "$launcher" || rc=$?
		[ "$rc" = 137 ]
		gone "$command"
		nothing_left
	done
}

@test "nothing is left after kill -9 of the launcher but COMMAND itself" {
	mkdir "$tmp/tmpdir"
	export TMPDIR=$tmp/tmpdir
	for how in fuse files; do
		rm -f "$tmp/pid"
		start_card --sysfs $how
		kill -KILL "$launcher"
		wait "$launcher" || true
		wait_for 5 nothing_left
		kill -0 "$command"
		kill -KILL "$command"
		wait_for 5 gone "$command"
		# the name is free
		run -0 run_card -- true
	done
}

@test "without a namespace or FUSE a folder stands for sysfs, and exec finds it" {
	start_card --sysfs files --vfs 1
	run -0 "$SOFT82599" exec --name "$card" -- sh -c 'ls "$SYSFS_PCI_DEVICES"'
	[ "$output" = "0000:03:00.1
0000:03:10.1" ]
	run -0 "$SOFT82599" exec --name "$card" -- \
		sh -c 'cat "$SYSFS_PCI_DEVICES/0000:03:10.1/device"'
	[ "$output" = 0x10ed ]
	[ "$(jq -r .sysfs.how <("$SOFT82599" show --name "$card" --json))" = files ]
}

# Prepares to be nobody: $nobody goes before a command, $open is a folder that nobody can reach,
# with the card in it (bats' own folder is closed to others).
as_nobody() {
	nobody=()
	[ "$(id -u)" -ne 0 ] || nobody=(setpriv --reuid 65534 --regid 65534 --clear-groups)
	open=$(mktemp -d)
	cp "$SOFT82599" "$BUILD/soft82599/libsoft82599.so" "$open/"
	chmod -R a+rwX "$open"
	cd "$open" || return
	"${nobody[@]}" unshare -Urm true || skip "no user namespaces here"
}

@test "no root is needed" {
	as_nobody
	run "${nobody[@]}" "$open/soft82599" run --name "$card" --sysfs fuse -- sh -c '
		id -u
		echo some >/sys/bus/pci/devices/0000:03:10.1/driver_override
		"$0" exec --name "$1" -- cat /sys/bus/pci/devices/0000:03:10.1/driver_override' \
		"$open/soft82599" "$card"
	echo "$status: $output"
	[ "$status" = 0 ]
	[ "${lines[-1]}" = some ]
	run -0 "${nobody[@]}" "$open/soft82599" run --name "$card" --sysfs files -- true
}

@test "no root is needed to run testpmd on it, by FUSE and by files" {
	as_nobody
	for how in fuse files; do
		run "${nobody[@]}" env XDG_RUNTIME_DIR="$open" "$open/soft82599" run --name "$card" \
			--sysfs $how --vfs 1 -- sh -c 'echo quit | dpdk-testpmd -l 0-1 --no-huge -m 256 \
			--file-prefix "$0" -a 0000:03:00.1 -a 0000:03:10.1 -- -i --total-num-mbufs=8192' \
			"$card"
		echo "$how, $status: $output"
		[ "$status" = 0 ]
		[[ "$output" == *"Port 0 is closed"*"Port 1 is closed"* ]]
	done
}
