# SPDX-License-Identifier: BSD-3-Clause
# shellcheck shell=bash
# shellcheck disable=SC2154,SC2034 # names of the other parts of bind_vfio.sh
# A transaction: steps that are planned, journaled, done one by one, verified, and undone.
#
# A step is "KIND DEVICE VALUE", "-" for no value. It says what shall be, not what to do: where it
# already is so, nothing is written.
#   override DEV DRIVER    driver_override
#   free DEV DRIVER        on no other driver than this one
#   bind DEV DRIVER        on this driver
#   probe DEV -            on whatever kernel driver wants it
#   vfs PF N               so many VFs
#   autoprobe PF 0|1       new VFs get a driver
#   enable_sriov - Y|N     vfio-pci's parameter: its PFs may have VFs
#   mac PF N=MAC           VF N's address

box=$run/vfplane/bind # lock, journal
write_limit=${BIND_TIMEOUT:-10}
steps=()
stop_requested=
hanging= # a write that does not return, and
blocked= # the devices of which some files cannot be read until then
declare -A known # driver_override of the devices where this run wrote it, or was about to

# ---- one step ----

# The file of a step, and what to write into it: sets file and text.
step_write() {
	local dev=$2 value=${3#-}

	text=$dev
	case $1 in
	override) file=$pci/devices/$dev/driver_override text=$value ;;
	free) file=$pci/drivers/$(driver_of "$dev")/unbind ;;
	bind) file=$pci/drivers/$value/bind ;;
	probe) file=$pci/drivers_probe ;;
	vfs) file=$pci/devices/$dev/sriov_numvfs text=$value ;;
	autoprobe) file=$pci/devices/$dev/sriov_drivers_autoprobe text=$value ;;
	enable_sriov) file=$enable_sriov text=$value ;;
	esac
}

vf_mac() {
	ip link show dev "$1" 2>/dev/null | sed -n "s/^ *vf $2 .*\(ether\|MAC\) \([0-9a-f:]*\).*/\2/p"
}

pf_interface() {
	interfaces_of "$1" | head -n 1 | sed 's,.*/,,'
}

# Is it as the step wants it?
step_holds() {
	local dev=$2 value=${3#-} now

	case $1 in
	override) [ "$(override_of "$dev")" = "$value" ] ;;
	free)
		now=$(driver_of "$dev")
		[ -z "$now" ] || [ "$now" = "$value" ]
		;;
	bind) [ "$(driver_of "$dev")" = "$value" ] ;;
	probe)
		now=$(driver_of "$dev")
		[ -n "$now" ] && [ "$now" != vfio-pci ]
		;;
	vfs) [ "$(vfs_of "$dev")" = "$value" ] ;;
	autoprobe) [ "$(line_of "$pci/devices/$dev/sriov_drivers_autoprobe")" = "$value" ] ;;
	enable_sriov) [ "$(line_of "$enable_sriov")" = "$value" ] ;;
	mac) [ "$(vf_mac "$(pf_interface "$dev")" "${value%%=*}")" = "${value#*=}" ] ;;
	esac
}

# As a person would type it.
step_text() {
	local file text

	if [ "$1" = mac ]; then
		echo "ip link set dev $(pf_interface "$2") vf ${3%%=*} mac ${3#*=}"
		return
	fi
	step_write "$@"
	echo "echo ${text:-''} > $file"
}

