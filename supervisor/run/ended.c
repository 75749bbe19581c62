/* SPDX-License-Identifier: MIT */
/*
 * ended.c - what follows the end of a worker: carries out what policy/restart.c says.
 *
 * Gist: the same again, at once or later, in the form of a standby where there is one; or something
 * else, because somebody asked for it; or nothing.
 */
#include <sys/random.h>
#include <sys/wait.h>

#include "run/state.h"

/* A standby takes the place of a worker that ended, and its record with it. */
static void
hand_over(Worker *w, Worker *standby, pid_t old_pid, uint64_t lived_usec)
{
        RestartState restart = standby->restart;

        standby->restart = w->restart;
        w->restart = restart;
        standby->n_restarts = w->n_restarts + 1;
        standby->ended_usec = w->ended_usec;
        standby->end_code = w->end_code;
        standby->end_status = w->end_status;
        standby->role = ROLE_ACTIVE;
        w->role = ROLE_RETIRING;
        candidate_follow(w, standby);
        worker_event(standby, LIFE_EVENT_PROMOTE);
        report_restarted(w, old_pid, lived_usec, standby);
}

/* It is started anew at once: in the form of a standby, if there is one. */
static void
restart_now(Worker *w, uint64_t lived_usec)
{
        Worker *standby = w->role == ROLE_ACTIVE ? standby_take(w->supervisor, false) : NULL;
        pid_t old_pid = w->pid_before;

        if (standby) {
                hand_over(w, standby, old_pid, lived_usec);
                return;
        }
        w->n_restarts++;
        worker_event(w, LIFE_EVENT_START);
        if (w->pid)
                report_restarted(w, old_pid, lived_usec, w);
}

/* An end that nobody asked for: restart now, later, or not. */
static void
decide_by_policy(Worker *w)
{
        Supervisor *s = w->supervisor;
        RestartConfig policy = s->config->restart;
        ReadyLife life = {
                .lived_usec = w->ended_usec - w->spawned_usec,
                .ready_usec = w->ready_usec ? w->ended_usec - w->ready_usec : 0,
                .claimed_usec = w->claimed_usec ? w->ended_usec - w->claimed_usec : 0,
                .was_late = w->was_late,
        };
        RestartInput input = {
                .now_usec = w->ended_usec,
                .failed = w->was_late || w->end_code != CLD_EXITED || w->end_status != 0,
                .served_usec = ready_served(s->config->ready, &w->generation->habits, &life),
        };
        uint64_t delay_usec = 0;
        RestartVerdict verdict;
        int status = restart_exit_status(w->end_code, w->end_status);

        /* The end of one that does not serve, or is not to serve for long, says nothing. */
        if (w->role == ROLE_STANDBY || w->generation->state == GENERATION_RETIRING)
                policy = (RestartConfig){.backoff_max_usec = policy.backoff_max_usec};
        (void)getrandom(&input.random, sizeof(input.random), GRND_NONBLOCK);
        verdict = restart_decide(&policy, &w->restart, &input, &delay_usec);
        if (verdict == RESTART_NOW || (verdict == RESTART_LATER && w->role == ROLE_ACTIVE &&
                                       workers_count(s, w->generation, ROLE_STANDBY))) {
                restart_now(w, life.lived_usec);
                return;
        }
        report_ended(w, verdict, delay_usec);
        if (!w->listened && input.failed)
                traps_explain_end(w);
        if (verdict == RESTART_LATER) {
                w->n_restarts++;
                worker_set_deadline(w, delay_usec);
        } else if (verdict == RESTART_GIVE_UP) {
                supervisor_stop(s, false, status ? status : 1);
        } else {
                w->done = true;
        }
        if (w->done && s->exit_status == 0)
                s->exit_status = status;
}

/* Start anew in the same place, as was asked for, perhaps in another generation. */
static void
renew(Worker *w)
{
        if (w->renew_as)
                w->generation = w->renew_as;
        w->renew_as = NULL;
        w->renew = false;
        w->done = false;
        worker_event(w, LIFE_EVENT_START);
}

/* Its main process ended, and nothing is left of it: what now? */
void
worker_decide(Worker *w)
{
        uint64_t incarnation = w->incarnation;

        traps_detach(w);
        ready_close(w);
        worker_clear_deadline(w);
        rollout_worker_failed(w);
        if (w->incarnation != incarnation) /* a reload that failed has started it anew */
                return;
        if (w->supervisor->stopping || w->role == ROLE_RETIRING || w->role == ROLE_CANDIDATE) {
                if (w->pid_before)
                        report_ended(w, RESTART_DONE, 0);
                if (!w->listened && !w->was_asked)
                        traps_explain_end(w);
        } else if (w->renew) {
                if (w->pid_before && w->was_asked)
                        report_ended(w, RESTART_DONE, 0);
                renew(w);
        } else {
                decide_by_policy(w);
        }
}

/* A start that was due is called off: for good, or because it comes right now. */
void
worker_cancel(Worker *w)
{
        worker_clear_deadline(w);
        if (w->renew && !w->supervisor->stopping)
                renew(w);
}
