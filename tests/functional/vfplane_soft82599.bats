# SPDX-License-Identifier: BSD-3-Clause
# vfplane owning the PF of a software 82599: the main job, tenants, prompt, telemetry, signals.
# timeout: 420

setup() {
	load helpers
	load testpmd
	load vfplane
	need_built "$SOFT82599" "$VFPLANE" "$VFCTL" "$MIXGEN"
	card=$(unique_name)
	eal=(-l 0-1 --no-huge -m 512 --file-prefix "$card")
	conf=$BATS_TEST_TMPDIR/c.conf
	report=$BATS_TEST_TMPDIR/report.json
}

teardown() {
	tp_kill_all
	vp_kill_all
}

want() {
	jq -er "$1" "$report"
}

# card_run SOFT82599-OPTIONS... : a vfplane on a fresh card, options behind "--" are vfplane's own.
card_run() {
	local own=()

	while [ "$1" != -- ]; do
		own+=("$1")
		shift
	done
	shift
	# As a kernel does: no VF without the token of its PF.
	"$SOFT82599" run --name "$card" --vf-token strict "${own[@]}" -- "$VFPLANE" "${eal[@]}" --no-telemetry -- "$@"
}

@test "the main job: every packet crosses, in the queue that was predicted" {
	mix=$BATS_TEST_TMPDIR/mix.pcap
	"$MIXGEN" "$mix"
	card_run --vfs 2 --wire "verify:$mix" --rounds 5 --verify-json "$BATS_TEST_TMPDIR/v" -- \
		--config "$TOP/config/ping-pong.conf" --run 3 --json "$report"
	[ "$(want .source)" = soft82599 ]
	[ "$(want .totals.unaccounted)" = 0 ]
	[ "$(want '.ports | map(.name) | join(" ")')" = "pf0 vf0 vf1" ]
	[ "$(jq '.passed and .lost == 0 and .in_flight == 0' "$BATS_TEST_TMPDIR/v")" = true ]
	[ "$(jq .sent "$BATS_TEST_TMPDIR/v")" = 20000 ]
	"$VFCTL" predict --config "$TOP/config/ping-pong.conf" --packets 20000 --json "$mix" \
		>"$BATS_TEST_TMPDIR/p"
	predicted=$(jq -c '[.pools[0].queues[].packets]' "$BATS_TEST_TMPDIR/p")
	actual=$(want '[.ports[1].queues[].rx_packets] | tojson')
	echo "predicted $predicted, actual $actual"
	[ "$predicted" = "$actual" ]
	[ "$(jq 'min > 0' <<<"$actual")" = true ]
	[ "$(want '.ports[2].tx_packets')" = "$(jq .received "$BATS_TEST_TMPDIR/v")" ]
	[ "$(jq '.dropped.vlan_filter' "$BATS_TEST_TMPDIR/v")" = \
		"$(jq '.nowhere[0].packets' "$BATS_TEST_TMPDIR/p")" ]
}

@test "32 pools x 4 queues: all four queues, as predicted" {
	mix=$BATS_TEST_TMPDIR/mix.pcap
	"$MIXGEN" "$mix"
	sed 's/queues_per_pool = 2 /queues_per_pool = 4 /' "$TOP/config/ping-pong.conf" >"$conf"
	card_run --vfs 2 --wire "verify:$mix" --rounds 2 -- --config "$conf" --run 3 --json "$report"
	"$VFCTL" predict --config "$conf" --packets 8000 --json "$mix" >"$BATS_TEST_TMPDIR/p"
	[ "$(jq -c '[.pools[0].queues[].packets]' "$BATS_TEST_TMPDIR/p")" = \
		"$(want '[.ports[1].queues[].rx_packets] | tojson')" ]
	[ "$(want '.ports[1].queues | map(select(.rx_packets > 0)) | length')" = 4 ]
	[ "$(want .totals.unaccounted)" = 0 ]
}

@test "macswap from VF to VF: anti-spoof is off for these VFs, on again with mac, on for a tenant" {
	mix=$BATS_TEST_TMPDIR/mix.pcap
	"$MIXGEN" "$mix"
	sed 's/mode = mac/mode = macswap/' "$TOP/config/ping-pong.conf" >"$conf"
	card_run --vfs 3 --wire "verify:$mix" --rounds 2 --verify-json "$BATS_TEST_TMPDIR/v" -- \
		--config "$conf" --run 2 --json "$report"
	[ "$(jq -c '[.passed, .lost, .in_flight]' "$BATS_TEST_TMPDIR/v")" = "[true,0,0]" ]
	[ "$(want .totals.unaccounted)" = 0 ]
	vp_open a card_run --vfs 3 -- -i --config "$conf"
	"$SOFT82599" show --name "$card" --json >"$BATS_TEST_TMPDIR/swap"
	vp a "set fwd mac" | grep -q "forwarding mode: mac"
	"$SOFT82599" show --name "$card" --json >"$BATS_TEST_TMPDIR/mac"
	vp_quit a
	[ "$(jq -c '[.pools[0:3][].mac_antispoof]' "$BATS_TEST_TMPDIR/swap")" = "[false,false,true]" ]
	[ "$(jq -c '[.pools[0:3][].mac_antispoof]' "$BATS_TEST_TMPDIR/mac")" = "[true,true,true]" ]
}