# put FILE TEXT: one write, in a child that may hang without us. 0; 1: put_error; 2: hangs, put_pid.
put() {
	local sleeper ended='' rc

	LC_ALL=C tee "$1" <<<"$2" >/dev/null 2>"$box/error" 9>&- &
	put_pid=$!
	sleep "$write_limit" >/dev/null 2>&1 9>&- &
	sleeper=$!
	# A signal to us ends the wait, not the write.
	while [ -z "$ended" ]; do
		rc=0
		wait -n -p ended "$put_pid" "$sleeper" || rc=$?
	done
	[ "$ended" != "$sleeper" ] || return 2
	kill -KILL "$sleeper" 2>/dev/null || true # while rolling back, TERM is ignored
	wait "$sleeper" 2>/dev/null || true
	put_error=$(tail -n 1 "$box/error")
	put_error=${put_error##*: }
	[ "$rc" -eq 0 ]
}

# What a kernel's short answer means here.
explain() {
	case $1:$2 in
	vfs:"No such file"*) echo "the PF's driver makes no VFs; vfio-pci does with enable_sriov=Y" ;;
	vfs:*busy*) echo "VFs are there, or in use" ;;
	vfs:*range*) echo "more VFs than the device has" ;;
	bind:*busy*) echo "it has a driver already, or is a PF that has VFs" ;;
	bind:"Invalid argument"*) echo "vfio-pci refuses a device that no IOMMU confines" ;;
	bind:"No such device"*) echo "the driver does not want it" ;;
	*) echo "the kernel's log may say why: dmesg | tail" ;;
	esac
}

# users_of DEV...: "; in use by ..." if anybody has one of them.
users_of() {
	local dev users

	users=$(for dev; do holders_of "$dev"; done | paste -sd' ')
	# shellcheck disable=SC2086
	[ -z "${users// /}" ] || echo "; in use by $(name_pids $users)"
}

# Does a write of an earlier run still wait in the kernel? Sets hanging.
still_waiting() {
	local pid

	[ -e "$box/waiting" ] || return 1
	read -r pid blocked <"$box/waiting"
	# A zombie waits for its parent only.
	[[ $(line_of "$proc/$pid/stat") == *" (tee) "[!ZX]* ]] || { blocked='' && return 1; }
	# shellcheck disable=SC2086
	hanging="the kernel has not answered an earlier run's write (process $pid)$(users_of $blocked)"
}

