# SPDX-License-Identifier: BSD-3-Clause
# --wire tap: a network namespace is the link partner. The card runs in a second namespace, in
# which a net_tap port stands for the VM that owns the VF; nothing leaves the two.
# timeout: 300
# shellcheck disable=SC2030,SC2031 # each test is a subshell

setup() {
	load helpers
	load testpmd
	need_root
	need_built "$SOFT82599" "$VFPLANE"
	card=$(unique_name)
	tmp=$BATS_TEST_TMPDIR
	outer=$card-o # the world, behind the wire
	inner=$card-i # the card, and the VM
	wire=w$$
	vm=v$$
	vf0=02:09:c0:00:00:00
	pid=
	server=
	ip netns add "$outer" || skip "network namespaces are not to be had here"
	ip netns add "$inner"
	inside ip link set lo up
}

teardown() {
	tp_kill_all
	for one in $server $pid; do
		pkill -KILL -P "$one" || true # COMMAND, which the launcher would leave behind
		kill -KILL "$one" 2>/dev/null || true
		wait "$one" 2>/dev/null || true
	done
	ip netns del "$outer" 2>/dev/null || true
	ip netns del "$inner" 2>/dev/null || true
	rm -rf "/var/run/dpdk/$card"
}

# nsenter, not ip netns: that changes the propagation of /, which in a chroot is no mount.
inside() {
	nsenter --net="/run/netns/$inner" "$@"
}

outside() {
	nsenter --net="/run/netns/$outer" "$@"
}

show() {
	inside "$SOFT82599" show --name "$card" --json | jq -c "$1"
}

show_is() {
	[ "$(show "$1")" = "$2" ]
}

# Gives the tap to the outer namespace, with addresses.
plug() {
	inside ip link set "$wire" netns "$outer"
	outside ip addr add 10.82.0.1/24 dev "$wire"
	outside ip addr add fd82::1/64 dev "$wire" nodad
	outside ip link set "$wire" up
	# a VF hears no multicast that it did not ask for: IPv6 cannot find out who has fd82::2
	outside ip -6 neigh replace fd82::2 lladdr "$vf0" dev "$wire"
}

# vfplane between VF 0 and the VM, and the wire plugged in.
start_vm() {
	cat >"$tmp/c.conf" <<-END
		pf 0 { pci = 0000:03:00.1  queues_per_pool = 2 }
		vf 0 { mac = $vf0 }
		forward vm { from = vf0  to = net_tap0  mode = io  both = yes }
	END
	# not a function: the launcher itself is to get the signals
	nsenter --net="/run/netns/$inner" "$SOFT82599" run --name "$card" --vfs 1 --wire "tap:$wire" -- \
		"$VFPLANE" -l 0-1 --no-huge -m 512 --file-prefix "$card" --no-telemetry \
		--vdev="net_tap0,iface=$vm,mac=$vf0" -- --config "$tmp/c.conf" --json "$tmp/r" \
		>"$tmp/vfplane.log" 2>&1 3>&- &
	pid=$!
	wait_for 40 grep -q '^forwarding' "$tmp/vfplane.log"
	inside ip addr add 10.82.0.2/24 dev "$vm"
	inside ip addr add fd82::2/64 dev "$vm" nodad
	inside ip link set "$vm" up
	plug
}

carrier() {
	[ "$(outside ip -j link show "$wire" | jq '.[0].flags | index("LOWER_UP") != null')" = "$1" ]
}

