/* SPDX-License-Identifier: MIT */
/*
 * held_table.c - all sockets that `sup` holds open.
 *
 * Theory of operation: shutdown(2) by any process that has a socket ends listening for all of them
 * (tests/kernel shows it), and some runtimes do that when they end. An epoll set that waits for
 * nothing but the end (EPOLLHUP and EPOLLRDHUP, edge-triggered) tells of it, and costs nothing
 * otherwise. A TCP socket listens again after another listen(2), since it is still bound; in the place
 * of a unix socket there has to be another one.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "base/fd.h"
#include "sockets/held.h"

/* Be told when a socket is shut down. Does nothing before held_table_watch. */
static void
watch(const HeldTable *t, Held *h)
{
        /* EPOLLHUP is implied */
        struct epoll_event event = {.events = EPOLLRDHUP | EPOLLET, .data.ptr = h};

        if (t->is_watched && h->key.address.type != SOCK_DGRAM)
                (void)epoll_ctl(t->watch_fd, EPOLL_CTL_ADD, h->fd, &event);
}

/* A process that still has the socket would keep it in the set: it is taken out before it is closed. */
static void
unwatch(const HeldTable *t, const Held *h)
{
        if (t->is_watched)
                (void)epoll_ctl(t->watch_fd, EPOLL_CTL_DEL, h->fd, NULL);
}

static void
release(const HeldTable *t, Held *h)
{
        unwatch(t, h);
        held_free(h);
}

/*
 * Start to watch all sockets, also those that come later. Returns a descriptor that stays the
 * table's and is readable when held_table_revive has something to do, or a negative errno.
 */
int
held_table_watch(HeldTable *t)
{
        t->watch_fd = epoll_create1(EPOLL_CLOEXEC);
        if (t->watch_fd < 0)
                return -errno;
        t->is_watched = true;
        for (size_t i = 0; i < t->n_items; i++)
                watch(t, t->items[i]);
        return t->watch_fd;
}

/*
 * Let a socket of the table listen again if it was shut down, or listen if it never did. Returns 1 when
 * it does now, 0 when it did before, or a negative errno.
 */
int
held_table_revive_socket(const HeldTable *t, Held *h)
{
        bool is_tcp = h->key.address.any.sa_family != AF_UNIX;
        int r;

        if (held_is_listening(h))
                return 0;
        if (is_tcp && t->on_revive)
                t->on_revive(t->userdata, h, false);
        r = held_listen(h, h->backlog);
        if (is_tcp && t->on_revive && r == 0)
                t->on_revive(t->userdata, h, true);
        if (is_tcp || held_is_listening(h))
                return r < 0 ? r : 1;
        unwatch(t, h);
        r = held_reopen(h);
        if (r == 0) /* else it would be told at once, again and again */
                watch(t, h);
        if (t->on_reopened)
                t->on_reopened(t->userdata, h, r);
        return r < 0 ? r : 1;
}

/* Let sockets that were shut down listen again. Returns how many do. */
unsigned
held_table_revive(const HeldTable *t)
{
        struct epoll_event events[16];
        unsigned n_revived = 0;
        int n;

        while ((n = epoll_wait(t->watch_fd, events, (int)(sizeof(events) / sizeof(events[0])), 0)) >
               0)
                for (int i = 0; i < n; i++) {
                        Held *h = events[i].data.ptr;

                        n_revived += held_table_revive_socket(t, h) == 1;
                }
        return n_revived;
}

/* Add to the table, which frees it in the end; freed at once on failure. Returns 0 or -ENOMEM. */
int
held_table_add(HeldTable *t, Held *consume_held)
{
        Held **items = reallocarray(t->items, t->n_items + 1, sizeof(Held *));

        if (!items) {
                held_free(consume_held);
                return -ENOMEM;
        }
        t->items = items;
        t->items[t->n_items++] = consume_held;
        watch(t, consume_held);
        return 0;
}

/* Take one out of the table and free it. The order of the others stays. */
void
held_table_remove(HeldTable *t, Held *h)
{
        for (size_t i = 0; i < t->n_items; i++)
                if (t->items[i] == h) {
                        memmove(&t->items[i], &t->items[i + 1],
                                (t->n_items - i - 1) * sizeof(Held *));
                        t->n_items--;
                        if (t->on_remove)
                                t->on_remove(t->userdata, h);
                        release(t, h);
                        return;
                }
}

/*
 * Take the captured socket of this address, and device if any, out of a table that is not watched
 * yet. It is the caller's then; NULL: there is none.
 */
Held *
held_table_take_captured(HeldTable *t, const Address *address, const char *device)
{
        CLEANUP_FD int fd = socket(address->any.sa_family, address->type | SOCK_CLOEXEC, 0);
        HeldKey key;

        if (fd < 0 || held_key_init(&key, fd, address) < 0)
                return NULL;
        memcpy(key.device, device, strlen(device) + 1);
        for (size_t i = 0; i < t->n_items; i++) {
                Held *h = t->items[i];

                if (h->origin != HELD_CAPTURED || !held_key_equal(&h->key, &key))
                        continue;
                memmove(&t->items[i], &t->items[i + 1], (t->n_items - i - 1) * sizeof(Held *));
                t->n_items--;
                return h;
        }
        return NULL;
}

/* The held socket that fd is a duplicate of, or NULL. */
Held *
held_table_find_socket(const HeldTable *t, int fd)
{
        struct stat st;

        if (fstat(fd, &st) < 0)
                return NULL;
        for (size_t i = 0; i < t->n_items; i++)
                if (t->items[i]->ino == st.st_ino && t->items[i]->dev == st.st_dev)
                        return t->items[i];
        return NULL;
}

/* The held socket whose place was that of the one that fd is a duplicate of; or NULL. */
Held *
held_table_find_dead(const HeldTable *t, int fd)
{
        struct stat st;

        if (fstat(fd, &st) < 0)
                return NULL;
        for (size_t i = 0; i < t->n_items; i++)
                if (t->items[i]->dead_ino == st.st_ino && t->items[i]->dev == st.st_dev)
                        return t->items[i];
        return NULL;
}

/* Free all held sockets and the table. */
void
held_table_deinit(HeldTable *t)
{
        for (size_t i = 0; i < t->n_items; i++)
                release(t, t->items[i]);
        free(t->items);
        if (t->is_watched)
                fd_close(t->watch_fd);
        *t = (HeldTable){0};
}
