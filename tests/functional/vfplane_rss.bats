# SPDX-License-Identifier: BSD-3-Clause
# RSS of a PF that vfplane owns: what is predicted and explained is what the card does and Debian's
# testpmd, a tenant on the VFs, receives; what is changed, what it touches, and what is refused.
# timeout: 900
# shellcheck disable=SC2016,SC2030,SC2031,SC2317 # jq's variables; tests are subshells; wait_for calls

setup() {
	load helpers
	load testpmd
	load vfplane
	need_built "$SOFT82599" "$VFPLANE" "$VFCTL" "$MIXGEN" "$BUILD/tests/functional/rss_frames"
	card=$(unique_name)
	tmp=$BATS_TEST_TMPDIR
	conf=$tmp/c.conf
	key=a1b2c3d4e5f60718293a4b5c6d7e8f90a0b1c2d3e4f5061728394a5b6c7d8e9fa5b6c7d8e9faabcd
}

teardown() {
	tp_kill_all
	vp_kill_all
}

# tenants QUEUES "RSS-OPTIONS" [VFS]: VF 0 and VF 1 are tenants', VLAN 100 is VF 0's, 300 of both.
tenants() {
	cat >"$conf" <<-END
		pf 0 { pci = 0000:03:00.1  queues_per_pool = $1 }
		vf 0 { owner = tenant  vlans = {100, 300} }
		vf 1 { owner = tenant  vlans = {300} }
		rss pf0 { shared_ok = yes $2 }
	END
}

# card_vfplane NAME SOFT82599-OPTIONS...: an interactive vfplane on a fresh card
card_vfplane() {
	local name=$1

	shift
	vp_open "$name" "$SOFT82599" run --name "$card" "$@" -- "$VFPLANE" -l 0-1 --no-huge -m 384 \
		--no-telemetry --file-prefix "$card" -- -i --config "$conf"
}

# The card's own word, in $tmp/show.
show() {
	"$SOFT82599" show --name "$card" --json >"$tmp/show"
}

# tenant_testpmd QUEUES: testpmd "b" with VF 0 and VF 1, printing what it receives
tenant_testpmd() {
	tp_open b "$SOFT82599" exec --name "$card" -- dpdk-testpmd -l 0-1 --no-huge -m 384 \
		--no-telemetry --file-prefix "$card-b" -a 0000:03:10.1 -a 0000:03:10.3 -- -i \
		--total-num-mbufs=65536 --rxq="$1" --txq="$1" --rxd=2048 --no-flush-rx
	tp b "set fwd rxonly"
	tp b "set verbose 1"
}

# received: testpmd's verbose lines as "POOL:QUEUE:HASH", hash 0 where there is none.
received() {
	tr -d '\r' <"$tmp/testpmd-b/out" | awk '
		/port [0-9]+\/queue [0-9]+: received/ {
			match($0, /port [0-9]+/); port = substr($0, RSTART + 5, RLENGTH - 5)
			match($0, /queue [0-9]+/); queue = substr($0, RSTART + 6, RLENGTH - 6)
		}
		/ - type=0x.* - length=/ {
			hash = "0x0"
			if (match($0, /RSS hash=0x[0-9a-f]+/))
				hash = substr($0, RSTART + 9, RLENGTH - 9)
			print port ":" queue ":" hash
		}'
}

# explained FILE: the same of what explain says for VF 0 and VF 1
explained() {
	"$VFCTL" explain --config "$conf" --pf-mac "$pf_mac" "$1" >"$tmp/lines"
	tr ' ' '\n' <"$tmp/lines" | sed -n 's/^\([01]\):\([0-9]\):0x0*\([0-9a-f]*\)$/\1:\2:0x\3/p' |
		sed 's/:0x$/:0x0/'
}

received_all() {
	[ "$(received | wc -l)" -ge "$1" ]
}

