# SPDX-License-Identifier: BSD-3-Clause
# DPDK's secondary processes on the card of their primary one. They need memory that can be shared:
# hugepages, which the test reserves for its time.
# timeout: 180
# shellcheck disable=SC2034,SC2154,SC2317 # variables of the files that setup loads; wait_for

setup() {
	load helpers
	load testpmd
	load vfplane
	load processes
	need_built "$SOFT82599" "$VFPLANE" "$MIXGEN"
	need_root
	card=$(unique_name)
	reserve 160
}

teardown() {
	tp_kill_all
	vp_kill_all
	# Somebody else's mount namespace may have a copy of the mount: the files themselves go.
	[ -z "$huge" ] || rm -f "$huge"/*
	[ -z "$huge" ] || wait_for 10 umount "$huge"
	[ -z "$pages" ] || echo "$pages" >/proc/sys/vm/nr_hugepages
}

# reserve N: so many hugepages of 2 MB, besides what there is; $huge is where they are mounted.
reserve() {
	huge='' pages=''
	pages=$(cat /proc/sys/vm/nr_hugepages)
	enough() {
		echo $((pages + $1)) >/proc/sys/vm/nr_hugepages &&
			[ "$(awk '/HugePages_Free/ { print $2 }' /proc/meminfo)" -ge "$1" ]
	}
	wait_for 5 enough "$1" 2>/dev/null || skip "needs $1 hugepages of 2 MB, which cannot be reserved"
	mkdir "$tmp/huge"
	mount -t hugetlbfs -o pagesize=2M none "$tmp/huge" || skip "cannot mount hugetlbfs"
	huge=$tmp/huge
}

resets() {
	show
	jq -c '[.functions[].resets]' "$tmp/show"
}

@test "dpdk-proc-info reads the counters of a testpmd at work, whose devices go on" {
	tp_open a "$SOFT82599" run --vfs 2 --name "$card" -- dpdk-testpmd -l 0-1 -m 128 \
		--huge-dir "$huge" --no-telemetry --file-prefix "$card" -a 0000:03:00.1 \
		-a 0000:03:10.1 -a 0000:03:10.3 -- -i --total-num-mbufs=16384
	tp a "set portlist 1,2"
	show
	tp a "set eth-peer 1 $(mac vf1)"
	tp a "set eth-peer 2 $(mac vf0)"
	tp a "set fwd mac"
	tp a "start tx_first 1"
	moved a vf1 rx_packets 1000
	before=$(resets)
	for round in 1 2; do
		timeout 30 "$SOFT82599" exec --name "$card" -- dpdk-proc-info --file-prefix "$card" \
			-a 0000:03:00.1 -a 0000:03:10.1 -a 0000:03:10.3 -- --stats >"$tmp/stats"
		[ "$(grep -c 'RX-packets: [1-9][0-9]\{3,\} *RX-errors:  0 ' "$tmp/stats")" -ge 2 ]
		moved a vf1 rx_packets $(($(pool vf1 rx_packets) + 1000))
	done
	tp a stop
	[ "$(resets)" = "$before" ]
	[ "$(jq '.clients | length' "$tmp/show")" = 2 ]
	survivors_lost_nothing
	tp_quit a
}

@test "dpdk-dumpcap captures at vfplane's ports, and may be killed" {
	cat >"$tmp/c.conf" <<-END
		pf 0 { pci = 0000:03:00.1  queues_per_pool = 2 }
		vf 0 { mac = 02:09:c0:00:00:00  peer = vf1  vlans = {100} }
		vf 1 { mac = 02:09:c0:00:00:01  peer = vf0  vlans = {100} }
		forward ping-pong { from = vf0  to = vf1  mode = mac  both = yes }
	END
	"$MIXGEN" --packets 100 "$tmp/mix.pcap" >"$tmp/o"
	vp_open a "$SOFT82599" run --vfs 2 --name "$card" --wire "pcap:$tmp/mix.pcap" -- "$VFPLANE" \
		-l 0-1 -m 256 --huge-dir "$huge" --no-telemetry --file-prefix "$card" -- -i \
		--config "$tmp/c.conf"
	vp a start
	moved a vf0 rx_packets 1000
	before=$(resets)
	timeout 30 "$SOFT82599" exec --name "$card" -- dpdk-dumpcap --file-prefix="$card" -p \
		-i 0000:03:10.1 -c 200 -w "$tmp/out.pcapng" 3>&-
	[ "$(tcpdump -nr "$tmp/out.pcapng" 2>/dev/null | wc -l)" -ge 200 ]
	"$SOFT82599" exec --name "$card" -- dpdk-dumpcap --file-prefix="$card" -p -q \
		-i 0000:03:10.1 -w "$tmp/out2.pcapng" 3>&- &
	wait_for 20 test -s "$tmp/out2.pcapng"
	kill -KILL $!
	wait $! || true
	gone() { show && [ "$(jq '.clients | length' "$tmp/show")" = 2 ]; }
	wait_for 10 gone
	moved a vf0 rx_packets $(($(pool vf0 rx_packets) + 1000))
	[ "$(resets)" = "$before" ]
	vp_quit a
}
