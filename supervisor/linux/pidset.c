/* SPDX-License-Identifier: MIT */
/* pidset.c - a set of processes. */
#include <errno.h>
#include <stdlib.h>

#include "linux/proc.h"

/* Add a pid unless it is there. Returns 0 or -ENOMEM. */
int
pidset_add(PidSet *set, pid_t pid)
{
        if (pidset_has(set, pid))
                return 0;
        if (set->n_pids == set->n_allocated) {
                size_t n = set->n_allocated ? set->n_allocated * 2 : 16;
                pid_t *pids = reallocarray(set->pids, n, sizeof(*pids));

                if (!pids)
                        return -ENOMEM;
                set->pids = pids;
                set->n_allocated = n;
        }
        set->pids[set->n_pids++] = pid;
        return 0;
}

/* Whether the pid is in the set. */
bool
pidset_has(const PidSet *set, pid_t pid)
{
        for (size_t i = 0; i < set->n_pids; i++)
                if (set->pids[i] == pid)
                        return true;
        return false;
}

/* Free what the set holds; it is empty afterwards. */
void
pidset_deinit(PidSet *set)
{
        free(set->pids);
        *set = (PidSet){0};
}

/* The same under the name that CLEANUP wants. */
void
pidset_deinit_p(PidSet *set)
{
        pidset_deinit(set);
}
