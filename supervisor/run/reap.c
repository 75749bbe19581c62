/* SPDX-License-Identifier: MIT */
/*
 * reap.c - children that ended, and what they left behind.
 *
 * Gist: one round takes in every child that has ended, then looks once at who was left to us, then
 * lets the workers' lives go on. Orphans of a worker are ended before its next incarnation starts;
 * a worker that only went into the background is followed instead.
 */
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/parse.h"
#include "linux/procfd.h"
#include "run/bake.h"
#include "run/state.h"
#include "run/upgrade.h"

/* A server goes into the background while it starts; later, an exit with 0 is an end. */
#define DAEMONISE_AFTER_LISTEN_USEC (10 * USEC_PER_SEC)
#define DAEMONISE_AFTER_START_USEC (90 * USEC_PER_SEC)

enum {
        DAEMON_LOOKS_MAX = 16, /* who forks faster than we look is no daemon */
};

static Worker *
find_worker(const Supervisor *s, pid_t pid)
{
        for (size_t i = 0; i < s->n_workers; i++)
                if (s->workers[i]->pid == pid)
                        return s->workers[i];
        return NULL;
}

/* The processes that were left to us; read at most once in a round. */
static const PidSet *
read_orphans(Supervisor *s)
{
        CLEANUP(pidset_deinit_p) PidSet mains = {0};

        if (!s->orphans_read) {
                s->orphans.n_pids = 0;
                workers_read_mains(s, &mains);
                (void)tree_read_orphans(&s->tree, &mains, &s->orphans);
                s->orphans_read = true;
        }
        return &s->orphans;
}

/* Whether a child can be reaped, which the next round does. */
static bool
has_just_ended(pid_t pid)
{
        siginfo_t info = {0};

        return waitid(P_PID, (id_t)pid, &info, WEXITED | WNOHANG | WNOWAIT) == 0 && info.si_pid;
}

/*
 * The processes that a worker left behind. Returns whether there can be no more: who ended since the
 * orphans were read may have left one to us, which the next round finds.
 */
static bool
read_left(const Worker *w, const PidSet *orphans, PidSet *ret_left)
{
        const Supervisor *s = w->supervisor;
        TreeMark mark = worker_mark(w);
        bool is_all = true;

        cgroups_read(w, ret_left);
        for (size_t i = 0; i < orphans->n_pids; i++) {
                pid_t pid = orphans->pids[i];

                /* At first, since it is cheap; later, since it may have ended while we asked. */
                if (!has_just_ended(pid) && tree_owns(&s->tree, &mark, pid, workers_is_only(s)))
                        (void)pidset_add(ret_left, pid);
                else if (has_just_ended(pid))
                        is_all = false;
        }
        return is_all;
}

/*
 * End what a worker left behind: at once, or with its stop signal first, once for each process.
 * Returns true when nothing is left.
 */
bool
reap_sweep(Worker *w)
{
        Supervisor *s = w->supervisor;
        CLEANUP(pidset_deinit_p) PidSet left = {0};
        bool is_all = read_left(w, read_orphans(s), &left);
        size_t n = left.n_pids;

        if (w->kill_sweep && n)
                cgroups_kill(w);
        for (size_t i = 0; i < n; i++) {
                pid_t pid = left.pids[i];

                if (!w->kill_sweep && pidset_has(&w->asked, pid))
                        continue;
                (void)kill(pid, w->kill_sweep ? SIGKILL : s->config->stop_signal);
                (void)kill(pid, SIGCONT);
                (void)pidset_add(&w->asked, pid);
        }
        if (n)
                log_debug("ending %zu process%s that worker %u left behind", n, n == 1 ? "" : "es",
                          w->index);
        else if (is_all)
                cgroups_remove(w);
        return n == 0 && is_all;
}

/* In the end: whatever could not be told whose it was. Returns true when nothing is left. */
bool
reap_strays(Supervisor *s)
{
        const PidSet *orphans = read_orphans(s);

        if (s->tree.is_init) /* the kernel ends them with us */
                return true;
        for (size_t i = 0; i < orphans->n_pids; i++)
                (void)kill(orphans->pids[i], SIGKILL);
        return orphans->n_pids == 0;
}

/* Whether a process, or one that descends from it, has a socket open that this worker claimed. */
static bool
has_claimed_socket(const Worker *w, pid_t pid)
{
        const HeldTable *held = &w->supervisor->held;
        CLEANUP(pidset_deinit_p) PidSet pids = {0};

        if (pidset_add(&pids, pid) < 0 || proc_read_descendants(pid, &pids) < 0)
                return false;
        for (size_t i = 0; i < held->n_items; i++)
                for (size_t j = 0; j < pids.n_pids; j++) {
                        int fd;

                        if (procfd_find_socket(pids.pids[j], held->items[i]->ino, -1, &fd) == 1)
                                return true;
                }
        return false;
}

static bool
is_still_starting(const Worker *w)
{
        uint64_t now = now_usec();

        if (w->ready_usec)
                return now - w->ready_usec < DAEMONISE_AFTER_LISTEN_USEC;
        return now - w->spawned_usec < DAEMONISE_AFTER_START_USEC;
}