# card_queues QUEUES: what the card put into each queue of VF 0 and VF 1, as "POOL:QUEUE PACKETS"
card_queues() {
	jq -r --argjson queues "$1" '.rx_queues[] | select(.pool < 2 and .packets > 0) |
		"\(.pool):\(.id % $queues) \(.packets)"' "$tmp/show" | sort
}

# explain_random QUEUES RSS N [SEED]: explain says of N random frames what testpmd and the card say. A
# random flow's hash tells its frames from others, so that sorted lists of hash and queue compare each.
explain_random() {
	local queues=$1 frames=$3 dropped

	tenants "$queues" "$2"
	pf_mac=02:5f:82:59:90:01 # every card's; asked below
	"$BUILD/tests/functional/rss_frames" "$frames" "${4:-11}" "$tmp/in.pcap" "$pf_mac"
	card_vfplane "a${4-}" --vfs 2 --wire "pcap:$tmp/in.pcap"
	vp "a${4-}" start
	# the wire waits for VF 0, but VF 1 comes up behind it
	"$SOFT82599" ctl --name "$card" pool freeze vf0 on
	tenant_testpmd "$queues"
	explained "$tmp/in.pcap" | sort >"$tmp/want"
	echo start >&"${TP_IN[b]}"
	"$SOFT82599" ctl --name "$card" pool freeze vf0 off
	wait_for $((30 + frames / 1000)) wire_sent "$frames"
	wait_for 30 received_all "$(wc -l <"$tmp/want")" || true
	received | sort >"$tmp/got"
	show
	[ "$(jq -r '.pools[] | select(.owner == "pf") | .macs[0]' "$tmp/show")" = "$pf_mac" ]
	wc -l "$tmp/want" "$tmp/got"
	diff "$tmp/want" "$tmp/got" | head -n 10
	cmp "$tmp/want" "$tmp/got"
	cut -d: -f1,2 "$tmp/want" | uniq -c | awk '{ print $2, $1 }' | diff - <(card_queues "$queues")
	# what goes nowhere, by reason
	jq -c .wire.dropped "$tmp/show"
	dropped=$(grep -c '^dropped: vlan' "$tmp/lines")
	[ "$(jq .wire.dropped.vlan_filter "$tmp/show")" = "$dropped" ]
	dropped=$(grep -cE '^dropped: (mac|multicast)' "$tmp/lines")
	[ "$(jq .wire.dropped.l2_filter "$tmp/show")" = "$dropped" ]
	# and what is the PF's, whether its ring had room or not
	[ "$(jq '.pools[] | select(.owner == "pf") | .rx_packets + ([.drops[]] | add // 0)' "$tmp/show")" = \
		"$(tr ' ' '\n' <"$tmp/lines" | grep -c '^2:0:')" ]
	[ "$(cut -d: -f2 "$tmp/got" | sort -u | wc -l)" = "$queues" ]
}

@test "20,000 random frames, 32 pools x 4: explain is what testpmd and the card saw" {
	explain_random 4 "key = $key  reta = weighted:1:2:3:2" 20000
}

@test "10,000 random frames, 64 pools x 2, some fields off: explain is what testpmd and the card saw" {
	explain_random 2 "key = symmetric  fields = {ipv4, udp4, tcp6}" 10000
}

# bats test_tags=long
@test "1,600,000 random frames, ten settings: a million times explain is what testpmd and the card saw" {
	local seed queues rss seen=0

	while read -r seed queues rss; do
		echo "$seed: 160,000 frames, $queues queues, $rss"
		explain_random "$queues" "$rss" 160000 "$seed"
		seen=$((seen + $(wc -l <"$tmp/got")))
		tp_quit b
		vp_quit "a$seed"
		rm -r "$tmp/testpmd-b" # a lot of testpmd's words
	done <<-END
		1 4 key = default
		2 2 key = default
		3 4 key = symmetric
		4 2 key = symmetric  reta = "list:0,1,1"
		5 4 key = $key  reta = weighted:1:2:3:2
		6 2 key = $key  reta = weighted:3:1
		7 4 key = $key  fields = {ipv4, ipv6}
		8 2 key = symmetric  fields = {ipv4, udp4, tcp6}
		9 4 key = $key  fields = {tcp4, udp6}  reta = "list:3,2,1,0"
		10 2 key = $key  fields = {ipv6, udp4, udp6}
	END
	echo "of 1,600,000 frames testpmd received $seen copies, each as explained"
	[ "$seen" -ge 1000000 ]
}