@test "ping and ping6 a VM behind vfplane; the cable's light is the tap's carrier" {
	start_vm
	outside ping -c 5 -i 0.2 -W 5 10.82.0.2
	outside ping -6 -c 5 -i 0.2 -W 5 fd82::2
	outside ping -c 3 -i 0.2 -W 5 -s 1400 10.82.0.2
	[ "$(show '.wire | .mode == "tap" and .there and .carrier')" = true ]
	[ "$(show '.wire.to_host >= 13 and .wire.from_host >= 13')" = true ]
	inside "$SOFT82599" ctl --name "$card" link down
	wait_for 10 carrier false
	run ! outside ping -c 1 -W 1 10.82.0.2
	inside "$SOFT82599" ctl --name "$card" link up
	wait_for 10 carrier true
	outside ping -c 3 -i 0.2 -W 5 10.82.0.2
	# the wire loses exactly what it is told to
	inside "$SOFT82599" ctl --name "$card" wire loss 2 in
	run outside ping -c 4 -i 0.2 -W 1 10.82.0.2
	wait_for 5 show_is .wire.impair.in.loss.hit 2
	[ "$(show .wire.impair.out.loss.hit)" = 0 ]
	kill -TERM "$pid"
	wait "$pid"
	pid=
	[ "$(jq .totals.unaccounted "$tmp/r")" = 0 ]
	# what the card made went with it
	run ! outside ip link show "$wire"
}

@test "curl moves 100 MB through vfplane, and the checksum matches" {
	start_vm
	mkdir "$tmp/www"
	head -c 100000000 /dev/urandom >"$tmp/www/file"
	(cd "$tmp/www" && exec nsenter --net="/run/netns/$inner" python3 -m http.server --bind 10.82.0.2 8082) \
		>"$tmp/http.log" 2>&1 3>&- &
	server=$!
	wait_for 20 outside curl -sS --max-time 5 -o /dev/null -I http://10.82.0.2:8082/
	outside curl -sS --max-time 100 -o "$tmp/got" http://10.82.0.2:8082/file
	[ "$(sha256sum <"$tmp/www/file")" = "$(sha256sum <"$tmp/got")" ]
	# it came by the card: more frames than 100 MB of 1448 bytes each
	[ "$(show '.pools[0].tx_packets > 69000')" = true ]
	kill -TERM "$pid"
	wait "$pid"
	pid=
	[ "$(jq .totals.unaccounted "$tmp/r")" = 0 ]
	rm -rf "$tmp/www" "$tmp/got"
}

@test "ping a VF that testpmd answers for (icmpecho), with ARP" {
	tp_open a nsenter --net="/run/netns/$inner" "$SOFT82599" run --name "$card" --vfs 1 --wire "tap:$wire" -- \
		dpdk-testpmd -l 0-1 --no-huge -m 512 --file-prefix "$card" -a 0000:03:00.1 \
		-a 0000:03:10.1 -- -i --total-num-mbufs=16384
	plug
	mac=$(tp_mac a 1)
	tp a "set portlist 1"
	tp a "set fwd icmpecho"
	tp a start
	wait_for 20 outside ping -c 1 -W 1 10.82.0.77
	outside ping -c 10 -i 0.1 -W 5 10.82.0.77
	outside ip neigh show 10.82.0.77 | grep -qi "$mac"
}

@test "a tap that somebody else deletes is a dark link, not a busy loop" {
	start_vm
	outside ping -c 1 -W 5 10.82.0.2
	outside ip link del "$wire"
	wait_for 10 show_is .wire.there false
	show_is .link.up false
	before=$(awk '{ print $14 + $15 }' "/proc/$pid/stat")
	sleep 1
	after=$(awk '{ print $14 + $15 }' "/proc/$pid/stat")
	echo "$((after - before)) ticks in a second"
	[ $((after - before)) -lt 20 ]
}

@test "a tap that exists already is used and stays; one that cannot be had is told" {
	inside ip tuntap add "$wire" mode tap
	inside "$SOFT82599" run --name "$card" --wire "tap:$wire" -- true
	inside ip link show "$wire"
	inside ip link add d$$ type veth peer name e$$
	run -3 inside "$SOFT82599" run --name "$card" --wire "tap:d$$" -- true
	grep -q 'no tap' <<<"$output"
	run -2 "$SOFT82599" run --wire tap: -- true
	run -2 "$SOFT82599" run --wire tap:a-name-of-16-chars -- true
	run -3 setpriv --reuid 65534 --clear-groups "$SOFT82599" run --name "$card" --wire "tap:$wire" -- true
	grep -q 'ip tuntap add' <<<"$output"
}