@test "two polling lcores: each VF's queues are shared out, nothing is lost" {
	mix=$BATS_TEST_TMPDIR/mix.pcap
	"$MIXGEN" "$mix"
	"$SOFT82599" run --name "$card" --wire "verify:$mix" --rounds 5 -- "$VFPLANE" \
		--lcores '0@0,1@0,2@1' --no-huge -m 512 --no-telemetry --file-prefix "$card" -- \
		--config "$TOP/config/ping-pong.conf" --run 2 --stats-period 1 --json "$report"
	[ "$(want '.ports[1].queues | map(.lcore) | tojson')" = "[1,2]" ]
	[ "$(want '.ports[1].queues | map(.rx_packets > 0) | all')" = true ]
	[ "$(want .totals.unaccounted)" = 0 ]
}

@test "a PF without VFs" {
	run -0 "$SOFT82599" run --name "$card" --vfs 0 -- "$VFPLANE" "${eal[@]}" --no-telemetry \
		-a 03:00.1 -- --run 1 --json "$report"
	[ "$(want '.ports | map([.name, .role]) | tojson')" = '[["pf0","pf"]]' ]
}

@test "the examples with a PF come up" {
	card_run --vfs 2 -- --config "$TOP/config/tenant.conf" --run 1 --json "$report"
	[ "$(want '.ports | map(.name) | join(" ")')" = "pf0 vf0" ]
	[ "$(want '.ports[1].queues | map(.lcore) | unique | tojson')" = "[1]" ]
}

@test "the prompt tells what happened: bring-up, layout, VF, mailbox, RSS" {
	vp_open a card_run --vfs 2 -- -i --config "$TOP/config/tenant.conf"
	vp a "show bringup" | tee "$BATS_TEST_TMPDIR/o"
	grep -n "policy armed" "$BATS_TEST_TMPDIR/o" | cut -d: -f1 >"$BATS_TEST_TMPDIR/armed"
	grep -n "03:00.1 probed" "$BATS_TEST_TMPDIR/o" | cut -d: -f1 >"$BATS_TEST_TMPDIR/probed"
	[ "$(cat "$BATS_TEST_TMPDIR/armed")" -lt "$(cat "$BATS_TEST_TMPDIR/probed")" ]
	vp a "show layout" | grep -q "vf1.*tenant"
	vp a "show mailbox" | grep -q "API_NEGOTIATE 1.3.*pass"
	vp a "show vf 0" | grep -q "02:09:c0:00:00:00"
	vp a "show port rss vf0" | grep -qi "6d5a56da255b0ec2"
	vp a "show vf 9" | grep -q "there is no 9"
	vp_quit a
}

@test "without the token no tenant opens a VF; the token's file is for its owner only" {
	need_root
	vp_open a card_run --vfs 2 -- -i --config "$TOP/config/tenant.conf"
	[ "$(stat -c %a /run/vfplane/0000:03:00.1.token)" = 600 ]
	tenant() {
		"$SOFT82599" exec --name "$card" -- timeout 40 "$VFPLANE" -l 0-1 --no-huge -m 256 \
			--file-prefix "$card-b" --no-telemetry -a 0000:03:10.3 "$@" -- --run 1
	}
	run ! tenant --vfio-vf-token=00000000-0000-4000-8000-000000000000
	[[ "$output" == *"0000:03:10.3 could not be probed"* ]]
	# Who may read the file gets in by it, without naming it.
	run -0 tenant
	[[ "$output" == *"vf1: 0000:03:10.3 up"* ]]
	vp_quit a
}

