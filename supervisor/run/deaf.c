/* SPDX-License-Identifier: MIT */
/*
 * deaf.c - workers with a unix socket that another worker shut down.
 *
 * Gist: such a socket is dead in all that have it, and nothing revives it; `sup` opens another one in
 * its place (held_reopen.c), which nobody can put into a process that does not ask for it. So a worker
 * that is to go on is started anew, and gets the new one; in a reload this is the new worker, after
 * the old one has shut down what both had. One at a time, and not before a reload is through. Clients
 * wait in the new socket's queue meanwhile. Who shut it down is not known: where there is one worker
 * alone it did that itself, and is left in peace.
 */
#include <errno.h>
#include <string.h>

#include "run/state.h"

/* Whether there is, or was until now, another worker that may have shut a socket of this one down. */
static bool
has_others(const Worker *w)
{
        const Supervisor *s = w->supervisor;
        unsigned n = workers_count(s, NULL, ROLE_STANDBY);

        return s->n_workers > n + (w->role != ROLE_STANDBY);
}

static bool
has_dead(const Worker *w, const Held *h)
{
        HeldClaim seen;

        return h->dead_ino && traps_tree_has_socket(w, h->dead_ino, -1, &seen) == 1;
}

/* Whether it is to go on, and serves or is about to. */
static bool
is_needed(const Worker *w)
{
        return (w->role == ROLE_ACTIVE || w->role == ROLE_CANDIDATE) && w->pid && !w->was_asked &&
               (w->state == LIFE_READY || w->state == LIFE_STARTING);
}

/*
 * From the table of held sockets: there is another socket in the place of one that was shut down, or,
 * with a negative errno, there cannot be one yet.
 */
void
deaf_reopened(void *userdata, const Held *h, int r)
{
        const Supervisor *s = userdata;
        char address[ADDRESS_TEXT_MAX];

        (void)address_format(&h->key.address, address, sizeof(address));
        if (r == 0)
                log_debug("a worker has shut %s down; there is another socket in its place",
                          address);
        else if (r != -EADDRINUSE) /* an abstract address: some worker has it still */
                log_error("a worker has shut %s down, and there cannot be another socket in its "
                          "place: %s",
                          address, strerrordesc_np(-r));
        for (size_t i = 0; i < s->n_workers; i++) {
                Worker *w = s->workers[i];

                if (!w->is_deaf && is_needed(w) && has_others(w))
                        w->is_deaf = has_dead(w, h);
        }
}

/* A worker listens on a held socket: it has the one that lives. */
void
deaf_listens(Worker *w, const Held *h)
{
        if (w->is_deaf)
                w->is_deaf = has_dead(w, h);
}

/* Whether all workers that serve, or are about to, do so by now. */
static bool
are_settled(const Supervisor *s)
{
        for (size_t i = 0; i < s->n_workers; i++) {
                const Worker *w = s->workers[i];

                if (w->role == ROLE_ACTIVE && w->state != LIFE_READY && w->state != LIFE_IDLE)
                        return false;
        }
        return true;
}

/* After every round of events: is it time to start a deaf worker anew? */
void
deaf_look(Supervisor *s)
{
        if (s->stopping || s->rollout.state != ROLLOUT_IDLE)
                return;
        for (size_t i = 0; i < s->n_workers; i++) {
                Worker *w = s->workers[i];

                if (!w->is_deaf || w->role != ROLE_ACTIVE || w->state != LIFE_READY ||
                    !are_settled(s))
                        continue;
                log_warning("worker %u (pid %d) has a unix socket that no client reaches any more, "
                            "since another one shut it down; starting it anew",
                            w->index, (int)w->pid);
                w->is_deaf = false;
                w->renew = true;
                worker_event(w, LIFE_EVENT_STOP);
        }
}
