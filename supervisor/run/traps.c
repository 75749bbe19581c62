/* SPDX-License-Identifier: MIT */
/*
 * traps.c - trapped calls on the event loop, and the held sockets between workers.
 *
 * Gist: each worker has a seccomp listener of its own, so a call is known to be of its tree. What
 * capture has to know about processes is answered here.
 */
#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/parse.h"
#include "base/why.h"
#include "linux/procfd.h"
#include "linux/sockdiag.h"
#include "run/bake.h"
#include "run/state.h"
#include "sockets/conflict.h"
#include "sockets/steer.h"

/* How long a bind() waits for another worker that bound the same address and does not listen. */
#define PARKED_MAX_USEC (3 * USEC_PER_SEC)

static Worker *
find_owner(const Supervisor *s, uint64_t incarnation)
{
        for (size_t i = 0; i < s->n_workers; i++)
                if (s->workers[i]->incarnation == incarnation)
                        return s->workers[i];
        return NULL;
}

/* The number under which a worker was handed a named listener, or -1. */
static int
handed_fd(const Worker *w, const Held *h)
{
        const Supervisor *s = w->supervisor;
        int fd = ENVIRONMENT_FIRST_FD;

        for (size_t i = 0; i < s->held.n_items; i++) {
                const Held *other = s->held.items[i];

                if (other->origin != HELD_NAMED || !held_is_for(other, w->generation->number))
                        continue;
                if (other == h)
                        return fd;
                fd++;
        }
        return -1;
}

/* All living processes of a worker. Returns 0 or a negative errno. */
int
traps_tree(const Worker *w, PidSet *ret_pids)
{
        const Supervisor *s = w->supervisor;
        CLEANUP(pidset_deinit_p) PidSet mains = {0};
        TreeMark mark = worker_mark(w);

        workers_read_mains(s, &mains);
        return tree_read_worker(&s->tree, &mark, w->pid, &mains, workers_is_only(s), ret_pids);
}

/*
 * Whether any process of the worker has a socket, under another number than except_fd.
 * Returns 1, 0, or -EACCES when that cannot be told.
 */
int
traps_tree_has_socket(const Worker *w, ino_t ino, int except_fd, HeldClaim *ret_seen)
{
        CLEANUP(pidset_deinit_p) PidSet pids = {0};
        int result = traps_tree(w, &pids);

        for (size_t i = 0; i < pids.n_pids; i++) {
                int fd;
                int r = procfd_find_socket(pids.pids[i], ino, except_fd, &fd);

                if (r == 1) {
                        ret_seen->pid = pids.pids[i];
                        ret_seen->fd = fd;
                        return 1;
                }
                if (r < 0)
                        result = r;
        }
        return result;
}

/* For capture: does the worker still have what it claimed? */
static int
on_still_has(void *userdata, uint64_t owner, const Held *h, const HeldClaim *claim)
{
        const Worker *w = find_owner(userdata, owner);
        HeldClaim seen;

        if (!w)
                return 0;
        if (procfd_inode(claim->pid, claim->fd) == h->ino)
                return 1;
        return traps_tree_has_socket(w, h->ino, handed_fd(w, h), &seen);
}

/* For capture: does the worker have a socket that is not held? */
static int
on_has_socket(void *userdata, uint64_t owner, ino_t ino)
{
        const Worker *w = find_owner(userdata, owner);
        HeldClaim seen;

        return w ? traps_tree_has_socket(w, ino, -1, &seen) : 0;
}

/* For capture: are there other workers? */
static bool
on_has_siblings(void *userdata, uint64_t owner)
{
        const Supervisor *s = userdata;

        (void)owner;
        return s->n_workers > 1;
}

/* From capture: this task of the worker has shown whose it is. */
static void
on_call(void *userdata, uint64_t owner, pid_t tid)
{
        Worker *w = find_owner(userdata, owner);

        if (w)
                worker_knows(w, tid);
}

/* For capture: whose sockets does it get? */
static unsigned
on_generation_of(void *userdata, uint64_t owner)
{
        const Worker *w = find_owner(userdata, owner);

        return w ? w->generation->number : 0;
}

/*
 * For capture: a standby is parked when it is about to listen. One that is retired while it is parked is
 * killed, and its children live a moment longer: they would take connections with them.
 */
static bool
on_may_listen(void *userdata, uint64_t owner)
{
        const Worker *w = find_owner(userdata, owner);

        return !w || (w->role != ROLE_STANDBY && !w->was_parked);
}

