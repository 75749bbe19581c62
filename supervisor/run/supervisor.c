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
#include "run/persist.h"
#include "run/requests.h"
#include "run/state.h"
#include "run/upgrade.h"
#include "run/upward.h"
#include "sockets/listener.h"
#include "sockets/steer.h"

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
                const Worker *w = s->workers[i];

                if (w->state != LIFE_IDLE && (s->stopping || w->role != ROLE_STANDBY))
                        return;
                done = done && (w->done || w->role == ROLE_STANDBY || w->role == ROLE_RETIRING);
        }
        if (done && !s->stopping && workers_count(s, NULL, ROLE_STANDBY)) {
                supervisor_stop(s, false, s->exit_status); /* nobody is left to stand by for */
                return;
        }
        if (done)
                left_stop(s, false, false);
        if ((s->stopping || done) && s->left.state == LEFT_GONE && reap_strays(s))
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
        left_stop(s, exit_status == 0, at_once);
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
        s->stop_by_terminal =
                !at_once && s->interactive && signo == SIGINT && info->ssi_code == SI_KERNEL;
        log_event(&(LogEvent){.level = LOG_INFO, .event = "stopping"}, "%s after SIG%s",
                  at_once ? "stopping at once" : "stopping", signal_name(signo));
        supervisor_stop(s, at_once, 0);
        return 0;
}

/* A reload that nobody waits for, as the options say. */
static void
reload_as_usual(Supervisor *s)
{
        Reload r;

        reload_init(&r, s->config);
        rollout_request(s, &r);
}

static int
on_hup(sd_event_source *source, const struct signalfd_siginfo *info, void *userdata)
{
        Supervisor *s = userdata;

        (void)source;
        if (info->ssi_code == SI_KERNEL || terminal_is_gone(s))
                log_debug("the terminal hung up, ignoring");
        else
                reload_as_usual(s);
        return 0;
}

static int
on_usr1(sd_event_source *source, const struct signalfd_siginfo *info, void *userdata)
{
        const Supervisor *s = userdata;

        (void)source;
        (void)info;
        for (size_t i = 0; i < s->n_workers; i++)
                if (s->workers[i]->pid && s->workers[i]->role != ROLE_STANDBY)
                        (void)kill(s->workers[i]->pid, SIGUSR1);
        return 0;
}

/* USR2: our own upgrade. */
static int
on_usr2(sd_event_source *source, const struct signalfd_siginfo *info, void *userdata)
{
        (void)source;
        (void)info;
        upgrade_request(userdata, NULL);
        return 0;
}

/* Have as many active workers as are wanted, unless a reload is about to see to that. */
static void
apply_scale(Supervisor *s)
{
        unsigned n = workers_count(s, s->current, ROLE_ACTIVE);

        if (s->rollout.state != ROLLOUT_IDLE || s->stopping)
                return;
        for (; n < s->n_wanted; n++) {
                Worker *w = workers_add(s, s->current, ROLE_ACTIVE, workers_free_index(s));

                if (!w) {
                        log_error("no memory for one more worker");
                        s->n_wanted = n;
                        return;
                }
                worker_event(w, LIFE_EVENT_START);
        }
        for (size_t i = s->n_workers; i-- > 0 && n > s->n_wanted;)
                if (s->workers[i]->role == ROLE_ACTIVE && s->workers[i]->generation == s->current) {
                        worker_retire(s->workers[i]);
                        n--;
                }
}

/* Have so many workers from now on, at least one. */
void
supervisor_scale(Supervisor *s, unsigned n_wanted)
{
        if (n_wanted == s->n_wanted)
                return;
        log_info("%s: %u", n_wanted > s->n_wanted ? "more workers" : "fewer workers", n_wanted);
        s->n_wanted = n_wanted;
        apply_scale(s);
}