@test "testpmd's words change table and key; the card agrees, PF restarts included" {
	cat >"$conf" <<-END
		pf 0 { pci = 0000:03:00.1  queues_per_pool = 4 }
		vf 0 { vlans = {100} }
		vf 1 { }
		rss pf0 { reta = weighted:1:1:1:1 }
		forward a { from = vf0  mode = sink }
	END
	card_vfplane a --vfs 2
	vp a "port config 0 rss reta (0,3),(5,2)" >"$tmp/o"
	grep -q "holds for pf0 and 2 VFs: vf0, vf1 (polled here)" "$tmp/o"
	grep -q "read back: table and key as set" "$tmp/o"
	vp a "show port 0 rss reta 128 (0x21,0x0)" >"$tmp/o"
	grep -q "hash index=0, queue=3" "$tmp/o"
	grep -q "hash index=5, queue=2" "$tmp/o"
	vp a "port config 0 rss-hash-key ipv4 $key" >"$tmp/o"
	grep -q "restart of the PF and its VFs" "$tmp/o"
	show
	[ "$(jq -r '[.. | .layout? // empty] | first' "$tmp/show")" = "32x4 RSS" ]
	# the table outlived the restart, the key is the new one
	vp a "show port 0 rss reta 128 (0x21,0x0)" | grep -q "hash index=5, queue=2"
	vp a "show port 0 rss-hash key" | grep -qi "$key"
	# predicted, explained, and offline with the same key and table: all say the same
	flow="tcp 10.0.0.3:40000 10.0.0.4:443"
	vp a "rss predict vf 0 $flow" >"$tmp/o"
	hash=$(sed -n 's/^  hash   \(0x[0-9a-f]*\).*/\1/p' "$tmp/o")
	queue=$(sed -n 's/^  queue  \([0-9]\).*/\1/p' "$tmp/o")
	vp a "explain packet wire to vf0 vlan 100 $flow" >"$tmp/o"
	grep -q "^vf0 *0 *$hash .* $queue *1 *a: sink" "$tmp/o"
	vp a "explain packet vf 1 to 02:09:c0:00:00:99 $flow" | grep -q "^wire .*leaves"
	vp a "explain packet wire to vf1 vlan 555 $flow" | grep -q "dropped .*vlan not registered"
	# shellcheck disable=SC2086 # words
	"$VFCTL" explain --config "$conf" --key "$key" --json to 02:09:c0:00:00:00 $flow >"$tmp/o"
	[ "$(jq -r '.copies[0].hash' "$tmp/o")" = "$hash" ]
	vp a "rss find port vf 0 $flow queue 3" >"$tmp/o"
	port=$(sed -n 's/^source ports that come to queue 3: \([0-9]*\).*/\1/p' "$tmp/o")
	vp a "rss predict vf 0 tcp 10.0.0.3:$port 10.0.0.4:443" | grep -q "queue  3 of 4"
	vp a "rss set pf0 fields ipv4,tcp4" | grep -q "fields"
	vp a "show port vf0 rss-hash" | grep -q "  ipv4 tcp4"
	vp a "show rss vf0" | grep -q "off: udp4 ipv6 tcp6 udp6"
	vp_quit a
}

