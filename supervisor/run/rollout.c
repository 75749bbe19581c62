/* SPDX-License-Identifier: MIT */
/*
 * rollout.c - reload: from one generation to the next.
 *
 * Theory of operation: policy/rollout.c says what follows what; here it is carried out, in one of
 * three ways.
 *
 *   shared   new workers start beside the old ones and accept from the same sockets; each old one
 *            is retired as soon as the new one in its place serves.
 *   steered  the new generation has sockets of its own. When all of it serves, new connections are
 *            steered to it, and the old one is served out (drain.c). With a canary or a time to
 *            bake, that can be taken back.
 *   serial   a worker is stopped, its place started anew, and then it is the next one's turn.
 *
 * Whatever goes wrong before the commit leads back to the old generation. Requests wait for their
 * turn; equal ones that wait are one.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/parse.h"
#include "run/bake.h"
#include "run/requests.h"
#include "run/state.h"
#include "sockets/steer.h"

/* The active worker of another generation that a new one is to replace, or NULL. */
static Worker *
find_old(const Supervisor *s, unsigned index)
{
        for (size_t i = 0; i < s->n_workers; i++) {
                Worker *w = s->workers[i];

                if (w->role == ROLE_ACTIVE && w->generation != s->rollout.generation &&
                    (index == 0 || w->index == index))
                        return w;
        }
        return NULL;
}

/* Whether a new worker for this place is there already. */
static bool
has_candidate(const Supervisor *s, unsigned index)
{
        for (size_t i = 0; i < s->n_workers; i++)
                if (s->workers[i]->generation == s->rollout.generation &&
                    s->workers[i]->role == ROLE_CANDIDATE && s->workers[i]->index == index)
                        return true;
        return false;
}

/* Put one more new worker on its way: a standby, if one will do. Returns 0 or -ENOMEM. */
static int
start_candidate(Supervisor *s, unsigned index)
{
        Generation *g = s->rollout.generation;
        /* Whoever names a command wants that to be started. */
        Worker *w =
                g->is_steered || s->rollout.reload.command.n_items ? NULL : standby_take_fresh(s);

        if (w) {
                w->generation = g;
                w->index = index;
                w->role = ROLE_CANDIDATE;
                worker_event(w, LIFE_EVENT_PROMOTE);
                return 0;
        }
        w = workers_add(s, g, ROLE_CANDIDATE, index);
        if (!w)
                return -ENOMEM;
        worker_event(w, LIFE_EVENT_START);
        return 0;
}

/* Start as many new workers as may be on their way at the same time. */
static void
start_candidates(Supervisor *s)
{
        Generation *g = s->rollout.generation;
        /* NOLINTNEXTLINE(clang-analyzer-core.NullDereference): there is one while it is STARTING */
        unsigned surge = g->is_steered ? CONFIG_WORKERS_MAX : s->config->max_surge;

        for (size_t i = 0; i < s->n_workers && s->rollout.state == ROLLOUT_STARTING; i++) {
                const Worker *w = s->workers[i];

                if (w->role != ROLE_ACTIVE || w->generation == g || has_candidate(s, w->index))
                        continue;
                if (workers_count(s, g, ROLE_CANDIDATE) >= surge)
                        return;
                if (start_candidate(s, w->index) < 0)
                        rollout_fail(s, "there is no memory for one more worker");
        }
}

/* serial: the next place's turn. */
static void
renew_next(Supervisor *s)
{
        Worker *old = find_old(s, 0);

        if (!old)
                return;
        old->renew = true;
        old->renew_as = s->rollout.generation;
        drain_begin(s, old->generation);
        worker_event(old, LIFE_EVENT_STOP);
}

/* Sockets for the new generation. Returns 0 or a negative errno with a sentence. */
static int
prepare_sockets(Supervisor *s, char **ret_why)
{
        const Generation *g = s->rollout.generation;
        int r;

        if (!g->is_steered) {
                steer_share(&s->held, s->current->number);
                return 0;
        }
        r = steer_prepare(&s->held, s->current->number, g->number,
                          s->rollout.reload.canary_share > 0, s->fd_floor, ret_why);
        for (size_t i = 0; i < s->held.n_items; i++)
                if (s->held.items[i]->generation == g->number && s->held.items[i]->path)
                        paths_watch(s, s->held.items[i]);
        return r;
}

