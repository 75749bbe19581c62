/* SPDX-License-Identifier: MIT */
/*
 * in_use.c - whether a worker uses a listener that it was handed.
 *
 * Gist: one that was handed its listeners shows nothing when it begins to serve. So it is looked at:
 * it serves when one of its processes waits at a listener, or has a connection that came from there;
 * a busy one may never be seen to wait.
 */
#include <stdlib.h>

#include "base/cleanup.h"
#include "linux/waiting.h"
#include "run/state.h"

/* The inodes of what the worker was handed. Returns how many. */
static size_t
read_handed(const Worker *w, ino_t *ret_inodes)
{
        const HeldTable *held = &w->supervisor->held;
        size_t n = 0;

        for (size_t i = 0; i < held->n_items; i++)
                if (held->items[i]->origin == HELD_NAMED &&
                    held_is_for(held->items[i], w->generation->number))
                        ret_inodes[n++] = held->items[i]->ino;
        return n;
}

static bool
has_connection(const Worker *w, const PidSet *pids)
{
        CLEANUP(connections_deinit_p) ConnectionSet found = {0};

        return connections_read(pids, &w->supervisor->held, w->generation->number, 0, &found) ==
                       0 &&
               found.n > 0;
}

/* Look at all of its processes. */
ReadyUse
in_use_look(const Worker *w)
{
        CLEANUP_FREE ino_t *inodes = calloc(w->supervisor->held.n_items + 1, sizeof(*inodes));
        CLEANUP(pidset_deinit_p) PidSet pids = {0};
        size_t n_inodes = inodes ? read_handed(w, inodes) : 0;
        bool is_told = traps_tree(w, &pids) == 0;

        if (n_inodes == 0)
                return READY_USE_UNKNOWN;
        for (size_t i = 0; i < pids.n_pids; i++) {
                int r = waiting_at_sockets(pids.pids[i], inodes, n_inodes);

                if (r > 0)
                        return READY_USE_SEEN;
                is_told = is_told && r == 0;
        }
        if (has_connection(w, &pids))
                return READY_USE_SEEN;
        return is_told ? READY_USE_NONE : READY_USE_UNKNOWN;
}