/* For capture: what happened to names and sockets before the call. */
static void
on_catch_up(void *userdata)
{
        Supervisor *s = userdata;

        if (!s->stopping)
                (void)held_table_revive(&s->held);
        paths_catch_up(s);
}

/* From capture: a worker got a held socket. */
static void
on_claimed(void *userdata, uint64_t owner)
{
        Worker *w = find_owner(userdata, owner);

        if (w)
                worker_on_claimed(w);
}

/* From capture: a worker listens on a held socket. */
static void
on_listening(void *userdata, uint64_t owner, Held *h, pid_t tid, const PendingSocket *bound)
{
        Supervisor *s = userdata;
        Worker *w = find_owner(s, owner);

        if (!w)
                return;
        if (bound) {
                report_held(w, h, bound->pid);
                if (h->path)
                        paths_watch(s, h);
                given_up_captured(s);
                w->captured = true;
        }
        groups_listening(s, h);
        deaf_listens(w, h);
        steer_claimed(&s->held, h, s->current->number);
        if (bound)
                store_look(s); /* before the worker serves on it: we may be killed at any moment */
        worker_on_listening(w, tid);
}

/* Calls have waited long enough for another worker. */
static int
on_parked(sd_event_source *source, uint64_t usec, void *userdata)
{
        Supervisor *s = userdata;

        (void)source;
        (void)usec;
        s->parked_timer = sd_event_source_disable_unref(s->parked_timer);
        capture_retry(&s->capture, true);
        return 0;
}

static void
on_trap(Worker *w, uint32_t revents)
{
        Supervisor *s = w->supervisor;
        int r = -EPIPE;

        if (revents & EPOLLIN)
                r = capture_dispatch(&s->capture, w->trap_fd, w->incarnation);
        if (r == CAPTURE_WAIT && !s->parked_timer)
                (void)sd_event_add_time_relative(s->event, &s->parked_timer, CLOCK_MONOTONIC,
                                                 PARKED_MAX_USEC, USEC_PER_MSEC, on_parked, s);
        if (r == CAPTURE_PARK)
                worker_event(w, LIFE_EVENT_PARK);
        /* Nobody is under the filter any more, or the listener is of no use. */
        if (r < 0 && (revents & (EPOLLHUP | EPOLLERR)))
                traps_detach(w);
}

/* Serve the seccomp listener of a worker; the descriptor is consumed. */
void
traps_attach(Worker *w, int consume_listener_fd)
{
        int r;

        traps_detach(w);
        w->trap_fd = consume_listener_fd;
        w->trap_watch = (Watch){on_trap, w};
        r = watch_add(w->supervisor, &w->trap_watch, w->trap_fd);
        if (r < 0) {
                log_error("cannot serve the bind() calls of worker %u: %s", w->index,
                          strerrordesc_np(-r));
                traps_detach(w);
        }
}

/* The worker may listen now: let the calls of it that wait go on. */
void
traps_release(Worker *w)
{
        capture_retry(&w->supervisor->capture, false);
}

/* Stop to serve it. Calls that still come fail with ENOSYS (seccomp_unotify(2)). */
void
traps_detach(Worker *w)
{
        if (w->trap_fd < 0)
                return;
        watch_remove(w->supervisor, w->trap_fd);
        fd_close(w->trap_fd);
        w->trap_fd = -1;
}

/*
 * A worker's main process ended. A socket that it shut down listens again.
 */
void
traps_worker_ended(Worker *w)
{
        const Supervisor *s = w->supervisor;
        const HeldTable *held = &s->held;
        const Address *tried = capture_last_tried(&s->capture, w->incarnation);

        free(w->tried);
        w->tried = tried ? malloc(sizeof(*tried)) : NULL;
        if (w->tried)
                *w->tried = *tried;
        capture_forget(&w->supervisor->capture, w->incarnation);

        for (size_t i = 0; i < held->n_items; i++) {
                Held *h = held->items[i];

                /* The next `sup` looks for a unix socket under the name that it has now. */
                if (!s->stopping || h->key.address.any.sa_family != AF_UNIX)
                        (void)held_table_revive_socket(held, h);
        }
        candidate_ends(w);
        paths_worker_ends(w);
        given_up_worker_ended(w);
        paths_worker_ended(w->supervisor);
}

