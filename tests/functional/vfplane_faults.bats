# SPDX-License-Identifier: BSD-3-Clause
# Unlucky moments of vfplane: SIGTERM at every step, and devices that are pulled out.
# timeout: 240
# shellcheck disable=SC2034,SC2154,SC2317 # variables of the files that setup loads; wait_for

setup() {
	load helpers
	load testpmd
	load vfplane
	load processes
	need_built "$SOFT82599" "$VFPLANE"
	card=$(unique_name)
	cat >"$tmp/c.conf" <<-END
		pf 0 { pci = 0000:03:00.1  queues_per_pool = 2 }
		vf 0 { mac = 02:09:c0:00:00:00 }
		vf 1 { mac = 02:09:c0:00:00:01 }
		vf 2 { mac = 02:09:c0:00:00:02  owner = tenant }
		vf 3 { mac = 02:09:c0:00:00:03  owner = tenant }
		forward echo-0 { from = vf0  to = vf0  mode = macswap }
		forward echo-1 { from = vf1  to = vf1  mode = macswap }
	END
	launcher=
}

teardown() {
	tp_kill_all
	vp_kill_all
	[ -z "$launcher" ] || kill "$launcher" 2>/dev/null || true
}

start_card() {
	"$SOFT82599" run --name "$card" --vfs 4 -- sleep 200 3>&- &
	launcher=$!
	wait_for 10 show
}

eal=(-l 0-1 --no-huge -m 256 --no-telemetry)

# No function is open, no queue on, no memory mapped, no descriptor held: as before vfplane came.
card_is_free() {
	show && jq -e 'all(.functions[]; .pid == null) and .geometry.receiving == false and
		.rx_queues == [] and .tx_queues == [] and .held == {domains: 0, extents: 0, handles: 0}' \
		"$tmp/show" >"$tmp/free"
}

# stopped_at POINT: vfplane gets a SIGTERM there; its status, and how long it took to end.
stopped_at() {
	local start rc=0 took

	VFPLANE_FAULT_AT=$1 "$SOFT82599" exec --name "$card" -- "$VFPLANE" "${eal[@]}" \
		--file-prefix "$card-f" -- --config "$tmp/c.conf" --run 1 --json "$tmp/report" \
		>"$tmp/out" 2>"$tmp/err" 3>&- &
	wait_for 20 raised "$1"
	start=${EPOCHREALTIME/./}
	wait $! || rc=$?
	took=$(((${EPOCHREALTIME/./} - start) / 1000))
	echo "$1: status $rc, $took ms later"
	[ "$rc" = 0 ]
	[ "$took" -lt 5000 ]
}

raised() {
	grep -q "SIGTERM at $1," "$tmp/err" || ! kill -0 $! 2>/dev/null
}

@test "SIGTERM at every step of start and stop: out within 5 s, everything as before" {
	local steps i

	start_card
	"$SOFT82599" exec --name "$card" -- "$VFPLANE" "${eal[@]}" --file-prefix "$card-f" -- \
		--config "$tmp/c.conf" --run 1 >"$tmp/out" 2>&1
	steps=$(grep -c '^ *[0-9]*\.  *[0-9.]* s  ' "$tmp/out")
	[ "$steps" -ge 8 ]
	card_is_free
	for i in eal $(seq -f step-%g 1 "$steps") forwarding draining report undo close-vf0 close-vf1 \
		close-pf0 cleanup; do
		rm -f "$tmp/report" "$tmp/err"
		stopped_at "$i"
		grep -q "SIGTERM at $i," "$tmp/err" # else the point is gone, and nothing was tried
		wait_for 2 card_is_free
	done
}

