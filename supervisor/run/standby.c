/* SPDX-License-Identifier: MIT */
/*
 * standby.c - workers that are started ahead, to take the place of one that dies.
 *
 * Gist: a standby is started like any worker, and is parked in the kernel when it is about to
 * listen: its call is simply not answered until it is promoted. One that takes its sockets from
 * LISTEN_FDS and never calls listen() cannot be parked: it serves like the others, and that is said.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "run/state.h"

/* Whether the service stands, so that a standby does not compete with workers that start. */
static bool
is_settled(const Supervisor *s)
{
        if (s->stopping || s->rollout.state != ROLLOUT_IDLE)
                return false;
        for (size_t i = 0; i < s->n_workers; i++)
                if (s->workers[i]->role == ROLE_ACTIVE && s->workers[i]->state != LIFE_READY)
                        return false;
        return true;
}

/* Start the standbys that are missing, if it is time for that. */
void
standby_fill(Supervisor *s)
{
        while (is_settled(s) &&
               workers_count(s, s->current, ROLE_STANDBY) < s->config->n_standby) {
                Worker *w = workers_add(s, s->current, ROLE_STANDBY, workers_free_index(s));

                if (!w)
                        return;
                worker_event(w, LIFE_EVENT_START);
        }
}

/*
 * The standby that is nearest to serving, or NULL; parked_only: one that waits for nothing else.
 * It keeps its role until the caller gives it another one.
 */
Worker *
standby_take(Supervisor *s, bool parked_only)
{
        Worker *best = NULL;

        for (size_t i = 0; i < s->n_workers; i++) {
                Worker *w = s->workers[i];

                if (w->role != ROLE_STANDBY || w->generation != s->current)
                        continue;
                if (w->state == LIFE_PARKED || w->state == LIFE_READY)
                        return w;
                if (w->state == LIFE_STARTING && !parked_only)
                        best = w;
        }
        return best;
}

/* Whether a file was changed after the process started: what that has read is out of date. */
static bool
is_newer(const char *path, const Worker *w)
{
        struct timespec now;
        struct stat st;
        uint64_t age_usec = now_usec() - w->spawned_usec;

        if (stat(path, &st) < 0 || !S_ISREG(st.st_mode))
                return false;
        (void)clock_gettime(CLOCK_REALTIME, &now);
        return (now.tv_sec - st.st_ctim.tv_sec) * 1000000LL +
                       (now.tv_nsec - st.st_ctim.tv_nsec) / 1000 <
               (long long)age_usec;
}

/*
 * The same for a reload, which is there to bring in what is new: not a standby that was started
 * before its program, or a file that its command line names, was changed.
 */
Worker *
standby_take_fresh(Supervisor *s)
{
        Worker *w = standby_take(s, true);
        char program[64];

        if (!w || w->state != LIFE_PARKED)
                return NULL;
        (void)snprintf(program, sizeof(program), "/proc/%d/exe", (int)w->pid);
        if (is_newer(program, w))
                return NULL;
        for (size_t i = 0; i < w->generation->command.n_items; i++)
                if (is_newer(w->generation->command.items[i], w))
                        return NULL;
        return w;
}
