# SPDX-License-Identifier: BSD-3-Clause
# What vfplane does besides forwarding, seen by others: Linux pings it, a cable loses its probes, and
# connections live through changes of modes, rules and lcores.
# timeout: 1200

setup() {
	load helpers
	load vfplane
	need_root
	need_built "$SOFT82599" "$VFPLANE" "$MIXGEN"
	card=$(unique_name)
	tmp=$BATS_TEST_TMPDIR
	conf=$tmp/c.conf
	report=$tmp/report.json
	outer=$card-o
	inner=$card-i
	wire=w$$
	vm=v$$
	vf0=02:09:c0:00:00:00
	jobs=()
	lcores=(-l 0-1)
}

teardown() {
	for one in "${jobs[@]}"; do
		kill -KILL "$one" 2>/dev/null || true
	done
	vp_kill_all
	ip netns del "$outer" 2>/dev/null || true
	ip netns del "$inner" 2>/dev/null || true
	rm -rf "/var/run/dpdk/$card"
}

want() {
	jq -er "$1" "$report"
}

# Not for what runs in the background: $! would be a shell around it, which dies alone.
inside() {
	nsenter --net="/run/netns/$inner" "$@"
}

outside() {
	nsenter --net="/run/netns/$outer" "$@"
}

namespaces() {
	ip netns add "$outer" || skip "network namespaces are not to be had here"
	ip netns add "$inner"
	inside ip link set lo up
}

# The world behind the wire: the tap in a namespace of its own, with addresses.
plug() {
	inside ip link set "$wire" netns "$outer"
	outside ip addr add 10.82.0.1/24 dev "$wire"
	outside ip addr add fd82::1/64 dev "$wire" nodad
	outside ip link set "$wire" up
}

# vp_card NAME SOFT82599-OPTIONS... : an interactive vfplane on a card, run in the inner namespace
vp_card() {
	local name=$1

	shift
	vp_open "$name" nsenter --net="/run/netns/$inner" "$SOFT82599" run --name "$card" "$@" -- \
		"$VFPLANE" "${lcores[@]}" --no-huge -m 512 --file-prefix "$card" --no-telemetry \
		"${eal[@]}" -- -i --config "$conf" --json "$report"
}

ctl() {
	inside "$SOFT82599" ctl --name "$card" "$@"
}

# docs/addresses.md tells this test as its example.
@test "ping and ping6: 1000 of 1000 answered by echo mode, one a millisecond, awake or asleep" {
	namespaces
	for idle in pause interrupt; do
		cat >"$conf" <<-END
			pf 0 { pci = 0000:03:00.1  queues_per_pool = 2 }
			vf 0 { mac = $vf0 }
			forward here { from = vf0  mode = echo  address = {10.82.0.2, "fd82::2"} }
			datapath { idle = $idle }
		END
		eal=()
		vp_card "$idle" --vfs 1 --wire "tap:$wire"
		vp "$idle" start
		plug
		outside ping -c 1000 -i 0.001 -q 10.82.0.2 | tee "$tmp/ping"
		grep -q '1000 packets transmitted, 1000 received, 0% packet loss' "$tmp/ping"
		# neighbour discovery finds it too: the VF has asked for the group
		outside ping -6 -c 300 -i 0.003 -q fd82::2 | tee "$tmp/ping"
		grep -q '300 packets transmitted, 300 received, 0% packet loss' "$tmp/ping"
		outside ip neigh show 10.82.0.2 | grep -q "$vf0"
		# and asks again when it starts anew, which made the PF forget
		vp "$idle" "port stop vf0"
		vp "$idle" "port start vf0"
		outside ip neigh flush dev "$wire"
		outside ping -6 -c 5 -i 0.2 -q fd82::2 | tee "$tmp/ping"
		grep -q '5 packets transmitted, 5 received, 0% packet loss' "$tmp/ping"
		# and nobody answers for another
		run -1 outside ping -c 1 -W 1 10.82.0.3
		vp "$idle" stop
		# what reaches the PF's pool by now is told too
		run -1 outside ping -c 2 -i 0.2 -W 1 10.82.0.4
		vp_quit "$idle"
		[ "$(want .totals.unaccounted)" = 0 ]
		[ "$(want '.totals.dropped.stopping > 0')" = true ]
		[ "$(want '[.latency[] | select(.name == "here" and .count >= 1300)] | length')" = 2 ]
		if [ "$idle" = interrupt ]; then
			[ "$(want '.lcores | map(.sleeps) | add > 10')" = true ]
		else
			[ "$(want '.lcores | map(.pauses) | add > 1000')" = true ]
		fi
	done
}

