/* SPDX-License-Identifier: MIT */
/*
 * groups.c - SO_REUSEPORT: members of a group that the server closed while it goes on.
 *
 * Theory of operation: several sockets are captured on one address, and the kernel deals new
 * connections out among all that listen (net/core/sock_reuseport.c). One that the server closed (a
 * reload of its own, a child that died) is still one of them as long as we hold it, and whoever is
 * dealt to it waits in vain. So it has to go at once. No event tells of the closing, but one tells
 * that somebody waits: an epoll set is readable when a connection comes to any member. Then a look at
 * who has the sockets is due, and only after it is the set made anew, so that a busy server costs a
 * few looks in a second and an idle one none. Where a member was just bound, another is likely to be
 * closed, and it is looked for without that for a while.
 *
 * Closing it resets what is in its queue (net/ipv4/inet_connection_sock.c, inet_csk_listen_stop), as
 * the server's own close() would have done. So it is kept wherever somebody may still come for it: a
 * child that died may be replaced by one that binds again, and has a moment for that; a server that
 * closes all of them is about to end; and what only a worker had that starts, ends or retires is for
 * the next one.
 */
#include <sys/epoll.h>

#include "base/fd.h"
#include "base/parse.h"
#include "run/state.h"

#define LOOK_WAITING_USEC (250 * USEC_PER_MSEC)
#define LOOK_CHANGED_USEC (100 * USEC_PER_MSEC)
#define CHANGE_LASTS_USEC (5 * USEC_PER_SEC)
#define REPLACED_WITHIN_USEC USEC_PER_SEC

/* Whether two sockets share an address because they have SO_REUSEPORT, and not to be steered. */
static bool
are_group(const Held *a, const Held *b)
{
        return held_are_group(a, b) && !a->group && !b->group;
}

/* Whether a worker has claimed it that serves, and is to go on. */
static bool
is_of_serving(const Supervisor *s, const Held *h)
{
        for (size_t n = 0; n < h->n_claims; n++)
                for (size_t i = 0; i < s->n_workers; i++) {
                        const Worker *w = s->workers[i];

                        if (w->incarnation == h->claims[n].owner && w->role == ROLE_ACTIVE &&
                            w->state == LIFE_READY)
                                return true;
                }
        return false;
}

/* Whether it is in a group, and with is_served: whether others of the group are served. */
static bool
has_others(const Supervisor *s, const Held *h, bool is_served)
{
        for (size_t i = 0; i < s->held.n_items; i++) {
                const Held *other = s->held.items[i];

                if (are_group(h, other) &&
                    (!is_served || (!other->missing_usec && is_of_serving(s, other))))
                        return true;
        }
        return false;
}

static void set_timer(Supervisor *s, uint64_t delay_usec);

/* A connection came to a member: whoever has the socket will have taken it in a moment. */
static int
on_waiting(sd_event_source *source, int fd, uint32_t revents, void *userdata)
{
        (void)source;
        (void)fd;
        (void)revents;
        set_timer(userdata, LOOK_WAITING_USEC);
        return 0;
}

/* Be told when a connection comes to a member. */
static void
wait_for_connection(Supervisor *s)
{
        CLEANUP_FD int fd = -1;

        for (size_t i = 0; i < s->held.n_items; i++) {
                const Held *h = s->held.items[i];
                struct epoll_event event = {.events = EPOLLIN};

                if (!h->n_claims || !has_others(s, h, false))
                        continue;
                if (fd < 0)
                        fd = epoll_create1(EPOLL_CLOEXEC);
                (void)epoll_ctl(fd, EPOLL_CTL_ADD, h->fd, &event);
        }
        if (fd < 0 || sd_event_add_io(s->event, &s->groups_source, fd, EPOLLIN, on_waiting, s) < 0)
                return;
        (void)sd_event_source_set_io_fd_own(s->groups_source, true);
        (void)fd_steal(&fd);
}

/* Note which members nobody has: since when. */
static void
note_missing(Supervisor *s, uint64_t now)
{
        for (size_t i = 0; i < s->held.n_items; i++) {
                Held *h = s->held.items[i];

                if (!has_others(s, h, false) || !is_of_serving(s, h) || !given_up_by_all(s, h))
                        h->missing_usec = 0;
                else if (!h->missing_usec)
                        h->missing_usec = now;
        }
}

/*
 * Close the members that nobody has any more, when a second look says so: one may just be on its way
 * to another process. Returns whether another look is due.
 */
static bool
close_missing(Supervisor *s)
{
        uint64_t now = now_usec();
        bool again = false;

        note_missing(s, now);
        for (size_t i = s->held.n_items; i-- > 0;) {
                Held *h = s->held.items[i];

                if (!h->missing_usec)
                        continue;
                if (!has_others(s, h, true))
                        h->missing_usec = now; /* all of them are: it begins when one is served */
                else if (now - h->missing_usec >=
                         (given_up_was_closed(h) ? 1 : REPLACED_WITHIN_USEC))
                        given_up_close(s, h);
                else
                        again = true;
        }
        return again;
}

static int
on_timer(sd_event_source *source, uint64_t usec, void *userdata)
{
        Supervisor *s = userdata;

        (void)source;
        (void)usec;
        s->groups_timer = sd_event_source_disable_unref(s->groups_timer);
        if (close_missing(s) || now_usec() < s->groups_until_usec)
                set_timer(s, LOOK_CHANGED_USEC);
        else
                wait_for_connection(s);
        return 0;
}

/* A look is due: until then it does not matter who connects. */
static void
set_timer(Supervisor *s, uint64_t delay_usec)
{
        s->groups_source = sd_event_source_disable_unref(s->groups_source);
        s->groups_timer = sd_event_source_disable_unref(s->groups_timer);
        (void)sd_event_add_time_relative(s->event, &s->groups_timer, CLOCK_MONOTONIC, delay_usec,
                                         USEC_PER_MSEC, on_timer, s);
}

/* A worker listens on a socket, which may be one more of a group. */
void
groups_listening(Supervisor *s, const Held *h)
{
        if (!has_others(s, h, false))
                return;
        s->groups_until_usec = now_usec() + CHANGE_LASTS_USEC;
        set_timer(s, LOOK_CHANGED_USEC);
}

/* After an upgrade: find the groups again. */
void
groups_resume(Supervisor *s)
{
        for (size_t i = 0; i < s->held.n_items; i++)
                groups_listening(s, s->held.items[i]);
}
