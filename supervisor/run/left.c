/* SPDX-License-Identifier: MIT */
/*
 * left.c - workers that a dead `sup` of our name left behind: carries out what policy/left.c says.
 *
 * Theory of operation: they are looked for once, before a listener is opened. What they listen on is
 * held from then on, so it is handed to our own workers, and nobody who waits in a queue is lost. They
 * serve on until our workers do, and are retired then: those at the top of their trees get the stop
 * signal, and whoever comes to the top by that gets it next. They are no children of ours, so it is
 * their process descriptors that tell when one ends; who is left is read from /proc anew each time.
 *
 * Without the right to take their sockets over they are left alone: one sentence says what to do.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/parse.h"
#include "linux/pidfd.h"
#include "run/state.h"
#include "sockets/takeover.h"
#include "worker/left.h"

/* How long not even SIGKILL may take. */
#define KILL_USEC (5 * USEC_PER_SEC)

static void step(Supervisor *s, bool at_once, bool timed_out);

/* Read who is left. Without --name many an instance has the same name: the command tells. */
static int
find(const Supervisor *s, LeftSet *ret)
{
        return left_find(s->name, s->config->name ? NULL : s->config->command, ret);
}

/* Of those found, only what belongs to the `sup`s whose sockets were taken over. */
static int
find_again(const Supervisor *s, LeftSet *ret)
{
        size_t n = 0;
        int r = left_find(s->name, NULL, ret);

        for (size_t i = 0; i < ret->n_items; i++)
                if (pidset_has(&s->left.supervisors, ret->items[i].supervisor))
                        ret->items[n++] = ret->items[i];
        ret->n_items = n;
        return r;
}

/* Yama's word on who may look into whose processes, or -1 (Documentation/admin-guide/LSM/Yama.rst). */
static int
read_ptrace_scope(void)
{
        CLEANUP_FILE FILE *file = fopen("/proc/sys/kernel/yama/ptrace_scope", "re");
        char text[16];

        return file && fgets(text, sizeof(text), file) ? (int)strtol(text, NULL, 10) : -1;
}

static void
tell_refused(const LeftProcess *p, int r)
{
        char comm[PROC_COMM_MAX] = "?";
        int scope = r == -EPERM && geteuid() != 0 ? read_ptrace_scope() : -1;
        const LogEvent event = {.level = LOG_WARNING, .event = "left-behind", .pid = p->pid};

        (void)proc_comm(p->pid, comm, sizeof(comm));
        if (scope > 0)
                log_event(
                        &event,
                        "process %d (%s) lives on from sup %d, which died, and only root may take "
                        "its sockets over, since kernel.yama.ptrace_scope is %d: end it (kill %d), "
                        "or "
                        "set that to 0 and start again",
                        (int)p->pid, comm, (int)p->supervisor, scope, (int)p->pid);
        else if (r == -EPERM || r == -EACCES)
                log_event(&event,
                          "process %d (%s) lives on from sup %d, which died, and its sockets may "
                          "not be "
                          "taken over (ptrace(2)): end it (kill %d), or start sup with "
                          "CAP_SYS_PTRACE",
                          (int)p->pid, comm, (int)p->supervisor, (int)p->pid);
        else
                log_event(&event,
                          "process %d (%s) lives on from sup %d, which died, and its sockets "
                          "cannot be "
                          "taken over: %s; end it (kill %d)",
                          (int)p->pid, comm, (int)p->supervisor,
                          r == -ENOSYS ? "this kernel cannot do that (Linux 5.6 can)"
                                       : strerrordesc_np(-r),
                          (int)p->pid);
}

static void
tell_taken_over(const LeftSet *set, size_t n_sockets)
{
        log_event(&(LogEvent){.level = LOG_INFO, .event = "taken-over", .pid = set->items[0].pid},
                  "took over %zu socket%s of %zu process%s that sup %d left behind when it died; "
                  "the old ones are stopped when the new ones serve",
                  n_sockets, n_sockets == 1 ? "" : "s", set->n_items, set->n_items == 1 ? "" : "es",
                  (int)set->items[0].supervisor);
}

/*
 * Hold what the workers of a dead `sup` listen on. To be called before a listener is opened, and, with
 * is_resumed, after an upgrade, when it is held already.
 */
void
left_take_over(Supervisor *s, bool is_resumed)
{
        const Config *c = s->config;
        Takeover t = {.table = &s->held,
                      .inherited = &c->inherited,
                      .listen = c->listen,
                      .n_listen = c->n_listen,
                      .fd_floor = s->fd_floor};
        CLEANUP(left_set_deinit) LeftSet set = {0};

        (void)find(s, &set); /* what was found before there was no memory is retired all the same */
        for (size_t i = 0; i < set.n_items; i++) {
                int r = takeover_process(&t, set.items[i].pid);
                if (r < 0) {
                        tell_refused(&set.items[i], r);
                        return;
                }
                (void)pidset_add(&s->left.supervisors, set.items[i].supervisor);
        }
        if (set.n_items == 0)
                return;
        s->left.state = LEFT_SERVING;
        if (!is_resumed)
                tell_taken_over(&set, t.n_taken + t.n_there);
}

