# SPDX-License-Identifier: BSD-3-Clause
# shellcheck disable=SC2086,SC2154 # guest.bash has the addresses, which have no blanks
# vfplane on igb's VFs: with the kernel's PF, and with the PF in vfplane as far as igb's PMD goes.
# machine: iommu
# timeout: 1200

setup_file() {
	modprobe -a igb igbvf e1000 vfio-pci
}

setup() {
	load guest
	unset SSH_CONNECTION
	before
	a=t$$a b=t$$b
	log=$BATS_TEST_TMPDIR/log
}

teardown() {
	[ -z "${plane-}" ] || { kill -KILL $plane && wait $plane; } 2>/dev/null || true
	ip netns del $a 2>/dev/null || true
	ip netns del $b 2>/dev/null || true
	wait_for 10 test -d "$pci/devices/$peer/net" || true
	clean_up
}

# start ARGUMENTS...: a vfplane in the background; its pid in plane, what it says in $log.
start() {
	stdbuf -oL "$VFPLANE" --no-huge -m 128 --file-prefix "p$$" "$@" >"$log" 2>&1 3>&- &
	plane=$!
}

said() {
	grep -q "$1" "$log" || ! kill -0 "$plane" 2>/dev/null
}

show() {
	tail -n 25 "$log"
	dmesg | tail -n 10
	return 1
}

# join NAMESPACE INTERFACE ADDRESS
join() {
	ip netns add "$1"
	ip link set "$2" netns "$1"
	ip -n "$1" addr add "$3/24" dev "$2"
	ip -n "$1" link set "$2" up
}

@test "kernel PF: vfplane forwards between two VFs while the kernel pings through it" {
	"$VFCTL" snapshot -o "$BATS_TEST_TMPDIR/0" $pf
	run -0 "$bind" pf $pf --vfs 3 --kernel-pf
	# It says so: without its PF up igbvf would take a random address.
	[[ "$output" == *"[pf-down]"*"ip link set dev $(netdev $pf) up"* ]]
	ip link set dev "$(netdev $pf)" up
	"$VFCTL" snapshot -o "$BATS_TEST_TMPDIR/1" $pf
	run -0 "$VFCTL" diff "$BATS_TEST_TMPDIR/0" "$BATS_TEST_TMPDIR/1"
	[[ "$output" == *"config SR-IOV control"*"its VFs are there"* ]]
	"$bind" unbind "$(vf 2)"
	"$VFCTL" snapshot -o "$BATS_TEST_TMPDIR/2" $pf
	run -0 "$VFCTL" diff "$BATS_TEST_TMPDIR/1" "$BATS_TEST_TMPDIR/2"
	[[ "$output" == *"driver: vfio-pci -> igbvf"*"msi_irqs: - -> "*"interrupt vectors"* ]]
	[[ "$output" == *"config MSI-X control"*"MSI-X on"* ]]
	[[ "$output" == *"net.$(netdev "$(vf 2)"): - -> 02:09:c0:01:00:02"* ]]
	# igb0's VFs 0 and 1 are vfplane's; igb1 is its client on the wire, VF 2 its server behind.
	wire=$(netdev $peer)
	behind=$(netdev "$(vf 2)")
	join $a "$wire" 192.0.2.1
	join $b "$behind" 192.0.2.2
	ip -n $a neigh add 192.0.2.2 lladdr 02:09:c0:01:00:00 dev "$wire"
	ip -n $b neigh add 192.0.2.1 lladdr 02:09:c0:01:00:01 dev "$behind"
	cat >"$BATS_TEST_TMPDIR/conf" <<-END
		vf 0 { mac = 02:09:c0:01:00:00  peer = $(ip netns exec $a cat "/sys/class/net/$wire/address") }
		vf 1 { mac = 02:09:c0:01:00:01  peer = $(ip netns exec $b cat "/sys/class/net/$behind/address") }
		forward both { from = vf0  to = vf1  mode = mac  both = yes }
	END
	start -l 0,1 -a "$(vf 0)" -a "$(vf 1)" -- --config "$BATS_TEST_TMPDIR/conf" \
		--json "$BATS_TEST_TMPDIR/report"
	wait_for 60 said 'vf1: .* up' && kill -0 $plane || show
	# The links come up when the PF has told their VFs.
	wait_for 60 ip netns exec $a ping -c 1 -W 1 192.0.2.2 >/dev/null || show
	run -0 ip netns exec $a ping -c 20 -i 0.2 -W 2 192.0.2.2
	echo "# $(tail -n 2 <<<"$output" | head -n 1)" >&3
	[[ "$output" == *" 0% packet loss"* ]]
	kill -INT $plane
	wait $plane
	plane=
	run -0 jq -e '.ports | map(select(.name == "vf0" or .name == "vf1") |
		.rx_packets >= 20 and .tx_packets >= 20) | length == 2 and all' "$BATS_TEST_TMPDIR/report"
	[ "$(jq -r .source "$BATS_TEST_TMPDIR/report")" = hardware ]
	[ "$(jq .totals.unaccounted "$BATS_TEST_TMPDIR/report")" = 0 ]
}

