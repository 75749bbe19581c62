/* SPDX-License-Identifier: MIT */
/*
 * ready.c - a worker's own word that it serves.
 *
 * Gist: --compat=crank hands the worker a pipe (NOTIFY_FD); something written to it means ready.
 */
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "base/fd.h"
#include "run/state.h"

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
        ready_close(w);
        if (n > 0)
                worker_event(w, LIFE_EVENT_SERVING);
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

        ready_close(w);
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

/* Nothing more is expected from it. */
void
ready_close(Worker *w)
{
        w->ready_source = sd_event_source_disable_unref(w->ready_source);
}