# do_step STEP: 0; 1 failed; 2 hangs. failure says what and why.
do_step() {
	local file text rc=0 concerned

	# shellcheck disable=SC2086
	set -- $1
	! step_holds "$@" || return 0
	failure=$(step_text "$@")
	# Later the VF that the kernel waits for is no longer among its PF's.
	concerned="$2 $(vfs_list "$2")"
	[ "$1" != override ] || known[$2]=$(override_of "$2")
	if [ "$1" = mac ]; then
		put_error=$(ip link set dev "$(pf_interface "$2")" vf "${3%%=*}" mac "${3#*=}" 2>&1) || rc=1
	else
		step_write "$@"
		put "$file" "$text" || rc=$?
	fi
	if [ "$rc" -eq 2 ]; then
		hanging=$failure
		blocked=$concerned
		failure+=": has not returned after $write_limit s (process $put_pid waits in the kernel)"
		# shellcheck disable=SC2086
		failure+=$(users_of $concerned)
		echo "$put_pid $concerned" >"$box/waiting"
		return 2
	fi
	if [ "$rc" -ne 0 ]; then
		failure+=": ${put_error:-failed}: $(explain "$1" "$put_error")"
		return 1
	fi
	[ "$1" != override ] || known[$2]=${3#-}
	# That no driver wants the device is no error: nobody may be there for it.
	if ! step_holds "$@" && { [ "$1" != probe ] || [ "$(driver_of "$2")" = vfio-pci ]; }; then
		failure+=": the kernel took it and nothing changed: $(explain "$1" "")"
		return 1
	fi
}

# ---- planning ----

plan_add() {
	steps+=("$*")
}

# plan_vfio DEV [NEW]: NEW says that the device will be made anew before.
plan_vfio() {
	[ -n "${2-}" ] || [ "$(driver_of "$1")" != vfio-pci ] || return 0
	plan_add override "$1" vfio-pci
	plan_add free "$1" vfio-pci
	plan_add bind "$1" vfio-pci
}

# plan_driver DEV DRIVER OVERRIDE: the override brings it there even where autoprobe is off.
plan_driver() {
	local dev=$1 driver=${2#-} override=${3#-}

	if [ -n "$driver" ] && [ "$(driver_of "$dev")" != "$driver" ]; then
		plan_add override "$dev" "$driver"
		plan_add free "$dev" "$driver"
		plan_add bind "$dev" "$driver"
	fi
	plan_add override "$dev" "${override:--}"
	[ -n "$driver" ] || plan_add free "$dev" none
}

# Away from vfio-pci: to the driver that the journal knows, else to the one that wants it.
plan_unbind() {
	local dev=$1 record driver=

	record=$(recorded device "$dev")
	[ -z "$record" ] || read -r _ _ driver _ <<<"$record"
	if [ -z "${driver#-}" ] || [ "$driver" = vfio-pci ] || [ ! -d "$pci/drivers/$driver" ]; then
		driver=$(kernel_driver_of "$dev")
	fi
	if [ -n "$driver" ]; then
		plan_driver "$dev" "$driver" -
	else
		plan_add override "$dev" -
		[ "$(driver_of "$dev")" != vfio-pci ] || plan_add free "$dev" none
		plan_add probe "$dev" -
	fi
}

# The kernel wants the number of VFs to pass through 0.
plan_no_vfs() {
	[ "$(vfs_of "$1")" -gt 0 ] || return 0
	[ "$(driver_of "$1")" != vfio-pci ] || plan_add enable_sriov - Y
	plan_add vfs "$1" 0
}

# plan_pf PF N KERNEL: the whole sequence, in the order that the kernel wants.
plan_pf() {
	local pf=$1 n=$2 kernel=$3 driver now i vf auto changes=

	driver=$(driver_of "$pf")
	now=$(vfs_of "$pf")
	if [ -n "$kernel" ]; then
		[ -n "$driver" ] && [ "$driver" != vfio-pci ] || changes=1
	elif [ "$driver" != vfio-pci ]; then
		changes=1
	fi
	[ "$now" -eq "$n" ] || changes=${changes:-2}
	if [ -n "$changes" ]; then
		plan_no_vfs "$pf"
		if [ -z "$kernel" ]; then plan_vfio "$pf"; elif [ "$changes" = 1 ]; then plan_unbind "$pf"; fi
		if [ "$n" -gt 0 ]; then
			[ -n "$kernel" ] || plan_add enable_sriov - Y
			plan_add autoprobe "$pf" 0
			plan_add vfs "$pf" "$n"
		else
			# Nobody shall wonder why VFs that come later find no driver.
			auto=$(recorded sriov "$pf" | awk '{ print $4 }')
			plan_add autoprobe "$pf" "${auto:-1}"
		fi
	fi
	for ((i = 0; i < n; i++)); do
		vf=$(vf_address "$pf" "$i")
		# The address must be there before a driver asks for it.
		[ -z "$kernel" ] || [ -z "$(pf_interface "$pf")" ] ||
			plan_add mac "$pf" "$i=$(stable_mac "$pf" "$i")"
		plan_vfio "$vf" "$changes"
	done
}

# stable_mac PF N: locally administered, the same at each creation.
stable_mac() {
	printf '02:09:c0:%s:%02x:%02x\n' "${1:5:2}" $((16#${1:8:2} << 3 | ${1:11:1})) "$2"
}

# plan_return: from the state now to that of the journal.
# shellcheck disable=SC2094 # nothing writes to the records here
plan_return() {
	local records=$1 kind dev driver override pf n auto

	while read -r kind dev n auto; do
		if [ "$kind" = sriov ] && [ -e "$pci/devices/$dev" ]; then
			driver=$(awk -v d="$dev" '$1 == "device" && $2 == d { print $3 }' "$records")
			if [ "$(vfs_of "$dev")" != "$n" ] ||
				[ "$(driver_of "$dev")" != "${driver#-}" ]; then
				plan_no_vfs "$dev"
			fi
		fi
	done <"$records"
	while read -r kind dev driver override pf; do
		if [ "$kind" = device ] && [ "$pf" = - ] && [ -e "$pci/devices/$dev" ]; then
			plan_driver "$dev" "$driver" "$override"
		fi
	done <"$records"
	while read -r kind dev n auto; do
		if [ "$kind" != sriov ] || [ ! -e "$pci/devices/$dev" ]; then
			continue
		fi
		plan_add autoprobe "$dev" "$auto"
		[ "$n" -eq 0 ] || ! grep -qx "device $dev vfio-pci .*" "$records" ||
			[ "$(vfs_of "$dev")" = "$n" ] || plan_add enable_sriov - Y
		plan_add vfs "$dev" "$n"
	done <"$records"
	while read -r kind dev driver override pf; do
		if [ "$kind" = device ] && [ "$pf" != - ] && should_exist "$records" "$dev" "$pf"; then
			plan_driver "$dev" "$driver" "$override"
		fi
	done <"$records"
	while read -r kind dev n; do
		[ "$kind" != enable_sriov ] || plan_add enable_sriov - "$n"
	done <"$records"
}

# should_exist RECORDS VF PF: with as many VFs as the journal says?
should_exist() {
	local n i

	n=$(awk -v d="$3" '$1 == "sriov" && $2 == d { print $3 }' "$1")
	[ -n "$n" ] || n=$(vfs_of "$3")
	for ((i = 0; i < n; i++)); do
		[ "$(vf_address "$3" "$i")" != "$2" ] || return 0
	done
	return 1
}

# The steps that would write something now.
pending() {
	local step

	for step in "${steps[@]}"; do
		# shellcheck disable=SC2086
		step_holds $step || echo "$step"
	done
}

# ---- journal ----
# origin: the state before this program's first write since boot, for restore.
# current: the state before the running transaction; it stays only if that one was cut short.

recorded() {
	[ ! -e "$box/origin" ] || awk -v k="$1" -v d="$2" '$1 == k && $2 == d' "$box/origin"
}

record_device() {
	local driver override pf

	[ -e "$pci/devices/$1" ] || return 0
	driver=$(driver_of "$1")
	override=$(override_of "$1")
	pf=$(pf_of "$1")
	echo "device $1 ${driver:--} ${override:--} ${pf:--}"
}

record_pf() {
	[ -e "$pci/devices/$1/sriov_numvfs" ] || return 0
	echo "sriov $1 $(vfs_of "$1") $(line_of "$pci/devices/$1/sriov_drivers_autoprobe")"
}

# The state now of everything that the steps touch.
record_now() {
	local step kind dev vf

	for step in "${steps[@]}"; do
		read -r kind dev _ <<<"$step"
		case $kind in
		override | free | bind | probe)
			record_device "$dev"
			record_pf "$dev"
			;;
		vfs | autoprobe)
			record_device "$dev"
			record_pf "$dev"
			for vf in $(vfs_list "$dev"); do record_device "$vf"; done
			;;
		enable_sriov) echo "enable_sriov - $(line_of "$enable_sriov")" ;;
		esac
	done | awk '!seen[$1, $2]++'
}

# keep FILE: from stdin, whole or not at all, and on its way to the disk before anything else.
keep() {
	cat >"$box/new"
	sync "$box/new"
	mv "$box/new" "$box/$1"
	sync "$box"
}

journal_open() {
	local now

	now=$(record_now)
	{ cat "$box/origin" 2>/dev/null || true; echo "$now"; } | awk '!seen[$1, $2]++' | keep origin
	keep current <<<"$now"
}

# Whatever one reads or writes of those devices would only queue up behind it.
refuse_waiting() {
	! still_waiting || refuse still-waiting "" "$hanging" \
		"end who uses it (fuser -v /dev/vfio/*); then: bind_vfio.sh restore"
	stop_if_refused
}

# One at a time; the descriptor's lock ends with the process, however that ends.
lock() {
	{ mkdir -p "$box" && chmod 0700 "$box"; } 2>/dev/null || fail_early "cannot write $box"
	exec 9>>"$box/lock"
	if ! flock -n 9; then
		refuse locked "" "$(name_pids "$(line_of "$box/lock")") is at work" \
			"wait until it has ended, then type this again"
		stop_if_refused
	fi
	echo $$ >"$box/lock"
	refuse_waiting
	rm -f "$box/waiting"
	if [ -e "$box/current" ] && [ "$1" != restore ]; then
		refuse interrupted "" "an earlier run was cut short and left things half done" \
			"bind_vfio.sh restore"
		stop_if_refused
	fi
}

# differences RECORDS: what is not as the journal says, a line each.
# shellcheck disable=SC2094 # nothing writes to the records here
differences() {
	local kind dev a b pf now

	while read -r kind dev a b pf; do
		case $kind in
		device)
			if [ ! -e "$pci/devices/$dev" ]; then
				if [ "$pf" = - ] || should_exist "$1" "$dev" "$pf"; then
					echo "$dev: is gone"
				fi
				continue
			fi
			[ "$pf" = - ] || should_exist "$1" "$dev" "$pf" || continue
			now=$(driver_of "$dev")
			[ "${now:--}" = "$a" ] || echo "$dev: on ${now:-no driver}, was on ${a/#-/no driver}"
			now=$(override_of "$dev")
			[ "$now" = "?" ] || [ "${now:--}" = "$b" ] || echo "$dev: driver_override is ${now:-empty}, was ${b/#-/empty}"
			;;
		sriov)
			now=$(vfs_of "$dev")
			[ "$now" = "$a" ] || echo "$dev: has $now VFs, had $a"
			now=$(line_of "$pci/devices/$dev/sriov_drivers_autoprobe")
			[ "$now" = "$b" ] || echo "$dev: sriov_drivers_autoprobe is $now, was $b"
			;;
		enable_sriov)
			now=$(line_of "$enable_sriov")
			[ "$now" = "$a" ] || echo "vfio_pci: enable_sriov is $now, was $a"
			;;
		esac
	done <"$1"
}