static void
begin(Supervisor *s)
{
        CLEANUP_FREE char *reason = NULL;
        Rollout *r = &s->rollout;
        Reload *reload = &r->reload;
        char *const *command;

        *reload = r->queue[0];
        memmove(&r->queue[0], &r->queue[1], --r->n_queue * sizeof(*r->queue));
        command = reload->command.n_items ? reload->command.items : s->current->command.items;
        r->measure = (Measure){.begin_usec = now_usec()};
        r->generation = generation_new(s, command);
        if (!r->generation) {
                rollout_fail(s, "there is no memory for a new generation");
                return;
        }
        r->generation->is_steered = reload->mode == RELOAD_OVERLAP &&
                                    (reload->drain == DRAIN_CONNECTIONS || bake_is_wanted(reload));
        log_event(&(LogEvent){.level = LOG_INFO,
                              .event = "reload",
                              .generation = r->generation->number},
                  "reloading: generation %u, %u worker%s%s", r->generation->number, s->n_wanted,
                  s->n_wanted == 1 ? "" : "s",
                  reload->mode == RELOAD_SERIAL ? ", old before new"
                  : r->generation->is_steered   ? ", new connections go to it when it is ready"
                                                : "");
        if (prepare_sockets(s, &reason) < 0) {
                rollout_fail(s, "%s", reason ? reason : "out of memory");
                return;
        }
        measure_wake(s);
        drain_deinit(s->current); /* what was open at an earlier reload */
        if (reload->mode == RELOAD_SERIAL)
                renew_next(s);
        else
                start_candidates(s);
}

/* The old workers' turn to go. */
static void
retire_generation(Supervisor *s, Generation *g)
{
        g->state = GENERATION_RETIRING;
        g->retire_usec = now_usec();
        g->replaced_by = s->current->number;
        g->measure = s->rollout.measure;
        g->drain = s->current->is_steered ? DRAIN_CONNECTIONS : DRAIN_SIGNAL;
        if (reload_merge_waiters(&g->waiters, &g->n_waiters, &s->rollout.reload) < 0)
                requests_refuse(&s->rollout.reload, "out of memory");
        drain_begin(s, g);
        for (size_t i = 0; i < s->n_workers; i++) {
                Worker *w = s->workers[i];

                if (w->generation != g || w->role == ROLE_RETIRING)
                        continue;
                if (g->drain == DRAIN_CONNECTIONS && w->role == ROLE_ACTIVE && w->pid) {
                        w->role = ROLE_RETIRING; /* and drain.c stops it */
                        w->renew = false;
                } else {
                        worker_retire(w);
                }
        }
}

static void
commit(Supervisor *s)
{
        Generation *old = s->current;
        Generation *g = s->rollout.generation;

        bake_stop(s);
        s->current = g;
        g->state = GENERATION_CURRENT;
        s->rollout.generation = NULL;
        for (size_t i = 0; i < s->n_workers; i++)
                if (s->workers[i]->generation == g && s->workers[i]->role == ROLE_CANDIDATE)
                        s->workers[i]->role = ROLE_ACTIVE;
        if (g->is_steered)
                steer_commit(&s->held, g->number);
        log_event(&(LogEvent){.level = LOG_INFO, .event = "committed", .generation = g->number},
                  "generation %u serves; generation %u is being retired", g->number, old->number);
        retire_generation(s, old);
        reload_deinit(&s->rollout.reload);
        given_up_look_soon(s);
}

/*
 * Nothing new goes to a generation that is taken back, but its sockets may have connections waiting:
 * those of its workers that live serve them, or, if none does, one of the old command.
 */
static void
serve_out(Supervisor *s, Generation *g)
{
        bool any = false;

        g->state = GENERATION_RETIRING;
        g->has_failed = true;
        g->retire_usec = now_usec();
        g->drain = DRAIN_CONNECTIONS;
        drain_begin(s, g);
        for (size_t i = 0; i < s->n_workers; i++) {
                Worker *w = s->workers[i];

                if (w->generation != g)
                        continue;
                if (w->state == LIFE_READY) {
                        w->role = ROLE_RETIRING; /* and drain.c stops it */
                        any = true;
                } else {
                        worker_retire(w);
                }
        }
        if (!any && drain_queue(g) > 0 && generation_set_command(g, s->current->command.items) == 0)
                (void)generation_start_one(g);
}

