/* SPDX-License-Identifier: MIT */
/*
 * given_up.c - captured sockets that the server gave up.
 *
 * Gist: a captured socket that no process of a serving generation has open any more is closed, so that
 * clients are refused as they were before; no event tells of that, so it is looked for, every ten
 * seconds and only where something was captured. If it was not closed, but the process died that had it,
 * as below a wrapper that starts the server again by itself, it is closed later. Of a server that
 * crashes again and again, with other addresses each time, policy/unclaimed.c says which ones go.
 */
#include "base/parse.h"
#include "linux/procfd.h"
#include "policy/unclaimed.h"
#include "run/state.h"
#include "sockets/steer.h"

#define LOOK_EVERY_USEC (10 * USEC_PER_SEC)
/* Looks in a row after which nobody comes any more for what a process had that died. */
#define MISSING_MAX 3
/* How long a worker that has just become ready may take to claim the rest of its sockets. */
#define CLAIM_PATIENCE_USEC (9 * USEC_PER_SEC)

/* Whether the workers are settled: all serve, and had the time to claim what they want. */
static bool
workers_are_settled(const Supervisor *s)
{
        uint64_t now = now_usec();

        if (s->rollout.state != ROLLOUT_IDLE)
                return false;
        for (size_t i = 0; i < s->n_workers; i++)
                if (s->workers[i]->role == ROLE_ACTIVE &&
                    (s->workers[i]->state != LIFE_READY ||
                     now - s->workers[i]->ready_usec < CLAIM_PATIENCE_USEC))
                        return false;
        return true;
}

/* Also for capture: whether no process of any worker has it open, for certain. */
bool
given_up_by_all(void *userdata, Held *h)
{
        const Supervisor *s = userdata;

        for (size_t i = 0; i < h->n_claims; i++)
                if (procfd_inode(h->claims[i].pid, h->claims[i].fd) == h->ino)
                        return false;
        for (size_t i = 0; i < s->n_workers; i++) {
                Worker *w = s->workers[i];
                HeldClaim seen = {.owner = w->incarnation, .asked = h->key.address};
                int r = traps_tree_has_socket(w, h->ino, -1, &seen);

                if (r == 1)
                        (void)held_claim(h, &seen); /* where to look first the next time */
                if (r != 0)
                        return false;
        }
        return true;
}

static void
close_held(Supervisor *s, Held *h, const char *why)
{
        char address[ADDRESS_TEXT_MAX];

        (void)address_format(&h->key.address, address, sizeof(address));
        log_event(&(LogEvent){.level = LOG_INFO, .event = "given-up", .address = address},
                  "closed %s: %s", address, why);
        steer_remove(&s->held, h);
}

/* The server goes on, and has closed this one. */
void
given_up_close(Supervisor *s, Held *h)
{
        close_held(s, h, "the server does not have it open any more");
}

/* Whether a process that had it lives: then it was closed, and not left by a child that died. */
bool
given_up_was_closed(const Held *h)
{
        for (size_t n = 0; n < h->n_claims; n++)
                if (!proc_is_exiting(h->claims[n].pid))
                        return true;
        return false;
}

static void
take_away(const Held *h)
{
        log_info("the process that had %s has ended: if the next one looks first whether the path "
                 "is there, it has found that of sup; it is away until it is bound",
                 h->path->path);
        unix_path_take_away(h->path);
}

/*
 * Nobody has it. Who had it in this life of the worker, and died, may be replaced by another one; and
 * that may look first whether its path is there.
 */
static void
give_up_missing(Supervisor *s, Held *h)
{
        bool may_return = h->n_claims > 0 && !given_up_was_closed(h);

        if (!may_return || ++h->n_missing >= MISSING_MAX)
                given_up_close(s, h);
        else if (h->path && !h->path->is_away)
                take_away(h);
}

/* Close what was given up. The names of what somebody has are there. */
static void
close_given_up(Supervisor *s)
{
        for (size_t i = s->held.n_items; i-- > 0;) {
                Held *h = s->held.items[i];

                if (h->origin == HELD_CAPTURED && given_up_by_all(s, h)) {
                        give_up_missing(s, h);
                        continue;
                }
                h->n_missing = 0;
                if (h->path)
                        unix_path_bring_back(h->path);
        }
}

/* A worker's main process ended: forget its claims, and what workers bind no more. */
void
given_up_worker_ended(Worker *w)
{
        Supervisor *s = w->supervisor;

        for (size_t i = s->held.n_items; i-- > 0;) {
                Held *h = s->held.items[i];
                Unclaimed record = {h->n_missed, h->served_usec};
                UnclaimedEnd end = {
                        .had_it = worker_has_claimed(w, h),
                        .captured = w->captured,
                        .ready_usec = w->ready_usec ? w->ended_usec - w->ready_usec : 0,
                };
                bool gives_up;

                held_drop_claims(h, w->incarnation);
                end.is_claimed = h->n_claims > 0;
                gives_up = unclaimed_after_end(&record, &end);
                h->n_missing = 0;
                h->n_missed = record.n_missed;
                h->served_usec = record.served_usec;
                if (gives_up && h->is_counted && given_up_by_all(s, h))
                        close_held(s, h, "the server binds others at each start");
        }
        w->captured = false;
}

static bool
has_captured(const Supervisor *s)
{
        for (size_t i = s->held.n_items; i-- > 0;)
                if (s->held.items[i]->origin == HELD_CAPTURED)
                        return true;
        return false;
}

static void set_look_timer(Supervisor *s, uint64_t delay_usec);

static int
on_look(sd_event_source *source, uint64_t usec, void *userdata)
{
        Supervisor *s = userdata;

        (void)source;
        (void)usec;
        s->given_up_timer = sd_event_source_disable_unref(s->given_up_timer);
        if (workers_are_settled(s))
                close_given_up(s);
        if (has_captured(s))
                set_look_timer(s, LOOK_EVERY_USEC);
        return 0;
}

/*
 * From this moment on: what is relative for sd-event counts from when the loop woke up, and a look that
 * comes a little before the workers are settled is followed by none for ten seconds.
 */
static void
set_look_timer(Supervisor *s, uint64_t delay_usec)
{
        s->given_up_timer = sd_event_source_disable_unref(s->given_up_timer);
        (void)sd_event_add_time(s->event, &s->given_up_timer, CLOCK_MONOTONIC,
                                now_usec() + delay_usec, USEC_PER_MSEC, on_look, s);
}

/* There is one more captured socket. */
void
given_up_captured(Supervisor *s)
{
        if (!s->given_up_timer)
                set_look_timer(s, LOOK_EVERY_USEC);
}

/* A worker has become ready: see soon what it did not claim. */
void
given_up_look_soon(Supervisor *s)
{
        if (has_captured(s))
                set_look_timer(s, CLAIM_PATIENCE_USEC);
}
