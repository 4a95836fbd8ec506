# SPDX-License-Identifier: BSD-3-Clause
# What DPDK's PMD gets wrong with VFs, on the model as on silicon: what a policy has to stand in
# front of can be rehearsed here. Unmodified testpmd's own commands, `show` as the witness.
# timeout: 120

setup() {
	load helpers
	load testpmd
	need_built "$SOFT82599"
	card=$(unique_name)
	tmp=$BATS_TEST_TMPDIR
	# ports 0, 1, 2: the PF and two VFs
	tp_open a "$SOFT82599" run --name "$card" --vfs 2 -- dpdk-testpmd -l 0-1 --no-huge \
		-m 256 --no-telemetry --file-prefix "$card" -a 0000:03:00.1 -a 0000:03:10.1 \
		-a 0000:03:10.3 -- -i --total-num-mbufs=16384
}

teardown() {
	tp_kill_all
}

# show FILTER
show() {
	"$SOFT82599" show --name "$card" --json | jq -c "$1"
}

say() {
	tp a "$1" >"$tmp/said"
}

# A VF starts by a reset, as it does when its owner asks for one.
restart() {
	say "port stop $1"
	say "port start $1"
}

rar() {
	show ".filters.rar[] | select(.index == $1) | [.mac, .pools]"
}

@test "an address of a VF's own lands in a slot of the port's, whoever's that is" {
	victim=$(show '.pools[1].macs[0]')
	# each VF counts from 1 for itself: the second one takes the first one's slot
	say "mac_addr add 1 02:00:00:00:00:01"
	[ "$(rar 1)" = '["02:00:00:00:00:01",[0]]' ]
	say "mac_addr add 2 02:00:00:00:00:02"
	[ "$(rar 1)" = '["02:00:00:00:00:02",[0,1]]' ]
	# and nothing stops it before RAR 126, which holds VF 1's own address
	[ "$(rar 126)" = "[$victim,[1]]" ]
	for n in $(seq 2 126); do
		printf 'mac_addr add 1 02:00:00:00:01:%02x\n' "$n"
	done | tp_all a >"$tmp/said"
	show '.filters.rar[-3:]'
	[ "$(rar 126)" = '["02:00:00:00:01:7e",[0,1]]' ]
	[ "$(show "[.pools[].macs[]] | index($victim)")" = null ]
}

@test "VLANs: one VF takes all slots; what was in none is removed for everybody" {
	[ "$(show .filters.vlans_passed)" = 4096 ]
	say "vlan set filter on 1"
	say "vlan set filter on 2"
	say "rx_vlan rm 300 1"
	[ "$(show .filters.vlans_passed)" = 4095 ]
	for n in $(seq 1 64); do
		echo "rx_vlan add $n 1"
	done | tp_all a >"$tmp/said"
	[ "$(show '.pools[0].vlans | length')" = 63 ]
	say "rx_vlan add 500 2"
	[ "$(show '.pools[1].vlans')" = '[]' ]
}

@test "the reset of a VF takes the PF's guards away" {
	say "set vf vlan insert 0 0 100"
	say "set port 0 vf 0 rxmode AUPE off"
	[ "$(show '.pools[0] | [.vlan_insert, (.accepts | index("AUPE"))]')" = '[100,null]' ]
	restart 1
	[ "$(show '.pools[0] | [.vlan_insert, (.accepts | index("AUPE") != null)]')" = '[null,true]' ]
	# what it had asked for itself is lost as well, although it asks again and is told yes
	say "set allmulti 1 on"
	[ "$(show '.pools[0].accepts | index("MPE") != null')" = true ]
	restart 1
	tp a "show port info 1" | grep -q 'Allmulticast mode: enabled'
	[ "$(show '.pools[0].accepts | index("MPE")')" = null ]
}

@test "the PF's list of multicast addresses takes the place of its VFs'" {
	say "mcast_addr add 1 01:00:5e:00:00:01"
	[ "$(show '.filters.multicast_hashes')" = 1 ]
	say "mcast_addr add 2 01:00:5e:00:00:02"
	[ "$(show '.filters.multicast_hashes')" = 2 ]
	say "mcast_addr add 0 01:00:5e:00:00:03"
	[ "$(show '.filters.multicast_hashes')" = 1 ]
}

@test "drop-enable: none for the PF's ring, which holds up everybody, and the wrong queue's for a VF" {
	drop_en() { show '[.rx_queues[] | [.id, .drop_en]]'; }
	# each VF's, by its reset
	[ "$(drop_en)" = '[[0,true],[8,true],[16,false]]' ]
	say "set portlist 1"
	say "set eth-peer 1 ff:ff:ff:ff:ff:ff"
	say "set fwd txonly"
	say start
	stalled() { [ "$(show '.rx_fifo.stalls > 0 and .rx_fifo.packets > 0')" = true ]; }
	wait_for 20 stalled
	say stop
	say "set all queues drop 0 off"
	[ "$(drop_en)" = '[[0,false],[8,false],[16,false]]' ]
	# for VF 1 this writes the register of queue 1, which is VF 0's
	say "set vf split drop 0 1 on"
	[ "$(drop_en)" = '[[0,false],[8,false],[16,false]]' ]
	say "set all queues drop 0 on"
	[ "$(drop_en)" = '[[0,true],[8,true],[16,true]]' ]
}