/* A worker ended before it listened: was somebody in the way of what it tried to bind? */
void
traps_explain_end(const Worker *w)
{
        const SpawnContext *spawn = &w->supervisor->spawn;
        ProbeSocket asker = {.reuseaddr = true, /* capture has set it for the server */
                             .uid = spawn->has_user ? spawn->uid : geteuid()};
        CLEANUP_FREE char *reason = w->tried ? conflict_find(w->tried, &asker) : NULL;
        char address[ADDRESS_TEXT_MAX];

        if (!reason)
                return;
        (void)address_format(w->tried, address, sizeof(address));
        log_event(&(LogEvent){.level = LOG_WARNING,
                              .event = "address-in-use",
                              .worker = w->index,
                              .generation = w->generation->number,
                              .address = address},
                  "worker %u could not listen on %s: %s", w->index, address, reason);
}

/* How many connections wait on a held socket; on a unix socket only those whose client is there. */
static unsigned
count_waiting(const Held *h)
{
        SockdiagUnix found;

        if (h->key.address.any.sa_family != AF_UNIX || sockdiag_find_unix(h->ino, true, &found) < 0)
                return held_queue_length(h);
        return found.rqueue > found.n_gone ? found.rqueue - found.n_gone : 0;
}

/* How many connections wait on all held sockets together. */
unsigned
traps_n_waiting(const Supervisor *s)
{
        unsigned n = 0;

        for (size_t i = 0; i < s->held.n_items; i++)
                n += count_waiting(s->held.items[i]);
        return n;
}

/* From the table of held sockets: with its place in a group the way of new connections has changed. */
static void
on_revive(void *userdata, Held *h, bool is_listening)
{
        Supervisor *s = userdata;

        if (!s->capture.steerable && !h->group)
                return;
        steer_revived(&s->held, h, is_listening);
        bake_steer(s);
}

/* A held socket was shut down by one of those who have it; the others go on. */
static int
on_shut_down(sd_event_source *source, int fd, uint32_t revents, void *userdata)
{
        Supervisor *s = userdata;

        (void)fd;
        (void)revents;
        if (s->stopping)
                (void)sd_event_source_set_enabled(source, SD_EVENT_OFF);
        else if (held_table_revive(&s->held))
                log_debug("a worker has shut a held socket down; it listens again");
        return 0;
}

/*
 * Make the filter, and watch the paths of named listeners.
 * Returns 0 or a negative errno with a sentence.
 */
int
traps_prepare(Supervisor *s, char **ret_why)
{
        CaptureHost host = {
                .userdata = s,
                .catch_up = on_catch_up,
                .on_call = on_call,
                .generation_of = on_generation_of,
                .may_listen = on_may_listen,
                .has_siblings = on_has_siblings,
                .still_has = on_still_has,
                .has_socket = on_has_socket,
                .is_given_up = given_up_by_all,
                .on_claimed = on_claimed,
                .on_listening = on_listening,
        };
        int r = held_table_watch(&s->held);

        s->held.userdata = s;
        s->held.on_reopened = deaf_reopened;
        s->held.on_revive = on_revive;
        if (r >= 0)
                r = sd_event_add_io(s->event, NULL, r, EPOLLIN, on_shut_down, s);
        if (r < 0)
                return why(ret_why, r, "cannot watch the sockets: %s", strerrordesc_np(-r));
        r = 0;
        capture_init(&s->capture, &s->held, s->fd_floor, &host);
        s->capture.steerable = s->config->drain == DRAIN_CONNECTIONS;
        for (size_t i = 0; i < s->held.n_items; i++)
                if (s->held.items[i]->path)
                        paths_watch(s, s->held.items[i]);
        if (s->config->capture != CAPTURE_OFF) {
                r = notify_filter_init(&s->filter, false);
                if (r == 0)
                        r = notify_filter_init(&s->path_filter, true);
                s->capture_on = r == 0;
        }
        if (r < 0 && s->config->capture == CAPTURE_REQUIRE)
                return why(ret_why, r, "cannot make the filter that traps bind(): %s",
                           strerrordesc_np(-r));
        return 0;
}

/* After an upgrade: look after what was loaded. */
void
traps_resume(Supervisor *s)
{
        for (size_t i = 0; i < s->held.n_items; i++)
                if (s->held.items[i]->path)
                        paths_watch(s, s->held.items[i]);
        groups_resume(s);
        given_up_look_soon(s);
        if (s->capture.n_parked)
                (void)sd_event_add_time_relative(s->event, &s->parked_timer, CLOCK_MONOTONIC,
                                                 PARKED_MAX_USEC, USEC_PER_MSEC, on_parked, s);
}
