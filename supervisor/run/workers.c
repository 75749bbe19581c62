/* SPDX-License-Identifier: MIT */
/*
 * workers.c - the life of workers: carries out what policy/life.c says, and asks policy/restart.c
 * what follows an end. Starting a process is launch.c's, ending what it left is reap.c's.
 */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/random.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/parse.h"
#include "run/state.h"

/* After a Ctrl-C that reached the workers as well: how long before they are asked once more. */
#define NUDGE_USEC (2 * USEC_PER_SEC)
/* How long SIGKILL may take to clear away left-overs before the next worker starts all the same. */
#define KILL_PATIENCE_USEC (5 * USEC_PER_SEC)
/* A worker that binds nothing is taken for ready after this. */
#define ALIVE_IS_READY_USEC USEC_PER_SEC

/* Add a place for one more worker, idle. Returns 0 or -ENOMEM. */
int
workers_add(Supervisor *s)
{
        Worker **workers = reallocarray(s->workers, s->n_workers + 1, sizeof(Worker *));
        Worker *w;

        if (!workers)
                return -ENOMEM;
        s->workers = workers;
        w = calloc(1, sizeof(*w));
        if (!w)
                return -ENOMEM;
        w->supervisor = s;
        w->index = (unsigned)s->n_workers + 1;
        w->trap_fd = -1;
        s->workers[s->n_workers++] = w;
        return 0;
}

/* Free a place. Its process, if any, is not touched. Takes NULL. Returns NULL. */
Worker *
worker_free(Worker *w)
{
        if (w) {
                traps_detach(w);
                ready_close(w);
                sd_event_source_disable_unref(w->timer);
                restart_state_deinit(&w->restart);
                pidset_deinit(&w->asked);
                free(w);
        }
        return NULL;
}

/* Free the places whose worker was to be the last in them and is gone. */
void
workers_remove_retired(Supervisor *s)
{
        while (s->n_workers > 1) {
                Worker *last = s->workers[s->n_workers - 1];

                if (!last->retire || last->state != LIFE_IDLE || last->timer)
                        return;
                worker_free(last);
                s->n_workers--;
        }
}

/* The main processes of all workers. */
void
workers_read_mains(const Supervisor *s, PidSet *ret_mains)
{
        for (size_t i = 0; i < s->n_workers; i++)
                if (s->workers[i]->pid)
                        (void)pidset_add(ret_mains, s->workers[i]->pid);
}

/* Whether every orphan must come from the one worker that there is. */
bool
workers_is_only(const Supervisor *s)
{
        return s->n_workers == 1;
}

/* By what a worker's orphans are known. */
TreeMark
worker_mark(const Worker *w)
{
        return (TreeMark){
                .worker = w->index,
                .group = w->supervisor->spawn.own_group ? w->group : 0,
                .session = w->session,
        };
}

static int
on_timer(sd_event_source *source, uint64_t usec, void *userdata)
{
        Worker *w = userdata;

        (void)source;
        (void)usec;
        w->timer = sd_event_source_disable_unref(w->timer);
        if (w->state == LIFE_STARTING) { /* it has lived on with what it claimed */
                w->listened = true;
                w->ready_usec = w->claimed_usec;
        }
        worker_event(w, w->state == LIFE_IDLE       ? LIFE_EVENT_START
                        : w->state == LIFE_STARTING ? LIFE_EVENT_SERVING
                                                    : LIFE_EVENT_TIMEOUT);
        supervisor_check_done(w->supervisor);
        return 0;
}

/* One timer serves: a start that is due while idle, readiness while starting, else a deadline. */
static void
set_timer(Worker *w, uint64_t delay_usec)
{
        int r;

        w->timer = sd_event_source_disable_unref(w->timer);
        r = sd_event_add_time_relative(w->supervisor->event, &w->timer, CLOCK_MONOTONIC, delay_usec,
                                       USEC_PER_MSEC, on_timer, w);
        if (r < 0)
                log_error("cannot set a timer: %s", strerrordesc_np(-r));
}

static void
send_stop_signal(const Worker *w)
{
        if (!w->pid)
                return;
        (void)kill(w->pid, w->supervisor->config->stop_signal);
        (void)kill(w->pid, SIGCONT); /* a stopped one could not act on it */
}

static void
spawn(Worker *w)
{
        Supervisor *s = w->supervisor;

        w->incarnation = ++s->last_incarnation;
        w->generation = s->generation;
        w->timer = sd_event_source_disable_unref(w->timer);
        w->ready_usec = w->claimed_usec = 0;
        w->session = 0;
        w->asked.n_pids = 0;
        w->listened = w->was_asked = w->nudge = w->kill_sweep = w->is_guess = false;
        if (launch_worker(w) < 0) {
                if (!s->has_started)
                        supervisor_stop(s, true, w->end_status);
                w->pid_before = 0;
                w->ended_usec = w->spawned_usec;
                worker_event(w, LIFE_EVENT_ENDED);
                return;
        }
        w->group = w->pid;
        s->has_started = true;
        log_event(&(LogEvent){.level = LOG_DEBUG,
                              .event = "started",
                              .worker = w->index,
                              .generation = w->generation,
                              .pid = w->pid},
                  "worker %u started as pid %d", w->index, (int)w->pid);
}

