/* SPDX-License-Identifier: MIT */
/*
 * rollout.c - reload: the workers are renewed one by one, the sockets stay.
 *
 * Gist: a worker is stopped, its place started anew, and only when that serves is the next one's
 * turn. One that ends before it serves stops the reload: the others stay as they are. A request
 * that comes meanwhile is remembered, and the whole done once more; if the new worker is still on
 * its way up, and so may never arrive, at once.
 */
#include <string.h>

#include "base/parse.h"
#include "run/state.h"

/* A worker that is not known to listen is taken for ready after this. */
#define ALIVE_IS_READY_USEC USEC_PER_SEC

static void
finish(Supervisor *s)
{
        bool again = s->rollout.again;

        rollout_stop(s);
        log_event(&(LogEvent){.level = LOG_INFO, .event = "reloaded", .generation = s->generation},
                  "reloaded: %zu worker%s of generation %u", s->n_workers,
                  s->n_workers == 1 ? "" : "s", s->generation);
        if (again)
                rollout_start(s);
}

static void next(Supervisor *s);

/* It has lived long enough. */
static int
on_alive(sd_event_source *source, uint64_t usec, void *userdata)
{
        Supervisor *s = userdata;
        Worker *w = s->workers[s->rollout.index - 1];

        (void)source;
        (void)usec;
        s->rollout.timer = sd_event_source_disable_unref(s->rollout.timer);
        if (w->state == LIFE_STARTING && !s->workers_listen)
                worker_event(w, LIFE_EVENT_SERVING);
        else if (!s->workers_listen) /* it is still on its way down */
                (void)sd_event_add_time_relative(s->event, &s->rollout.timer, CLOCK_MONOTONIC,
                                                 ALIVE_IS_READY_USEC, 0, on_alive, s);
        return 0;
}

/* The next worker's turn. */
static void
next(Supervisor *s)
{
        Worker *w;

        while (s->rollout.index < s->n_workers && s->workers[s->rollout.index]->retire)
                s->rollout.index++;
        if (s->rollout.index >= s->n_workers) {
                finish(s);
                return;
        }
        w = s->workers[s->rollout.index++];
        w->renew = true;
        s->rollout.timer = sd_event_source_disable_unref(s->rollout.timer);
        if (!s->workers_listen)
                (void)sd_event_add_time_relative(s->event, &s->rollout.timer, CLOCK_MONOTONIC,
                                                 ALIVE_IS_READY_USEC, 0, on_alive, s);
        worker_event(w, LIFE_EVENT_STOP);
}

/* Whether the reload waits for a new worker to serve. */
static bool
waits_for_start(const Supervisor *s)
{
        const Worker *w = s->workers[s->rollout.index - 1];

        return w->state == LIFE_STARTING && w->generation == s->generation;
}

/* Renew all workers, one by one. */
void
rollout_start(Supervisor *s)
{
        if (s->stopping)
                return;
        if (s->rollout.active && !waits_for_start(s)) {
                s->rollout.again = true;
                log_info("a reload is under way; there will be another one after it");
                return;
        }
        rollout_stop(s);
        s->rollout.active = true;
        s->generation++;
        log_event(&(LogEvent){.level = LOG_INFO, .event = "reload", .generation = s->generation},
                  "reloading: %zu worker%s, one by one", s->n_workers,
                  s->n_workers == 1 ? "" : "s");
        next(s);
}

/* A worker serves; if the reload waited for it, the next one's turn has come. */
void
rollout_worker_ready(const Worker *w)
{
        Supervisor *s = w->supervisor;

        if (s->rollout.active && w->index == s->rollout.index && w->generation == s->generation)
                next(s);
}

/* A worker ended before it served; if it was the reload's, the others are left as they are. */
void
rollout_worker_failed(const Worker *w)
{
        Supervisor *s = w->supervisor;

        if (!s->rollout.active || w->index != s->rollout.index || w->generation != s->generation)
                return;
        log_event(&(LogEvent){.level = LOG_ERR,
                              .event = "reload-failed",
                              .worker = w->index,
                              .generation = w->generation},
                  "reload stopped: the new worker %u ended before it was ready; %zu of %zu were not "
                  "reloaded",
                  w->index, s->n_workers - s->rollout.index, s->n_workers);
        rollout_stop(s);
}

/* A worker that was to be the last in its place is gone; the reload need not wait for it. */
void
rollout_worker_retired(const Worker *w)
{
        Supervisor *s = w->supervisor;

        if (s->rollout.active && w->index == s->rollout.index)
                next(s);
}

/* Forget the reload. Workers that were renewed stay so. */
void
rollout_stop(Supervisor *s)
{
        s->rollout.timer = sd_event_source_disable_unref(s->rollout.timer);
        s->rollout = (Rollout){0};
}
