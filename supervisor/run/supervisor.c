/* SPDX-License-Identifier: MIT */
/*
 * supervisor.c - one running `sup`: set up, the event loop, signals, the end.
 *
 * Gist: everything that happens is an event on one sd-event loop: a signal, a trapped call, a
 * timer, a changed directory. What each means is decided in policy/ and carried out beside this
 * file.
 */
#include "run/supervisor.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/parse.h"
#include "base/why.h"
#include "run/state.h"
#include "sockets/listener.h"

/* CLOCK_MONOTONIC in microseconds. */
uint64_t
now_usec(void)
{
        struct timespec t;

        (void)clock_gettime(CLOCK_MONOTONIC, &t);
        return (uint64_t)t.tv_sec * USEC_PER_SEC + (uint64_t)t.tv_nsec / 1000;
}

/* End the loop when all workers have ended and nothing is left of them. */
void
supervisor_check_done(Supervisor *s)
{
        bool done = true;

        for (size_t i = 0; i < s->n_workers; i++) {
                if (s->workers[i]->state != LIFE_IDLE)
                        return;
                done = done && s->workers[i]->done;
        }
        if ((s->stopping || done) && reap_strays(s))
                (void)sd_event_exit(s->event, s->exit_status);
}

/* End all workers, gracefully or at once, and then ourselves with this status. */
void
supervisor_stop(Supervisor *s, bool at_once, int exit_status)
{
        bool first = !s->stopping;

        s->stopping = true;
        if (first)
                s->exit_status = exit_status;
        rollout_stop(s);
        for (size_t i = 0; i < s->n_workers; i++)
                worker_event(s->workers[i], at_once ? LIFE_EVENT_KILL : LIFE_EVENT_STOP);
        supervisor_check_done(s);
}

/* TERM and INT: stop gracefully; once more, or QUIT: at once. */
static int
on_stop_signal(sd_event_source *source, const struct signalfd_siginfo *info, void *userdata)
{
        Supervisor *s = userdata;
        int signo = (int)info->ssi_signo;
        bool at_once = s->stopping || signo == SIGQUIT;

        (void)source;
        /* A Ctrl-C reached the workers too, since they share our process group. */
        s->stop_by_terminal = !at_once && s->interactive && signo == SIGINT &&
                              info->ssi_code == SI_KERNEL;
        log_event(&(LogEvent){.level = LOG_INFO, .event = "stopping"}, "%s after SIG%s",
                  at_once ? "stopping at once" : "stopping", signal_name(signo));
        supervisor_stop(s, at_once, 0);
        return 0;
}

static int
on_hup(sd_event_source *source, const struct signalfd_siginfo *info, void *userdata)
{
        Supervisor *s = userdata;

        (void)source;
        if (info->ssi_code == SI_KERNEL || terminal_is_gone(s))
                log_debug("the terminal hung up, ignoring");
        else
                rollout_start(s);
        return 0;
}

static int
on_usr1(sd_event_source *source, const struct signalfd_siginfo *info, void *userdata)
{
        const Supervisor *s = userdata;

        (void)source;
        (void)info;
        for (size_t i = 0; i < s->n_workers; i++)
                if (s->workers[i]->pid)
                        (void)kill(s->workers[i]->pid, SIGUSR1);
        return 0;
}

static int
on_usr2(sd_event_source *source, const struct signalfd_siginfo *info, void *userdata)
{
        (void)source;
        (void)info;
        (void)userdata;
        log_warning("this version cannot re-execute itself; SIGUSR2 is ignored");
        return 0;
}

/* TTIN: one worker more. */
static int
on_ttin(sd_event_source *source, const struct signalfd_siginfo *info, void *userdata)
{
        Supervisor *s = userdata;

        (void)source;
        (void)info;
        if (s->stopping || s->n_workers >= CONFIG_WORKERS_MAX)
                return 0;
        if (workers_add(s) < 0) {
                log_error("no memory for one more worker");
                return 0;
        }
        log_info("one worker more: %zu", s->n_workers);
        worker_event(s->workers[s->n_workers - 1], LIFE_EVENT_START);
        return 0;
}

/* TTOU: one worker fewer. */
static int
on_ttou(sd_event_source *source, const struct signalfd_siginfo *info, void *userdata)
{
        Supervisor *s = userdata;
        size_t n = s->n_workers;

        (void)source;
        (void)info;
        while (n > 0 && s->workers[n - 1]->retire)
                n--;
        if (s->stopping)
                return 0;
        if (n <= 1) {
                log_warning("one worker is the least; stop sup itself to end it");
                return 0;
        }
        log_info("one worker fewer: %zu", n - 1);
        s->workers[n - 1]->retire = true;
        s->workers[n - 1]->renew = false;
        worker_event(s->workers[n - 1], LIFE_EVENT_STOP);
        workers_remove_retired(s);
        return 0;
}

static int
on_chld(sd_event_source *source, const struct signalfd_siginfo *info, void *userdata)
{
        (void)source;
        (void)info;
        reap_children(userdata);
        return 0;
}

