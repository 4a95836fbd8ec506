# SPDX-License-Identifier: BSD-3-Clause
# bind_vfio.sh on soft82599's sysfs, with each of its writes failing, hanging, or being its last.
# timeout: 600

setup() {
	load helpers
	need_built "$SOFT82599"
}

# Writes that bind_case.sh makes by hand before the script comes.
ahead() {
	case $1 in
	bind) echo 2 ;;
	pf | restore-pf) echo 3 ;;
	*) echo 0 ;;
	esac
}

# every WHAT SCENARIO...: WHAT at write 1, 2, ... of each, until one was not met.
every() {
	local what=$1 scenario k rc options

	shift
	for scenario; do
		for ((k = 1; k < 40; k++)); do
			options=(--sysfs-fault "$((k + $(ahead "$scenario")))$what")
			case $what in before | after) options=() ;; esac
			rc=0
			"$SOFT82599" run --name "$(unique_name)" "${options[@]}" -- \
				"$TOP/tests/functional/bind_case.sh" "$scenario" \
				"$([[ $what == :* || $what == +* ]] || echo "$what $k")" || rc=$?
			[ "$rc" -ne 7 ] || break
			[ "$rc" -eq 0 ] || { echo "$scenario, $what at write $k: $rc" && return 1; }
		done
		# It must have met at least the writes that the verb makes.
		echo "$scenario: $((k - 1)) writes"
		[ "$k" -gt 3 ] && [ "$k" -lt 40 ]
	done
}

@test "EBUSY at any write of bind, unbind and pf --kernel-pf: all is put back" {
	every :EBUSY bind unbind kernel-pf
}

@test "EBUSY at any write of restore: a true list, and restore again" {
	every :EBUSY restore-kernel-pf
}

@test "a write that hangs: exit 4, a true list, and restore when it is over" {
	every :hang bind pf
}

@test "kill -9 after any write, then restore" {
	every after bind pf restore-pf
}

@test "a kernel that refuses everything from some write on: a true list" {
	FAULT_STAYS=1 every +:EBUSY bind unbind pf
}

# bats test_tags=long
@test "all the other errors, and kill -9 before any write" {
	every :EBUSY pf fewer restore-pf
	every :EINVAL bind unbind pf fewer kernel-pf restore-pf restore-kernel-pf
	every :ENODEV bind unbind pf fewer kernel-pf restore-pf restore-kernel-pf
	every :hang unbind fewer kernel-pf restore-pf restore-kernel-pf
	every before bind unbind pf fewer kernel-pf restore-pf restore-kernel-pf
	every after unbind kernel-pf fewer restore-kernel-pf
	FAULT_STAYS=1 every +:EBUSY fewer kernel-pf
}
