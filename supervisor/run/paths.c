/* SPDX-License-Identifier: MIT */
/*
 * paths.c - the names of held unix sockets, on the event loop.
 *
 * Gist: the directories of held sockets are watched (inotify(7)). A name that is removed, by a server
 * that ends or by a person, is linked again; a name that is renamed, by a server that binds beside
 * its path, is followed.
 */
#include <errno.h>
#include <limits.h>
#include <string.h>
#include <sys/inotify.h>
#include <unistd.h>

#include "base/fd.h"
#include "run/state.h"

/* A name in a watched directory has become another one. What --listen named keeps its name. */
static void
follow(Supervisor *s, int watch, const char *from, const char *to)
{
        for (size_t i = 0; i < s->held.n_items; i++) {
                const Held *h = s->held.items[i];
                UnixPath *u = h->path;

                if (u && h->origin == HELD_CAPTURED && u->watch == watch && unix_path_follow(u, from, to) == 1)
                        log_debug("%s is called %s now", from, u->path);
        }
}

/* One event. `from` is the first half of a rename, whose second half comes next. */
static void
handle_event(Supervisor *s, const struct inotify_event *event, const struct inotify_event **from)
{
        if (event->mask & IN_MOVED_TO && *from && (*from)->cookie == event->cookie &&
            (*from)->wd == event->wd)
                follow(s, event->wd, (*from)->name, event->name);
        *from = (event->mask & IN_MOVED_FROM) ? event : NULL;
}

static int
on_directory(sd_event_source *source, int fd, uint32_t revents, void *userdata)
{
        Supervisor *s = userdata;
        char buffer[16 * (sizeof(struct inotify_event) + NAME_MAX + 1)]
                __attribute__((aligned(__alignof__(struct inotify_event))));
        ssize_t n;

        (void)source;
        (void)revents;
        while ((n = read(fd, buffer, sizeof(buffer))) > 0) {
                const struct inotify_event *from = NULL;
                const struct inotify_event *event;

                for (const char *p = buffer; p < buffer + n; p += sizeof(*event) + event->len) {
                        event = (const struct inotify_event *)(const void *)p;
                        handle_event(s, event, &from);
                }
        }
        for (size_t i = 0; i < s->held.n_items; i++)
                if (s->held.items[i]->path && unix_path_restore(s->held.items[i]->path) == 1)
                        log_debug("linked %s again", s->held.items[i]->path->path);
        return 0;
}

static int
open_inotify(Supervisor *s)
{
        if (s->inotify_fd >= 0)
                return 0;
        s->inotify_fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
        return s->inotify_fd < 0 ? -errno
                                 : sd_event_add_io(s->event, NULL, s->inotify_fd, EPOLLIN,
                                                   on_directory, s);
}

/* Look after the name of a held unix socket. Without inotify it is linked again by binds only. */
void
paths_watch(Supervisor *s, const Held *h)
{
        UnixPath *u = h->path;
        CLEANUP_FREE char *directory =
                strndup(u->path, (size_t)(strrchr(u->path, '/') + 1 - u->path));

        if (directory && open_inotify(s) >= 0)
                u->watch = inotify_add_watch(s->inotify_fd, directory,
                                             IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO);
}
