/* SPDX-License-Identifier: MIT */
/*
 * tree.c - which processes belong to a worker.
 *
 * Theory of operation: we are the subreaper (prctl(2)), so whatever a worker leaves behind becomes
 * our own child, setsid and double fork or not. With a single worker every such orphan is its own.
 * With several, an orphan is known because it was seen to be a worker's before (known.c), by its
 * process group, by a session that a daemonised worker made, or by SUP_WORKER, SUP_GENERATION and
 * EINHORN_MASTER_PID in the environment that it was started with. One that exits has no environment any
 * more, but still its children, until these are left to us: so it belongs to whom they belong. As PID 1
 * we inherit strangers too; those are reaped and otherwise left alone.
 */
#include "worker/tree.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fd.h"

/* Become the subreaper, and note the children that are not ours to end. Returns 0 or -errno. */
int
tree_init(Tree *t)
{
        *t = (Tree){.children_fd = -1, .is_init = getpid() == 1};
        if (prctl(PR_SET_CHILD_SUBREAPER, 1) < 0)
                return -errno;
        t->children_fd = proc_open_children(getpid());
        return proc_read_children(getpid(), &t->strangers);
}

/* Close and free. */
void
tree_deinit(Tree *t)
{
        fd_close(t->children_fd);
        pidset_deinit(&t->strangers);
        *t = (Tree){.children_fd = -1};
}

/* Our children that are neither a worker's main process nor strangers. Returns 0 or -errno. */
int
tree_read_orphans(const Tree *t, const PidSet *mains, PidSet *ret_orphans)
{
        CLEANUP(pidset_deinit_p) PidSet children = {0};
        int r = t->children_fd >= 0 ? proc_read_children_fd(t->children_fd, &children)
                                    : proc_read_children(getpid(), &children);

        for (size_t i = 0; r == 0 && i < children.n_pids; i++)
                if (!pidset_has(mains, children.pids[i]) &&
                    !pidset_has(&t->strangers, children.pids[i]))
                        r = pidset_add(ret_orphans, children.pids[i]);
        return r;
}

/* 1, 0, or a negative errno where the environment does not tell. */
static int
environment_says(pid_t pid, const char *name, long number)
{
        char value[32];
        int r = proc_environment_value(pid, name, value, sizeof(value));

        return r < 0 ? r : strtol(value, NULL, 10) == number;
}

/* Whether a process shows that it is this worker's: 1, 0, or a negative errno where it shows nothing. */
static int
has_mark(const TreeMark *mark, pid_t pid)
{
        int r;

        if ((mark->group && getpgid(pid) == mark->group) ||
            (mark->session && getsid(pid) == mark->session) ||
            (mark->known && known_has(mark->known, pid)))
                return 1;
        r = environment_says(pid, "EINHORN_MASTER_PID", getpid());
        if (r == 1)
                r = environment_says(pid, "SUP_WORKER", (long)mark->worker);
        if (r == 1)
                r = environment_says(pid, "SUP_GENERATION", (long)mark->generation);
        return r;
}

/* Whether a process exits, and leaves others to us soon that are this worker's. */
static bool
leaves_marked(const TreeMark *mark, pid_t pid)
{
        CLEANUP(pidset_deinit_p) PidSet below = {0};

        if (!proc_is_exiting(pid))
                return false;
        (void)proc_read_descendants(pid, &below);
        for (size_t i = 0; i < below.n_pids; i++)
                if (has_mark(mark, below.pids[i]) == 1)
                        return true;
        return false;
}

/* Whether an orphan is this worker's. only_worker: there is, and was, no other. */
bool
tree_owns(const Tree *t, const TreeMark *mark, pid_t orphan, bool only_worker)
{
        int r;

        if (only_worker && !t->is_init)
                return true;
        r = has_mark(mark, orphan);
        return r == 1 || (r < 0 && leaves_marked(mark, orphan));
}

/*
 * All living processes of a worker: its main process (0: it ended), the orphans that are its own,
 * and what descends from them. Returns 0 or a negative errno.
 */
int
tree_read_worker(const Tree *t, const TreeMark *mark, pid_t main_pid, const PidSet *mains,
                 bool only_worker, PidSet *ret_pids)
{
        CLEANUP(pidset_deinit_p) PidSet orphans = {0};
        size_t next = ret_pids->n_pids;
        int r = tree_read_orphans(t, mains, &orphans);

        if (r == 0 && main_pid)
                r = pidset_add(ret_pids, main_pid);
        for (size_t i = 0; r == 0 && i < orphans.n_pids; i++)
                if (tree_owns(t, mark, orphans.pids[i], only_worker))
                        r = pidset_add(ret_pids, orphans.pids[i]);
        while (r == 0 && next < ret_pids->n_pids)
                r = proc_read_children(ret_pids->pids[next++], ret_pids);
        return r;
}
