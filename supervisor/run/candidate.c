/* SPDX-License-Identifier: MIT */
/*
 * candidate.c - a new worker in a reload: how far it has come, and what its end means.
 *
 * Gist: a server of several sockets may fail at any of them. So a new worker is not ready when it listens on
 * the first, but when it has all addresses that the one in its place before has claimed, or is
 * not seen to ask for more (policy/ready.c). Addresses are compared, not sockets: of several on one
 * address (SO_REUSEPORT), and of a generation with sockets of its own, it may have others.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "run/state.h"

/* Whether one worker has an address. */
static bool
has_claimed(const Worker *w, const HeldKey *key)
{
        const HeldTable *held = &w->supervisor->held;

        for (size_t i = 0; i < held->n_items; i++) {
                const Held *h = held->items[i];

                for (size_t n = 0; n < h->n_claims; n++)
                        if (h->claims[n].owner == w->incarnation && held_key_equal(&h->key, key))
                                return true;
        }
        return false;
}

/*
 * Whether a worker that is to be replaced has claimed it. Of a serial reload the one in the same place is
 * gone, and the others, if they are of the same kind, tell what it had.
 */
static bool
is_of_old(const Worker *w, const Held *h)
{
        const Supervisor *s = w->supervisor;

        for (size_t n = 0; n < h->n_claims; n++)
                for (size_t i = 0; i < s->n_workers; i++) {
                        const Worker *old = s->workers[i];

                        if (old->incarnation == h->claims[n].owner && old->role == ROLE_ACTIVE &&
                            old->generation == s->current &&
                            (old->index == w->index || s->rollout.reload.mode == RELOAD_SERIAL))
                                return true;
                }
        return false;
}

/* A socket that the one before it had, and which it has not, nor another one on the address; or NULL. */
static const Held *
find_missing(const Worker *w, bool path_only)
{
        const Supervisor *s = w->supervisor;

        for (size_t i = 0; i < s->held.n_items; i++) {
                const Held *h = s->held.items[i];
                bool waits = h->origin == HELD_CAPTURED && h->n_claims == 0 &&
                             held_is_for(h, w->generation->number);

                if ((path_only && !h->path) || (h->path && h->path->is_lost))
                        continue;
                if ((waits || is_of_old(w, h)) && !has_claimed(w, &h->key))
                        return h;
        }
        return NULL;
}

static bool
is_starting(const Worker *w)
{
        const Supervisor *s = w->supervisor;

        return s->rollout.state == ROLLOUT_STARTING && w->generation == s->rollout.generation &&
               w->state == LIFE_STARTING;
}

/*
 * It listens. Returns 0 when it counts as ready by that, or after how long, in microseconds, it is to be
 * looked at again; late_usec: when it will be late, 0: never.
 */
uint64_t
candidate_pause(Worker *w, uint64_t late_usec)
{
        uint64_t now = now_usec();
        const Held *missing = is_starting(w) ? find_missing(w, false) : NULL;
        ReadyProgress progress = {.is_behind = true, .left_usec = UINT64_MAX};
        uint64_t pause_usec;

        if (!missing)
                return 0;
        if (!w->behind_usec)
                w->behind_usec = now;
        progress.behind_usec = now - w->behind_usec;
        progress.quiet_usec = now - w->progress_usec;
        if (late_usec)
                progress.left_usec = late_usec > now ? late_usec - now : 0;
        pause_usec = ready_settle(&progress);
        if (pause_usec) {
                char address[ADDRESS_TEXT_MAX];

                log_debug("worker %u (pid %d) listens, but not on %s yet", w->index, (int)w->pid,
                          address_format(&missing->key.address, address, sizeof(address)));
        }
        return pause_usec;
}

/* Whether it is the new worker of a serial reload, and not ready: the old one in its place is gone. */
bool
candidate_is_serial(const Worker *w)
{
        const Rollout *r = &w->supervisor->rollout;

        return r->state == ROLLOUT_STARTING && r->reload.mode == RELOAD_SERIAL &&
               w->generation == r->generation && !w->ready_usec;
}

/* A worker ended, and its claims are not forgotten yet: did it come as far as to its unix path? */
void
candidate_ends(Worker *w)
{
        const Supervisor *s = w->supervisor;
        const Held *missing = NULL;

        if (!w->was_asked && s->rollout.generation && w->generation == s->rollout.generation)
                missing = find_missing(w, true);
        free(w->unbound);
        w->unbound = missing ? strdup(missing->path->path) : NULL;
}

/*
 * A worker of a serial reload may have met us where it looked for another server. Now it starts without
 * that.
 */
static bool
may_try_again(Worker *w)
{
        if (w->supervisor->rollout.reload.mode != RELOAD_SERIAL || !w->met_sup)
                return false;
        w->met_sup = false;
        w->renew = true;
        return true;
}

/* A worker ended, or is late: was it on trial? */
void
rollout_worker_failed(Worker *w)
{
        Supervisor *s = w->supervisor;
        bool baking = s->rollout.state == ROLLOUT_BAKING;
        char how[64];

        if (!s->rollout.generation || w->generation != s->rollout.generation ||
            w->role == ROLE_RETIRING || w->was_asked || (w->ready_usec && !baking) ||
            may_try_again(w))
                return;
        (void)report_end(w, how, sizeof(how));
        if (w->was_late && !w->ready_usec)
                rollout_fail(s, "the new worker %u was not ready in time", w->index);
        else if (baking)
                rollout_fail(s, "the new worker %u %s while it was on trial", w->index, how);
        else if (w->pid_before == 0)
                rollout_fail(s, "the new worker %u could not be started", w->index);
        else if (w->unbound && s->rollout.reload.mode != RELOAD_SERIAL)
                rollout_fail(s,
                             "the new worker %u %s before it bound %s: if it looks there for "
                             "another server first, the old one has to end before it starts "
                             "(--reload=serial)",
                             w->index, how, w->unbound);
        else
                rollout_fail(s, "the new worker %u %s before it was ready", w->index, how);
}
