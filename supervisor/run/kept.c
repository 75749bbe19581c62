/* SPDX-License-Identifier: MIT */
/*
 * kept.c - descriptors that workers gave us to keep: FDSTORE=1 of sd_notify(3).
 *
 * Gist: the next worker with the same number is handed them behind its listeners, under their names.
 * They are passed on to the service manager's store, so that this holds for the next `sup` as well.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/fd.h"
#include "run/state.h"

/*
 * Keep a descriptor, which is consumed, for a worker; is_stored: the service manager has it already.
 * Returns 0 or a negative errno.
 */
int
kept_add(Supervisor *s, unsigned index, int consume_fd, const char *name, bool is_stored)
{
        size_t n = 0;
        Kept *kept;
        Kept k = {.index = index};

        for (size_t i = 0; i < s->n_kept; i++)
                n += s->kept[i].index == index;
        k.fd = fd_move_above(consume_fd, s->fd_floor);
        if (k.fd < 0)
                return k.fd;
        kept = n < KEPT_MAX ? reallocarray(s->kept, s->n_kept + 1, sizeof(*kept)) : NULL;
        if (kept)
                s->kept = kept;
        k.name = strdup(name);
        if (!kept || !k.name) {
                fd_close(k.fd);
                free(k.name);
                return n < KEPT_MAX ? -ENOMEM : -E2BIG;
        }
        s->kept[s->n_kept++] = k;
        if (!is_stored)
                store_put_kept(s, &k);
        return 0;
}

static void
drop(Kept *k)
{
        fd_close(k->fd);
        free(k->name);
}

/* Close all that a worker stored under a name. */
void
kept_remove(Supervisor *s, unsigned index, const char *name)
{
        size_t left = 0;

        store_drop_kept(s, index, name);
        for (size_t i = 0; i < s->n_kept; i++)
                if (s->kept[i].index == index && strcmp(s->kept[i].name, name) == 0)
                        drop(&s->kept[i]);
                else
                        s->kept[left++] = s->kept[i];
        s->n_kept = left;
}

/* Close everything. */
void
kept_deinit(Supervisor *s)
{
        for (size_t i = 0; i < s->n_kept; i++)
                drop(&s->kept[i]);
        free(s->kept);
        s->kept = NULL;
        s->n_kept = 0;
}
