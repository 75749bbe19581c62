/* SPDX-License-Identifier: MIT */
/*
 * whose.c - what the processes of a worker are known by.
 *
 * Gist: worker/tree.c knows the orphans of several workers apart by what they were started with: their
 * group, session and environment. A daemon makes a session, and some servers write over their
 * environment. So whoever a worker's filter stops, or is heard as the worker, is remembered at that
 * moment, with those between it and us. Who does neither in the background can only be told by
 * exclusion: it is younger than the worker's process, and no other worker can have it.
 */
#include <errno.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "linux/process.h"
#include "run/state.h"

enum {
        DEPTH_MAX = 32, /* who has so many processes above it is not looked after */
};

/*
 * The session that the main process has made, or 0. It may make one at any time, also after it was
 * followed; it can be asked for as long as it is not reaped.
 */
static pid_t
session_of(const Worker *w)
{
        pid_t session = w->pid ? getsid(w->pid) : 0;

        return session > 0 && session != getsid(0) ? session : w->session;
}

/* By what a worker's orphans are known. */
TreeMark
worker_mark(const Worker *w)
{
        return (TreeMark){
                .worker = w->born_index,
                .generation = w->born_generation,
                .group = w->supervisor->spawn.own_group ? w->group : 0,
                .session = session_of(w),
                .known = &w->known,
        };
}

/* Remember the session of a main process that is about to be reaped. */
void
worker_note_session(Worker *w)
{
        w->session = session_of(w);
}

/* Whether a worker has claimed a held socket. */
bool
worker_has_claimed(const Worker *w, const Held *h)
{
        for (size_t i = 0; i < h->n_claims; i++)
                if (h->claims[i].owner == w->incarnation)
                        return true;
        return false;
}

static bool
is_main_of_other(const Worker *w, pid_t pid)
{
        const Supervisor *s = w->supervisor;

        for (size_t i = 0; i < s->n_workers; i++)
                if (s->workers[i] != w && s->workers[i]->pid == pid)
                        return true;
        return false;
}

/*
 * A living task has just shown that it is the worker's: remember it, and those between it and us, one
 * of which may be left to us when others end. Who does not descend from us, or from another worker's
 * main process, is not.
 */
void
worker_knows(Worker *w, pid_t tid)
{
        pid_t pid = tid != w->pid ? proc_thread_group(tid) : 0;
        pid_t chain[DEPTH_MAX];
        size_t n = 0;

        if (!pid || pid == w->pid || known_has(&w->known, pid))
                return;
        while (pid && pid != w->pid && pid != getpid()) {
                if (n == DEPTH_MAX || is_main_of_other(w, pid))
                        return;
                chain[n++] = pid;
                pid = proc_parent(pid);
        }
        while (pid && n) /* the caller last */
                known_add(&w->known, chain[--n]);
}

/* Whether a process can be of this incarnation: it is not older. */
static bool
is_young_enough(const Worker *w, pid_t pid)
{
        return process_started(pid) >= w->started_ticks;
}

/*
 * Whether nobody but this worker can have left this orphan: it came after the worker's process, has
 * nothing in its environment from us, and neither belongs to another worker nor to one that is about to
 * go into the background as well.
 */
static bool
is_by_exclusion(const Worker *w, pid_t orphan)
{
        const Supervisor *s = w->supervisor;
        char value[32];

        if (s->tree.is_init ||
            proc_environment_value(orphan, "EINHORN_MASTER_PID", value, sizeof(value)) != -ENODATA)
                return false;
        for (size_t i = 0; i < s->n_workers; i++) {
                const Worker *other = s->workers[i];
                TreeMark mark = worker_mark(other);

                if (other == w)
                        continue;
                if (other->state == LIFE_STARTING || other->has_ended ||
                    tree_owns(&s->tree, &mark, orphan, false))
                        return false;
        }
        return true;
}

/* Whether an orphan can be what the worker's main process has become in the background. */
bool
worker_may_be_daemon(const Worker *w, const PidSet *group, pid_t orphan)
{
        const Supervisor *s = w->supervisor;
        TreeMark mark = worker_mark(w);

        if (!is_young_enough(w, orphan))
                return false;
        return pidset_has(group, orphan) ||
               tree_owns(&s->tree, &mark, orphan, workers_is_only(s)) || is_by_exclusion(w, orphan);
}
