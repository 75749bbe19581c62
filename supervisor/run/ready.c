/* SPDX-License-Identifier: MIT */
/*
 * ready.c - a worker's own word about itself.
 *
 * Gist: every place has a NOTIFY_SOCKET of its own, so a message is known to be for it; the sender
 * must be a process of the worker, or of a user whom we trust with that, by the credentials that the
 * kernel adds (worker/message.c parses what it says). --ready=fd:N and --compat=crank hand the worker
 * a pipe; something written to it means ready.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fd.h"
#include "base/parse.h"
#include "run/state.h"
#include "worker/message.h"

static int
on_ready_pipe(sd_event_source *source, int fd, uint32_t revents, void *userdata)
{
        Worker *w = userdata;
        char word[64];
        ssize_t n = read(fd, word, sizeof(word));

        (void)source;
        (void)revents;
        if (n < 0 && errno == EAGAIN)
                return 0;
        w->ready_source = sd_event_source_disable_unref(w->ready_source);
        if (n > 0)
                worker_sign(w, READY_SIGN_FD);
        return 0;
}

/*
 * Make the pipe of a worker that is about to start, and serve our end of it.
 * Returns the worker's end, which is the caller's, or a negative errno.
 */
int
ready_open_pipe(Worker *w)
{
        CLEANUP_FD int read_fd = -1;
        CLEANUP_FD int write_fd = -1;
        int pair[2];
        int r;

        w->ready_source = sd_event_source_disable_unref(w->ready_source);
        if (pipe2(pair, O_CLOEXEC | O_NONBLOCK) < 0)
                return -errno;
        read_fd = pair[0];
        write_fd = fd_move_above(pair[1], w->supervisor->fd_floor);
        if (write_fd < 0)
                return write_fd;
        (void)fd_set_nonblock(write_fd, false);
        r = sd_event_add_io(w->supervisor->event, &w->ready_source, read_fd, EPOLLIN, on_ready_pipe,
                            w);
        if (r < 0)
                return r;
        (void)sd_event_source_set_io_fd_own(w->ready_source, 1);
        (void)fd_steal(&read_fd);
        return fd_steal(&write_fd);
}

/* It has not been heard of for too long. */
static int
on_watchdog(sd_event_source *source, uint64_t usec, void *userdata)
{
        Worker *w = userdata;

        (void)source;
        (void)usec;
        w->watchdog = sd_event_source_disable_unref(w->watchdog);
        worker_event(w, LIFE_EVENT_STALLED);
        return 0;
}

/* Expect the next WATCHDOG=1 within so many microseconds. */
void
ready_start_watchdog(Worker *w, uint64_t usec)
{
        w->watchdog = sd_event_source_disable_unref(w->watchdog);
        (void)sd_event_add_time_relative(w->supervisor->event, &w->watchdog, CLOCK_MONOTONIC, usec,
                                         USEC_PER_MSEC, on_watchdog, w);
}

/* The worker needs more time for what it is doing: EXTEND_TIMEOUT_USEC. */
static void
extend_timeout(Worker *w, uint64_t usec)
{
        uint64_t until_usec = now_usec() + usec;

        if (w->state == LIFE_STARTING) {
                if (until_usec > w->extended_until_usec)
                        w->extended_until_usec = until_usec;
                return;
        }
        if (w->state != LIFE_READY && w->deadline_usec && until_usec > w->deadline_usec)
                worker_set_deadline(w, usec);
}

static void
act_on_message(Worker *w, const Message *m)
{
        w->generation->habits.speaks = true;
        if (m->status)
                log_event(&(LogEvent){.level = LOG_DEBUG,
                                      .event = "status",
                                      .worker = w->index,
                                      .generation = w->generation->number,
                                      .pid = w->pid},
                          "worker %u says: %s", w->index, m->status);
        if (m->extend_usec)
                extend_timeout(w, m->extend_usec);
        if (m->watchdog_usec)
                w->watchdog_usec = m->watchdog_usec;
        if (m->watchdog_trigger)
                worker_event(w, LIFE_EVENT_STALLED);
        else if (w->watchdog_usec && w->pid && (m->watchdog || m->watchdog_usec))
                ready_start_watchdog(w, w->watchdog_usec);
        if (m->ready)
                worker_sign(w, READY_SIGN_NOTIFY);
        if (m->main_pid)
                w->told_pid = m->main_pid;
}

