/* SPDX-License-Identifier: MIT */
/*
 * candidate.c - a worker that comes after another: how far it has come, and what its end means.
 *
 * Gist: a server of several sockets may fail at any of them. So a new worker is not ready when it listens on
 * the first, but when it has all addresses that the one in its place before has claimed, or is
 * not seen to ask for more (policy/ready.c). That is so in a reload, and for one that is started
 * again, which finds what the last one had waiting. Addresses are compared, not sockets: of several on
 * one address (SO_REUSEPORT), and of a generation with sockets of its own, it may have others.
 */
#include <sys/wait.h>

#include "run/state.h"

/* Whether one worker has an address. */
static bool
has_claimed(const Worker *w, const HeldKey *key)
{
        const HeldTable *held = &w->supervisor->held;

        for (size_t i = 0; i < held->n_items; i++) {
                const Held *h = held->items[i];

                if (held_key_equal(&h->key, key) && worker_has_claimed(w, h))
                        return true;
        }
        return false;
}

/* Whether it is of the generation that a reload brings. */
static bool
is_new(const Worker *w)
{
        const Rollout *r = &w->supervisor->rollout;

        return r->generation && w->generation == r->generation;
}

/*
 * Whether a worker that is to be replaced has claimed it. Of a serial reload the one in the same place is
 * gone, and the others, if they are of the same kind, tell what it had.
 */
static bool
is_of_old(const Worker *w, const Held *h)
{
        const Supervisor *s = w->supervisor;

        if (!is_new(w)) /* with many workers this takes a while */
                return false;
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
find_missing(const Worker *w)
{
        const Supervisor *s = w->supervisor;

        for (size_t i = 0; i < s->held.n_items; i++) {
                const Held *h = s->held.items[i];
                bool waits = h->origin == HELD_CAPTURED && h->n_claims == 0 &&
                             held_is_for(h, w->generation->number);

                if (h->path && h->path->is_lost)
                        continue;
                if ((waits || is_of_old(w, h)) && !has_claimed(w, &h->key))
                        return h;
        }
        return NULL;
}

/* Whether it comes after another one, in a reload or because that ended, and is not ready yet. */
static bool
is_starting(const Worker *w)
{
        bool is_candidate = w->supervisor->rollout.state == ROLLOUT_STARTING && is_new(w);

        return w->state == LIFE_STARTING &&
               (is_candidate || (w->ended_usec && w->role == ROLE_ACTIVE));
}

/*
 * It listens. Returns 0 when it counts as ready by that, or after how long, in microseconds, it is to be
 * looked at again; late_usec: when it will be late, 0: never.
 */
uint64_t
candidate_pause(Worker *w, uint64_t late_usec)
{
        uint64_t now = now_usec();
        const Held *missing = is_starting(w) ? find_missing(w) : NULL;
        ReadyProgress progress = {.is_behind = true, .left_usec = UINT64_MAX};

        if (!missing)
                return 0;
        if (!w->behind_usec) {
                char address[ADDRESS_TEXT_MAX];

                w->behind_usec = now;
                log_debug("worker %u (pid %d) listens, but not on %s yet", w->index, (int)w->pid,
                          address_format(&missing->key.address, address, sizeof(address)));
        }
        progress.behind_usec = now - w->behind_usec;
        progress.quiet_usec = now - w->progress_usec;
        if (late_usec)
                progress.left_usec = late_usec > now ? late_usec - now : 0;
        return ready_settle(&progress);
}

/* Whether it is the new worker of a serial reload, and not ready: the old one in its place is gone. */
bool
candidate_is_serial(const Worker *w)
{
        const Rollout *r = &w->supervisor->rollout;

        return r->state == ROLLOUT_STARTING && r->reload.mode == RELOAD_SERIAL && is_new(w) &&
               !w->ready_usec;
}

/* A worker ended, and its claims are not forgotten yet: did it bind all that the old one has? */
void
candidate_ends(Worker *w)
{
        w->was_behind = is_new(w) && (!w->claimed_usec || find_missing(w));
}

/* Whether it may have refused to run beside the old one: it ended by itself, and early. */
static bool
may_be_shut_out(const Worker *w)
{
        return w->supervisor->rollout.reload.mode != RELOAD_SERIAL && w->end_code == CLD_EXITED &&
               w->was_behind;
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

/* A standby takes the place of an old worker: whoever was to replace that one replaces the standby. */
void
candidate_follow(const Worker *old, const Worker *standby)
{
        const Supervisor *s = old->supervisor;

        for (size_t i = 0; i < s->n_workers; i++) {
                Worker *w = s->workers[i];

                if (is_new(w) && w->role == ROLE_CANDIDATE && w->index == old->index)
                        w->index = standby->index;
        }
}

/*
 * A worker ended, or is late: was it on trial? One that was ready is so for as long as it is a candidate,
 * which waits for the others of a generation that is switched to as a whole.
 */
void
rollout_worker_failed(Worker *w)
{
        Supervisor *s = w->supervisor;
        bool baking = s->rollout.state == ROLLOUT_BAKING;
        char how[64];

        if (!is_new(w) || w->role == ROLE_RETIRING || w->was_asked ||
            (w->ready_usec && w->role != ROLE_CANDIDATE) || may_try_again(w))
                return;
        (void)report_end(w, how, sizeof(how));
        if (w->was_late && !w->ready_usec)
                rollout_fail(s, "the new worker %u was not ready in time", w->index);
        else if (baking)
                rollout_fail(s, "the new worker %u %s while it was on trial", w->index, how);
        else if (w->ready_usec)
                rollout_fail(s, "the new worker %u %s before all the new ones were ready", w->index,
                             how);
        else if (w->pid_before == 0)
                rollout_fail(s, "the new worker %u could not be started", w->index);
        else
                rollout_fail(s, "the new worker %u %s before it was ready%s", w->index, how,
                             may_be_shut_out(w) ? "; if it refuses to run beside the old one (a "
                                                  "lock, a pid file, a path): --reload=serial"
                                                : "");
}