# ---- doing ----

run_steps() {
	local step rc

	for step in "${steps[@]}"; do
		if [ -n "$stop_requested" ]; then
			failure="stopped by a signal"
			return 1
		fi
		rc=0
		do_step "$step" || rc=$?
		[ "$rc" -eq 0 ] || return "$rc"
	done
}

# incomplete RECORDS: says truly what is left; exit 4. A write that hangs may still come true.
incomplete() {
	echo "bind_vfio.sh: not put back:" >&2
	[ -z "$hanging" ] || echo "    under way: $hanging" >&2
	differences "$1" | sed 's/^/    /' >&2
	echo "    when the cause is gone: bind_vfio.sh restore" >&2
	exit 4
}

roll_back() {
	local step

	trap '' INT TERM HUP
	steps=()
	plan_return "$box/current"
	# A step that fails does not keep the others from being undone; a hanging one does.
	for step in "${steps[@]}"; do
		local rc=0
		do_step "$step" || rc=$?
		[ "$rc" -eq 0 ] || echo "bind_vfio.sh: while putting back: $failure" >&2
		[ "$rc" -ne 2 ] || break
	done
	[ -z "$hanging$(differences "$box/current")" ] || incomplete "$box/current"
	rm "$box/current"
	echo "bind_vfio.sh: all put back as it was" >&2
	exit 3
}

# transact: the planned steps, all or none.
transact() {
	local rc=0

	journal_open
	trap 'stop_requested=1' INT TERM HUP
	run_steps || rc=$?
	trap - INT TERM HUP
	if [ "$rc" -eq 2 ]; then
		echo "bind_vfio.sh: $failure" >&2
		echo "bind_vfio.sh: further writes would queue up behind it: nothing was rolled back" >&2
		incomplete "$box/current"
	elif [ "$rc" -ne 0 ]; then
		echo "bind_vfio.sh: failed: $failure" >&2
		roll_back
	fi
	rm "$box/current"
}
