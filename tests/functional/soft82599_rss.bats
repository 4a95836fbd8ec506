# SPDX-License-Identifier: BSD-3-Clause
# RSS as a VF sees it: Debian's testpmd tells each frame's hash and queue, DPDK's software RSS
# says what they should be. Neither knows the model.
# timeout: 200

setup() {
	load helpers
	load testpmd
	need_built "$SOFT82599" "$MIXGEN"
	card=$(unique_name)
	mix=$BATS_TEST_TMPDIR/mix.pcap
}

teardown() {
	tp_kill_all
}

# open NAME VERB "EAL-ARGS" TESTPMD-ARGS...
open() {
	local name=$1 verb=$2 eal=$3

	shift 3
	# shellcheck disable=SC2086 # several words each
	tp_open "$name" "$SOFT82599" $verb --name "$card" -- dpdk-testpmd -l 0-1 --no-huge -m 384 \
		--file-prefix "$card-$name" $eal -- -i --total-num-mbufs=16384 "$@"
}

# received FIELDS: testpmd's verbose lines as "QUEUE HASH", those without a hash as "QUEUE none".
received() {
	tr -d '\r' <"$BATS_TEST_TMPDIR/testpmd-vf/out" |
		sed -n 's/.*port [0-9]*\/queue \([0-9]*\): received.*/Q \1/p
			s/.*RSS hash=\(0x[0-9a-f]*\) - RSS queue=0x\([0-9a-f]*\).*/H \2 \1/p
			/ - type=0x.* - length=/{/RSS hash/!s/.*/N/p}' |
		awk '$1 == "Q" { q = $2 } $1 == "H" { print $2, $3 } $1 == "N" { print q, "none" }'
}

all_received() {
	[ "$(received | wc -l)" -ge "$1" ]
}

# spread FIELDS QUEUES PF-ARGS...: 2000 frames from VF 1 to VF 0, which has QUEUES queues.
spread() {
	local fields=$1 queues=$2 frames=2000

	shift 2
	# The PF first: a VF that attaches to a running PF gets all the queues of its pool.
	open pf "run --vfs 2" "-a 0000:03:00.1" --rxq="$queues" --txq="$queues" "$@"
	# a ring holds all the frames: what prints every frame is slower than what sends them
	open vf exec "-a 0000:03:10.1" --rxq="$queues" --txq="$queues" --rxd=2048
	"$MIXGEN" --dst-mac "$(tp_mac vf 0)" --packets "$frames" --seed 7 "$mix"
	for vid in 100 200; do
		tp pf "rx_vlan add $vid port 0 vf 1"
	done
	tp vf "set fwd rxonly"
	tp vf "set verbose 1"
	echo start >&"${TP_IN[vf]}"
	open peer exec "-a 0000:03:10.3 --vdev net_pcap0,rx_pcap=$mix" --no-flush-rx
	tp peer "set fwd io"
	tp peer start
	wait_for 30 all_received "$frames" || { received | wc -l; return 1; }
	received | sort >"$BATS_TEST_TMPDIR/got"
	"$BUILD/tests/functional/rss_reference" "$fields" "$queues" "$mix" |
		sort >"$BATS_TEST_TMPDIR/want"
	diff "$BATS_TEST_TMPDIR/want" "$BATS_TEST_TMPDIR/got" | head -n 20
	cmp "$BATS_TEST_TMPDIR/want" "$BATS_TEST_TMPDIR/got"
	# and it did spread
	[ "$(cut -d' ' -f1 "$BATS_TEST_TMPDIR/got" | sort -u | wc -l)" -eq "$queues" ]
}

@test "32 pools of 4 queues, hash over addresses: hash and queue of 2000 frames" {
	spread ip 4
}

@test "64 pools of 2 queues, hash over UDP ports: hash and queue of 2000 frames" {
	spread udp 2 --rss-udp
}