@test "a tenant is held to its MAC and VLANs, forwards, quits and comes back" {
	need_root # for the token
	vp_open a card_run --vfs 2 -- -i --config "$TOP/config/tenant.conf"
	vp a start
	for round in 1 2; do
		tp_open "b$round" "$SOFT82599" exec --name "$card" -- dpdk-testpmd -l 0-1 --no-huge -m 256 \
			--file-prefix "$card-b" --no-telemetry -a 0000:03:10.3 \
			--vfio-vf-token="$(cat /run/vfplane/0000:03:00.1.token)" -- -i --total-num-mbufs=8192
		[ "$(tp_mac "b$round" 0)" = 02:09:C0:00:00:01 ]
		tp "b$round" "mac_addr set 0 02:aa:bb:cc:dd:ee" || true
		tp "b$round" "vlan set filter on 0"
		tp "b$round" "rx_vlan add 7 0" || true
		tp "b$round" "rx_vlan add 8 0" || true
		tp "b$round" "mcast_addr add 0 33:33:00:00:00:05"
		"$SOFT82599" show --name "$card" --json >"$BATS_TEST_TMPDIR/multicast"
		tp "b$round" "set eth-peer 0 02:09:c0:00:00:00"
		tp "b$round" "set fwd mac"
		tp "b$round" "start tx_first 1"
		back() { [ "$(tp_total "b$round" RX-packets)" -gt 1000 ]; }
		wait_for 20 back
		tp "b$round" stop
		tp_quit "b$round"
	done
	vp a "show mailbox" >"$BATS_TEST_TMPDIR/o"
	cat "$BATS_TEST_TMPDIR/o"
	"$SOFT82599" show --name "$card" --json >"$BATS_TEST_TMPDIR/show"
	grep -q "SET_MAC 02:aa:bb:cc:dd:ee.*nack" "$BATS_TEST_TMPDIR/o"
	grep -q "SET_VLAN add 7 .*ack" "$BATS_TEST_TMPDIR/o"
	grep -q "SET_VLAN add 8 .*nack" "$BATS_TEST_TMPDIR/o"
	grep -q "SET_MULTICAST 1 hashes.*ack" "$BATS_TEST_TMPDIR/o"
	jq -c '[.pools[1].accepts, .filters.multicast_hashes]' "$BATS_TEST_TMPDIR/multicast"
	jq -e '.filters.multicast_hashes == 1' "$BATS_TEST_TMPDIR/multicast"
	jq -e '.pools[1] | tojson | contains("ROMPE")' "$BATS_TEST_TMPDIR/multicast"
	# The NIC itself says that no other address or VLAN went in.
	run ! grep -qi "02:aa:bb:cc:dd:ee" "$BATS_TEST_TMPDIR/show"
	[ "$(jq -c '[.pools[1].vlans[]?] | sort' "$BATS_TEST_TMPDIR/show")" = "[7]" ]
	vp_quit a
}

@test "-a and the configuration may not contradict each other" {
	run -2 card_with_allow 0000:03:10.3 --config "$TOP/config/tenant.conf" --run 1
	[[ "$output" == *"-a 0000:03:10.3 contradicts"*"tenant"* ]]
	run -2 card_with_allow 0000:03:00.1 --config "$TOP/config/unowned.conf" --run 1
	[[ "$output" == *"-a 0000:03:00.1 contradicts"* ]]
	run -0 card_with_allow 0000:03:00.1 --config "$TOP/config/tenant.conf" --run 1
}

card_with_allow() {
	local allow=$1

	shift
	"$SOFT82599" run --name "$card" -- "$VFPLANE" "${eal[@]}" --no-telemetry -a "$allow" -- "$@"
}

@test "-a alone: PF and VFs in pairs, spellings with devargs" {
	run -0 "$SOFT82599" run --name "$card" -- "$VFPLANE" "${eal[@]}" --no-telemetry -a03:00.1 \
		--allow=0000:03:10.1,pflink_fullchk=1 --allow 0000:03:10.3 -- --run 1 --json "$report"
	[ "$(want '.ports | map(.name) | join(" ")')" = "pf0 vf0 vf1" ]
	[ "$(want '.latency | map(.name) | unique | join(" ")')" = "vf0-vf1 vf0-vf1-back" ]
}

# The PF is one vfplane's, the VFs another's, which forwards; both are on a card of a third process.
two_processes() {
	cat >"$conf" <<-END
		pf 0 { pci = 0000:03:00.1 }
		vf 0 { owner = tenant }
		vf 1 { owner = tenant }
	END
	"$SOFT82599" run --name "$card" -- sleep 120 3>&- &
	sleeper=$!
	wait_for 10 "$SOFT82599" show --name "$card" --json >/dev/null
	on_card=("$SOFT82599" exec --name "$card" -- "$VFPLANE" -l 0-1 --no-huge -m 256 --no-telemetry)
	vp_open pf "${on_card[@]}" --file-prefix "$card-p" -- -i --config "$conf"
	vp_open vf "${on_card[@]}" --file-prefix "$card-v" -a 03:10.1 -a 03:10.3 -- -i \
		--config "$TOP/config/unowned.conf"
	vp vf start
}

