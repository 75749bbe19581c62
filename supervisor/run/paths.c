/* SPDX-License-Identifier: MIT */
/*
 * paths.c - the names of held unix sockets, on the event loop.
 *
 * Gist: the directories of held sockets are watched (inotify(7)). A name that is removed, by a server
 * that ends or by a person, is linked again; a name that is renamed, by a server that binds beside
 * its path, is followed. The two halves of a rename may come in two pieces; and before a trapped call is
 * decided all that came before it is read, as a name that is linked again too late is in the way of it.
 *
 * Some servers look whether their path is there, or somebody behind it, before they bind it, and end if
 * so: they meet the socket that is held for them. That is guessed from the ends of workers
 * (policy/away.c) that gave up, with whatever status: who ends may be a wrapper. The name is taken away
 * then until the next worker binds it, and is back when that one has ended. That a client was there and
 * is gone, which may have been the server, is known by a connection in the queue. What the worker has
 * bound before it asks says nothing, nor that it is ready by that.
 */
#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"
#include "linux/sockdiag.h"
#include "run/state.h"

/* The first half of a rename, whose second half is to come. */
typedef struct Half {
        int watch; /* or -1: there is none */
        uint32_t cookie;
        char name[NAME_MAX + 1];
} Half;

/* A name in a watched directory has become another one. What --listen named keeps its name. */
static void
follow(Supervisor *s, int watch, const char *from, const char *to)
{
        for (size_t i = 0; i < s->held.n_items; i++) {
                const Held *h = s->held.items[i];
                UnixPath *u = h->path;

                if (u && h->origin == HELD_CAPTURED && u->watch == watch &&
                    unix_path_follow(u, from, to) == 1)
                        log_debug("%s is called %s now", from, u->path);
        }
}

/* Whether an event is about a name that is kept. */
static bool
is_kept(const Supervisor *s, const struct inotify_event *event)
{
        for (size_t i = 0; i < s->held.n_items; i++) {
                const UnixPath *u = s->held.items[i]->path;

                if (u && u->watch == event->wd && unix_path_is_called(u, event->name))
                        return true;
        }
        return false;
}

static void
handle_event(Supervisor *s, const struct inotify_event *event, Half *from)
{
        if (event->mask & IN_MOVED_TO && from->watch == event->wd &&
            from->cookie == event->cookie) {
                follow(s, from->watch, from->name, event->name);
                from->watch = -1;
        }
        if (event->mask & IN_MOVED_FROM && is_kept(s, event)) {
                from->watch = event->wd;
                from->cookie = event->cookie;
                (void)snprintf(from->name, sizeof(from->name), "%s", event->name);
        }
}

/* All that there is to read now. Returns whether there was anything. */
static bool
read_events(Supervisor *s, Half *from)
{
        char buffer[16 * (sizeof(struct inotify_event) + NAME_MAX + 1)]
                __attribute__((aligned(__alignof__(struct inotify_event))));
        bool any = false;
        ssize_t n;

        while ((n = read(s->inotify_fd, buffer, sizeof(buffer))) > 0) {
                const struct inotify_event *event;

                for (const char *p = buffer; p < buffer + n; p += sizeof(*event) + event->len) {
                        event = (const struct inotify_event *)(const void *)p;
                        handle_event(s, event, from);
                }
                any = true;
        }
        return any;
}

static char *
directory_of(const UnixPath *u)
{
        return strndup(u->path, (size_t)(strrchr(u->path, '/') + 1 - u->path));
}

/*
 * Wait until nobody is in the middle of a change to this directory: who renames in it holds it until
 * both halves are told, and a look into it has to wait for that (tests/kernel shows it).
 */
static void
await_directory(const Supervisor *s, int watch)
{
        for (size_t i = 0; i < s->held.n_items; i++) {
                const UnixPath *u = s->held.items[i]->path;
                CLEANUP_FREE char *path = u && u->watch == watch ? directory_of(u) : NULL;
                CLEANUP_DIR DIR *dir = path ? opendir(path) : NULL;

                if (dir && readdir(dir))
                        return;
        }
}

/* Follow the names that have changed up to now, and link again what is gone. */
static void
catch_up(Supervisor *s)
{
        Half from = {.watch = -1};

        if (s->inotify_fd < 0 || !read_events(s, &from))
                return;
        if (from.watch >= 0) {
                await_directory(s, from.watch);
                (void)read_events(s, &from);
        }
        for (size_t i = 0; i < s->held.n_items; i++) {
                UnixPath *u = s->held.items[i]->path;

                if (!u || unix_path_restore(u) != 1)
                        continue;
                u->path_is_extra = true;
                log_debug("linked %s again", u->path);
        }
}

/* For capture: what the caller, and others, did to names before its call. */
void
paths_catch_up(void *userdata)
{
        catch_up(userdata);
}

