/* SPDX-License-Identifier: MIT */
/*
 * measure.c - what clients felt of a reload.
 *
 * Gist: while a reload is under way, or an old generation on its way out, the queues of all held
 * sockets are looked at every few milliseconds. A connection cannot have waited longer than from when
 * the queues were last seen empty until they are again, so that span is what is told: an upper bound,
 * never too little. How long those have waited that are there at the first look is not known.
 */
#include "run/measure.h"

#include "base/parse.h"
#include "run/state.h"

#define SAMPLE_EVERY_USEC (10 * USEC_PER_MSEC)

/* Take in one look at the queues. Pure but for *m. */
void
measure_sample(Measure *m, uint64_t now_usec, unsigned queue, uint64_t new_overflows)
{
        m->overflows += new_overflows;
        if (queue > m->deepest_queue)
                m->deepest_queue = queue;
        if (m->looked_usec == 0) {
                m->looked_usec = m->begin_usec;
                m->waiting_before = queue;
        }
        if (queue > 0 && m->waiting_since_usec == 0)
                m->waiting_since_usec = m->looked_usec;
        if (m->waiting_since_usec && now_usec - m->waiting_since_usec > m->longest_wait_usec)
                m->longest_wait_usec = now_usec - m->waiting_since_usec;
        if (queue == 0)
                m->waiting_since_usec = 0;
        m->looked_usec = now_usec;
}

/* Overflows of all held sockets since the last look. */
static uint64_t
new_overflows(Supervisor *s)
{
        uint64_t sum = 0;

        for (size_t i = 0; i < s->held.n_items; i++)
                sum += held_new_overflows(s->held.items[i]);
        return sum;
}

static bool
look(Supervisor *s)
{
        uint64_t now = now_usec();
        unsigned queue = traps_n_waiting(s);
        uint64_t overflows = new_overflows(s);
        bool goes_on = s->rollout.state != ROLLOUT_IDLE;

        if (goes_on)
                measure_sample(&s->rollout.measure, now, queue, overflows);
        for (size_t i = 0; i < s->n_generations; i++)
                if (s->generations[i]->state == GENERATION_RETIRING) {
                        measure_sample(&s->generations[i]->measure, now, queue, overflows);
                        goes_on = true;
                }
        return goes_on && !s->stopping;
}

static int
on_sample(sd_event_source *source, uint64_t usec, void *userdata)
{
        Supervisor *s = userdata;

        (void)usec;
        if (!look(s)) {
                s->measure_timer = sd_event_source_disable_unref(s->measure_timer);
                return 0;
        }
        (void)sd_event_source_set_time_relative(source, SAMPLE_EVERY_USEC);
        return sd_event_source_set_enabled(source, SD_EVENT_ONESHOT);
}

/* Look at the queues from now on, for as long as there is a reason to. */
void
measure_wake(Supervisor *s)
{
        (void)new_overflows(s);
        if (!s->measure_timer)
                (void)sd_event_add_time_relative(s->event, &s->measure_timer, CLOCK_MONOTONIC, 0, 1,
                                                 on_sample, s);
}
