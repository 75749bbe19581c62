/* SPDX-License-Identifier: MIT */
/* reload.c - a request for a reload, as a value: what is wanted, and who waits for the result. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "run/state.h"

/* What somebody wants who says nothing but "reload". */
void
reload_init(Reload *r, const Config *config)
{
        *r = (Reload){.mode = config->reload, .drain = config->drain};
}

/* Free what it holds; those who wait are not told. */
void
reload_deinit(Reload *r)
{
        strv_deinit(&r->command);
        free(r->check);
        free(r->waiters);
        *r = (Reload){0};
}

static bool
same_text(const char *a, const char *b)
{
        return a && b ? strcmp(a, b) == 0 : a == b;
}

/* Whether both want the same, whoever asked. */
bool
reload_equal(const Reload *a, const Reload *b)
{
        if (a->mode != b->mode || a->drain != b->drain || a->canary_share != b->canary_share ||
            a->bake_usec != b->bake_usec || !same_text(a->check, b->check) ||
            a->command.n_items != b->command.n_items)
                return false;
        for (size_t i = 0; i < a->command.n_items; i++)
                if (strcmp(a->command.items[i], b->command.items[i]) != 0)
                        return false;
        return true;
}

/* Add those who wait for `from` to a list, which is freed with free(3). Returns 0 or -ENOMEM. */
int
reload_merge_waiters(ControlRequest ***waiters, size_t *n_waiters, Reload *from)
{
        ControlRequest **all;

        if (from->n_waiters == 0)
                return 0;
        all = reallocarray(*waiters, *n_waiters + from->n_waiters, sizeof(ControlRequest *));
        if (!all)
                return -ENOMEM;
        memcpy(all + *n_waiters, from->waiters, from->n_waiters * sizeof(ControlRequest *));
        *waiters = all;
        *n_waiters += from->n_waiters;
        from->n_waiters = 0;
        return 0;
}
