# SPDX-License-Identifier: BSD-3-Clause
# What the NIC does to frames, through testpmd's own commands: segmentation, checksums, long frames.
# Frames come out of a capture and go into one; tcpdump judges those.
# timeout: 300
# shellcheck disable=SC2317 # functions that wait_for calls

setup() {
	load helpers
	load testpmd
	need_built "$SOFT82599"
	card=$(unique_name)
	tmp=$BATS_TEST_TMPDIR
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
		--file-prefix "$card-$name" $eal -- -i --total-num-mbufs=16384 --no-flush-rx "$@"
}

# VF 1 writes what it gets to a capture; then the PF with VF 0, which sends what is in another.
both() {
	"$TOP/tests/functional/frames.py" "$tmp/in" "$@"
	open a "run --vfs 2" "-a 0000:03:00.1 -a 0000:03:10.1 --vdev net_pcap0,rx_pcap=$tmp/in"
	open b exec "-a 0000:03:10.3 --vdev net_pcap1,tx_pcap=$tmp/out"
	tp a "set portlist 2,1"
	tp a "set eth-peer 1 $(tp_mac b 0)"
	tp b "set fwd io"
}

show() {
	"$SOFT82599" show --name "$card" --json
}

pool() {
	show | jq ".pools[] | select(.owner == \"$1\") | ($2) // 0"
}

# go N: starts both and waits until VF 1 got N frames; then the capture is text.
go() {
	tp b start
	tp a start
	got() { [ "$(pool vf1 .rx_packets)" -ge "$1" ]; }
	wait_for 20 got "$1" || show | jq -c '.pools[] | {owner, tx_packets, rx_packets, drops}'
	tp b stop
	tp a stop
	[ "$(pool vf1 .rx_packets)" -eq "$1" ]
	[ "$(show | jq .invariants.hold)" = true ]
	tp b "port stop 1"	# closes the capture
	tcpdump -nn -vv -S -e -r "$tmp/out" >"$tmp/text" 2>/dev/null
	head -n 6 "$tmp/text"
	run ! grep -E 'incorrect|bad cksum|bad udp cksum|truncated' "$tmp/text"
}

# hw PORT WHAT...: testpmd leaves these checksums to the NIC
hw() {
	local port=$1 what

	shift
	tp a "port stop $port"
	for what; do
		tp a "csum set $what hw $port"
	done
	tp a "port start $port"
	tp a "set fwd csum"
}

@test "segmentation: tso set, IPv4 and IPv6" {
	local to=dst=02:00:00:00:00:01,src=02:00:00:00:00:02
	both "$to,kind=tcp,len=1454,n=40" "$to,kind=tcp6,len=1474,n=40" "$to,kind=tcp,len=154,n=3"
	hw 1 ip tcp
	tp a "port stop 1"
	tp a "tso set 500 1"
	tp a "port start 1"
	go $((80 * 3 + 3))	# 500 + 500 + 400 bytes
	[ "$(grep -c 'seq 1000:1500,' "$tmp/text")" = 80 ]
	[ "$(grep -c 'seq 1500:2000,' "$tmp/text")" = 80 ]
	[ "$(grep -c 'seq 2000:2400,' "$tmp/text")" = 80 ]
	# FIN and PSH are the last one's alone
	[ "$(grep -c 'Flags \[\.\]' "$tmp/text")" = 160 ]
	[ "$(grep 'seq 2000:2400,' "$tmp/text" | grep -c 'Flags \[FP\.\]')" = 80 ]
	# the identification counts on
	[ "$(grep -o 'id [0-9]*,' "$tmp/text" | head -n 6 | tr -d '\n')" = "id 0,id 1,id 2,id 1,id 2,id 3," ]
}

@test "checksums: csum set" {
	local to=dst=02:00:00:00:00:01,src=02:00:00:00:00:02
	both "$to,kind=tcp,len=1003,n=50" "$to,kind=udp,len=777,n=50" "$to,kind=tcp6,len=400,n=50" \
		"$to,kind=udp6,len=401,n=50"
	hw 1 ip udp tcp
	go 200
	[ "$(grep -c 'udp sum ok' "$tmp/text")" = 100 ]
	[ "$(grep -c 'cksum 0x[0-9a-f]* (correct)' "$tmp/text")" = 100 ]
}