# start_probes NAME QUEUES FLOWS: the port sends to itself over a wire that loops, and the wire is
# told what to do to it. The ring is deep: whoever is away for long shall miss nothing.
start_probes() {
	cat >"$conf" <<-END
		pf 0 { pci = 0000:03:00.1 }
		port pf0 { queues = $2  rx_ring = 4096 }
		forward probes { from = pf0  mode = source  peer = pf0  probe = yes  flows = $3
			rate = 20000  count = 20000  sizes = {64, 512} }
	END
	eal=()
	vp_card "$1" --vfs 0 --wire loop
}

all_sent() {
	vp "$1" "show probes" | grep -q '^probes .* 20000 '
}

hits() {
	inside "$SOFT82599" show --name "$card" --json | jq ".wire.impair.out.$1.hit"
}

@test "probes: loss, duplication and reordering exactly as the wire did" {
	namespaces
	for kind in loss dup reorder; do
		start_probes "$kind" 1 1
		ctl wire "$kind" 1/101
		vp "$kind" start
		wait_for 20 all_sent "$kind"
		vp "$kind" stop
		hit=$(hits "$kind")
		[ "$hit" -gt 190 ]
		vp_quit "$kind"
		jq -c '.probes[0], .ports[0].rx_missed' "$report"
		# what the NIC had no descriptor for is lost as well, and counted there
		missed=$(want '.ports[0].rx_missed | tostring')
		lost=$missed
		[ "$kind" != loss ] || lost=$((missed + hit))
		[ "$(want '.probes[0] | [.sent, .lost, .late] | tojson')" = "[20000,$lost,0]" ]
		[ "$missed" -gt 0 ] || case $kind in
		loss) [ "$(want '.probes[0] | [.duplicated, .reordered] | tojson')" = "[0,0]" ] ;;
		dup) [ "$(want '.probes[0] | [.duplicated, .reordered] | tojson')" = "[$hit,0]" ] ;;
		reorder) [ "$(want '.probes[0] | [.duplicated, .reordered] | tojson')" = "[0,$hit]" ] ;;
		esac
		[ "$(want '.latency[] | select(.kind == "rtt") | .count')" = $((20000 - lost)) ]
		[ "$(want .totals.unaccounted)" = 0 ]
	done
}

@test "probes: loss over several queues and streams; a delay is in each round trip" {
	namespaces
	start_probes a 4 8
	ctl wire delay 2000
	vp a start
	wait_for 20 all_sent a
	ctl wire loss 7
	vp a "set rule probes rate 10000" # another source: it begins anew, behind the loss rule
	wait_for 20 all_sent a
	vp a stop
	vp a "show probes probes" | grep -q '^probes *31 *625 '
	vp_quit a
	missed=$(want '.ports[0].rx_missed | tostring')
	jq -c '.probes[0], .ports[0].rx_missed' "$report"
	[ "$missed" -gt 0 ] ||
		[ "$(want '.probes[0] | [.streams, .sent, .lost, .duplicated] | tojson')" = "[32,20000,7,0]" ]
	[ "$(want '.latency[] | select(.kind == "rtt") | .min_ns >= 2000000')" = true ]
	[ "$(want .totals.unaccounted)" = 0 ]
	[ "$(want '.totals.generated')" = 40000 ]
}

