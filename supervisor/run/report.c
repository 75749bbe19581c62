/* SPDX-License-Identifier: MIT */
/* report.c - the sentences about workers and held sockets. Says, and decides nothing. */
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "base/span.h"
#include "linux/proc.h"
#include "run/state.h"

/* How the worker's main process ended, as the end of "worker 1 …". Returns ret_text. */
const char *
report_end(const Worker *w, char *ret_text, size_t size)
{
        if (w->end_code == CLD_EXITED)
                (void)snprintf(ret_text, size, "exited with status %d", w->end_status);
        else
                (void)snprintf(ret_text, size, "was killed by signal %d (%s)%s", w->end_status,
                               signal_name(w->end_status),
                               w->end_code == CLD_DUMPED ? ", core dumped" : "");
        return ret_text;
}

static const char *
connections(unsigned n, char *text, size_t size)
{
        if (n == 0)
                text[0] = '\0';
        else
                (void)snprintf(text, size, "; %u connection%s waiting", n,
                               n == 1 ? " was" : "s were");
        return text;
}

/* A listener that --listen named is open, or one that was handed over. */
void
report_listening(const Held *h)
{
        char address[ADDRESS_TEXT_MAX];

        (void)address_format(&h->key.address, address, sizeof(address));
        log_event(&(LogEvent){.level = LOG_INFO, .event = "listening", .address = address},
                  h->from_manager ? "listening on %s, handed over by the service manager"
                                  : "listening on %s",
                  address);
}

/* A socket that a worker bound is held from now on. */
void
report_held(const Worker *w, const Held *h, pid_t pid)
{
        Address known = held_public_address(h);
        char address[ADDRESS_TEXT_MAX];
        char comm[PROC_COMM_MAX];

        (void)address_format(&known, address, sizeof(address));
        if (proc_comm(pid, comm, sizeof(comm)) < 0)
                (void)snprintf(comm, sizeof(comm), "a process");
        log_event(&(LogEvent){.level = LOG_INFO,
                              .event = "held",
                              .worker = w->index,
                              .generation = w->generation->number,
                              .pid = pid,
                              .address = address},
                  "holding %s, bound by %s (pid %d)", address, comm, (int)pid);
}

/* A worker that came after another one that ended listens again. */
void
report_serving_again(const Worker *w, unsigned n_waiting)
{
        char span[32];
        char waiting[64];

        log_event(&(LogEvent){.level = LOG_INFO,
                              .event = "serving-again",
                              .worker = w->index,
                              .generation = w->generation->number,
                              .pid = w->pid},
                  "worker %u (pid %d) is listening again %s after the end of the last one%s",
                  w->index, (int)w->pid,
                  span_format(w->ready_usec - w->ended_usec, span, sizeof(span)),
                  connections(n_waiting, waiting, sizeof(waiting)));
}

static LogEvent
ended_event(const Worker *w, int level, pid_t pid, char *status, size_t size)
{
        (void)snprintf(status, size, "%s %d", w->end_code == CLD_EXITED ? "exited" : "killed",
                       w->end_status);
        return (LogEvent){.level = level,
                          .event = "ended",
                          .worker = w->index,
                          .generation = w->generation->number,
                          .pid = pid,
                          .status = status};
}

/* Whether it ended by what it was sent, or by its own decision; else it crashed while stopping. */
static bool
ended_as_asked(const Worker *w)
{
        const Supervisor *s = w->supervisor;

        return w->end_code == CLD_EXITED || w->end_status == s->config->stop_signal ||
               (w->end_status == SIGKILL && w->kill_sweep) ||
               (w->end_status == SIGINT && s->stop_by_terminal);
}

/* A worker ended, and what follows is not a restart at once. */
void
report_ended(const Worker *w, RestartVerdict verdict, uint64_t delay_usec)
{
        char status[32];
        char how[64];
        char span[32];
        char delay[32];
        bool as_asked = w->was_asked && ended_as_asked(w);
        LogEvent event = ended_event(w, as_asked ? LOG_INFO : LOG_WARNING, w->pid_before, status,
                                     sizeof(status));

        (void)report_end(w, how, sizeof(how));
        (void)span_format(w->ended_usec - w->spawned_usec, span, sizeof(span));
        (void)span_format(delay_usec, delay, sizeof(delay));
        if (w->pid_before == 0)
                log_event(&event,
                          "worker %u could not be started; next start in %s (failure %u in a row)",
                          w->index, delay, w->restart.n_failures);
        else if (w->was_asked)
                log_event(&event, "worker %u (pid %d) %s, %s", w->index, (int)w->pid_before, how,
                          as_asked ? "as it was asked to" : "while it was stopping");
        else if (verdict == RESTART_LATER)
                log_event(&event,
                          "worker %u (pid %d) %s after %s; next start in %s (failure %u in a row)",
                          w->index, (int)w->pid_before, how, span, delay, w->restart.n_failures);
        else if (verdict == RESTART_GIVE_UP)
                log_event(&event,
                          "worker %u (pid %d) %s after %s; giving up: %u restarts within %s is the "
                          "limit",
                          w->index, (int)w->pid_before, how, span,
                          w->supervisor->config->restart.limit,
                          span_format(w->supervisor->config->restart.limit_usec, delay,
                                      sizeof(delay)));
        else
                log_event(&event, "worker %u (pid %d) %s after %s; it is not restarted", w->index,
                          (int)w->pid_before, how, span);
}

/* A worker ended and the next one runs already. */
void
report_restarted(const Worker *w, pid_t old_pid, uint64_t lived_usec, const Worker *next)
{
        char status[32];
        char how[64];
        char span[32];
        char delay[32];
        char waiting[64];
        LogEvent event = ended_event(w, LOG_WARNING, old_pid, status, sizeof(status));

        if (!log_wants(LOG_WARNING))
                return;
        (void)report_end(w, how, sizeof(how));
        (void)span_format(lived_usec, span, sizeof(span));
        (void)connections(traps_n_waiting(w->supervisor), waiting, sizeof(waiting));
        if (next != w) {
                (void)span_format(now_usec() - w->ended_usec, delay, sizeof(delay));
                log_event(
                        &event,
                        "worker %u (pid %d) %s after %s; the standby, worker %u (pid %d), took its "
                        "place in %s%s",
                        w->index, (int)old_pid, how, span, next->index, (int)next->pid, delay,
                        waiting);
                return;
        }
        (void)span_format(w->spawned_usec - w->ended_usec, delay, sizeof(delay));
        log_event(&event, "worker %u (pid %d) %s after %s; restarted in %s as pid %d%s", w->index,
                  (int)old_pid, how, span, delay, (int)w->pid, waiting);
}
