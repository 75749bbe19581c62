/* SPDX-License-Identifier: MIT */
/*
 * back.c - a reload failed: old workers that it had ended are on their way back.
 *
 * Gist: "the old generation serves on" is true when they serve, and a reload that waits for its turn would
 * end them again before that. So the failed one is over when they are ready or have failed as well, and
 * after a while in any case; until then, new ones that have taken their places serve.
 */
#include "base/parse.h"
#include "run/state.h"

#define PATIENCE_USEC (30 * USEC_PER_SEC)

static int
on_late(sd_event_source *source, uint64_t usec, void *userdata)
{
        (void)source;
        (void)usec;
        back_forget(userdata); /* rollout_tidy() looks after every round of events */
        return 0;
}

/* They are told to come back: from now on, for a while, they are waited for. */
void
back_expect(Supervisor *s)
{
        back_forget(s);
        (void)sd_event_add_time_relative(s->event, &s->rollout.back_timer, CLOCK_MONOTONIC,
                                         PATIENCE_USEC, USEC_PER_MSEC, on_late, s);
}

/* Whether some of them are on their way, and have not had their time yet. */
bool
back_is_awaited(const Supervisor *s)
{
        for (size_t i = 0; i < s->n_workers && s->rollout.back_timer; i++) {
                const Worker *w = s->workers[i];

                if (w->role == ROLE_ACTIVE && w->generation == s->current &&
                    (w->renew || w->state == LIFE_STARTING))
                        return true;
        }
        return false;
}

/* Nobody is waited for. */
void
back_forget(Supervisor *s)
{
        s->rollout.back_timer = sd_event_source_disable_unref(s->rollout.back_timer);
}
