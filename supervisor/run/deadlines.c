/* SPDX-License-Identifier: MIT */
/*
 * deadlines.c - what is due for a worker: a start while it is idle, a limit otherwise.
 *
 * Gist: each worker has one deadline at most, and all of them share one timer, which is set to the
 * first. Where there are many workers, a timer of each would be the greater part of their memory.
 */
#include <string.h>

#include "base/log.h"
#include "base/parse.h"
#include "run/state.h"

#define ACCURACY_USEC USEC_PER_MSEC

static int on_deadline(sd_event_source *source, uint64_t usec, void *userdata);

/* Let the timer wake us at this time, if it would not do so before. */
static void
arm(Supervisor *s, uint64_t when_usec)
{
        int r;

        if (s->deadline_timer && s->next_deadline_usec <= when_usec)
                return;
        s->deadline_timer = sd_event_source_disable_unref(s->deadline_timer);
        s->next_deadline_usec = when_usec;
        r = sd_event_add_time(s->event, &s->deadline_timer, CLOCK_MONOTONIC, when_usec,
                              ACCURACY_USEC, on_deadline, s);
        if (r < 0)
                log_error("cannot set a timer: %s", strerrordesc_np(-r));
}

/* A worker whose deadline is over, or NULL; any, since what one does may remove others. */
static Worker *
find_due(const Supervisor *s, uint64_t now)
{
        for (size_t i = 0; i < s->n_workers; i++)
                if (s->workers[i]->deadline_usec && s->workers[i]->deadline_usec <= now)
                        return s->workers[i];
        return NULL;
}

static int
on_deadline(sd_event_source *source, uint64_t usec, void *userdata)
{
        Supervisor *s = userdata;
        uint64_t now = now_usec();
        Worker *w;

        (void)source;
        (void)usec;
        s->deadline_timer = sd_event_source_disable_unref(s->deadline_timer);
        while ((w = find_due(s, now))) {
                w->deadline_usec = 0;
                worker_on_deadline(w);
        }
        for (size_t i = 0; i < s->n_workers; i++)
                if (s->workers[i]->deadline_usec)
                        arm(s, s->workers[i]->deadline_usec);
        supervisor_check_done(s);
        return 0;
}

/* Nothing is due any more. */
void
worker_clear_deadline(Worker *w)
{
        w->deadline_usec = 0;
}

/* So long from now something is due, in place of what was due before. */
void
worker_set_deadline(Worker *w, uint64_t delay_usec)
{
        w->deadline_usec = now_usec() + delay_usec;
        arm(w->supervisor, w->deadline_usec);
}
