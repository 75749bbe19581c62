/* SPDX-License-Identifier: MIT */
/*
 * generation.c - generations: all workers that were started with one command line, by one reload.
 *
 * Gist: exactly one is the current one, which is what a crash restarts. The others are on their way
 * in (one at most) or on their way out. One that has no worker left is dropped; those who asked for
 * the reload that retired it are told then.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "run/bake.h"
#include "run/requests.h"
#include "run/state.h"
#include "sockets/steer.h"

static void
remember_habits(Generation *g)
{
        const Generation *current = g->supervisor->current;

        if (!current)
                return;
        g->habits.listens = current->habits.listens;
        g->habits.silent = current->habits.silent;
        /* NOLINTNEXTLINE(clang-analyzer-core.NullDereference): a command has at least one word */
        if (strcmp(g->command.items[0], current->command.items[0]) == 0)
                g->habits.speaks = current->habits.speaks;
}

/* Start this from now on. Returns 0 or -ENOMEM; then the command is not whole. */
int
generation_set_command(Generation *g, char *const *command)
{
        int r = 0;

        strv_deinit(&g->command);
        for (; *command && r == 0; command++)
                r = strv_add(&g->command, strdup(*command));
        return r;
}

/* Add a generation with a copy of the command. Returns NULL when memory is short. */
Generation *
generation_new(Supervisor *s, char *const *command)
{
        Generation **all = reallocarray(s->generations, s->n_generations + 1, sizeof(Generation *));
        Generation *g;

        if (!all)
                return NULL;
        s->generations = all;
        g = calloc(1, sizeof(*g));
        if (!g)
                return NULL;
        g->supervisor = s;
        g->number = ++s->last_generation;
        if (generation_set_command(g, command) < 0)
                return generation_free(g);
        remember_habits(g);
        s->generations[s->n_generations++] = g;
        return g;
}

/* Free it; it has no workers any more. Takes NULL. Returns NULL. */
Generation *
generation_free(Generation *g)
{
        if (g) {
                strv_deinit(&g->command);
                drain_deinit(g);
                free(g->waiters);
                free(g);
        }
        return NULL;
}

/* Whether it has no worker, also none that is still on its way out. */
bool
generation_is_empty(const Generation *g)
{
        const Supervisor *s = g->supervisor;

        for (size_t i = 0; i < s->n_workers; i++)
                if (s->workers[i]->generation == g || s->workers[i]->renew_as == g)
                        return false;
        return true;
}

/* How many old generations there still are. */
unsigned
generations_retiring(const Supervisor *s)
{
        unsigned n = 0;

        for (size_t i = 0; i < s->n_generations; i++)
                n += s->generations[i]->state == GENERATION_RETIRING;
        return n;
}

/* Start a worker that is beside what the command asks for. Returns whether that could be tried. */
bool
generation_start_one(Generation *g)
{
        Supervisor *s = g->supervisor;
        Worker *w = workers_add(s, g, ROLE_ACTIVE, workers_free_index(s));

        if (w)
                worker_event(w, LIFE_EVENT_START);
        return w != NULL;
}

/*
 * All workers of an old generation have ended. Who waits in its queues has not been accepted by any, and
 * is served by one more worker of it, for as long as it may drain. Returns whether there is one.
 */
static bool
serve_queue(Generation *g)
{
        const Supervisor *s = g->supervisor;

        return !s->stopping && g->drain == DRAIN_CONNECTIONS && drain_queue(g) > 0 &&
               now_usec() - g->retire_usec < s->config->drain_timeout_usec &&
               generation_start_one(g);
}

/* Close what an old generation had for itself, and what nobody has claimed since. */
static void
drop_sockets(Supervisor *s, const Generation *g)
{
        for (size_t i = s->held.n_items; i-- > 0;)
                if (s->held.items[i]->generation == g->number)
                        steer_remove(&s->held, s->held.items[i]);
        bake_steer(s);
}

/* An old generation is gone: say so to the log and to those who wait for it. */
static void
finish(Supervisor *s, Generation *g)
{
        if (g->drain == DRAIN_CONNECTIONS)
                g->measure.cut += drain_queue(g);
        drop_sockets(s, g);
        if (!s->stopping && !g->has_failed)
                requests_reloaded(s, g);
        else
                requests_leave(g);
}

static Generation *
find_gone(const Supervisor *s, size_t *ret_place)
{
        for (size_t i = 0; i < s->n_generations; i++) {
                Generation *g = s->generations[i];

                if (g != s->current && g != s->rollout.generation && generation_is_empty(g)) {
                        *ret_place = i;
                        return g;
                }
        }
        return NULL;
}

/* Drop the generations that are empty and neither current nor on their way in. */
void
generations_tidy(Supervisor *s)
{
        Generation *g;
        size_t place;

        while ((g = find_gone(s, &place))) {
                if (g->state == GENERATION_RETIRING && serve_queue(g))
                        continue;
                s->n_generations--;
                memmove(&s->generations[place], &s->generations[place + 1],
                        (s->n_generations - place) * sizeof(Generation *));
                if (g->state == GENERATION_RETIRING)
                        finish(s, g);
                else
                        drop_sockets(s, g);
                generation_free(g);
        }
}
