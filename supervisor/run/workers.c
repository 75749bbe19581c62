/* SPDX-License-Identifier: MIT */
/*
 * workers.c - the life of workers: carries out what policy/life.c says. Starting a process is
 * launch.c's, ending what it left is reap.c's, what follows an end is ended.c's, and what a worker's
 * readiness means for a reload is rollout.c's.
 */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/parse.h"
#include "base/span.h"
#include "linux/process.h"
#include "run/state.h"

/* After a Ctrl-C that reached the workers as well: how long before they are asked once more. */
#define NUDGE_USEC (2 * USEC_PER_SEC)
/* How long SIGKILL may take to clear away left-overs before the next worker starts all the same. */
#define KILL_PATIENCE_USEC (5 * USEC_PER_SEC)
/* How long a worker that was sent SIGABRT may take to dump its core. */
#define ABORT_PATIENCE_USEC (10 * USEC_PER_SEC)
/* One that claimed a listener, which listens already, need not listen itself: it has so long. */
#define CLAIM_IS_READY_USEC USEC_PER_SEC
/* A relative timer counts from when the loop woke up, so it is over a little earlier than we think. */
#define TIMER_SLACK_USEC (100 * USEC_PER_MSEC)
/* How long a worker of a new generation, or one that `sup drain` starts, may take to be ready. */
#define START_TIMEOUT_USEC (30 * USEC_PER_SEC)

/*
 * How long a worker may take to be ready; 0: for ever. A slow server that is started because it
 * crashed is not ended for being slow, unless somebody asked for that.
 */
static uint64_t
start_limit(const Worker *w)
{
        const Config *c = w->supervisor->config;

        if (c->start_timeout_usec)
                return c->start_timeout_usec;
        return w->generation->state == GENERATION_CANDIDATE || w->role == ROLE_CANDIDATE ||
                               c->ready != READY_AUTO
                       ? START_TIMEOUT_USEC
                       : 0;
}

/* When it is late, and ended for that; 0: never. */
static uint64_t
late_at(const Worker *w)
{
        uint64_t limit_usec = start_limit(w);
        uint64_t at_usec = w->spawned_usec + limit_usec;

        if (limit_usec == 0)
                return 0;
        return at_usec > w->extended_until_usec ? at_usec : w->extended_until_usec;
}

/* A worker shows that it serves. Whether the sign counts is policy/ready.c's to say. */
void
worker_sign(Worker *w, ReadySign sign)
{
        Generation *g = w->generation;
        uint64_t pause_usec;

        if (sign == READY_SIGN_LISTEN)
                w->listened = g->habits.listens = true;
        if (sign == READY_SIGN_NOTIFY)
                g->habits.speaks = true;
        if (!ready_counts(w->supervisor->config->ready, &g->habits, sign))
                return;
        pause_usec = sign == READY_SIGN_LISTEN ? candidate_pause(w, late_at(w)) : 0;
        if (pause_usec) {
                worker_set_deadline(w, pause_usec);
                return;
        }
        if (w->state == LIFE_STARTING)
                log_debug("worker %u (pid %d) is ready: %s", w->index, (int)w->pid,
                          ready_sign_text(sign));
        worker_event(w, LIFE_EVENT_SERVING);
}

/*
 * Whether a worker that says nothing counts as serving by now: else *ret_pause_usec is how long until it
 * is looked at again, 0: it is not. One that might be ready for all we know is not called late.
 */
static bool
serves_silently(Worker *w, uint64_t now, uint64_t *ret_pause_usec)
{
        const Supervisor *s = w->supervisor;
        uint64_t late_usec = late_at(w);
        ReadyUse use = READY_USE_UNKNOWN;

        *ret_pause_usec = 0;
        if (!ready_counts(s->config->ready, &w->generation->habits, READY_SIGN_TIME))
                return false;
        if (s->config->ready == READY_AUTO && (late_usec == 0 || now < late_usec)) {
                use = in_use_look(w);
                *ret_pause_usec =
                        ready_pause(use, now - w->spawned_usec, (now_usec() - now) * s->n_workers);
        }
        if (*ret_pause_usec)
                return false;
        worker_sign(w, use == READY_USE_SEEN ? READY_SIGN_USE : READY_SIGN_TIME);
        return w->state == LIFE_READY;
}

/*
 * It claimed a listener a while ago, and need not call listen() on it; or it listens already, and had
 * some time to get the rest. Returns false when there is something else to look at.
 */
