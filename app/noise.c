/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdlib.h>

#include <rte_cycles.h>
#include <rte_lcore.h>

#include <meas_noise.h>

#include "noise.h"

/* The workers of the plan that poll something. */
static struct meas_noise *
look(struct app *app)
{
	const struct dp_plan *plan = app->dp ? dp_current_plan(app->dp) : NULL;
	struct meas_core cores[MEAS_MAX_CORES];
	uint16_t n = 0;

	for (uint16_t i = 0; plan && i < plan->n_lcores && n < MEAS_MAX_CORES; i++) {
		const uint32_t id = plan->lcores[i].id;

		if (plan->lcores[i].n == 0)
			continue;
		cores[n++] =
			(struct meas_core){id, rte_lcore_to_cpu_id(id), meas_worker_tid("", id)};
	}
	return meas_noise_take("", cores, n);
}

void
noise_begin(struct app *app)
{
	noise_free(app);
	app->noise_from = look(app);
	app->noise_began = rte_get_timer_cycles();
}

int
noise_put(const struct view *v, struct vfp_out *o, const char *all)
{
	struct app *app = v->app;
	struct meas_noise *now = app->noise_from ? look(app) : NULL;

	(void)all;
	if (now)
		meas_noise_put(app->noise_from, now,
			(double)(rte_get_timer_cycles() - app->noise_began) / rte_get_timer_hz(),
			o);
	else
		vfp_out_note(o, "nothing is known before forwarding began");
	meas_noise_free(now);
	return 0;
}

void
noise_free(struct app *app)
{
	meas_noise_free(app->noise_from);
	app->noise_from = NULL;
}
