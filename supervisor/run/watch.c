/* SPDX-License-Identifier: MIT */
/*
 * watch.c - the descriptors that every worker has, on one event source.
 *
 * Gist: an epoll set of our own in the event loop's. Each worker has a seccomp listener and a notify
 * socket; an event source for either would be the greater part of what a worker costs in memory.
 * One event is taken at a time, so that what it does may remove others; epoll(7) goes round.
 */
#include <errno.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "base/fd.h"
#include "run/state.h"

static int
on_ready(sd_event_source *source, int fd, uint32_t revents, void *userdata)
{
        struct epoll_event event;

        (void)source;
        (void)revents;
        (void)userdata;
        if (epoll_wait(fd, &event, 1, 0) == 1) {
                const Watch *watch = event.data.ptr;

                watch->on_event(watch->worker, event.events);
        }
        return 0;
}

static int
open_set(Supervisor *s)
{
        int r;

        if (s->watch_source)
                return 0;
        s->watch_fd = epoll_create1(EPOLL_CLOEXEC);
        if (s->watch_fd < 0)
                return -errno;
        s->watch_fd = fd_move_above(s->watch_fd, s->fd_floor);
        if (s->watch_fd < 0)
                return s->watch_fd;
        r = sd_event_add_io(s->event, &s->watch_source, s->watch_fd, EPOLLIN, on_ready, NULL);
        return r < 0 ? r : 0;
}

/*
 * Call watch->on_event while fd can be read or is hung up (level-triggered), on the event loop, until
 * watch_remove(). The watch is the caller's and stays where it is. Returns 0 or a negative errno.
 */
int
watch_add(Supervisor *s, Watch *watch, int fd)
{
        struct epoll_event event = {.events = EPOLLIN, .data.ptr = watch};
        int r = open_set(s);

        if (r < 0)
                return r;
        return epoll_ctl(s->watch_fd, EPOLL_CTL_ADD, fd, &event) < 0 ? -errno : 0;
}

/* To be called before fd is closed. One that was not added does no harm. */
void
watch_remove(Supervisor *s, int fd)
{
        if (s->watch_source && fd >= 0)
                (void)epoll_ctl(s->watch_fd, EPOLL_CTL_DEL, fd, NULL);
}

/* At the end of all. */
void
watch_deinit(Supervisor *s)
{
        if (!s->watch_source)
                return;
        s->watch_source = sd_event_source_disable_unref(s->watch_source);
        fd_close(s->watch_fd);
}