@test "a device on its kernel driver: vfplane names the command, which helps" {
	run -3 "$VFPLANE" -l 0,1 --no-huge -m 128 -a $peer -- --run 1
	[[ "$output" == *"$peer is on driver igb, not on vfio-pci; type: scripts/bind_vfio.sh $peer" ]]
	(cd "$TOP" && ${output##*type: })
	[ "$(driver $peer)" = vfio-pci ]
}

@test "the token: a VF opens for who knows it, once its PF is held by it" {
	"$bind" pf $pf --vfs 1
	token=$(cat /run/vfplane/$pf.token)
	run -1 python3 "$BATS_TEST_DIRNAME/hold.py" /dev/null "$(vf 0)"
	[[ "$output" == *"Permission denied"* ]]
	run -1 python3 "$BATS_TEST_DIRNAME/hold.py" /dev/null "$(vf 0)" "$token"
	[[ "$output" == *"Permission denied"* ]]
	hold $pf "$token"
	first=$holder
	run -1 python3 "$BATS_TEST_DIRNAME/hold.py" /dev/null "$(vf 0)" 00000000-0000-4000-8000-000000000000
	[[ "$output" == *"Permission denied"* ]]
	hold "$(vf 0)" "$token"
	let_go
	holder=$first
	let_go
}

# So far igb's PMD goes: it opens the PF by the token, but has no calls by which VFs are ruled.
@test "the PF in vfplane: probed by the token, refused with what to do instead; all as it was" {
	"$bind" pf $pf --vfs 2
	picture >"$BATS_TEST_TMPDIR/bound"
	run -3 "$VFPLANE" -l 0,1 --no-huge -m 128 --file-prefix "p$$" -a $pf -a "$(vf 0)" -a "$(vf 1)" -- --run 1
	echo "# $(tail -n 1 <<<"$output")" >&3
	[[ "$output" == *"net_e1000_igb (8086:10c9) device: $pf"* ]]
	[[ "${lines[-1]}" == "vfplane: pf0: net_e1000_igb cannot rule VFs"*"pf $pf --vfs 2 --kernel-pf" ]]
	picture | diff "$BATS_TEST_TMPDIR/bound" -
}

# testpmd in its place has the PF by the same token; vfplane is the second process, with a VF.
@test "the PF in another process: vfplane has a VF by the token that was kept" {
	"$bind" pf $pf --vfs 1
	mkfifo "$BATS_TEST_TMPDIR/in"
	exec {in}<>"$BATS_TEST_TMPDIR/in"
	stdbuf -oL dpdk-testpmd --lcores '0@0,1@0' --no-huge -m 64 --file-prefix "q$$" --iova-mode=va \
		--vfio-vf-token="$(cat /run/vfplane/$pf.token)" -a $pf -- -i --total-num-mbufs=2048 \
		<"$BATS_TEST_TMPDIR/in" >"$BATS_TEST_TMPDIR/testpmd" 2>&1 3>&- &
	plane=$!
	wait_for 60 grep -q 'testpmd> ' "$BATS_TEST_TMPDIR/testpmd" || {
		tail "$BATS_TEST_TMPDIR/testpmd"
		false
	}
	run -0 timeout 60 "$VFPLANE" -l 0,1 --no-huge -m 128 --file-prefix "p$$" -a "$(vf 0)" -- --run 2
	[[ "$output" == *"vf0: $(vf 0) up"* ]]
	run -2 "$bind" unbind $pf
	[[ "$output" == *"[in-use] $pf: is in use by process "*"(dpdk-testpmd)"* ]]
	echo quit >&$in
	wait $plane
	plane=
}