/* FDSTORE=1 and FDSTOREREMOVE=1: descriptors that are to be there for the next incarnation. */
static void
keep_fds(Worker *w, Message *m)
{
        const char *name = m->fdname ? m->fdname : "stored";

        if (m->fdstore_remove)
                kept_remove(w->supervisor, w->index, name);
        if (!m->fdstore)
                return;
        for (size_t i = 0; i < m->n_fds; i++)
                if (kept_add(w->supervisor, w->index, m->fds[i], name, false) < 0)
                        log_warning(
                                "cannot keep one more descriptor for worker %u; %d is the limit",
                                w->index, KEPT_MAX);
        m->n_fds = 0;
}

/*
 * Whether the sender may speak for the worker: root, we ourselves, who the worker runs as, or any
 * process of the worker, as whatever user. The kernel vouches for the pid, but only one that still
 * runs, or is the main process, can be told to be the worker's.
 */
static bool
may_speak(const Worker *w, const MessageSender *sender)
{
        const SpawnContext *spawn = &w->supervisor->spawn;
        CLEANUP(pidset_deinit_p) PidSet pids = {0};

        if (sender->uid == 0 || sender->uid == getuid() ||
            (spawn->has_user && sender->uid == spawn->uid))
                return true;
        if (sender->pid <= 0) /* it is in a namespace that we cannot see into */
                return false;
        if (sender->pid == w->pid)
                return true;
        (void)traps_tree(w, &pids);
        cgroups_read(w, &pids);
        return pidset_has(&pids, sender->pid);
}

static void
on_message(Worker *w, uint32_t revents)
{
        MessageSender sender;
        Message m;

        (void)revents;
        while (message_receive(w->notify_fd, &m, &sender) == 0) {
                if (!w->pid) {
                        log_debug("worker %u said something and has ended", w->index);
                } else if (may_speak(w, &sender)) {
                        worker_knows(w, sender.pid);
                        keep_fds(w, &m);
                        act_on_message(w, &m);
                } else {
                        log_warning(
                                "a message for worker %u came from pid %d of uid %u, ignoring it: "
                                "that is no process of the worker, or it has ended already; let it "
                                "run as root or as the user of --user, or wait for the answer to "
                                "BARRIER=1 before it ends",
                                w->index, (int)sender.pid, (unsigned)sender.uid);
                }
                message_deinit(&m); /* closes what came with it: that answers BARRIER=1 */
        }
}

static int
watch_messages(Worker *w)
{
        w->notify_watch = (Watch){on_message, w};
        return watch_add(w->supervisor, &w->notify_watch, w->notify_fd);
}

/* Throw away what an earlier incarnation has said. */
static void
drop_messages(int fd)
{
        MessageSender sender;
        Message m;

        while (message_receive(fd, &m, &sender) == 0)
                message_deinit(&m);
}

/* Have a NOTIFY_SOCKET for a worker that is about to start. Returns 0 or a negative errno. */
int
ready_open_notify(Worker *w)
{
        w->watchdog_usec = w->supervisor->config->watchdog_usec;
        if (w->notify_fd >= 0) {
                drop_messages(w->notify_fd);
                return 0;
        }
        w->notify_fd = message_open(&w->notify_name);
        if (w->notify_fd < 0)
                return w->notify_fd;
        w->notify_fd = fd_move_above(w->notify_fd, w->supervisor->fd_floor);
        if (w->notify_fd < 0)
                return w->notify_fd;
        return watch_messages(w);
}

/* After an upgrade: the descriptors are there, their event sources are not. */
void
ready_resume(Worker *w)
{
        sd_event *event = w->supervisor->event;

        if (w->notify_fd >= 0)
                (void)watch_messages(w);
        if (w->ready_fd >= 0 &&
            sd_event_add_io(event, &w->ready_source, w->ready_fd, EPOLLIN, on_ready_pipe, w) >= 0)
                (void)sd_event_source_set_io_fd_own(w->ready_source, 1);
        w->ready_fd = -1;
        if (w->is_watched)
                ready_start_watchdog(w, w->watchdog_usec);
        w->is_watched = false;
}

/* Nothing more is expected from this incarnation. */
void
ready_close(Worker *w)
{
        w->ready_source = sd_event_source_disable_unref(w->ready_source);
        w->watchdog = sd_event_source_disable_unref(w->watchdog);
}