static int
on_directory(sd_event_source *source, int fd, uint32_t revents, void *userdata)
{
        (void)source;
        (void)fd;
        (void)revents;
        catch_up(userdata);
        return 0;
}

static int
open_inotify(Supervisor *s)
{
        if (s->inotify_fd >= 0)
                return 0;
        s->inotify_fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
        return s->inotify_fd < 0
                       ? -errno
                       : sd_event_add_io(s->event, NULL, s->inotify_fd, EPOLLIN, on_directory, s);
}

/* Look after the name of a held unix socket. Without inotify it is linked again by binds only. */
void
paths_watch(Supervisor *s, const Held *h)
{
        UnixPath *u = h->path;
        CLEANUP_FREE char *directory = directory_of(u);

        if (directory && open_inotify(s) >= 0)
                u->watch = inotify_add_watch(s->inotify_fd, directory,
                                             IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO);
}

/* Whether a captured unix socket, whose name is public, waits for somebody who serves it. */
static bool
is_waiting(const Held *h)
{
        return h->origin == HELD_CAPTURED && h->path && !h->path->is_hidden && !h->path->is_lost &&
               !h->is_left && h->n_claims == 0;
}

/* A worker is about to start: if its like looks first, nobody is to be found. */
void
paths_worker_starts(Worker *w)
{
        const Supervisor *s = w->supervisor;

        w->paths_away = false;
        for (size_t i = 0; s->away.is_away && i < s->held.n_items; i++)
                if (is_waiting(s->held.items[i])) {
                        unix_path_take_away(s->held.items[i]->path);
                        w->paths_away = true;
                }
}

/* Bring all names back: also those that nobody has bound. */
void
paths_bring_back(Supervisor *s)
{
        for (size_t i = 0; i < s->held.n_items; i++)
                if (s->held.items[i]->path)
                        unix_path_bring_back(s->held.items[i]->path);
}

/* A socket that waits, or NULL; is_asked: somebody has come to it and gone since a worker ended last. */
static const Held *
find_waiting(const Supervisor *s, bool is_asked)
{
        for (size_t i = 0; i < s->held.n_items; i++) {
                const Held *h = s->held.items[i];
                SockdiagUnix found;

                if (is_waiting(h) && (!is_asked || (sockdiag_find_unix(h->ino, true, &found) == 0 &&
                                                    found.n_gone > h->n_gone)))
                        return h;
        }
        return NULL;
}

/* Whether a worker has bound a captured unix path. */
static bool
has_bound(const Worker *w)
{
        const HeldTable *held = &w->supervisor->held;

        for (size_t i = 0; i < held->n_items; i++) {
                const Held *h = held->items[i];

                if (h->origin == HELD_CAPTURED && h->path && worker_has_claimed(w, h))
                        return true;
        }
        return false;
}

static void
tell_away(const Worker *w, const Held *waiting, bool met_client)
{
        const char *path = waiting->path->path;

        if (met_client)
                log_info("worker %u ended before it bound %s, and somebody had connected there and "
                         "gone: if that was itself, looking for another server, it has found sup; "
                         "the path is away when the next one starts",
                         w->index, path);
        else
                log_info("worker %u ended before it bound %s: if it looks first whether the path "
                         "is there, it has found that of sup; it is away when the next one starts",
                         w->index, path);
}

/* A worker ended; what it claimed does not wait yet. Was it by what it found at another path? */
void
paths_worker_ends(Worker *w)
{
        Supervisor *s = w->supervisor;
        const Held *waiting = find_waiting(s, false);
        const Held *asked = waiting ? find_waiting(s, true) : NULL;
        bool was_away = s->away.is_away;
        bool has_run = w->pid_before != 0; /* else the program could not be executed */
        int status = restart_exit_status(w->end_code, w->end_status);
        AwayEnd end = {
                .was_away = w->paths_away,
                .has_failed = waiting && has_run && !w->was_asked && away_is_own_end(status),
                .has_bound = !waiting && has_bound(w),
                .met_client = asked != NULL,
                .is_last = candidate_is_serial(w),
        };

        w->met_sup = false;
        if (w->role == ROLE_STANDBY) /* it is started while another one serves */
                return;
        away_after_end(&s->away, &end);
        w->met_sup = end.has_failed && !w->paths_away && s->away.is_away;
        if (w->met_sup && !was_away)
                tell_away(w, asked ? asked : waiting, asked != NULL);
}

/* Its claims are forgotten: what waits, waits with its name. */
void
paths_worker_ended(Supervisor *s)
{
        for (size_t i = 0; i < s->held.n_items; i++) {
                Held *h = s->held.items[i];
                SockdiagUnix found;

                if (is_waiting(h) && sockdiag_find_unix(h->ino, true, &found) == 0)
                        h->n_gone = found.n_gone;
        }
        paths_bring_back(s);
}