@test "refused, with the reason: bad keys, queues that do not exist, VFs of others" {
	tenants 2 ""
	card_vfplane a --vfs 2
	vp a "rss set pf0 key 6d5a" | grep -q "4 characters"
	vp a "rss set pf0 reta list:0,2" | grep -q "names queue 2, but there are only 2"
	vp a "port config 0 rss reta (0,2)" | grep -q "there is no queue 2"
	vp a "port config 0 rss reta (200,0)" | grep -q "0 to 127"
	vp a "rss set pf0 fields ipv4,sctp" | grep -q "allowed: ipv4, tcp4"
	vp a "rss set pf0 reta even" >"$tmp/o"
	grep -q "touch vf0, vf1, which are not polled here" "$tmp/o"
	vp a "port config 0 rss reta (0,1)" | grep -q "say shared-ok"
	vp a "rss set pf0 key symmetric" | grep -q "say shared-ok"
	# nothing changed
	vp a "show port 0 rss reta 128 (0x3,0x0)" >"$tmp/o"
	grep -q "hash index=0, queue=0" "$tmp/o"
	vp a "port config 0 rss reta (0,1) shared-ok" | grep -q "polled by others"
	vp a "show port 0 rss reta 128 (0x3,0x0)" | grep -q "hash index=0, queue=1"
	vp_quit a
	# a configuration that touches a VF it does not name, since nobody here polls it
	printf 'pf 0 { pci = 0000:03:00.1 }\nvf 0 { owner = tenant }\nrss pf0 { key = random }\n' >"$conf"
	run -2 "$VFPLANE" -l 0-1 --no-huge -- --config "$conf" --check
	[[ "$output" == *"c.conf:3: rss pf0: "*"vf 0 belongs to a tenant (line 2)"* ]]
}

@test "why not: each reason is named" {
	printf 'pf 0 { pci = 0000:03:00.1 queues_per_pool = 4 }\nrss pf0 { fields = {none} }\n' >"$conf"
	card_vfplane b --vfs 2
	vp b "show rss" | grep -q "vf0 .*no .*no-field"
	vp b "rss set pf0 fields all"
	vp b "rss set pf0 reta list:2"
	vp b "show rss vf0" | grep -q "all 128 entries of the table lead to one of its 4 queues"
	vp b "rss set pf0 reta list:0,1,2"
	vp b "show rss vf1" | grep -q "1 of its 4 queues are in no entry"
	vp b "rss set pf0 reta weighted:3:1:2:2"
	vp b "show rss vf1" | grep -q "a queue has 16 to 48 of the table's 128 entries"
	vp b "rss set pf0 fields ipv4,udp4"
	vp b "show rss" | grep -q "vf0 .*yes .*field-off"
	vp b "rss set pf0 fields all"
	vp b "rss set pf0 reta even"
	vp b "show rss" | grep -q "vf0 .*yes .*-"
	vp b "show rss pf0" | grep -q "pool beside its VFs uses one queue"
	vp_quit b
}

@test "why not: pools without RSS, where there is nothing to change either" {
	cp "$TOP/config/pools.conf" "$conf"
	card_vfplane a --vfs 0
	vp a "show rss" | grep -q "^pf0 *1 *no .*pool-mode"
	vp a "show rss pf0" >"$tmp/o"
	cat "$tmp/o"
	grep -q "^does not spread: 64 pools without RSS: a pool's packets all go to" "$tmp/o"
	grep -q "RSS in pools needs VFs" "$tmp/o"
	[ "$(grep -cE '^(does not spread|note):' "$tmp/o")" -eq 1 ]
	vp a "rss set pf0 reta list:1" | grep -q "run without RSS: there is nothing to change"
	vp a "rss set pf0 key symmetric" | grep -q "run without RSS: there is nothing to change"
	vp a "rss balance pf0 on" | grep -q "there is no table to balance"
	vp a "explain packet wire to pf0 tcp 1.2.3.4:1 1.2.3.5:2" | grep -q "are not explained"
	vp_quit a
}

