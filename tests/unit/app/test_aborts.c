/* SPDX-License-Identifier: BSD-3-Clause */
/* Which marks in a VF's status word are news, and whose VF is shut for them. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>
#include <linux/pci_regs.h>

#include "aborts.h"
#include "pci.h"

#define MARK PCI_STATUS_REC_MASTER_ABORT

static struct app app;
static struct port own;
/* What sysfs says of VF 0 and VF 1; what was told of them. */
static uint16_t status[2];
static int readable, writable; /* 0 or -errno */
static unsigned int told[2], shut[2], writes;

int
pci_status(const char *bdf, uint16_t *word)
{
	*word = status[bdf[0] - '0'];
	return readable;
}

int
pci_status_clear(const char *bdf, uint16_t bits)
{
	writes++;
	if (writable == 0)
		status[bdf[0] - '0'] &= ~bits;
	return writable;
}

int
sriov_pf_dma_abort(struct sriov_pf *pf, uint16_t vf, bool shuts)
{
	(void)pf;
	told[vf]++;
	shut[vf] += shuts;
	return 0;
}

/* VF 0 is polled here, VF 1 a tenant's. */
struct port *
app_port(struct app *a, const char *name)
{
	(void)a;
	return strcmp(name, "vf0") == 0 ? &own : NULL;
}

static int
setup(void **state)
{
	(void)state;
	memset(&app, 0, sizeof(app));
	app.n_pfs = 1;
	app.pf[0].pf = (struct sriov_pf *)&own; /* nobody looks into it */
	app.pf[0].n_vfs = 2;
	strcpy(app.pf[0].vf_bdf[0], "0");
	strcpy(app.pf[0].vf_bdf[1], "1");
	memset(told, 0, sizeof(told));
	memset(shut, 0, sizeof(shut));
	status[0] = status[1] = PCI_STATUS_CAP_LIST;
	readable = writable = 0;
	writes = 0;
	return 0;
}

static void
each_abort_is_told_once_and_shuts_a_tenant(void **state)
{
	(void)state;
	aborts_look(&app);
	assert_int_equal(writes, 0);
	for (unsigned int i = 1; i <= 3; i++) {
		status[0] |= MARK;
		status[1] |= MARK;
		aborts_look(&app);
		aborts_look(&app);
		assert_int_equal(told[0], i);
		assert_int_equal(told[1], i);
		assert_int_equal(shut[0], 0);
		assert_int_equal(shut[1], i);
		assert_int_equal(status[1], PCI_STATUS_CAP_LIST);
	}
	assert_int_equal(writes, 6);
}

static void
what_happened_before_us_is_only_cleared(void **state)
{
	(void)state;
	status[1] |= MARK;
	aborts_look(&app);
	assert_int_equal(told[1], 0);
	assert_int_equal(status[1], PCI_STATUS_CAP_LIST);
	status[1] |= MARK;
	aborts_look(&app);
	assert_int_equal(told[1], 1);
}

static void
a_mark_that_cannot_be_cleared_is_one_abort(void **state)
{
	(void)state;
	aborts_look(&app);
	writable = -EPERM;
	status[1] |= MARK;
	for (unsigned int i = 0; i < 5; i++)
		aborts_look(&app);
	assert_int_equal(told[1], 1);
	/* a reset of the function clears it, whoever may write */
	status[1] &= ~MARK;
	aborts_look(&app);
	status[1] |= MARK;
	aborts_look(&app);
	assert_int_equal(told[1], 2);
}

static void
a_device_that_answers_no_more_is_unknown_and_no_abort(void **state)
{
	(void)state;
	aborts_look(&app);
	assert_true(atomic_load(&app.pf[0].mark[1].known));
	readable = -ENODEV;
	status[1] = UINT16_MAX;
	aborts_look(&app);
	assert_false(atomic_load(&app.pf[0].mark[1].known));
	assert_int_equal(told[1], 0);
	/* back again: what stands there is not news */
	readable = 0;
	status[1] = PCI_STATUS_CAP_LIST | MARK;
	aborts_look(&app);
	assert_int_equal(told[1], 0);
	assert_true(atomic_load(&app.pf[0].mark[1].known));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(each_abort_is_told_once_and_shuts_a_tenant, setup),
		cmocka_unit_test_setup(what_happened_before_us_is_only_cleared, setup),
		cmocka_unit_test_setup(a_mark_that_cannot_be_cleared_is_one_abort, setup),
		cmocka_unit_test_setup(a_device_that_answers_no_more_is_unknown_and_no_abort, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