/* They are gone, or given up: what was theirs is ours alone. */
static void
finish(Supervisor *s, size_t n_alive)
{
        if (n_alive)
                log_warning("%zu process%s of a sup that died cannot be killed, and %s given up",
                            n_alive, n_alive == 1 ? "" : "es", n_alive == 1 ? "is" : "are");
        else
                log_event(&(LogEvent){.level = LOG_INFO, .event = "left-ended"},
                          "the workers of the sup that died have ended");
        for (size_t i = 0; i < s->held.n_items; i++)
                s->held.items[i]->is_left = false;
        left_deinit(s);
        supervisor_check_done(s);
}

static int
on_ended(sd_event_source *source, int fd, uint32_t revents, void *userdata)
{
        (void)fd;
        (void)revents;
        (void)sd_event_source_set_enabled(source, SD_EVENT_OFF);
        step(userdata, false, false);
        return 0;
}

static int
on_timeout(sd_event_source *source, uint64_t usec, void *userdata)
{
        (void)source;
        (void)usec;
        step(userdata, false, true);
        return 0;
}

/*
 * Send a signal to one of them, and wait for its end. The process descriptor comes first, and then the
 * look whether the pid is still that of a process that was left behind. Returns whether it is.
 */
static bool
signal_one(Supervisor *s, const LeftProcess *p, int signo)
{
        Left *left = &s->left;
        CLEANUP_FD int pidfd = pidfd_open_process(p->pid);
        sd_event_source **grown;
        sd_event_source *source = NULL;

        if (pidfd < 0 || !left_is_of(s->name, p->pid))
                return false;
        (void)pidfd_send(pidfd, signo);
        (void)pidfd_send(pidfd, SIGCONT);
        grown = reallocarray(left->sources, left->n_sources + 1, sizeof(sd_event_source *));
        if (!grown)
                return true;
        left->sources = grown;
        if (sd_event_add_io(s->event, &source, pidfd, EPOLLIN, on_ended, s) < 0)
                return true;
        (void)fd_steal(&pidfd);
        (void)sd_event_source_set_io_fd_own(source, true);
        left->sources[left->n_sources++] = source;
        return true;
}

/* The stop signal for those at the top of their trees, once; or SIGKILL for all. */
static void
signal_all(Supervisor *s, const LeftSet *set)
{
        Left *left = &s->left;

        for (size_t i = 0; i < set->n_items; i++) {
                const LeftProcess *p = &set->items[i];

                if (left->state == LEFT_KILLING) {
                        (void)signal_one(s, p, SIGKILL);
                } else if (left_is_root(set, p) && !pidset_has(&left->asked, p->pid) &&
                           signal_one(s, p, s->config->stop_signal)) {
                        (void)pidset_add(&left->asked, p->pid);
                }
        }
}

/* Whether all workers that are wanted serve. */
static bool
workers_serve(const Supervisor *s)
{
        unsigned n = 0;

        for (size_t i = 0; i < s->n_workers; i++)
                n += s->workers[i]->role == ROLE_ACTIVE && s->workers[i]->state == LIFE_READY;
        return n >= s->n_wanted;
}

/* How many got a signal and have not ended: one that exits has no environment to be known by. */
static size_t
count_ending(const Left *left)
{
        size_t n = 0;

        for (size_t i = 0; i < left->n_sources; i++)
                n += sd_event_source_get_enabled(left->sources[i], NULL) > 0;
        return n;
}

/* Look how it stands with them, and go on. */
static void
step(Supervisor *s, bool at_once, bool timed_out)
{
        Left *left = &s->left;
        CLEANUP(left_set_deinit) LeftSet set = {0};
        LeftInput input = {.serves = workers_serve(s),
                           .stopping = s->stopping,
                           .at_once = at_once,
                           .timed_out = timed_out};
        LeftState next;

        if (find_again(s, &set) < 0)
                return;
        input.n_alive = set.n_items ? set.n_items : count_ending(left);
        next = left_next(left->state, &input);
        if (next == LEFT_GONE) {
                finish(s, input.n_alive);
                return;
        }
        if (next != left->state) {
                left->timer = sd_event_source_disable_unref(left->timer);
                (void)sd_event_add_time_relative(
                        s->event, &left->timer, CLOCK_MONOTONIC,
                        next == LEFT_KILLING ? KILL_USEC : s->config->stop_timeout_usec,
                        USEC_PER_MSEC, on_timeout, s);
        }
        left->state = next;
        signal_all(s, &set);
}

/* After every round of events: retire them as soon as our own workers serve. */
void
left_look(Supervisor *s)
{
        if (s->left.state == LEFT_SERVING && (s->stopping || workers_serve(s)))
                step(s, false, false);
}

/* We end. If somebody asked for it, they do as well; if our own workers failed, they serve on. */
void
left_stop(Supervisor *s, bool is_asked_for, bool at_once)
{
        if (s->left.state == LEFT_SERVING && !is_asked_for) {
                log_warning("what the sup that died left behind serves on");
                left_deinit(s);
        } else if (s->left.state == LEFT_SERVING || (s->left.state != LEFT_GONE && at_once)) {
                step(s, at_once, false);
        }
}

/* Forget them. */
void
left_deinit(Supervisor *s)
{
        Left *left = &s->left;

        for (size_t i = 0; i < left->n_sources; i++)
                sd_event_source_disable_unref(left->sources[i]);
        free(left->sources);
        sd_event_source_disable_unref(left->timer);
        pidset_deinit(&left->supervisors);
        pidset_deinit(&left->asked);
        *left = (Left){0};
}