static void
note_ready(Worker *w)
{
        if (!w->ready_usec)
                w->ready_usec = now_usec();
        w->timer = sd_event_source_disable_unref(w->timer);
        if (w->ended_usec && w->listened)
                report_serving_again(w, traps_queue_length(w->supervisor));
        else
                log_debug("worker %u (pid %d) is ready", w->index, (int)w->pid);
        traps_look_soon(w->supervisor);
        rollout_worker_ready(w);
}

static void
terminate(Worker *w)
{
        w->was_asked = true;
        w->nudge = w->supervisor->stop_by_terminal;
        if (!w->nudge)
                send_stop_signal(w);
        set_timer(w, w->nudge ? NUDGE_USEC : w->supervisor->config->stop_timeout_usec);
}

static void
kill_all(Worker *w, LifeState before)
{
        if (before == LIFE_STOPPING)
                log_warning("worker %u (pid %d) did not end in time after SIG%s; killing it",
                            w->index, (int)w->pid,
                            signal_name(w->supervisor->config->stop_signal));
        w->was_asked = w->kill_sweep = true;
        if (w->pid)
                (void)kill(w->pid, SIGKILL);
        w->timer = sd_event_source_disable_unref(w->timer);
}

/* SIGKILL was sent to left-overs long ago: something in the kernel holds them. */
static void
lose_patience(Worker *w)
{
        log_warning("what worker %u left behind does not end; going on without it", w->index);
        worker_event(w, LIFE_EVENT_SWEPT);
}

static void
sweep(Worker *w, LifeState before)
{
        bool first = before != LIFE_SWEEPING;

        if (first) {
                /* What a crash left is ended at once; what a graceful stop left may be graceful. */
                w->kill_sweep = w->kill_sweep || before != LIFE_STOPPING;
                traps_worker_ended(w);
                terminal_restore(w->supervisor);
        }
        if (reap_sweep(w)) {
                worker_event(w, LIFE_EVENT_SWEPT);
                return;
        }
        if (w->kill_sweep)
                set_timer(w, KILL_PATIENCE_USEC);
        else if (first)
                set_timer(w, w->supervisor->config->stop_timeout_usec);
}

/*
 * How an incarnation ended, and how long it had been ready. One that claimed a listener and lived on
 * was ready even if it called no listen(); one that binds nothing is ready by living on, unless its
 * like is known to listen.
 */
static RestartInput
describe_end(const Worker *w)
{
        RestartInput input = {
                .now_usec = w->ended_usec,
                .failed = w->end_code != CLD_EXITED || w->end_status != 0,
        };
        uint64_t alive_usec = w->spawned_usec + ALIVE_IS_READY_USEC;
        uint64_t ready_usec = w->ready_usec;

        if (!ready_usec && w->claimed_usec &&
            w->ended_usec >= w->claimed_usec + ALIVE_IS_READY_USEC)
                ready_usec = w->claimed_usec;
        if (!ready_usec && !w->supervisor->workers_listen && w->ended_usec >= alive_usec)
                ready_usec = alive_usec;
        input.was_ready = ready_usec != 0;
        input.ready_usec = input.was_ready ? w->ended_usec - ready_usec : 0;
        (void)getrandom(&input.random, sizeof(input.random), GRND_NONBLOCK);
        return input;
}

/* An end that nobody asked for: restart now, later, or not. */
static void
decide_by_policy(Worker *w)
{
        Supervisor *s = w->supervisor;
        RestartInput input = describe_end(w);
        uint64_t lived_usec = w->ended_usec - w->spawned_usec;
        uint64_t delay_usec = 0;
        pid_t old_pid = w->pid_before;
        RestartVerdict verdict;
        int status = restart_exit_status(w->end_code, w->end_status);

        if (!input.was_ready)
                rollout_worker_failed(w);
        verdict = restart_decide(&s->config->restart, &w->restart, &input, &delay_usec);
        if (verdict == RESTART_NOW) {
                worker_event(w, LIFE_EVENT_START);
                if (w->pid)
                        report_restarted(w, old_pid, lived_usec);
                return;
        }
        report_ended(w, verdict, delay_usec);
        if (!w->listened && input.failed)
                traps_explain_end(w);
        if (verdict == RESTART_LATER)
                set_timer(w, delay_usec);
        else if (verdict == RESTART_GIVE_UP)
                supervisor_stop(s, false, status ? status : 1);
        else
                w->done = true;
        if (w->done && s->exit_status == 0)
                s->exit_status = status;
}