@test "why not: fewer queues or one, by the port's section" {
	cat >"$conf" <<-END
		pf 0 { pci = 0000:03:00.1  queues_per_pool = 4 }
		vf 0 { }
		vf 1 { }
		port vf0 { queues = 2 }
		port vf1 { queues = 1 }
	END
	card_vfplane a --vfs 2
	vp a "show rss" >"$tmp/o"
	grep -q "^vf0 *2 *yes .*fewer-queues" "$tmp/o"
	grep -q "^vf1 *1 *no .*one-queue" "$tmp/o"
	vp a "show rss vf1" | grep -q "does not spread: one RX queue is configured"
	vp_quit a
}

@test "why not: a PF that is not up grants a VF one queue; up, it grants more" {
	tp_open pf "$SOFT82599" run --vfs 1 --name "$card" -- dpdk-testpmd -l 0-1 --no-huge -m 256 \
		--no-telemetry --file-prefix "$card" -a 0000:03:00.1 -- -i --total-num-mbufs=8192 \
		--rxq=4 --txq=4 --disable-device-start
	vf_vfplane() {
		vp_open "$1" "$SOFT82599" exec --name "$card" -- "$VFPLANE" -l 0-1 --no-huge -m 256 \
			--no-telemetry --file-prefix "$card-$1" -a 03:10.1 -- -i
	}
	vf_vfplane early
	vp early "show rss" | grep -q "^vf0 *1 *no .*one-queue"
	vp early "show rss vf0" >"$tmp/o"
	grep -q "does not spread: one RX queue was granted" "$tmp/o"
	grep -q "bring the PF up first" "$tmp/o"
	vp_quit early
	tp pf "port start 0"
	vf_vfplane late # as it was advised
	vp late "show rss" | grep -q "^vf0 *4 *yes .*foreign-pf"
	vp_quit late
}

# sampled FILE "RSS-SECTION" FRAMES: FILE's so many come in on vf0, of 4 queues, and are looked at; what
# show rss says of it is in $tmp/o, and of all ports in $tmp/all.
sampled() {
	local frames=$3

	printf 'pf 0 { pci = 0000:03:00.1 queues_per_pool = 4 }\nvf 0 { vlans = {100} }\n%s\n' "$2" >"$conf"
	card_vfplane a --vfs 1 --wire "pcap:$1"
	vp a "rss sample vf0 on" | grep -q "looking at what arrives"
	vp a start
	seen() { vp a "show rss vf0" >"$tmp/o"; [ "$(field packets)" -ge "$frames" ]; }
	wait_for 20 seen || { cat "$tmp/o"; return 1; }
	cat "$tmp/o"
	vp a "show rss" >"$tmp/all"
	vp_quit a
}

@test "why not, by what arrives: too few flows" {
	# one frame, 50 times
	"$BUILD/tests/functional/rss_frames" 1 5 "$tmp/one.pcap" 1
	{
		head -c 24 "$tmp/one.pcap"
		for _ in $(seq 50); do tail -c +25 "$tmp/one.pcap"; done
	} >"$tmp/in.pcap"
	sampled "$tmp/in.pcap" "" 50
	grep -q "^note: what was seen hits 1 of the table's entries: too few flows to spread" "$tmp/o"
	grep -q "^vf0 *4 *yes .*50 .*4.0 *few-flows" "$tmp/all"
}

@test "why not, by what arrives: many flows, and a table that is flat" {
	"$BUILD/tests/functional/rss_frames" 200 5 "$tmp/in.pcap" 1
	sampled "$tmp/in.pcap" "rss pf0 { reta = list:2 }" 200
	[ "$(grep -cE '^ [02] .* [1-9][0-9]* +[0-9.]+%$' "$tmp/o")" -eq 2 ] # ARP in queue 0
	grep -qE "packets are hashed and hit [0-9]+ entries of the table, yet all" "$tmp/o"
	grep -q "^vf0 *4 *no .*table-one-queue" "$tmp/all"
}