/* TTIN: one worker more. */
static int
on_ttin(sd_event_source *source, const struct signalfd_siginfo *info, void *userdata)
{
        Supervisor *s = userdata;

        (void)source;
        (void)info;
        if (!s->stopping && s->n_wanted < CONFIG_WORKERS_MAX)
                supervisor_scale(s, s->n_wanted + 1);
        return 0;
}

/* TTOU: one worker fewer. */
static int
on_ttou(sd_event_source *source, const struct signalfd_siginfo *info, void *userdata)
{
        Supervisor *s = userdata;

        (void)source;
        (void)info;
        if (s->n_wanted <= 1)
                log_warning("one worker is the least; stop sup itself to end it");
        else if (!s->stopping)
                supervisor_scale(s, s->n_wanted - 1);
        return 0;
}

/*
 * After every round of events: what has come to its end is put away here and nowhere else, so that
 * nothing vanishes under the hands of a function that is still at work on it.
 */
static int
on_post(sd_event_source *source, void *userdata)
{
        Supervisor *s = userdata;

        (void)source;
        workers_tidy(s);
        requests_progress(s); /* before a reload that waits for the end of a drain */
        rollout_tidy(s);
        deaf_look(s);
        generations_tidy(s);
        apply_scale(s);
        standby_fill(s);
        left_look(s);
        store_look(s);
        upgrade_tidy(s);
        upward_look(s);
        supervisor_check_done(s);
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

/* --as: the server's name for a listener, whoever opened it. Returns 0 or -ENOMEM. */
static int
apply_as(Supervisor *s)
{
        int r = 0;

        for (size_t i = 0; i < s->config->n_as; i++)
                for (size_t j = 0; j < s->held.n_items && r == 0; j++) {
                        const ListenAs *as = &s->config->as[i];

                        if (strcmp(s->held.items[j]->name, as->name) == 0)
                                r = held_set_as(s->held.items[j], as->addresses, as->n_addresses,
                                                as->any_address);
                }
        return r;
}

/* Those of --listen first, in its order, then what else the service manager handed over. */
static int
open_listeners(Supervisor *s, char **ret_why)
{
        const Config *c = s->config;
        int r = 0;

        store_take_back(s);
        left_take_over(s, false);
        for (size_t i = 0; i < c->n_listen && r >= 0; i++)
                r = listener_open(&c->listen[i], &c->inherited, &s->held, s->fd_floor, ret_why);
        if (r >= 0)
                r = listener_take_over(&c->inherited, &s->held, s->fd_floor, ret_why);
        if (r >= 0)
                r = apply_as(s);
        for (size_t i = 0; i < s->held.n_items && r >= 0; i++)
                if (s->held.items[i]->origin == HELD_NAMED)
                        report_listening(s->held.items[i]);
        if (r >= 0)
                store_drop_unclaimed(s);
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
        rollout_stop(s);
        upgrade_deinit(s);
        left_deinit(s);
        requests_close(s);
        for (size_t i = 0; i < s->n_workers; i++)
                worker_free(s->workers[i]);
        free(s->workers);
        for (size_t i = 0; i < s->n_generations; i++)
                generation_free(s->generations[i]);
        free(s->generations);
        kept_deinit(s);
        upward_deinit(s);
        sd_event_source_disable_unref(s->post);
        watch_deinit(s);
        sd_event_source_disable_unref(s->deadline_timer);
        sd_event_source_disable_unref(s->drain_timer);
        sd_event_source_disable_unref(s->measure_timer);
        sd_event_source_disable_unref(s->given_up_timer);
        sd_event_source_disable_unref(s->groups_source);
        sd_event_source_disable_unref(s->groups_timer);
        sd_event_source_disable_unref(s->parked_timer);
        sd_event_unref(s->event);
        capture_deinit(&s->capture);
        held_table_deinit(&s->held);
        store_deinit(s);
        notify_filter_deinit(&s->filter);
        notify_filter_deinit(&s->path_filter);
        tree_deinit(&s->tree);
        fd_close(s->cgroups.fd);
        pidset_deinit(&s->orphans);
        fd_close(s->null_fd);
        fd_close(s->inotify_fd);
        free(s->limits);
        free(s->groups);
        log_set_name(NULL);
        free(s->name);
}

/* What the first reload would fail with is better known now. */
static void
warn_of_reload(const Supervisor *s)
{
        CLEANUP_FREE char *reason = NULL;

        if (s->config->drain == DRAIN_CONNECTIONS && steer_check(&s->held, &reason) < 0)
                log_warning("a reload with --drain=connections will fail: %s",
                            reason ? reason : "out of memory");
}

/* The first generation, idle. */
static int
add_workers(Supervisor *s)
{
        s->current = generation_new(s, s->config->command);
        if (!s->current)
                return -ENOMEM;
        s->current->state = GENERATION_CURRENT;
        s->n_wanted = s->config->n_workers;
        for (unsigned i = 1; i <= s->n_wanted; i++)
                if (!workers_add(s, s->current, ROLE_ACTIVE, i))
                        return -ENOMEM;
        return 0;
}

/*
 * Everything before the first worker; with a state, everything before going on.
 * Returns 0 or a negative errno with a sentence.
 */
static int
set_up(Supervisor *s, const json_t *state, char **ret_why)
{
        int r = set_name(s);

        store_init(s);
        if (r == 0)
                r = tree_init(&s->tree);
        terminal_init(s);
        if (r == 0 && state)
                r = persist_load(s, state, ret_why);
        if (r == 0)
                r = launch_prepare(s, ret_why);
        if (r == 0)
                cgroups_init(s, state == NULL);
        if (r == 0 && !state)
                r = open_listeners(s, ret_why);
        if (r == 0 && !state)
                warn_of_reload(s);
        if (r >= 0)
                r = sd_event_new(&s->event);
        if (r >= 0)
                r = upward_init(s);
        if (r >= 0)
                r = add_signals(s);
        if (r >= 0)
                r = traps_prepare(s, ret_why);
        if (r >= 0)
                r = sd_event_add_post(s->event, &s->post, on_post, s);
        if (r >= 0 && state)
                return upgrade_resume(s, state);
        if (r >= 0)
                r = requests_open_named(s, ret_why);
        if (r >= 0)
                r = write_pid_file(s, ret_why);
        if (r >= 0)
                r = add_workers(s);
        return r;
}

/*
 * Supervise until told to end, or until there is nothing left to supervise. consume_state: what the
 * program left that ran in this process before, or NULL.
 * Returns the exit status of the program.
 */
int
supervisor_run(const Config *config, json_t *consume_state, int argc, char **argv)
{
        CLEANUP(supervisor_deinit) Supervisor s = {
                .config = config,
                .argc = argc,
                .argv = argv,
                .started_usec = now_usec(),
                .null_fd = -1,
                .inotify_fd = -1,
                .tree = {.children_fd = -1},
                .cgroups = {.fd = -1},
                .upgrade = {.output_fd = -1},
        };
        bool is_new = consume_state == NULL;
        CLEANUP_FREE char *reason = NULL;
        int r;

        /* Held sockets stand above the numbers that workers see, so that they can be put there. */
        s.fd_floor = ENVIRONMENT_FIRST_FD + (int)config->n_listen * LISTEN_ADDRESSES_MAX +
                     (int)config->inherited.n_items + 1;
        r = set_up(&s, consume_state, &reason);
        json_decref(consume_state);
        if (r < 0) {
                log_error("%s", reason ? reason : strerrordesc_np(-r));
                upward_tell_failure(reason ? reason : strerrordesc_np(-r));
                return 1;
        }
        store_look(&s);
        for (size_t i = 0; i < s.n_workers && is_new && !s.stopping; i++)
                worker_event(s.workers[i], LIFE_EVENT_START);
        requests_open(&s);
        upward_look(&s);           /* the first event may be long in coming */
        supervisor_check_done(&s); /* if none of them could be started */
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
