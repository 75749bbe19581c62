/* SPDX-License-Identifier: MIT */
/*
 * standby.c - workers that are started ahead, to take the place of one that dies.
 *
 * Gist: a standby is started like any worker, and is parked in the kernel when it is about to
 * listen: its call is simply not answered until it is promoted. One that takes its sockets from
 * LISTEN_FDS and never calls listen() cannot be parked: it serves like the others, and that is said.
 */
#include <libgen.h>
#include <stdio.h>
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
        while (is_settled(s) && workers_count(s, s->current, ROLE_STANDBY) < s->config->n_standby) {
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

/* What a look through directories may cost, and how deep it goes; more is taken for "changed". */
#define LOOK_FILES_MAX 5000
#define LOOK_DEPTH_MAX 6

/* Whether anything below a directory was changed after the process started, or there is too much. */
static bool
is_newer_below(const char *directory, const Worker *w, unsigned depth, unsigned *n_files)
{
        CLEANUP_DIR DIR *dir = opendir(directory);
        const struct dirent *entry;

        while (dir && (entry = readdir(dir))) {
                CLEANUP_FREE char *path = NULL;

                if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
                        continue;
                if (++*n_files > LOOK_FILES_MAX || depth > LOOK_DEPTH_MAX ||
                    asprintf(&path, "%s/%s", directory, entry->d_name) < 0)
                        return true;
                if (entry->d_type == DT_DIR ? is_newer_below(path, w, depth + 1, n_files)
                                            : is_newer(path, w))
                        return true;
        }
        return false;
}

/*
 * The same for a reload, which is there to bring in what is new: not a standby that was started
 * before its program, a file that its command line names, or anything below its working directory or
 * beside those files was changed. What a server reads elsewhere cannot be known: a reload that names
 * its command always starts it afresh.
 */
Worker *
standby_take_fresh(Supervisor *s)
{
        Worker *w = standby_take(s, true);
        unsigned n_files = 0;
        char path[64];

        if (!w || w->state != LIFE_PARKED)
                return NULL;
        (void)snprintf(path, sizeof(path), "/proc/%d/exe", (int)w->pid);
        if (is_newer(path, w))
                return NULL;
        for (size_t i = 0; i < w->generation->command.n_items; i++) {
                CLEANUP_FREE char *file = strdup(w->generation->command.items[i]);

                if (!file || is_newer(file, w))
                        return NULL;
                if (i > 0 && strchr(file, '/') && access(file, F_OK) == 0 &&
                    is_newer_below(dirname(file), w, 0, &n_files))
                        return NULL;
        }
        (void)snprintf(path, sizeof(path), "/proc/%d/cwd", (int)w->pid);
        return is_newer_below(path, w, 0, &n_files) ? NULL : w;
}
