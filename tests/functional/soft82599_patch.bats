# SPDX-License-Identifier: BSD-3-Clause
# Stores that trapped often become calls: fast, and with the same effect.
# timeout: 120

setup() {
	load helpers
	load testpmd
	need_built "$SOFT82599"
	card=$(unique_name)
}

teardown() {
	tp_kill_all
}

clients() {
	"$SOFT82599" show --name "$card" --json | jq "[.clients[].$1] | add"
}

# ping_pong: VF 0 <-> VF 1 until 50,000 frames have gone to and fro.
ping_pong() {
	tp_open a "$SOFT82599" run --vfs 2 --name "$card" -- dpdk-testpmd -l 0-1 --no-huge -m 384 \
		--file-prefix "$card" -a 0000:03:00.1 -a 0000:03:10.1 -a 0000:03:10.3 \
		-- -i --total-num-mbufs=16384
	tp a "set portlist 1,2"
	tp a "set eth-peer 1 $(tp_mac a 2)"
	tp a "set eth-peer 2 $(tp_mac a 1)"
	tp a "set fwd mac"
	before=$(clients traps)
	tp a "start tx_first 1"
	wait_for 30 enough
	tp a stop
	traps=$(($(clients traps) - before))
	"$SOFT82599" show --name "$card" --json >"$BATS_TEST_TMPDIR/show"
	[ "$(jq '[.pools[].tx_packets] | add' "$BATS_TEST_TMPDIR/show")" -eq \
		"$(jq '[.pools[].rx_packets] | add' "$BATS_TEST_TMPDIR/show")" ]
	[ "$(jq -c '[.pools[].drops] | unique' "$BATS_TEST_TMPDIR/show")" = "[{}]" ]
	echo "$traps traps, $(clients patched) places patched"
}

enough() {
	[ "$(tp_total a RX-packets)" -gt 50000 ]
}

@test "after a few dozen traps a tail store traps no more, and no frame is lost" {
	ping_pong
	[ "$(clients patched)" -ge 2 ]
	# two ports, a head and a tail each, 64 traps a place; the rest are reads of counters
	[ "$traps" -lt 1000 ]
	tp_quit a
}

@test "SOFT82599_PATCH=off: every store traps, and no frame is lost" {
	export SOFT82599_PATCH=off
	ping_pong
	[ "$(clients patched)" -eq 0 ]
	[ "$traps" -gt 3000 ]
	tp_quit a
}

@test "patching under four threads and a signal handler: every value arrives" {
	run "$SOFT82599" run --name "$card" -- "$BUILD/tests/functional/patch_threads"
	echo "$output"
	[ "$status" -eq 0 ]
}

@test "the library uses no register but those that a patched store saves" {
	local lib=$BUILD/soft82599/libsoft82599.so

	objdump -d --no-show-raw-insn "$lib" >"$BATS_TEST_TMPDIR/code"
	grep -q 'movups' "$BATS_TEST_TMPDIR/code"
	run ! grep -E '%[yz]mm|%k[0-7]|[[:space:]]v[a-z]+|%mm[0-7]' "$BATS_TEST_TMPDIR/code"
	# its own, not libc's, which choose by processor
	nm -D --undefined-only "$lib" >"$BATS_TEST_TMPDIR/names"
	run ! grep -wE 'memcpy|memmove|memset|memcmp' "$BATS_TEST_TMPDIR/names"
}
