# SPDX-License-Identifier: BSD-3-Clause
# shellcheck shell=bash
# shellcheck disable=SC2154 # names of the other parts of bind_vfio.sh
# What others get: the status, the VF token, the lines for QEMU and libvirt, the boot unit.

# ---- status ----

# Network devices, and whatever else is on vfio-pci.
status_devices() {
	local path

	for path in "$pci/devices"/*; do
		[ -e "$path/class" ] || continue
		if [[ $(line_of "$path/class") == 0x02* || $(driver_of "${path##*/}") == vfio-pci ]]; then
			echo "${path##*/}"
		fi
	done
}

# The number of a VF, as its PF counts.
vf_number() {
	local link

	for link in "$pci/devices/$(pf_of "$1")"/virtfn*; do
		[ "$(end_of "$link")" != "$1" ] || echo "${link##*/virtfn}"
	done
}

# A VF of a PF on vfio-pci opens only for who knows the PF's token.
needs_token() {
	local pf

	pf=$(pf_of "$1")
	[ -n "$pf" ] && [ "$(driver_of "$pf")" = vfio-pci ]
}

# Facts about a device, for both formats: sets id driver group names members vfs total pf number.
look_at() {
	local dev=$1 path

	id=$(line_of "$pci/devices/$dev/vendor") total=$(line_of "$pci/devices/$dev/device")
	id=${id#0x}:${total#0x}
	driver=$(driver_of "$dev")
	group=$(group_of "$dev")
	names=
	for path in $(interfaces_of "$dev"); do
		names+="${names:+,}${path##*/}"
		if is_up "$path"; then names+="(up)"; else names+="(down)"; fi
	done
	members=$(for path in "$sys/kernel/iommu_groups/${group:-none}/devices"/*; do
		[ ! -L "$path" ] || echo "${path##*/}"
	done | paste -sd' ')
	vfs=$(vfs_of "$dev")
	total=$(line_of "$pci/devices/$dev/sriov_totalvfs")
	pf=$(pf_of "$dev")
	number=
	[ -z "$pf" ] || number=$(vf_number "$dev")
}

status_line() {
	local dev=$1 id driver group names members vfs total pf number note=''

	look_at "$dev"
	[ -z "$total" ] || [ "$total" = 0 ] || note+="$vfs of $total VFs; "
	[ -z "$pf" ] || note+="VF $number of ${pf#0000:}; "
	[ -z "$(override_of "$dev")" ] || note+="override $(override_of "$dev"); "
	! needs_token "$dev" || note+="needs the token of $pf; "
	[[ $members != *" "* ]] || note+="group of $members; "
	[ "$driver" != vfio-pci ] || note+="$dev_root/vfio/vfio -> $dev_root/vfio/$group; "
	printf '%-13s %-9s %-12s %-6s %-18s %s\n' "$dev" "$id" "${driver:--}" "${group:--}" \
		"${names:--}" "${note%; }" | sed 's/ *$//'
}