@test "what arrives is verified: bad IP and L4 checksums are counted" {
	"$TOP/tests/functional/frames.py" "$tmp/in" \
		"dst=ff:ff:ff:ff:ff:ff,src=02:00:00:00:00:02,kind=udp,len=300,n=10" \
		"dst=ff:ff:ff:ff:ff:ff,src=02:00:00:00:00:02,kind=udp,len=300,n=20,spoil=22" \
		"dst=ff:ff:ff:ff:ff:ff,src=02:00:00:00:00:02,kind=tcp,len=300,n=30,spoil=200" \
		"dst=ff:ff:ff:ff:ff:ff,src=02:00:00:00:00:02,kind=tcp6,len=300,n=40,spoil=299"
	open a "run --vfs 2" "-a 0000:03:00.1 -a 0000:03:10.1 --vdev net_pcap0,rx_pcap=$tmp/in"
	open b exec "-a 0000:03:10.3" --enable-rx-cksum
	tp a "set portlist 2,1"
	tp a "set fwd io"
	tp b "set fwd csum"
	tp b start
	tp a start
	got() { [ "$(pool vf1 .rx_packets)" -ge 100 ]; }
	wait_for 20 got
	tp a stop
	polled() { [ "$(tp_total b RX-packets)" -eq 100 ]; }
	wait_for 20 polled
	tp b stop >"$tmp/stop"
	cat "$tmp/stop"
	grep -q 'Bad-ipcsum: 20 ' "$tmp/stop"
	grep -q 'Bad-l4csum: 70 ' "$tmp/stop"
}

@test "jumbo frames, scattered over descriptors, by PF and VF MTU" {
	local to=dst=02:00:00:00:00:01,src=02:00:00:00:00:02
	both "$to,kind=udp,len=9014,n=20" "$to,kind=udp,len=60,n=5" "$to,kind=tcp6,len=4097,n=20"
	for port in 0 1; do
		tp a "port stop $port"
		tp a "port config mtu $port 9000"
		tp a "port config $port rx_offload scatter on"
		tp a "port config $port tx_offload multi_segs on"
		tp a "port start $port"
	done
	[ "$(show | jq .geometry.max_frame)" = 9018 ]
	tp a "port stop 1"
	tp a "port reset 1"
	tp a "port config mtu 1 9000"
	tp a "port start 1"
	tp b "port stop 0"
	tp b "port reset 0"
	tp b "port config mtu 0 9000"
	tp b "port config 0 rx_offload scatter on"
	tp b "port start 0"
	tp a "set eth-peer 1 $(tp_mac b 0)"
	tp a "set fwd mac"
	go 45
	[ "$(grep -c 'length 9014:' "$tmp/text")" = 20 ]
	[ "$(grep -c 'length 4097:' "$tmp/text")" = 20 ]
	[ "$(grep -c 'udp sum ok' "$tmp/text")" = 25 ]
	tp a "show port xstats 1"
	[ "$(tp a "show port xstats 1" | sed -n 's/^tx_good_packets: //p')" = 45 ]
}

@test "without a larger MTU a long frame goes nowhere, and is counted" {
	"$TOP/tests/functional/frames.py" "$tmp/in" \
		"dst=ff:ff:ff:ff:ff:ff,src=02:00:00:00:00:02,kind=raw,len=1514,n=10" \
		"dst=ff:ff:ff:ff:ff:ff,src=02:00:00:00:00:02,kind=raw,len=1515,n=7" \
		"dst=ff:ff:ff:ff:ff:ff,src=02:00:00:00:00:02,kind=raw,len=1518,vlan=1,n=5" \
		"dst=ff:ff:ff:ff:ff:ff,src=02:00:00:00:00:02,kind=raw,len=1519,vlan=1,n=3"
	open a "run --vfs 2 --wire pcap:$tmp/in" "-a 0000:03:00.1"
	oversize() { [ "$(show | jq '.stats.drops.oversize // 0')" -eq 10 ]; }
	wait_for 20 oversize
	[ "$(show | jq .stats.wire_rx_packets)" -eq 15 ]
	tp a "show port xstats 0" >"$tmp/xstats"
	grep rx_oversize_errors "$tmp/xstats"
	grep -q '^rx_oversize_errors: 10' "$tmp/xstats"
}