static void
decide(Worker *w)
{
        traps_detach(w);
        ready_close(w);
        w->timer = sd_event_source_disable_unref(w->timer);
        if (w->supervisor->stopping || w->retire) {
                if (w->pid_before)
                        report_ended(w, RESTART_DONE, 0);
                rollout_worker_retired(w);
        } else if (w->renew) {
                w->renew = false;
                if (w->pid_before && w->was_asked)
                        report_ended(w, RESTART_DONE, 0);
                worker_event(w, LIFE_EVENT_START);
        } else {
                decide_by_policy(w);
        }
}

/* A start that was due is called off: for good, or because it comes right now. */
static void
cancel(Worker *w)
{
        w->timer = sd_event_source_disable_unref(w->timer);
        if (w->renew && !w->supervisor->stopping) {
                w->renew = false;
                w->done = false;
                worker_event(w, LIFE_EVENT_START);
        }
}

/* Let an event happen to a worker. May call itself for what follows at once. */
void
worker_event(Worker *w, LifeEvent event)
{
        LifeState before = w->state;
        LifeStep step = life_step(before, event);

        /* The first patience ended with the stop signal, after a Ctrl-C; the next ends with KILL. */
        if (event == LIFE_EVENT_TIMEOUT && before == LIFE_STOPPING && w->nudge) {
                w->nudge = false;
                send_stop_signal(w);
                set_timer(w, w->supervisor->config->stop_timeout_usec);
                return;
        }
        if (event == LIFE_EVENT_TIMEOUT && before == LIFE_SWEEPING && w->kill_sweep) {
                lose_patience(w);
                return;
        }
        w->state = step.next;
        switch (step.action) {
        case LIFE_ACTION_NONE:
                break;
        case LIFE_ACTION_SPAWN:
                spawn(w);
                break;
        case LIFE_ACTION_NOTE_READY:
                note_ready(w);
                break;
        case LIFE_ACTION_TERMINATE:
                terminate(w);
                break;
        case LIFE_ACTION_KILL:
                kill_all(w, before);
                if (before == LIFE_SWEEPING)
                        sweep(w, before);
                break;
        case LIFE_ACTION_SWEEP:
                sweep(w, before);
                break;
        case LIFE_ACTION_DECIDE:
                decide(w);
                break;
        case LIFE_ACTION_CANCEL:
                cancel(w);
                break;
        case LIFE_ACTION_IMPOSSIBLE:
                log_error("a bug in sup: event %d came to worker %u while %s, ignoring", (int)event,
                          w->index, life_state_name(before));
                break;
        }
}

/*
 * A worker got a held socket by a bind(). If it lives on it serves: it may see that the socket
 * listens already, and call no listen() itself.
 */
void
worker_on_claimed(Worker *w)
{
        if (w->claimed_usec)
                return;
        w->claimed_usec = now_usec();
        if (w->state == LIFE_STARTING)
                set_timer(w, ALIVE_IS_READY_USEC);
}

/*
 * Whose child the task is or descends from, seen from us: the process that will be left to us, or was,
 * when the ones between have ended. 0: it is gone.
 */
static pid_t
find_own_child(pid_t tid)
{
        pid_t pid = proc_thread_group(tid);
        pid_t parent = pid ? proc_parent(pid) : 0;

        while (parent && parent != getpid()) {
                pid = parent;
                parent = proc_parent(pid);
        }
        return parent ? pid : 0;
}

/* A worker listens on a held socket, by this task: the best sign that it serves. */
void
worker_on_listening(Worker *w, pid_t tid)
{
        pid_t pid = w->is_guess ? find_own_child(tid) : 0;

        if (pid && pid != w->pid) {
                w->pid_before = w->pid;
                worker_follow(w, pid, false);
        }
        w->is_guess = false;
        w->listened = true;
        w->supervisor->workers_listen = true;
        worker_event(w, LIFE_EVENT_SERVING);
}

/* The main process daemonised itself: this one is the main process from now on, or until one listens. */
void
worker_follow(Worker *w, pid_t pid, bool is_guess)
{
        char comm[PROC_COMM_MAX] = "?";

        (void)proc_comm(pid, comm, sizeof(comm));
        log_event(&(LogEvent){.level = LOG_INFO,
                              .event = "followed",
                              .worker = w->index,
                              .generation = w->generation,
                              .pid = pid},
                  "worker %u (pid %d) went into the background; following %s (pid %d)", w->index,
                  (int)w->pid_before, comm, (int)pid);
        w->pid = pid;
        w->is_guess = is_guess;
        if (getsid(pid) != getsid(0))
                w->session = getsid(pid);
}