# restart_pf: as `pf2`
restart_pf() {
	vp_open pf2 "${on_card[@]}" --file-prefix "$card-p" -- -i --config "$conf"
}

vf0_reset() {
	vp vf "show bringup" | grep -q "vf0: its PF asked for a reset; set up again"
}

@test "VFs of somebody else's PF; after that PF restarted they reset by themselves" {
	two_processes
	vp vf "show ports" | grep -q "vf1"
	vp_quit pf
	restart_pf
	wait_for 20 vf0_reset
	vp pf2 "show mailbox" | grep -q "vf0 .*RESET"
	vp_quit vf
	vp_quit pf2
	kill "$sleeper"
}

@test "who stands still over a restart of the PF resets later" {
	two_processes
	vp_quit pf
	kill -STOP "${VP_PID[vf]}"
	restart_pf
	# the ping of the start and that of the link are one interrupt to the VF, and of no use
	wait_for 20 grep -q "pf0: link up" "$BATS_TEST_TMPDIR/vfplane-pf2/out"
	kill -CONT "${VP_PID[vf]}"
	wait_for 20 vf0_reset
	vp_quit vf
	vp_quit pf2
	kill "$sleeper"
}

@test "with the PF's process killed, SIGTERM still ends within 5 s" {
	two_processes
	kill -KILL "${VP_PID[pf]}"
	SECONDS=0
	kill -TERM "${VP_PID[vf]}"
	wait "${VP_PID[vf]}"
	[ "$SECONDS" -le 5 ]
	kill "$sleeper"
}

@test "telemetry serves the same numbers" {
	vp_open a "$SOFT82599" run --name "$card" -- "$VFPLANE" "${eal[@]}" -- -i \
		--config "$TOP/config/tenant.conf"
	vp a start
	for ask in /vfplane/ports /vfplane/vfs /vfplane/vf,vf1 /vfplane/rss,vf0 /vfplane/latency \
		/vfplane/lcores /vfplane/mailbox; do
		echo "$ask"
	done | dpdk-telemetry.py -f "$card" >"$BATS_TEST_TMPDIR/t"
	cat "$BATS_TEST_TMPDIR/t"
	grep -q '"/vfplane/ports".*"vf0"' "$BATS_TEST_TMPDIR/t"
	grep -q '"/vfplane/vf".*02:09:c0:00:00:01' "$BATS_TEST_TMPDIR/t"
	grep -q '"/vfplane/mailbox".*API_NEGOTIATE' "$BATS_TEST_TMPDIR/t"
	grep -q '"/vfplane/rss".*"spreads": 1' "$BATS_TEST_TMPDIR/t"
	grep -q '"/vfplane/latency".*residence' "$BATS_TEST_TMPDIR/t"
	vp_quit a
}

@test "SIGTERM at any moment: out within 5 s, with status 0, card and VFs released" {
	local s

	for s in 0.3 0.6 0.8 1 1.3 2; do
		SECONDS=0
		st=0
		timeout --preserve-status --foreground -s TERM "$s" "$SOFT82599" run --name "$card" -- \
			"$VFPLANE" "${eal[@]}" --no-telemetry -- --config "$TOP/config/ping-pong.conf" \
			>"$BATS_TEST_TMPDIR/out" 2>&1 || st=$?
		echo "after $s s: status $st in $SECONDS s"
		tail -n 3 "$BATS_TEST_TMPDIR/out"
		[ "$SECONDS" -le $((${s%.*} + 6)) ]
		[ "$st" -eq 0 ] || [ "$st" -eq 143 ]
	done
}

@test "PF and 31 VFs in one process" {
	eal=(-l 0-1 --no-huge -m 1024 --file-prefix "$card")
	echo "pf 0 { pci = 0000:03:00.1 }" >"$conf"
	card_run --vfs 31 -- --config "$conf" --run 1 --json "$report"
	[ "$(want '.ports | length')" = 32 ]
	[ "$(want '[.ports[] | select(.role == "vf") | .queues | length] | unique | tojson')" = "[4]" ]
}

@test "a VF that the card does not have, and a missing PF" {
	echo 'pf 0 { pci = 0000:03:00.1 } vf 5 { mac = 02:09:c0:00:00:05 }' >"$conf"
	run -3 card_run --vfs 2 -- --config "$conf" --run 1
	[[ "$output" == *"0000:03:00.1 has 2 VFs"* ]]
	echo 'pf 0 { pci = 0000:04:00.0 }' >"$conf"
	run -3 card_run --vfs 2 -- --config "$conf" --run 1
	[[ "$output" == *"0000:04:00.0"* ]]
}