# json_str TEXT: a string, or null where there is nothing.
json_str() {
	local text=${1//\\/\\\\}

	if [ -n "$1" ]; then printf '"%s"' "${text//\"/\\\"}"; else printf null; fi
}

json_list() {
	local word comma=

	printf '['
	for word; do
		printf '%s%s' "$comma" "$(json_str "$word")"
		comma=', '
	done
	printf ']'
}

status_object() {
	local dev=$1 id driver group names members vfs total pf number token=false

	look_at "$dev"
	! needs_token "$dev" || token=true
	names=${names//,/ }
	names=${names//(up)/}
	# shellcheck disable=SC2086
	printf '{"pci": "%s", "id": "%s", "driver": %s, "driver_override": %s, "interfaces": %s,
   "iommu_group": %s, "iommu_members": %s, "vfs": %s, "total_vfs": %s, "pf": %s, "vf": %s,
   "token_needed": %s, "vfio_container": %s, "vfio_group": %s}' \
		"$dev" "$id" "$(json_str "$driver")" "$(json_str "$(override_of "$dev")")" \
		"$(json_list ${names//(down)/})" "${group:-null}" "$(json_list $members)" "$vfs" \
		"${total:-null}" "$(json_str "$pf")" "${number:-null}" "$token" \
		"$([ "$driver" = vfio-pci ] && json_str "$dev_root/vfio/vfio" || echo null)" \
		"$([ "$driver" = vfio-pci ] && json_str "$dev_root/vfio/$group" || echo null)"
}

status() {
	local dev comma=

	if [ -n "$json" ]; then
		printf '{"schema": "vfplane.bind-status/1", "devices": ['
		for dev; do
			printf '%s\n  ' "$comma"
			status_object "$dev"
			comma=,
		done
		printf '\n]}\n'
		return
	fi
	printf '%-13s %-9s %-12s %-6s %-18s %s\n' device id driver group interface note
	for dev; do
		status_line "$dev"
	done
}

# ---- token ----

token_file() {
	echo "$run/vfplane/$1.token"
}

# Kept over restarts: whoever still holds a VF knows the old one only. Never printed.
make_token() {
	local file

	file=$(token_file "$1")
	if [ -e "$file" ]; then
		[ "$(stat -c '%a %u' "$file")" = "600 $(id -u)" ] ||
			fail_early "$file is not a file of mode 0600 of our own" bad-token "rm $file"
		return
	fi
	mkdir -p "$run/vfplane"
	(umask 077 && tr -d '\n' </proc/sys/kernel/random/uuid >"$file.new") && mv "$file.new" "$file"
}

# ---- a VM ----

# By a file that only we can read: a command line is for all to see.
qemu_args() {
	local dev=$1 pf file

	pf=$(pf_of "$dev")
	[ "$(driver_of "$dev")" = vfio-pci ] || fail_early "$dev is not on vfio-pci" not-bound "bind_vfio.sh $dev"
	if ! needs_token "$dev"; then
		echo "-device vfio-pci,host=$dev"
		return
	fi
	make_token "$pf"
	file=$run/vfplane/$dev.qemu
	(umask 077 && printf '[device "vf-%s"]\n  driver = "vfio-pci"\n  host = "%s"\n  vf-token = "%s"\n' \
		"${dev//[:.]/-}" "$dev" "$(<"$(token_file "$pf")")" >"$file")
	echo "-readconfig $file"
}

libvirt_xml() {
	local dev=$1

	! needs_token "$dev" || fail_early \
		"$dev needs the token of $(pf_of "$dev"), for which this XML has no place" token-needed \
		"bind_vfio.sh qemu-args $dev, or bind_vfio.sh pf $(pf_of "$dev") --vfs N --kernel-pf"
	cat <<-END
		<!-- managed='no': it is on vfio-pci already, and libvirt shall not give it back. -->
		<hostdev mode='subsystem' type='pci' managed='no'>
		  <driver name='vfio'/>
		  <source>
		    <address domain='0x${dev:0:4}' bus='0x${dev:5:2}' slot='0x${dev:8:2}' function='0x${dev:11:1}'/>
		  </source>
		</hostdev>
	END
}

# ---- at boot ----

unit_of() {
	echo "$etc/systemd/system/vfplane-bind-$1.service"
}

# One unit for one device; ids= of the module would take every device of the kind.
persist() {
	local unit

	unit=$(unit_of "$1")
	mkdir -p "$etc/systemd/system/multi-user.target.wants" 2>/dev/null || true
	[ -w "$etc/systemd/system/multi-user.target.wants" ] ||
		fail_early "cannot write $etc/systemd/system"
	cat >"$unit" <<-END
		# Written by bind_vfio.sh persist; bind_vfio.sh unpersist $1 removes it.
		[Unit]
		Description=Bind $1 to vfio-pci
		DefaultDependencies=no
		After=systemd-udev-settle.service local-fs.target
		Wants=systemd-udev-settle.service
		Before=network-pre.target libvirtd.service
		Wants=network-pre.target

		[Service]
		Type=oneshot
		RemainAfterExit=yes
		ExecStart=$(readlink -f "$0") ${*:2}

		[Install]
		WantedBy=multi-user.target
	END
	ln -sf "$unit" "$etc/systemd/system/multi-user.target.wants/${unit##*/}"
	[ "$etc" != /etc ] || systemctl daemon-reload 2>/dev/null || true
	echo "$1: at each boot: bind_vfio.sh ${*:2}"
}

unpersist() {
	local unit

	unit=$(unit_of "$1")
	if [ ! -e "$unit" ]; then
		echo "$1: nothing is done at boot: nothing to do"
		return
	fi
	rm -f "$unit" "$etc/systemd/system/multi-user.target.wants/${unit##*/}" ||
		fail_early "cannot remove $unit"
	[ "$etc" != /etc ] || systemctl daemon-reload 2>/dev/null || true
	echo "$1: nothing is done at boot any more"
}
