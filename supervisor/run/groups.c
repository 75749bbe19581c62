/* SPDX-License-Identifier: MIT */
/*
 * groups.c - SO_REUSEPORT: members of a group that the server closed while it goes on.
 *
 * Theory of operation: several sockets are captured on one address, and the kernel deals new
 * connections out among them. One that the server closed (a reload of its own, a child that died) is
 * still one of them as long as we hold it, and whoever is dealt to it waits in vain. So it has to go
 * at once. No event tells of the closing, but one tells that somebody waits: an epoll set is readable
 * when a connection comes to any member. It is asked once, and again after a look at who has the
 * sockets, so that a busy server costs a few looks in a second and an idle one none. Where a member
 * was just bound, another is likely to be closed, and it is looked for without that for a while.
 *
 * What the present worker has not claimed yet is kept for its next claim. A child that died may be
 * replaced by one that binds again, and has a moment for that.
 */
#include <errno.h>
#include <sys/epoll.h>

#include "base/cleanup.h"
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
        return a != b && a->origin == HELD_CAPTURED && b->origin == HELD_CAPTURED && !a->group &&
               !b->group && held_key_equal(&a->key, &b->key);
}

/* Note those that share its address. */
static void
mark(const Supervisor *s, Held *h)
{
        h->in_group = false;
        for (size_t i = 0; i < s->held.n_items; i++)
                if (are_group(h, s->held.items[i]))
                        h->in_group = s->held.items[i]->in_group = true;
}

static void set_timer(Supervisor *s, uint64_t delay_usec);

/* A connection came to a member: whoever has the socket will have taken it in a moment. */
static int
on_waiting(sd_event_source *source, int fd, uint32_t revents, void *userdata)
{
        Supervisor *s = userdata;
        struct epoll_event events[16];
        int n;

        (void)source;
        (void)revents;
        do { /* each is told of once, and then no more */
                n = epoll_wait(fd, events, ELEMENTSOF(events), 0);
        } while (n == (int)ELEMENTSOF(events));
        if (!s->groups_timer)
                set_timer(s, LOOK_WAITING_USEC);
        return 0;
}

/* The set is made when the first group is there. Returns it, or a negative errno. */
static int
epoll_set(Supervisor *s)
{
        CLEANUP_FD int fd = -1;
        int r;

        if (s->groups_source)
                return sd_event_source_get_io_fd(s->groups_source);
        fd = epoll_create1(EPOLL_CLOEXEC);
        if (fd < 0)
                return -errno;
        r = sd_event_add_io(s->event, &s->groups_source, fd, EPOLLIN, on_waiting, s);
        if (r < 0)
                return r;
        (void)sd_event_source_set_io_fd_own(s->groups_source, true);
        return fd_steal(&fd);
}

/* Be told, once, when a connection comes to a member. */
static void
arm(Supervisor *s)
{
        for (size_t i = 0; i < s->held.n_items; i++) {
                Held *h = s->held.items[i];
                struct epoll_event event = {.events = EPOLLIN | EPOLLONESHOT};
                int fd;

                if (!h->in_group || !h->n_claims)
                        continue;
                mark(s, h);
                fd = h->in_group ? epoll_set(s) : -1;
                if (fd >= 0 && epoll_ctl(fd, EPOLL_CTL_MOD, h->fd, &event) < 0)
                        (void)epoll_ctl(fd, EPOLL_CTL_ADD, h->fd, &event);
        }
}

/* Whether a process that had it lives: then it was closed, and not left by a child that died. */
static bool
was_closed(const Held *h)
{
        for (size_t n = 0; n < h->n_claims; n++) {
                char state = proc_state(h->claims[n].pid);

                if (state && state != 'Z' && state != 'X')
                        return true;
        }
        return false;
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

        for (size_t i = s->held.n_items; i-- > 0;) {
                Held *h = s->held.items[i];

                if (!h->in_group || !h->n_claims || !given_up_by_all(s, h)) {
                        h->missing_usec = 0;
                } else if (h->missing_usec &&
                           (was_closed(h) || now - h->missing_usec >= REPLACED_WITHIN_USEC)) {
                        given_up_close(s, h);
                } else {
                        h->missing_usec = h->missing_usec ? h->missing_usec : now;
                        again = true;
                }
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
                arm(s);
        return 0;
}

static void
set_timer(Supervisor *s, uint64_t delay_usec)
{
        s->groups_timer = sd_event_source_disable_unref(s->groups_timer);
        (void)sd_event_add_time_relative(s->event, &s->groups_timer, CLOCK_MONOTONIC, delay_usec,
                                         USEC_PER_MSEC, on_timer, s);
}

/* A worker listens on a socket, which may be one more of a group. */
void
groups_listening(Supervisor *s, Held *h)
{
        mark(s, h);
        if (!h->in_group)
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