# talk: the tenant's two VFs play ping-pong with vfplane's two.
talk() {
	tp_open t "$SOFT82599" exec --name "$card" -- dpdk-testpmd -l 0-1 --no-huge -m 128 \
		--no-telemetry --file-prefix "$card-t" -a 0000:03:10.5 -a 0000:03:10.7 -- -i \
		--total-num-mbufs=8192 --forward-mode=macswap --port-topology=loop --no-flush-rx \
		--eth-peer=0,02:09:c0:00:00:00 --eth-peer=1,02:09:c0:00:00:01
	tp t "start tx_first 1" >"$tmp/o"
	show
	moved t vf0 rx_packets 1000
	moved t vf1 rx_packets 1000
}

# The processor time of a process's first thread, in ticks of 10 ms.
main_thread_ticks() {
	sed 's/.*) //' "/proc/$1/task/$1/stat" | awk '{ print $12 + $13 }'
}

@test "a VF that is pulled out: its port goes within 2 s, the other loses nothing, nothing spins" {
	local begin ticks

	start_card
	vp_open p "$SOFT82599" exec --name "$card" -- "$VFPLANE" "${eal[@]}" \
		--file-prefix "$card-p" -- -i --config "$tmp/c.conf" --json "$tmp/report"
	vp p start >"$tmp/o"
	talk
	begin=${EPOCHREALTIME/./}
	"$SOFT82599" ctl --name "$card" remove 1
	told() { grep -q 'vf1: 0000:03:10.3 was pulled out; the other ports go on' "$tmp/vfplane-p/out"; }
	wait_for 5 told
	echo "noticed after $(((${EPOCHREALTIME/./} - begin) / 1000)) ms"
	[ $((${EPOCHREALTIME/./} - begin)) -lt 2000000 ]
	vp p "show ports" | tee "$tmp/o"
	grep -q 'vf1.*pulled out' "$tmp/o"
	show
	ticks=$(main_thread_ticks "${VP_PID[p]}")
	begin=${EPOCHREALTIME/./}
	moved t vf0 rx_packets $(($(pool vf0 rx_packets) + 20000))
	ticks=$(($(main_thread_ticks "${VP_PID[p]}") - ticks))
	# control sleeps nearly all the time
	echo "main thread: $ticks ticks in $(((${EPOCHREALTIME/./} - begin) / 10000))"
	[ $((ticks * 2)) -le $(((${EPOCHREALTIME/./} - begin) / 10000 + 10)) ]
	tp t stop >"$tmp/o"
	vp p stop >"$tmp/o"
	show
	[ "$(pool vf2 tx_packets)" -eq "$(pool vf0 rx_packets)" ]
	[ "$(pool vf0 tx_packets)" -eq "$(pool vf2 rx_packets)" ]
	[ "$(pool vf0 drops)$(pool vf2 drops)" = "{}{}" ]
	# It comes back as a new device, which is another program's business.
	"$SOFT82599" ctl --name "$card" restore
	vp_quit p
	[ "$(jq -c '[.ports[] | select(.name == "vf0") | .rx_packets > 20000]' "$tmp/report")" = '[true]' ]
}

@test "a PF that is pulled out takes its VFs along; SIGTERM still ends within 5 s" {
	start_card
	vp_open p "$SOFT82599" exec --name "$card" -- "$VFPLANE" "${eal[@]}" \
		--file-prefix "$card-p" -- -i --config "$tmp/c.conf" --json "$tmp/report"
	vp p start >"$tmp/o"
	talk
	"$SOFT82599" ctl --name "$card" remove pf
	for port in vf0 vf1 pf0; do
		told() { grep -q "$port: 0000:03:.* was pulled out" "$tmp/vfplane-p/out"; }
		wait_for 5 told
	done
	# a command that would touch the PF is answered, not waited for
	timeout 10 cat < <(vp p "show vfs") >"$tmp/o"
	SECONDS=0
	kill -TERM "${VP_PID[p]}"
	rc=0
	wait "${VP_PID[p]}" || rc=$?
	[ "$SECONDS" -le 5 ]
	echo "status $rc"
	[ "$rc" = 0 ]
	[ -s "$tmp/report" ]
}
