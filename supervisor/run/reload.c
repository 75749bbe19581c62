/* SPDX-License-Identifier: MIT */
/*
 * reload.c - requests for a reload: what is wanted, who waits for the result, and the queue of those
 * whose turn has not come.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "run/requests.h"
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

static int
enqueue(Rollout *r, Reload *consume_reload)
{
        Reload *queue;

        if (r->n_queue && reload_equal(&r->queue[r->n_queue - 1], consume_reload)) {
                Reload *last = &r->queue[r->n_queue - 1];
                int result = reload_merge_waiters(&last->waiters, &last->n_waiters, consume_reload);

                if (result == 0)
                        reload_deinit(consume_reload);
                return result;
        }
        if (r->n_queue >= RELOADS_MAX)
                return -EBUSY;
        queue = reallocarray(r->queue, r->n_queue + 1, sizeof(*queue));
        if (!queue)
                return -ENOMEM;
        r->queue = queue;
        r->queue[r->n_queue++] = *consume_reload;
        return 0;
}

/* Whether a worker is being replaced since somebody asked for that (sup drain). */
static bool
is_draining(const Supervisor *s)
{
        for (size_t i = 0; i < s->n_waiting; i++)
                if (s->waiting[i].old_index)
                        return true;
        return false;
}

static RolloutWait
wait_of(const Supervisor *s)
{
        return rollout_wait(s->rollout.state, is_draining(s), generations_retiring(s),
                            s->config->max_old);
}

/* Whether the next one may begin now. */
bool
rollout_may_begin(const Supervisor *s)
{
        return !s->stopping && wait_of(s) == ROLLOUT_WAIT_NOTHING;
}

/* The next one begins now, or it is said why not. */
static void
begin_or_wait(Supervisor *s)
{
        switch (wait_of(s)) {
        case ROLLOUT_WAIT_NOTHING:
        case ROLLOUT_WAIT_ROLLOUT:
                rollout_event(s, ROLLOUT_EVENT_REQUEST);
                break;
        case ROLLOUT_WAIT_DRAIN:
                log_info("a worker is being replaced (sup drain); the reload waits for that");
                break;
        case ROLLOUT_WAIT_OLD:
                log_info("%u old generations are still there; the reload waits for one to go "
                         "(--max-old)",
                         generations_retiring(s));
                break;
        }
}

/* Somebody wants a new generation. The request is consumed; those who wait are told in the end. */
void
rollout_request(Supervisor *s, Reload *consume_reload)
{
        size_t n_before = s->rollout.n_queue;

        if (s->stopping || enqueue(&s->rollout, consume_reload) < 0) {
                requests_refuse(consume_reload, s->stopping ? "sup is being stopped"
                                                            : "too many reloads wait already");
                reload_deinit(consume_reload);
                return;
        }
        if (s->rollout.n_queue > n_before) /* it has not joined one that waits already */
                begin_or_wait(s);
}