static int
add_signals(Supervisor *s)
{
        static const struct {
                int signo;
                sd_event_signal_handler_t handler;
        } signals[] = {
                {SIGCHLD, on_chld},        {SIGTERM, on_stop_signal}, {SIGINT, on_stop_signal},
                {SIGQUIT, on_stop_signal}, {SIGHUP, on_hup},          {SIGUSR1, on_usr1},
                {SIGUSR2, on_usr2},        {SIGTTIN, on_ttin},        {SIGTTOU, on_ttou},
        };
        struct sigaction ignore = {.sa_handler = SIG_IGN};
        sigset_t mask;
        int r = 0;

        (void)sigaction(SIGPIPE, &ignore, NULL);
        (void)sigemptyset(&mask);
        for (size_t i = 0; i < ELEMENTSOF(signals); i++)
                (void)sigaddset(&mask, signals[i].signo);
        if (sigprocmask(SIG_SETMASK, &mask, NULL) < 0)
                return -errno;
        for (size_t i = 0; i < ELEMENTSOF(signals) && r >= 0; i++)
                r = sd_event_add_signal(s->event, NULL, signals[i].signo, signals[i].handler, s);
        return r;
}

static int
open_listeners(Supervisor *s, char **ret_why)
{
        int r = 0;

        for (size_t i = 0; i < s->config->n_listen && r >= 0; i++)
                r = listener_open(&s->config->listen[i], &s->held, s->fd_floor, ret_why);
        for (size_t i = 0; i < s->held.n_items && r >= 0; i++)
                report_listening(s->held.items[i]);
        return r;
}

/* The last part of the program's path, if no --name was given. */
static int
set_name(Supervisor *s)
{
        const char *program = s->config->command[0];
        const char *slash = strrchr(program, '/');

        s->name = strdup(s->config->name ? s->config->name : slash ? slash + 1 : program);
        log_set_name(s->name);
        return s->name ? 0 : -ENOMEM;
}

static int
write_pid_file(const Supervisor *s, char **ret_why)
{
        const char *path = s->config->pid_file;
        CLEANUP_FD int fd = -1;

        if (!path)
                return 0;
        fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
        if (fd < 0 || dprintf(fd, "%d\n", (int)getpid()) < 0)
                return why(ret_why, -errno, "cannot write the pid file %s: %s", path,
                           strerrordesc_np(errno));
        return 0;
}

static void
supervisor_deinit(Supervisor *s)
{
        for (size_t i = 0; i < s->n_workers; i++)
                worker_free(s->workers[i]);
        free(s->workers);
        rollout_stop(s);
        sd_event_source_disable_unref(s->given_up_timer);
        sd_event_source_disable_unref(s->parked_timer);
        sd_event_unref(s->event);
        capture_deinit(&s->capture);
        held_table_deinit(&s->held);
        notify_filter_deinit(&s->filter);
        tree_deinit(&s->tree);
        pidset_deinit(&s->orphans);
        fd_close(s->null_fd);
        fd_close(s->inotify_fd);
        free(s->limits);
        free(s->groups);
        log_set_name(NULL);
        free(s->name);
}

/* Everything before the first worker. Returns 0 or a negative errno with a sentence. */
static int
set_up(Supervisor *s, char **ret_why)
{
        int r = set_name(s);

        if (r == 0)
                r = tree_init(&s->tree);
        terminal_init(s);
        if (r == 0)
                r = launch_prepare(s, ret_why);
        if (r == 0)
                r = open_listeners(s, ret_why);
        if (r >= 0)
                r = sd_event_new(&s->event);
        if (r >= 0)
                r = add_signals(s);
        if (r >= 0)
                r = traps_prepare(s, ret_why);
        if (r >= 0)
                r = write_pid_file(s, ret_why);
        for (unsigned i = 0; i < s->config->n_workers && r >= 0; i++)
                r = workers_add(s);
        return r;
}

/*
 * Supervise until told to end, or until there is nothing left to supervise.
 * Returns the exit status of the program.
 */
int
supervisor_run(const Config *config)
{
        CLEANUP(supervisor_deinit) Supervisor s = {
                .config = config,
                .generation = 1,
                .null_fd = -1,
                .inotify_fd = -1,
                .tree = {.children_fd = -1},
        };
        CLEANUP_FREE char *reason = NULL;
        int r;

        /* Held sockets stand above the numbers that workers see, so that they can be put there. */
        s.fd_floor = ENVIRONMENT_FIRST_FD + (int)config->n_listen * LISTEN_ADDRESSES_MAX + 1;
        r = set_up(&s, &reason);
        if (r < 0) {
                log_error("%s", reason ? reason : strerrordesc_np(-r));
                return 1;
        }
        for (size_t i = 0; i < s.n_workers && !s.stopping; i++)
                worker_event(s.workers[i], LIFE_EVENT_START);
        r = sd_event_loop(s.event);
        terminal_restore(&s);
        if (config->pid_file)
                (void)unlink(config->pid_file);
        if (r < 0) {
                log_error("the event loop failed: %s", strerrordesc_np(-r));
                return 1;
        }
        return r;
}