@test "why not, by what arrives: not IP, fragments, a foreign PF with one queue" {
	"$BUILD/tests/functional/rss_frames" 600 5 "$tmp/in.pcap" 1
	echo 'pf 0 { pci = 0000:03:00.1 queues_per_pool = 4 }' >"$conf"
	card_vfplane a --vfs 1 --wire "pcap:$tmp/in.pcap"
	vp a "rss sample vf0 on" | grep -q "looking at what arrives"
	vp a start
	wait_for 20 wire_sent 600
	seen() { vp a "show rss vf0" >"$tmp/o"; [ "$(field packets)" -ge 600 ]; }
	wait_for 10 seen
	cat "$tmp/o"
	grep -q "of 600 packets seen are not IP" "$tmp/o"
	grep -q "of 600 packets seen are fragments" "$tmp/o"
	vp_quit a
	# the PF is testpmd's, which with one queue of its own leaves RSS off for everybody
	tp_open pf "$SOFT82599" run --vfs 1 --name "$card-f" --wire "pcap:$tmp/in.pcap" -- dpdk-testpmd \
		-l 0-1 --no-huge -m 256 --no-telemetry --file-prefix "$card-f" -a 0000:03:00.1 -- -i \
		--total-num-mbufs=8192
	tp pf "set vf mac addr 0 0 02:09:c0:00:00:00"
	vp_open v "$SOFT82599" exec --name "$card-f" -- "$VFPLANE" -l 0-1 --no-huge -m 256 \
		--no-telemetry --file-prefix "$card-v" -a 03:10.1 -- -i
	vp v "rss sample vf0 on"
	vp v start
	seen() { vp v "show rss vf0" >"$tmp/o"; [ "$(field packets)" -ge 100 ]; }
	wait_for 10 seen
	cat "$tmp/o"
	grep -q "does not spread: .* packets seen are IP and came" "$tmp/o"
	grep -q "those of a PF that is not ours" "$tmp/o"
	vp v "rss predict vf 0 tcp 1.2.3.4:1 1.2.3.5:2" | grep -q "a PF that is not ours"
	vp v "rss set vf0 reta even" | grep -q "and its PF is"
	vp_quit v
}

wire_sent() {
	show && [ "$(jq .wire.sent "$tmp/show")" -ge "$1" ]
}

@test "why not, before there is a card: a PF with one queue, a VF that is granted one" {
	"$BUILD/tests/functional/rss_frames" 200 5 "$tmp/in.pcap" 1
	printf 'pf 0 { pci = 0000:03:00.1 queues_per_pool = 4 }\nvf 0 { }\n' >"$conf"
	"$VFCTL" predict --config "$conf" --pf-rxq 1 --json "$tmp/in.pcap" >"$tmp/o"
	[ "$(jq -r '.pools[0].why[] | select(.stops).name' "$tmp/o" | head -n 1)" = pf-one-queue ]
	[ "$(jq -c '[.pools[0].queues[].packets]' "$tmp/o")" = "[200,0,0,0]" ]
	"$VFCTL" predict --config "$conf" --granted 1 --json "$tmp/in.pcap" >"$tmp/o"
	[ "$(jq -r '.pools[0].why[] | select(.stops).name' "$tmp/o")" = one-queue ]
	[ "$(jq -c '[.pools[0].queues[].packets]' "$tmp/o")" = "[200,0,0,0]" ]
}

# field NAME: a line of the last show rss, as a number
field() {
	sed -n "s/^$1  *\([0-9.]*\).*/\1/p" "$tmp/o" | head -n 1
}