/* An orphan of this worker that has its listener, or said that it is the main process; or any one. */
static pid_t
look_for_daemon(Worker *w, pid_t *ret_any)
{
        const PidSet *orphans = read_orphans(w->supervisor);
        CLEANUP(pidset_deinit_p) PidSet group = {0};

        *ret_any = 0;
        cgroups_read(w, &group);
        for (size_t i = 0; i < orphans->n_pids; i++) {
                pid_t pid = orphans->pids[i];

                if (!worker_may_be_daemon(w, &group, pid))
                        continue;
                if (pid == w->told_pid || has_claimed_socket(w, pid))
                        return pid;
                if (!*ret_any)
                        *ret_any = pid;
        }
        return 0;
}

/*
 * Whether the processes that were left to us, or their descendants, are others than those seen before;
 * a descendant that was left to us since is another one. Reads them anew, and adds them to those seen.
 */
static bool
has_new_processes(Supervisor *s, PidSet *seen_orphans, PidSet *seen_below)
{
        size_t n_before = seen_orphans->n_pids + seen_below->n_pids;
        const PidSet *orphans;

        s->orphans_read = false;
        orphans = read_orphans(s);
        for (size_t i = 0; i < orphans->n_pids; i++) {
                CLEANUP(pidset_deinit_p) PidSet below = {0};

                (void)pidset_add(seen_orphans, orphans->pids[i]);
                (void)proc_read_descendants(orphans->pids[i], &below);
                for (size_t j = 0; j < below.n_pids; j++)
                        (void)pidset_add(seen_below, below.pids[j]);
        }
        return seen_orphans->n_pids + seen_below->n_pids > n_before;
}

/*
 * Whether a main process that exited with 0 has only gone into the background, and who it is now:
 * an orphan of its own that has the listener, or any one (*ret_is_guess) if the worker had none yet.
 * It may be on its way, from one process to the next: until nobody came while we looked.
 */
static pid_t
find_daemon(Worker *w, bool *ret_is_guess)
{
        CLEANUP(pidset_deinit_p) PidSet orphans = {0};
        CLEANUP(pidset_deinit_p) PidSet below = {0};
        unsigned n_looks = 0;
        pid_t any = 0;

        *ret_is_guess = false;
        if (w->end_code != CLD_EXITED || w->end_status != 0 || w->was_asked ||
            !is_still_starting(w))
                return 0;
        while (has_new_processes(w->supervisor, &orphans, &below) && n_looks++ < DAEMON_LOOKS_MAX) {
                pid_t pid = look_for_daemon(w, &any);

                if (pid)
                        return pid;
        }
        *ret_is_guess = true;
        return w->listened ? 0 : any;
}

static void
handle_ended(Worker *w)
{
        pid_t daemon_pid;
        bool is_guess;

        w->has_ended = false;
        w->pid_before = w->pid;
        w->pid = 0;
        daemon_pid = find_daemon(w, &is_guess);
        if (daemon_pid) {
                w->end_code = w->end_code_before; /* that was no end */
                w->end_status = w->end_status_before;
                worker_follow(w, daemon_pid, is_guess);
                w->supervisor->orphans_read = false;
                return;
        }
        w->ended_usec = now_usec();
        drain_worker_ended(w);
        worker_event(w, LIFE_EVENT_ENDED);
}

static void
note_end(Supervisor *s, const siginfo_t *info)
{
        Worker *w = find_worker(s, info->si_pid);

        if (upgrade_check_ended(s, info->si_pid, info->si_code, info->si_status))
                return;
        if (info->si_pid == s->rollout.check_pid) {
                bake_check_ended(s, info->si_code, info->si_status);
                return;
        }
        if (!w) {
                log_debug("reaped pid %d, which was left to us", (int)info->si_pid);
                return;
        }
        w->has_ended = true;
        w->end_code_before = w->end_code;
        w->end_status_before = w->end_status;
        w->end_code = info->si_code;
        w->end_status = info->si_status;
}

/* Take in a child that has ended, of which more can be asked until then. Returns whether there is one. */
static bool
reap_next(const Supervisor *s, siginfo_t *ret_info)
{
        Worker *w;

        *ret_info = (siginfo_t){0};
        if (waitid(P_ALL, 0, ret_info, WEXITED | WNOHANG | WNOWAIT) < 0 || ret_info->si_pid == 0)
                return false;
        w = find_worker(s, ret_info->si_pid);
        if (w)
                worker_note_session(w);
        return waitid(P_PID, (id_t)ret_info->si_pid, ret_info, WEXITED) == 0;
}

/* Take in all children that have ended, and let life go on. */
void
reap_children(Supervisor *s)
{
        siginfo_t info;

        s->orphans_read = false;
        while (reap_next(s, &info))
                note_end(s, &info);
        for (size_t i = 0; i < s->n_workers; i++) {
                Worker *w = s->workers[i];

                if (w->has_ended)
                        handle_ended(w);
                else if (w->state == LIFE_SWEEPING && reap_sweep(w))
                        worker_event(w, LIFE_EVENT_SWEPT);
        }
        cgroups_tidy(s);
        drain_wake(s);
        supervisor_check_done(s);
}