/* Bring the old generation back where the new one has taken a place, and end the new one. */
static void
revert(Supervisor *s)
{
        Generation *g = s->rollout.generation;
        size_t n = s->n_workers; /* those that are added here are the old generation's */

        if (!g)
                return;
        bake_stop(s);
        if (g->is_steered) {
                steer_commit(&s->held, s->current->number);
                serve_out(s, g);
                return;
        }
        back_expect(s);
        for (size_t i = 0; i < n; i++) {
                Worker *w = s->workers[i];

                if (w->renew_as == g)
                        w->renew_as = s->current;
                if (w->generation != g)
                        continue;
                if (s->rollout.reload.mode == RELOAD_SERIAL) {
                        w->renew = true;
                        w->renew_as = s->current;
                        worker_event(w, LIFE_EVENT_STOP);
                } else if (w->role == ROLE_CANDIDATE) {
                        worker_retire(w);
                } else if (w->role == ROLE_ACTIVE) {
                        Worker *back = workers_add(s, s->current, ROLE_ACTIVE, w->index);

                        if (back)
                                worker_event(back, LIFE_EVENT_START);
                        else
                                w->generation = s->current; /* better than nobody */
                }
        }
}

/* Whether any worker of the current generation serves: a serial reload may have ended the only one. */
static bool
old_serves(const Supervisor *s)
{
        for (size_t i = 0; i < s->n_workers; i++)
                if (s->workers[i]->generation == s->current && s->workers[i]->state == LIFE_READY)
                        return true;
        return false;
}

/* Tell those who asked that it did not work. */
static void
fail(Supervisor *s)
{
        Rollout *r = &s->rollout;

        log_event(&(LogEvent){.level = LOG_ERR,
                              .event = "reload-failed",
                              .generation = r->generation ? r->generation->number : 0},
                  "reload failed: %s; generation %u %s", r->reason ? r->reason : "no memory",
                  s->current->number, old_serves(s) ? "serves on" : "is started again");
        requests_refuse(&r->reload, r->reason ? r->reason : "out of memory");
        reload_deinit(&r->reload);
        free(r->reason);
        r->reason = NULL;
        r->generation = NULL;
        back_forget(s);
}

static void
abandon(Supervisor *s)
{
        bake_stop(s);
        requests_refuse(&s->rollout.reload, "sup is being stopped");
        reload_deinit(&s->rollout.reload);
        free(s->rollout.reason);
        s->rollout.reason = NULL;
        s->rollout.generation = NULL;
        back_forget(s);
}

/* Let an event happen to the rollout. May call itself for what follows at once. */
void
rollout_event(Supervisor *s, RolloutEvent event)
{
        RolloutState before = s->rollout.state;
        RolloutStep step = rollout_step(before, event);

        s->rollout.state = step.next;
        switch (step.action) {
        case ROLLOUT_ACTION_NONE:
                break;
        case ROLLOUT_ACTION_BEGIN:
                begin(s);
                break;
        case ROLLOUT_ACTION_QUEUE:
                log_info("a reload is under way; there will be another one after it");
                break;
        case ROLLOUT_ACTION_REPLACE:
                if (s->rollout.reload.mode == RELOAD_SERIAL)
                        renew_next(s);
                else
                        start_candidates(s);
                break;
        case ROLLOUT_ACTION_BAKE:
                bake_begin(s);
                break;
        case ROLLOUT_ACTION_COMMIT:
                commit(s);
                break;
        case ROLLOUT_ACTION_REVERT:
                revert(s);
                break;
        case ROLLOUT_ACTION_FAIL:
                fail(s);
                break;
        case ROLLOUT_ACTION_ABANDON:
                abandon(s);
                break;
        case ROLLOUT_ACTION_IMPOSSIBLE:
                log_error("a bug in sup: event %d came to a rollout while %s, ignoring", (int)event,
                          rollout_state_name(before));
                break;
        }
        requests_progress(s);
}

