/* SPDX-License-Identifier: MIT */
/*
 * held_reopen.c - another socket in the place of a held unix socket that was shut down.
 *
 * Theory of operation: no call takes back what shutdown(2) did to a unix socket (tests/kernel shows
 * it). So one like it is made. Of a path: bound to a hidden name beside, listening already when
 * rename(2) lets our link and the public name lead to it, so that no client finds nothing there. An
 * abstract address is free only once nobody has the old socket any more: ours is closed, and if the
 * new one cannot be bound it stays unbound, until this is tried again. The number of our descriptor
 * stays.
 */
#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "sockets/held.h"
#include "sockets/options.h"

/* A socket that is like it in all but its address. Returns it or a negative errno. */
static int
open_like(const Held *h)
{
        int flags = fcntl(h->fd, F_GETFL);
        int fd = socket(AF_UNIX, h->key.address.type | SOCK_CLOEXEC, 0);

        if (fd < 0)
                return -errno;
        options_copy(h->fd, fd);
        if (flags >= 0)
                (void)fd_set_nonblock(fd, (flags & O_NONBLOCK) != 0);
        return fd;
}

/* It has our descriptor's number from now on. Returns 0 or a negative errno. */
static int
put_in_place(Held *h, int fd)
{
        struct stat st;

        if (fstat(fd, &st) < 0 || dup3(fd, h->fd, O_CLOEXEC) < 0)
                return -errno;
        h->dead_ino = h->ino;
        h->ino = st.st_ino;
        h->dev = st.st_dev;
        return 0;
}

/* There is no generation 0: the name is free. */
static int
reopen_path(Held *h, int fd)
{
        UnixPath *beside = NULL;
        int r;

        if (!h->path || h->path->is_lost)
                return -ENOENT;
        r = unix_path_new_hidden(&beside, h->path, 0);
        if (r < 0)
                return r;
        r = unix_path_bind_hidden(beside, h->path, fd);
        if (r == 0 && listen(fd, h->backlog) < 0)
                r = -errno;
        if (r == 0)
                r = unix_path_replace(h->path, beside);
        if (r == 0)
                r = put_in_place(h, fd);
        else
                (void)unlink(beside->link);
        unix_path_free(beside);
        return r;
}

static int
reopen_abstract(Held *h, int fd)
{
        const Address *a = &h->key.address;
        int r = held_is_unbound(h) ? 0 : put_in_place(h, fd);

        if (r == 0 && (bind(h->fd, &a->any, a->length) < 0 || listen(h->fd, h->backlog) < 0))
                r = -errno;
        return r;
}

/* Make another socket of one that was shut down. Returns 0 or a negative errno. */
int
held_reopen(Held *h)
{
        CLEANUP_FD int fd = open_like(h);

        if (fd < 0)
                return fd;
        return address_is_path(&h->key.address) ? reopen_path(h, fd) : reopen_abstract(h, fd);
}

/* Whether it waits for its abstract address to be free, and is of no use until then. */
bool
held_is_unbound(const Held *h)
{
        Address bound;

        return h->key.address.any.sa_family == AF_UNIX && !h->path &&
               address_from_socket(h->fd, &bound) == 0 &&
               bound.length <= offsetof(struct sockaddr_un, sun_path);
}
