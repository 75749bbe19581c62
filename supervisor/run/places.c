/* SPDX-License-Identifier: MIT */
/* places.c - the places that workers stand in: made, counted, freed. */
#include <errno.h>
#include <stdlib.h>

#include "base/fd.h"
#include "run/state.h"

/* Add an idle place for a worker. Returns NULL when memory is short. */
Worker *
workers_add(Supervisor *s, Generation *generation, WorkerRole role, unsigned index)
{
        Worker **workers = reallocarray(s->workers, s->n_workers + 1, sizeof(Worker *));
        Worker *w;

        if (!workers)
                return NULL;
        s->workers = workers;
        w = calloc(1, sizeof(*w));
        if (!w)
                return NULL;
        w->supervisor = s;
        w->generation = generation;
        w->role = role;
        w->index = index;
        w->trap_fd = -1;
        w->notify_fd = -1;
        w->ready_fd = -1;
        s->workers[s->n_workers++] = w;
        return w;
}

/* Free a place. Its process, if any, is not touched. Takes NULL. Returns NULL. */
Worker *
worker_free(Worker *w)
{
        if (w) {
                traps_detach(w);
                ready_close(w);
                watch_remove(w->supervisor, w->notify_fd);
                fd_close(w->notify_fd);
                free(w->notify_name);
                free(w->tried);
                known_deinit(&w->known);
                restart_state_deinit(&w->restart);
                pidset_deinit(&w->asked);
                free(w);
        }
        return NULL;
}

/* Free the places whose worker was to be the last in them and is gone. */
void
workers_tidy(Supervisor *s)
{
        size_t kept = 0;

        for (size_t i = 0; i < s->n_workers; i++) {
                Worker *w = s->workers[i];

                if (w->role == ROLE_RETIRING && w->state == LIFE_IDLE && !w->renew)
                        worker_free(w);
                else
                        s->workers[kept++] = w;
        }
        s->n_workers = kept;
}

/* The main processes of all workers, in ascending order. */
void
workers_read_mains(const Supervisor *s, PidSet *ret_mains)
{
        for (size_t i = 0; i < s->n_workers; i++)
                if (s->workers[i]->pid)
                        (void)pidset_append(ret_mains, s->workers[i]->pid);
        if (s->rollout.check_pid)
                (void)pidset_append(ret_mains, s->rollout.check_pid);
        if (s->upgrade.check_pid)
                (void)pidset_append(ret_mains, s->upgrade.check_pid);
        pidset_sort(ret_mains);
}

/* Whether every orphan must come from the one worker that there is. */
bool
workers_is_only(const Supervisor *s)
{
        return s->n_workers == 1 && !s->rollout.check_pid && !s->upgrade.check_pid;
}

/* How many workers of a generation (NULL: any) have a role. */
unsigned
workers_count(const Supervisor *s, const Generation *generation, WorkerRole role)
{
        unsigned n = 0;

        for (size_t i = 0; i < s->n_workers; i++)
                n += s->workers[i]->role == role &&
                     (!generation || s->workers[i]->generation == generation);
        return n;
}

/* The lowest number that neither an active worker nor a standby has. */
unsigned
workers_free_index(const Supervisor *s)
{
        unsigned index = 0;
        bool taken = true;

        while (taken) {
                index++;
                taken = false;
                for (size_t i = 0; i < s->n_workers && !taken; i++)
                        taken = s->workers[i]->index == index &&
                                s->workers[i]->role != ROLE_RETIRING;
        }
        return index;
}