/* The new generation will not do, for this reason. Only the first reason counts. */
void
rollout_fail(Supervisor *s, const char *format, ...)
{
        va_list args;

        if (s->rollout.state != ROLLOUT_STARTING && s->rollout.state != ROLLOUT_BAKING)
                return;
        va_start(args, format);
        if (vasprintf(&s->rollout.reason, format, args) < 0)
                s->rollout.reason = NULL;
        va_end(args);
        rollout_event(s, ROLLOUT_EVENT_FAILED);
}

/* Whether all new workers are ready, in a generation that is switched to as a whole. */
static bool
all_ready(const Supervisor *s)
{
        for (size_t i = 0; i < s->n_workers; i++) {
                const Worker *w = s->workers[i];

                if (w->role == ROLE_ACTIVE && w->generation != s->rollout.generation &&
                    !has_candidate(s, w->index))
                        return false;
                if (w->role == ROLE_CANDIDATE && w->state != LIFE_READY)
                        return false;
        }
        return true;
}

/* A worker of the generation that is coming serves. */
static void
candidate_ready(Worker *w)
{
        Supervisor *s = w->supervisor;
        const Reload *reload = &s->rollout.reload;
        Worker *old;

        if (s->rollout.generation->is_steered) {
                if (all_ready(s))
                        rollout_event(s, bake_is_wanted(reload) ? ROLLOUT_EVENT_READY_BAKE
                                                                : ROLLOUT_EVENT_READY_ALL);
                return;
        }
        old = reload->mode == RELOAD_SERIAL ? NULL : find_old(s, w->index);
        w->role = ROLE_ACTIVE;
        if (old) {
                old->role = ROLE_RETIRING;
                drain_begin(s, old->generation);
                worker_retire(old);
        }
        rollout_event(s, find_old(s, 0) ? ROLLOUT_EVENT_READY_SOME : ROLLOUT_EVENT_READY_ALL);
}

/* Those of the new generation that had taken a place can go: in that of an old one that is back, or all. */
static void
end_new(const Supervisor *s, const Worker *back)
{
        for (size_t i = 0; i < s->n_workers; i++) {
                Worker *w = s->workers[i];

                if (w->generation == s->rollout.generation && w->role == ROLE_ACTIVE &&
                    (!back || w->index == back->index))
                        worker_retire(w);
        }
}

/* A worker serves: is that what the reload waits for? */
void
rollout_worker_ready(Worker *w)
{
        const Supervisor *s = w->supervisor;

        if (s->rollout.state == ROLLOUT_STARTING && w->generation == s->rollout.generation)
                candidate_ready(w);
        else if (s->rollout.state == ROLLOUT_REVERTING && w->generation == s->current &&
                 s->rollout.generation && !s->rollout.generation->is_steered)
                end_new(s, w);
}

/* See whether the old workers are back, so that the reload that failed is over. */
static void
look_back(Supervisor *s)
{
        Generation *g = s->rollout.generation;

        if (back_is_awaited(s))
                return;
        if (!g || generation_is_empty(g))
                rollout_event(s, ROLLOUT_EVENT_REVERTED);
        else if (!g->is_steered && s->rollout.reload.mode != RELOAD_SERIAL)
                end_new(s, NULL);
}

/* After every round of events: what has come to its end by itself. */
void
rollout_tidy(Supervisor *s)
{
        if (s->rollout.state == ROLLOUT_REVERTING)
                look_back(s);
        if (s->rollout.n_queue && rollout_may_begin(s))
                rollout_event(s, ROLLOUT_EVENT_REQUEST);
}

/* The supervisor ends: no reload any more. */
void
rollout_stop(Supervisor *s)
{
        Rollout *r = &s->rollout;

        rollout_event(s, ROLLOUT_EVENT_STOP);
        for (size_t i = 0; i < r->n_queue; i++) {
                requests_refuse(&r->queue[i], "sup is being stopped");
                reload_deinit(&r->queue[i]);
        }
        free(r->queue);
        r->queue = NULL;
        r->n_queue = 0;
}