static bool
serves_by_claim(Worker *w, uint64_t now)
{
        bool claimed =
                w->claimed_usec && now - w->claimed_usec + TIMER_SLACK_USEC >= CLAIM_IS_READY_USEC;

        if (!claimed && !w->behind_usec)
                return false;
        w->ready_usec = claimed ? w->claimed_usec : 0;
        worker_sign(w, READY_SIGN_LISTEN);
        if (w->state == LIFE_READY)
                return true;
        w->ready_usec = 0;
        return w->deadline_usec != 0; /* it is to be looked at again */
}

/* Some need not say that they serve; the others have until the start limit, if there is one. */
static void
on_still_starting(Worker *w)
{
        uint64_t now = now_usec();
        uint64_t late_usec = late_at(w);
        uint64_t due_usec;
        uint64_t pause_usec;

        if (serves_by_claim(w, now))
                return;
        if (serves_silently(w, now, &pause_usec)) {
                w->generation->habits.silent = true;
                return;
        }
        if (w->state != LIFE_STARTING)
                return;
        due_usec = pause_usec && (!late_usec || now + pause_usec < late_usec) ? now + pause_usec
                                                                              : late_usec;
        if (due_usec && due_usec <= now)
                worker_event(w, LIFE_EVENT_TIMEOUT);
        else if (due_usec)
                worker_set_deadline(w, due_usec - now);
}

/* What was due is due now. */
void
worker_on_deadline(Worker *w)
{
        if (w->state == LIFE_STARTING)
                on_still_starting(w);
        else
                worker_event(w, w->state == LIFE_IDLE ? LIFE_EVENT_START : LIFE_EVENT_TIMEOUT);
}

static void
send_stop_signal(const Worker *w)
{
        if (!w->pid)
                return;
        (void)kill(w->pid, w->supervisor->config->stop_signal);
        (void)kill(w->pid, SIGCONT); /* a stopped one could not act on it */
}

/* Watch over the start: until it counts as serving by living on, or is late. */
static void
expect_ready(Worker *w)
{
        const Config *c = w->supervisor->config;
        bool is_handed = c->n_listen > 0 || c->inherited.n_items > 0 || !w->supervisor->capture_on;
        uint64_t delay_usec =
                ready_delay(c->ready, &w->generation->habits, is_handed, c->ready_timer_usec);
        uint64_t limit_usec = start_limit(w);

        if (delay_usec == 0 || (limit_usec && delay_usec > limit_usec))
                delay_usec = limit_usec;
        if (delay_usec)
                worker_set_deadline(w, delay_usec);
}

static void
spawn(Worker *w)
{
        Supervisor *s = w->supervisor;

        w->incarnation = ++s->last_incarnation;
        w->born_index = w->index;
        w->born_generation = w->generation->number;
        worker_clear_deadline(w);
        w->ready_usec = w->claimed_usec = w->extended_until_usec = 0;
        w->progress_usec = w->behind_usec = 0;
        w->session = 0;
        w->known.n_items = 0;
        w->told_pid = 0;
        w->asked.n_pids = 0;
        w->listened = w->was_asked = w->was_late = w->nudge = w->kill_sweep = w->drained = false;
        w->is_guess = w->captured = w->is_deaf = w->was_parked = false;
        paths_worker_starts(w);
        w->started_ticks = process_ticks_now();
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
        expect_ready(w);
        log_event(&(LogEvent){.level = LOG_DEBUG,
                              .event = "started",
                              .worker = w->index,
                              .generation = w->generation->number,
                              .pid = w->pid},
                  "worker %u started as pid %d", w->index, (int)w->pid);
}

static void
note_ready(Worker *w)
{
        if (!w->ready_usec)
                w->ready_usec = now_usec();
        worker_clear_deadline(w);
        if (w->watchdog_usec && !w->watchdog)
                ready_start_watchdog(w, w->watchdog_usec);
        if (w->ended_usec && w->listened)
                report_serving_again(w, traps_n_waiting(w->supervisor));
        if (w->role == ROLE_STANDBY)
                log_info("worker %u (pid %d) was to stand by, but serves already: it takes its "
                         "sockets "
                         "from LISTEN_FDS",
                         w->index, (int)w->pid);
        given_up_look_soon(w->supervisor);
        rollout_worker_ready(w);
}

static void
terminate(Worker *w)
{
        w->was_asked = true;
        w->watchdog = sd_event_source_disable_unref(w->watchdog);
        w->nudge = w->supervisor->stop_by_terminal;
        if (!w->nudge)
                send_stop_signal(w);
        worker_set_deadline(w, w->nudge ? NUDGE_USEC : w->supervisor->config->stop_timeout_usec);
}