@test "probes: one way from VF to VF, and what the source may not become meanwhile" {
	namespaces
	cat >"$conf" <<-END
		pf 0 { pci = 0000:03:00.1  queues_per_pool = 2 }
		vf 0 { mac = $vf0 }
		vf 1 { mac = 02:09:c0:00:00:01 }
		port vf0 { rx_ring = 4096 }
		port vf1 { rx_ring = 4096 }
		forward there { from = vf0  mode = source  peer = vf1  probe = yes  flows = 8
			rate = 20000  count = 20000 }
		forward arrive { from = vf1  mode = sink  probes_of = there }
	END
	eal=()
	vp_card a --vfs 2
	vp a start
	arrived() { vp a "show probes" | grep -q '^there *16 *20000 *20000 '; }
	wait_for 20 arrived
	[[ "$(vp a "remove rule there")" == *"rule arrive takes the probes of there, which is no rule"* ]]
	[[ "$(vp a "set rule there mode io")" == *"rule arrive takes the probes of there"* ]]
	vp a "set rule there rate 40000" # another source: the sink looks for the new one's
	arrived_again() { arrived && vp a "show probes there" | grep -q '^there *15 *1250 *1250 '; }
	wait_for 20 arrived_again
	vp a stop
	vp a "show latency" | tee "$tmp/latency"
	grep -q '^arrive  *oneway  *20000 ' "$tmp/latency"
	[ "$(awk 'length > 80' "$tmp/latency")" = "" ]
	vp_quit a
	[ "$(want '.probes[0] | [.sent, .received, .lost, .duplicated, .reordered] | tojson')" = \
		"[20000,20000,0,0,0]" ]
	[ "$(want '.latency[] | select(.kind == "oneway") |
		.min_ns > 0 and .min_ns <= .p50_ns and .p50_ns <= .max_ns')" = true ]
	[ "$(want '[.histograms[] | select(.name == "arrive") | .kind] | tojson')" = '["oneway"]' ]
	[ "$(want .totals.unaccounted)" = 0 ]
	[ "$(want .totals.consumed)" = 40000 ]
}

# truth JQ: of what the wire itself stamped
truth() {
	inside "$SOFT82599" show --name "$card" --json | jq -er ".wire.latency | $1"
}

# The wire stamps when a frame left the NIC and when it came back, the lcore when it sent the probe and
# when it found it: earlier, and later. What lies between is the lcore's own time and its absences, of which
# it tells the longest: at both ends of the wire there may be one. Where it never waited for its
# processor, only the maximum may hold any.
@test "probes: the round trip is the wire's own, within 2% or 1 us, and never less" {
	namespaces
	cat >"$conf" <<-END
		pf 0 { pci = 0000:03:00.1 }
		port pf0 { queues = 1  rx_ring = 4096 }
		forward probes { from = pf0  mode = source  peer = pf0  probe = yes
			rate = 4000  count = 8000 }
	END
	eal=()
	vp_card a --vfs 0 --wire loop
	ctl wire delay 4000
	vp a start
	# shellcheck disable=SC2317 # wait_for calls it
	all_back() { [ "$(truth .count)" = 8000 ]; }
	wait_for 20 all_back
	vp a stop
	truth . >"$tmp/truth"
	vp_quit a
	[ "$(want '.probes[0] | [.sent, .received] | tojson')" = "[8000,8000]" ]
	away=$(want '[.lcores[].longest_ns] | max')
	quiet=$(want '.noise.cores | all(.waited != null and .waited < 0.005) | tostring')
	for q in min_ns p50_ns p99_ns max_ns; do
		is=$(want ".latency[] | select(.kind == \"rtt\") | .$q")
		was=$(jq ".$q" "$tmp/truth")
		echo "$q: $is, in truth $was; the lcore was away for $away; quiet: $quiet"
		# both histograms round by up to 1/256
		may=0
		[ "$q" != max_ns ] && [ "$quiet" = true ] || [ "$q" = min_ns ] || may=$away
		jq -en "$is >= $was * 0.995"
		jq -en "$is <= ([$was * 1.02, $was + 1000] | max) + 2 * $may"
	done
}

@test "bursts, lcores and rules change under traffic: the wire misses nothing" {
	namespaces
	"$MIXGEN" "$tmp/mix"
	cp "$TOP/config/ping-pong.conf" "$conf"
	eal=()
	lcores=(--lcores '0@0,1@0,2@1')
	vp_card a --vfs 2 --wire "verify:$tmp/mix" --rounds 200 --verify-json "$tmp/v"
	vp a start
	vp a "set nbcore 1" | grep -q '^done'
	vp a "set burst 4"
	vp a "set corelist 2" | grep -q '^done'
	vp a "set burst 64"
	vp a "set nbcore 2"
	vp a "set eth-peer vf1 02:09:c0:ff:00:01" | grep -q '^done'
	vp a "set fwd mac"
	vp a "set burst 257" | grep -q "allowed are 1 to 256"
	vp a "set nbcore 3" | grep -q "allowed are 1 to 2"
	vp a "set corelist 0" | grep -q "allowed are EAL's workers"
	vp a "set rule nosuch mode io" | grep -q "there is no rule nosuch; there is ping-pong"
	vp a "add rule x from vf0 io" | grep -q "rules ping-pong and x both read port vf0"
	vp a "show config fwd" | tee "$tmp/o"
	grep -q 'ping-pong-back *mac *vf1 *1 *vf0 *1' "$tmp/o"
	all_back() {
		inside "$SOFT82599" show --name "$card" --json | jq -e '.wire | .done and .received == .to_vf' >/dev/null
	}
	all_back && echo "the traffic was over before the last change" && false
	wait_for 60 all_back
	vp_quit a
	[ "$(jq -c '[.passed, .lost, .changed, .reordered, .duplicated]' "$tmp/v")" = "[true,0,0,0,0]" ]
	[ "$(want .totals.unaccounted)" = 0 ]
	[ "$(want '.totals.dropped | add')" = 0 ]
}

# vfplane between VF 0 and a VM, whose interface is a tap.
start_vm() {
	namespaces
	cat >"$conf" <<-END
		pf 0 { pci = 0000:03:00.1  queues_per_pool = 2 }
		vf 0 { mac = $vf0  peer = 02:82:00:00:00:01 }
		forward in { from = vf0  to = net_tap0  mode = io }
		forward out { from = net_tap0  to = vf0  mode = io }
	END
	eal=("--vdev=net_tap0,iface=$vm,mac=$vf0")
	lcores=(--lcores '0@0,1@0,2@1')
	vp_card a --vfs 1 --wire "tap:$wire"
	vp a "set eth-peer net_tap0 $vf0"
	vp a start
	inside ip addr add 10.82.0.2/24 dev "$vm"
	inside ip link set "$vm" up
	inside ip link set "$wire" address 02:82:00:00:00:01
	plug
	wait_for 20 outside ping -q -c 1 -W 1 10.82.0.2
}

# change_everything ROUND: what keeps the connection up, and now and then a gap that TCP must mend.
change_everything() {
	vp a "set rule in mode mac"
	vp a "set burst $((RANDOM % 256 + 1))"
	vp a "set corelist $((RANDOM % 2 + 1))"
	vp a "set rule out mode mac"
	vp a "set nbcore 2"
	vp a "set rule in mode io"
	vp a "set rule out mode io"
	[ $(($1 % 5)) -ne 0 ] || {
		vp a "remove rule in" # what comes meanwhile is consumed
		vp a "add rule in from vf0 to net_tap0 io"
	}
}

serve() {
	mkdir "$tmp/www"
	head -c "$1" /dev/urandom >"$tmp/www/file"
	(cd "$tmp/www" && exec nsenter --net="/run/netns/$inner" python3 -m http.server --bind 10.82.0.2 8082) \
		>"$tmp/http.log" 2>&1 3>&- &
	jobs+=($!)
	wait_for 20 outside curl -sS --max-time 5 -o /dev/null -I http://10.82.0.2:8082/
}

fetch_while_changing() {
	local fetch changes=0

	nsenter --net="/run/netns/$outer" curl -sS --max-time 300 -o "$tmp/got" http://10.82.0.2:8082/file 3>&- &
	fetch=$!
	jobs+=("$fetch")
	while kill -0 "$fetch" 2>/dev/null; do
		change_everything "$changes" >/dev/null
		changes=$((changes + 1))
	done
	wait "$fetch"
	[ "$(sha256sum <"$tmp/www/file")" = "$(sha256sum <"$tmp/got")" ]
	echo "$changes rounds of changes"
	[ "$changes" -ge 1 ]
}

@test "curl moves 20 MB while modes, rules and lcores change; the checksum matches" {
	start_vm
	serve 20000000
	fetch_while_changing
	vp a stop
	vp_quit a
	[ "$(want .totals.unaccounted)" = 0 ]
}

# The wire stamps each packet where it enters and where it leaves: that holds the wait in the ring, and what
# vfplane did. What is beyond p99 is left out: the NIC itself may be held up between a stamp and the ring.
# bats test_tags=long
@test "ten million packets: residence below, bound above what the wire stamped" {
	namespaces
	"$MIXGEN" "$tmp/mix.pcap"
	cat "$TOP/config/ping-pong.conf" - <<<"port vf0 { rx_ring = 4096 }" >"$conf"
	eal=()
	vp_card a --vfs 2 --wire "verify:$tmp/mix.pcap" --rounds 3110 --window 4000 \
		--verify-json "$tmp/v"
	vp a start
	done_with_it() { [ "$(inside "$SOFT82599" show --name "$card" --json | jq .wire.done)" = true ]; }
	wait_for 240 done_with_it
	vp a stop
	ended=0
	vp_quit a || ended=$?
	tail -n 20 "$tmp/vfplane-a/out"
	tail -n 1 "$tmp/vfplane-a/err"
	# Where nothing came back for half a second, verify calls what was under way lost, and reordered when
	# it comes after all: another one had the processor.
	[ "$ended" -eq 0 ] || [ "$(jq '.latency.max_ns > 5e8 and .reordered > 0' "$tmp/v")" = true ]
	[ "$(jq '.to_vf >= 10000000 and .received == .to_vf and
		.lost + .changed + .duplicated + .extra == 0' "$tmp/v")" = true ]
	[ "$(want .totals.unaccounted)" = 0 ]
	# of the same packets
	[ "$(want '[.latency[] | select(.name == "ping-pong") | .count] | unique | tojson')" = \
		"$(jq -c '[.latency.count]' "$tmp/v")" ]
	for q in p50_ns p90_ns p99_ns; do
		low=$(want ".latency[] | select(.name == \"ping-pong\" and .kind == \"residence\") | .$q")
		high=$(want ".latency[] | select(.name == \"ping-pong\" and .kind == \"bound\") | .$q")
		was=$(jq ".latency.$q" "$tmp/v")
		echo "$q: residence $low, in truth $was, bound $high"
		jq -en "$low <= $was * 1.005 and $was <= $high * 1.005"
	done
}

# bats test_tags=long
@test "ten minutes of iperf3 and curl while modes, rules and lcores change" {
	start_vm
	serve 50000000
	nsenter --net="/run/netns/$inner" iperf3 -s -p 5201 >"$tmp/iperf-s" 2>&1 3>&- &
	jobs+=($!)
	listens() { inside ss -Hltn sport = 5201 | grep -q .; }
	wait_for 20 listens
	nsenter --net="/run/netns/$outer" iperf3 -c 10.82.0.2 -t 600 -J >"$tmp/iperf" 2>&1 3>&- &
	iperf=$!
	jobs+=("$iperf")
	rounds=0
	while kill -0 "$iperf" 2>/dev/null; do
		fetch_while_changing
		rounds=$((rounds + 1))
	done
	wait "$iperf"
	echo "$rounds files; iperf3: $(jq -c '.end.sum_received' "$tmp/iperf")"
	[ "$(jq '.end.sum_received.bytes > 1000000 and .end.sum_received.seconds > 590' "$tmp/iperf")" = true ]
	vp a stop
	vp_quit a
	[ "$(want .totals.unaccounted)" = 0 ]
}
