/* SPDX-License-Identifier: MIT */
/*
 * known.c - processes that were seen to be a worker's.
 *
 * Gist: a process shows whose it is at moments, by a call that its worker's filter stops, or by a
 * message; later it may have left its group and session, and have written over its environment. A few
 * are enough: what descends from a living one is found below it.
 */
#include "worker/known.h"

#include <stdlib.h>
#include <string.h>

#include "linux/process.h"

/* Put one more behind the others; the oldest makes room. Without memory it is not remembered. */
void
known_append(Known *known, KnownProcess process)
{
        if (!known->items)
                known->items = calloc(KNOWN_MAX, sizeof(*known->items));
        if (!known->items)
                return;
        if (known->n_items == KNOWN_MAX)
                memmove(known->items, known->items + 1, --known->n_items * sizeof(*known->items));
        known->items[known->n_items++] = process;
}

/* Remember a process. Those that have ended are forgotten; if there are too many, the oldest one is. */
void
known_add(Known *known, pid_t pid)
{
        uint64_t started_ticks = process_started(pid);
        size_t n = 0;

        if (!started_ticks || known_has(known, pid))
                return;
        for (size_t i = 0; i < known->n_items; i++)
                if (process_started(known->items[i].pid) == known->items[i].started_ticks)
                        known->items[n++] = known->items[i];
        known->n_items = n;
        known_append(known, (KnownProcess){pid, started_ticks});
}

/* Whether this very process is one of them, not a later one of the same pid. */
bool
known_has(const Known *known, pid_t pid)
{
        for (size_t i = 0; i < known->n_items; i++)
                if (known->items[i].pid == pid &&
                    known->items[i].started_ticks == process_started(pid))
                        return true;
        return false;
}

/* Free what it holds. */
void
known_deinit(Known *known)
{
        free(known->items);
        *known = (Known){0};
}