# wire_run NAME "RSS-SECTION" ROUNDS LCORES: a Zipf mix through vfplane, until the wire has sent it
# ROUNDS times; leaves the prompt open
wire_run() {
	"$MIXGEN" --flows 2000 --packets 8000 --seed 3 "$tmp/mix.pcap"
	{
		sed 's/queues_per_pool = 2 /queues_per_pool = 4 /' "$TOP/config/ping-pong.conf"
		echo "$2"
	} >"$conf"
	vp_open "$1" "$SOFT82599" run --name "$card" --wire "verify:$tmp/mix.pcap" --rounds "$3" \
		--verify-json "$tmp/v" -- "$VFPLANE" --lcores "$4" --no-huge -m 512 \
		--no-telemetry --file-prefix "$card" -- -i --config "$conf" --json "$tmp/report"
	vp "$1" start
}

wire_done() {
	show && [ "$(jq .wire.rounds "$tmp/show")" -ge "$1" ]
}

@test "a software table, moved by hand and by its balancer: nothing lost, nothing reordered" {
	wire_run a 'rss vf0 { table = 1024  reta = weighted:7:1  balance = yes }' 12 '0@0,1@0,2@1'
	for entry in 0 17 99; do
		for lcore in 1 2 1; do
			vp a "rss move vf0 $entry lcore $lcore"
		done
	done
	wait_for 60 wire_done 12
	# the table's word, where it was moved to by hand
	flow="tcp 10.0.0.3:40000 10.0.0.4:443"
	vp a "rss balance vf0 off"
	entry=$(vp a "rss predict vf 0 $flow" |
		sed -n 's/^  software table: entry \([0-9]*\) of 1024.*/\1/p')
	for lcore in 1 2; do
		vp a "rss move vf0 $entry lcore $lcore"
		vp a "explain packet wire to vf0 $flow" |
			grep -q "vf0: software table: entry $entry of 1024, lcore $lcore works on it"
	done
	vp a "show rss vf0" | tee "$tmp/o"
	[ "$(field 'handed over')" != 0 ]
	[ "$(field moves)" -gt 9 ]
	[ "$(field 'handoff full')" = 0 ]
	vp_quit a
	jq -c '[.passed, .sent, .lost, .reordered, .in_flight]' "$tmp/v"
	[ "$(jq -c '[.passed, .lost, .reordered, .in_flight]' "$tmp/v")" = "[true,0,0,0]" ]
	[ "$(jq .totals.unaccounted "$tmp/report")" = 0 ]
	[ "$(jq '[.ports[1].queues[].tx_packets] | add' "$tmp/report")" = 0 ]
}

balancer_saw() {
	vp a "show rss pf0" >"$tmp/o" && [ "$(field samples)" -ge "$1" ]
}

# The busiest queue is as near to the mean as whole entries allow, within 5 %.
evened_out() {
	vp a "show rss pf0" >"$tmp/o"
	awk -v a="$(field "max to mean")" -v p="$(field possible)" \
		'BEGIN { exit !(a != "" && p > 0 && a <= p * 1.05) }'
}

@test "the card's table balanced: evener than before, dry runs change nothing, reordering is counted" {
	wire_run a 'rss pf0 { reta = weighted:4:2:1:1 }' 0 '0@0,1@1'
	vp a "rss balance pf0 dry"
	wait_for 30 wire_done 3
	wait_for 30 balancer_saw 2
	vp a "show rss pf0" | tee "$tmp/o"
	before=$(field "max to mean")
	vp a "show port 0 rss reta 128 (0xff,0x0)" >"$tmp/dry"
	[ "$(grep -c 'queue=0' "$tmp/dry")" = 4 ] # of eight, as weighted
	vp a "rss balance pf0 on"
	wait_for 60 evened_out
	echo "busiest queue to mean: $before before, $(field "max to mean") after, $(field possible) possible"
	[ "$(field moves)" -gt 0 ]
	awk -v b="$before" -v a="$(field "max to mean")" 'BEGIN { exit !(a < b) }'
	vp_quit a || true # a flow that changes its queue may overtake itself: verify says how often
	jq -c '[.sent, .lost, .reordered]' "$tmp/v"
	[ "$(jq .lost "$tmp/v")" = 0 ]
}

