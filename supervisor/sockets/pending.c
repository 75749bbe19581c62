/* SPDX-License-Identifier: MIT */
/*
 * pending.c - sockets that workers bound by themselves and may listen on next.
 *
 * Gist: only these are captured when they listen; one that the kernel gave a port to (port 0) is
 * not among them. The latest of each worker are kept, in the order in which they were bound.
 */
#include "sockets/pending.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static void
remove_at(Pending *p, size_t i)
{
        p->n_items--;
        memmove(&p->items[i], &p->items[i + 1], (p->n_items - i) * sizeof(*p->items));
}

static bool
is_file(const PendingSocket *s, const struct stat *st)
{
        return s->ino == st->st_ino && s->dev == st->st_dev;
}

/* Keep at most so many of a worker: the oldest goes. */
static void
make_room(Pending *p, uint64_t owner)
{
        size_t n = 0;
        size_t oldest = 0;

        for (size_t i = p->n_items; i-- > 0;)
                if (p->items[i].owner == owner) {
                        n++;
                        oldest = i;
                }
        if (n >= PENDING_MAX_EACH)
                remove_at(p, oldest);
}

/* Note a socket that a process is about to bind. Returns 0 or a negative errno. */
int
pending_add(Pending *p, uint64_t owner, pid_t pid, int fd, const HeldKey *key)
{
        PendingSocket *items;
        struct stat st;

        if (fstat(fd, &st) < 0)
                return -errno;
        for (size_t i = p->n_items; i-- > 0;) /* an earlier bind() of it, which has failed */
                if (is_file(&p->items[i], &st))
                        remove_at(p, i);
        make_room(p, owner);
        items = reallocarray(p->items, p->n_items + 1, sizeof(*items));
        if (!items)
                return -ENOMEM;
        p->items = items;
        p->items[p->n_items++] = (PendingSocket){
                .owner = owner, .pid = pid, .dev = st.st_dev, .ino = st.st_ino, .key = *key};
        return 0;
}

/* The latest of them that fd is a duplicate of, or NULL. It is valid until one is added or removed. */
PendingSocket *
pending_find_socket(const Pending *p, int fd)
{
        struct stat st;

        if (fstat(fd, &st) < 0)
                return NULL;
        for (size_t i = p->n_items; i-- > 0;)
                if (is_file(&p->items[i], &st))
                        return &p->items[i];
        return NULL;
}

/* Find the socket that fd is a duplicate of, and take it out. */
bool
pending_take(Pending *p, int fd, PendingSocket *ret)
{
        const PendingSocket *found = pending_find_socket(p, fd);

        if (!found)
                return false;
        *ret = *found;
        remove_at(p, (size_t)(found - p->items));
        return true;
}

/* The socket that a worker bound last, or NULL. */
const PendingSocket *
pending_find_last(const Pending *p, uint64_t owner)
{
        for (size_t i = p->n_items; i-- > 0;)
                if (p->items[i].owner == owner)
                        return &p->items[i];
        return NULL;
}

/* Whether the kernel lets only one of two sockets be bound, unless both allow more. */
static bool
is_same_place(const HeldKey *a, const HeldKey *b)
{
        return held_key_equal(a, b) || (a->netns == b->netns && strcmp(a->device, b->device) == 0 &&
                                        address_excludes(&a->address, &b->address));
}

/*
 * A socket that the worker itself bound to the place, or to one that excludes it; `before`: the one
 * that was found last, or NULL. It may be closed by now. NULL: there is no other.
 */
const PendingSocket *
pending_next_own(const Pending *p, uint64_t owner, const HeldKey *key, const PendingSocket *before)
{
        for (size_t i = before ? (size_t)(before - p->items) + 1 : 0; i < p->n_items; i++)
                if (p->items[i].owner == owner && is_same_place(&p->items[i].key, key))
                        return &p->items[i];
        return NULL;
}

/*
 * Whether a process that binds a path is likely to be about to rename it to where that of another one
 * gets: both names are in one directory, and the same but for their pids.
 */
static bool
is_same_in_the_end(const PendingSocket *s, pid_t pid, const HeldKey *key)
{
        return address_is_path(&s->key.address) && address_is_path(&key->address) &&
               s->key.address.type == key->address.type && key->dir_ino &&
               s->key.dir_ino == key->dir_ino && s->key.dir_dev == key->dir_dev &&
               unix_path_is_like(strrchr(s->key.address.un.sun_path, '/'), s->pid,
                                 strrchr(key->address.un.sun_path, '/'), pid);
}

/*
 * Whether another worker is on its way to the place that this process binds, and not waiting for
 * somebody else to get there first.
 */
bool
pending_has_other(const Pending *p, uint64_t owner, pid_t pid, const HeldKey *key)
{
        for (size_t i = 0; i < p->n_items; i++)
                if (p->items[i].owner != owner && !p->items[i].is_nameless &&
                    (held_key_equal(&p->items[i].key, key) ||
                     is_same_in_the_end(&p->items[i], pid, key)))
                        return true;
        return false;
}

/* Forget all that a worker has bound. */
void
pending_forget(Pending *p, uint64_t owner)
{
        for (size_t i = p->n_items; i-- > 0;)
                if (p->items[i].owner == owner)
                        remove_at(p, i);
}

/* Free the list. */
void
pending_deinit(Pending *p)
{
        free(p->items);
        *p = (Pending){0};
}
