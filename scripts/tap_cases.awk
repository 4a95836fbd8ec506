# SPDX-License-Identifier: BSD-3-Clause
# TAP in, one line a case out: STATUS<TAB>TITLE<TAB>REASON. -v rc=N is the program's exit status.
# Cases that the plan promised and that did not run are failed; so is a bad status without one.
# cmocka 1.1.5 writes a skipped case as "not ok N # SKIP": the directive counts.

function put(status, title, reason) {
	printf "%s\t%s\t%s\n", status, title, reason
}

/^1\.\.[0-9]+/ {
	plan = substr($1, 4) + 0
}

/^(not )?ok( |$)/ {
	line = $0
	seen++
	bad = sub(/^not /, "", line)
	sub(/^ok *[0-9]* *(- *)?/, "", line)
	if ((at = match(tolower(line), /# *skip/)) > 0) {
		reason = substr(line, at + RLENGTH)
		title = substr(line, 1, at - 1)
		gsub(/^ +| +$/, "", reason)
		gsub(/^ +| +$/, "", title)
		put("skipped", title == "" ? "case " seen : title, reason)
	} else {
		put(bad ? "failed" : "passed", line == "" ? "case " seen : line, "")
		failed += bad
	}
}

END {
	if (rc == 77 && seen == 0)
		put("skipped", "all", "exit status 77")
	else if (seen < plan)
		put("failed", plan - seen " of " plan " cases did not run (exit status " rc ")", "")
	else if (rc != 0 && !failed)
		put("failed", "exit status " rc, "")
	else if (seen == 0)
		put("failed", "no case ran", "")
}