# measured VFS QUEUES: frames for all VFs after a restart of the PF with another key and table: each
# of the queues got exactly what was predicted. No ring of 256 is asked to hold more than it can, so
# that none is dropped however busy the machine is.
measured() {
	local vfs=$1 queues=$2 frames=$((250 * $1)) sleeper

	echo "pf 0 { pci = 0000:03:00.1  queues_per_pool = $queues }" >"$conf" # all VFs are polled
	"$BUILD/tests/functional/rss_frames" "$frames" "$vfs" "$tmp/in.pcap" "$vfs"
	"$SOFT82599" run --name "$card" --vfs "$vfs" --wire "pcap:$tmp/in.pcap" -- sleep 120 3>&- &
	sleeper=$!
	wait_for 10 show
	"$SOFT82599" ctl --name "$card" pool freeze vf0 on
	vp_open "m$vfs-$queues" "$SOFT82599" exec --name "$card" -- "$VFPLANE" -l 0-1 --no-huge \
		-m 1024 --no-telemetry --file-prefix "$card" -- -i --config "$conf" --json "$tmp/report"
	# the table first: the restart for the key makes the card forget it
	vp "m$vfs-$queues" "rss set pf0 reta weighted:3:1" | grep -q "table and key as set"
	vp "m$vfs-$queues" "rss set pf0 key $key" | tee "$tmp/o"
	grep -q "restart" "$tmp/o"
	vp "m$vfs-$queues" start
	"$SOFT82599" ctl --name "$card" pool freeze vf0 off
	wait_for 30 wire_sent "$frames"
	vp_quit "m$vfs-$queues"
	kill "$sleeper"
	wait "$sleeper" || true
	run "$VFCTL" predict --config "$conf" --vfs "$vfs" --key "$key" --reta weighted:3:1 --json \
		--measured "$tmp/report" "$tmp/in.pcap"
	jq -c '.pools[] | select(.queues | map(.difference) | any(. != 0))' <<<"$output"
	[ "$status" -eq 0 ]
	[ "$(jq .as_measured <<<"$output")" = true ]
	[ "$(jq '[.pools[].packets] | add' <<<"$output")" = "$frames" ]
	[ "$(jq '[.pools[].queues[] | select(.measured > 0)] | length' <<<"$output")" = $((2 * vfs)) ]
	[ "$(jq .totals.unaccounted "$tmp/report")" = 0 ]
}

@test "2 and 31 VFs x 4 queues: after a PF restart each queue gets what was predicted" {
	measured 2 4
	measured 31 4
}

# bats test_tags=long
@test "2 to 31 VFs in both layouts: each queue gets what was predicted" {
	for vfs in 2 3 5 8 13 15 17 21 26 31; do
		for queues in 2 4; do
			echo "$vfs VFs x $queues"
			measured "$vfs" "$queues"
		done
	done
}

@test "a comparison that does not hold says so" {
	"$BUILD/tests/functional/rss_frames" 1000 1 "$tmp/in.pcap" 2
	printf 'pf 0 { pci = 0000:03:00.1  queues_per_pool = 2 }\nvf 1 { }\n' >"$conf"
	"$VFCTL" predict --config "$conf" --json "$tmp/in.pcap" |
		jq '{ports: [.pools[] | {name, queues: [.queues[] | {id, rx_packets: .packets}]}]}' >"$tmp/report"
	run -0 "$VFCTL" predict --config "$conf" --measured "$tmp/report" "$tmp/in.pcap"
	jq '.ports[0].queues[1].rx_packets -= 1' "$tmp/report" >"$tmp/wrong"
	run -1 "$VFCTL" predict --config "$conf" --measured "$tmp/wrong" --json "$tmp/in.pcap"
	[ "$(jq -c '[.as_measured, .pools[0].queues[1].difference]' <<<"$output")" = "[false,-1]" ]
	run -2 "$VFCTL" predict --config "$conf" --measured "$tmp/in.pcap" "$tmp/in.pcap"
}
