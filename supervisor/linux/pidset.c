/* SPDX-License-Identifier: MIT */
/* pidset.c - a set of processes. */
#include <errno.h>
#include <stdlib.h>

#include "linux/proc.h"

/* Add a pid that is not there, as the caller knows. Returns 0 or -ENOMEM. */
int
pidset_append(PidSet *set, pid_t pid)
{
        if (set->n_pids == set->n_allocated) {
                size_t n = set->n_allocated ? set->n_allocated * 2 : 16;
                pid_t *pids = reallocarray(set->pids, n, sizeof(*pids));

                if (!pids)
                        return -ENOMEM;
                set->pids = pids;
                set->n_allocated = n;
        }
        set->is_unordered =
                set->n_pids > 0 && (set->is_unordered || pid < set->pids[set->n_pids - 1]);
        set->pids[set->n_pids++] = pid;
        return 0;
}

/* Add a pid unless it is there. Returns 0 or -ENOMEM. */
int
pidset_add(PidSet *set, pid_t pid)
{
        return pidset_has(set, pid) ? 0 : pidset_append(set, pid);
}

static int
compare(const void *a, const void *b)
{
        pid_t x = *(const pid_t *)a;
        pid_t y = *(const pid_t *)b;

        return (x > y) - (x < y);
}

/* Whether the pid is in the set. */
bool
pidset_has(const PidSet *set, pid_t pid)
{
        if (set->n_pids == 0)
                return false;
        if (!set->is_unordered)
                return pid <= set->pids[set->n_pids - 1] &&
                       bsearch(&pid, set->pids, set->n_pids, sizeof(pid), compare) != NULL;
        for (size_t i = 0; i < set->n_pids; i++)
                if (set->pids[i] == pid)
                        return true;
        return false;
}

/* Bring the pids into ascending order, for a set that is to be asked often. */
void
pidset_sort(PidSet *set)
{
        if (set->n_pids > 0 && set->is_unordered)
                qsort(set->pids, set->n_pids, sizeof(*set->pids), compare);
        set->is_unordered = false;
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