/* It is not ready in time. That is a failure, and it is ended like one that was asked to. */
static void
end_late(Worker *w)
{
        char span[32];

        w->was_late = true;
        log_event(&(LogEvent){.level = LOG_WARNING,
                              .event = "late",
                              .worker = w->index,
                              .generation = w->generation->number,
                              .pid = w->pid},
                  "worker %u (pid %d) was not ready after %s (--start-timeout); ending it",
                  w->index, (int)w->pid, span_format(start_limit(w), span, sizeof(span)));
        send_stop_signal(w);
        worker_set_deadline(w, w->supervisor->config->stop_timeout_usec);
        rollout_worker_failed(w);
}

static void
abort_stalled(Worker *w)
{
        w->was_late = true;
        log_event(&(LogEvent){.level = LOG_ERR,
                              .event = "watchdog",
                              .worker = w->index,
                              .generation = w->generation->number,
                              .pid = w->pid},
                  "worker %u (pid %d) missed its watchdog; sending it SIGABRT", w->index,
                  (int)w->pid);
        (void)kill(w->pid, SIGABRT);
        (void)kill(w->pid, SIGCONT);
        worker_set_deadline(w, ABORT_PATIENCE_USEC);
}

static void
kill_all(Worker *w, LifeState before)
{
        if (before == LIFE_STOPPING &&
            !w->deadline_usec) /* else somebody did not want to wait for that */
                log_warning("worker %u (pid %d) did not end in time after SIG%s; killing it",
                            w->index, (int)w->pid,
                            w->was_asked ? signal_name(w->supervisor->config->stop_signal)
                                         : "ABRT");
        w->was_asked = w->was_asked || !w->was_late;
        w->kill_sweep = true;
        if (w->pid)
                (void)kill(w->pid, SIGKILL);
        worker_clear_deadline(w);
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
                worker_set_deadline(w, KILL_PATIENCE_USEC);
        else if (first)
                worker_set_deadline(w, w->supervisor->config->stop_timeout_usec);
}

static void
act(Worker *w, LifeAction action, LifeState before)
{
        switch (action) {
        case LIFE_ACTION_NONE:
        case LIFE_ACTION_IMPOSSIBLE:
                break;
        case LIFE_ACTION_SPAWN:
                spawn(w);
                break;
        case LIFE_ACTION_NOTE_READY:
                note_ready(w);
                break;
        case LIFE_ACTION_RELEASE:
                w->was_parked = false;
                expect_ready(w);
                traps_release(w);
                break;
        case LIFE_ACTION_TERMINATE:
                terminate(w);
                break;
        case LIFE_ACTION_LATE:
                end_late(w);
                break;
        case LIFE_ACTION_ABORT:
                abort_stalled(w);
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
                worker_decide(w);
                break;
        case LIFE_ACTION_CANCEL:
                worker_cancel(w);
                break;
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
                worker_set_deadline(w, w->supervisor->config->stop_timeout_usec);
                return;
        }
        if (event == LIFE_EVENT_TIMEOUT && before == LIFE_SWEEPING && w->kill_sweep) {
                lose_patience(w);
                return;
        }
        if (step.action == LIFE_ACTION_IMPOSSIBLE)
                log_error("a bug in sup: event %d came to worker %u while %s, ignoring", (int)event,
                          w->index, life_state_name(before));
        w->state = step.next;
        if (event == LIFE_EVENT_PARK && before == LIFE_STARTING) {
                w->was_parked = true;
                worker_clear_deadline(w);
        }
        act(w, step.action, before);
}

/* It is on its way out, and its place goes with it; gracefully. */
void
worker_retire(Worker *w)
{
        w->role = ROLE_RETIRING;
        w->renew = false;
        w->renew_as = NULL;
        worker_event(w, LIFE_EVENT_STOP);
}

/*
 * A worker got a held socket by a bind(). If it lives on it serves: it may see that the socket
 * listens already, and call no listen() itself.
 */
void
worker_on_claimed(Worker *w)
{
        w->progress_usec = now_usec();
        if (w->claimed_usec)
                return;
        w->claimed_usec = w->progress_usec;
        if (w->state == LIFE_STARTING && w->role != ROLE_STANDBY)
                worker_set_deadline(w, CLAIM_IS_READY_USEC);
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
        w->progress_usec = now_usec();
        worker_sign(w, READY_SIGN_LISTEN);
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
                              .generation = w->generation->number,
                              .pid = pid},
                  "worker %u (pid %d) went into the background; following %s (pid %d)", w->index,
                  (int)w->pid_before, comm, (int)pid);
        w->pid = pid;
        w->is_guess = is_guess;
        known_add(&w->known, pid);
        worker_note_session(w);
}
