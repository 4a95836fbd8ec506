# SPDX-License-Identifier: BSD-3-Clause
# The VFIO user API of soft82599, by a program that uses it as it would the kernel's.

setup() {
	load helpers
	probe=$BUILD/tests/functional/vfio_probe
	need_built "$SOFT82599" "$probe"
	card=$(unique_name)
}

# on_card CASE [OPTION...]
on_card() {
	local name=$1

	shift
	timeout 20 "$SOFT82599" run --name "$card" "$@" -- "$probe" "$name"
}

@test "a container: version, extensions, and no IOMMU without a group" {
	on_card container
}

@test "a group: one user, a container first, then the device" {
	on_card group
}

@test "a VF token that is wrong is refused, a missing one is not" {
	on_card token-lenient
}

@test "with --vf-token strict a missing token is refused as well" {
	on_card token-strict --vf-token strict
}

@test "devices tell their regions and interrupts" {
	on_card info
}

@test "configuration space and BARs can be read and written as a file" {
	on_card config
}

@test "registers are memory: every mapping, every width, and the program's own faults stay its own" {
	on_card mmap
}

@test "registers work while the program blocks all signals" {
	on_card signals
}

@test "a signal to the process is the main thread's, also while another one traps without end" {
	on_card main-signal
}

@test "DMA mappings follow the rules of type 1" {
	run on_card dma-v1
	[ "$status" -eq 0 ] || { echo "$output"; false; }
	# private memory is refused, and the message says which and what to do
	[[ "$output" == *"soft82599: cannot map 4096 bytes at 0x"*"Use shared memory"* ]]
}

@test "DMA mappings follow the rules of type 1 version 2" {
	run on_card dma-v2
	[ "$status" -eq 0 ] || { echo "$output"; false; }
}

@test "interrupts: eventfds, triggers, and what is refused" {
	on_card irqs
}

@test "the last close resets the device, whoever held the copies" {
	on_card last-close
}

@test "a forked child shares the device" {
	on_card fork
}

@test "a fork while other threads are at work leaves the child no lock that is held" {
	on_card fork-busy
}

@test "a killed process leaves a free and reset device" {
	on_card killed
}

@test "when the card is killed, registers read all ones" {
	run on_card card-killed
	[[ "$output" == *"all ones"* ]]
}

@test "an instruction that cannot be executed stops the program and shows its bytes" {
	run on_card odd-instruction
	[ "$status" -eq 139 ]
	[[ "$output" == *"cannot execute the instruction at 0x"*"0f 10 0"* ]]
	[[ "$output" != *"it went on"* ]]
}

@test "programs that do not use VFIO do not notice" {
	run timeout 20 "$SOFT82599" run --name "$card" -- bash -c \
		'echo "{\"a\": 42}" | jq .a; ls -l "/proc/$$/fd" | grep -c socket:'
	[ "${lines[0]}" = 42 ]
	[ "${lines[1]}" = 0 ]
}

# left_behind: files that the card or its clients could have made.
left_behind() {
	find /dev/shm /tmp -maxdepth 1 \( -name '*82599*' -o -name "*$card*" \) 2>/dev/null | sort
}

@test "kill -9 of the program leaves nothing behind" {
	local before

	before=$(left_behind)
	run timeout 20 "$SOFT82599" run --name "$card" -- bash -c "'$probe' info; kill -9 \$\$"
	[ "$status" -eq 137 ]
	[ "$(left_behind)" = "$before" ]
	run -1 grep -F "soft82599/$card" /proc/net/unix
	run -1 pgrep -f -- "--name $card"
}
