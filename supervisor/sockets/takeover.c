/* SPDX-License-Identifier: MIT */
/*
 * takeover.c - takes over the sockets that another process listens on.
 *
 * Gist: pidfd_getfd(2) gives a duplicate of its descriptor: the same socket, with its queue and all
 * who wait in it (tests/kernel/orphan-takeover.c). It is held as a captured one, until --listen or a
 * worker asks for its address. The process keeps it, and no flag is changed under it.
 */
#include "sockets/takeover.h"

#include <errno.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "base/fd.h"
#include "linux/pidfd.h"
#include "linux/procfd.h"

typedef struct Walk {
        Takeover *takeover;
        pid_t pid;
} Walk;

static Held *
find_held(const HeldTable *table, ino_t inode)
{
        for (size_t i = 0; i < table->n_items; i++)
                if (table->items[i]->ino == inode)
                        return table->items[i];
        return NULL;
}

static bool
is_inherited(const Inherited *in, ino_t inode)
{
        struct stat st;

        for (size_t i = 0; i < in->n_items; i++)
                if (in->items[i].fd >= 0 && fstat(in->items[i].fd, &st) == 0 && st.st_ino == inode)
                        return true;
        return false;
}

static int
option_of(int fd, int option)
{
        int value = 0;
        socklen_t size = sizeof(value);

        return getsockopt(fd, SOL_SOCKET, option, &value, &size) == 0 ? value : 0;
}

/* Whether --listen names the address. */
static bool
is_asked_for(const Takeover *t, const Address *address)
{
        for (size_t i = 0; i < t->n_listen; i++)
                for (unsigned j = 0; j < t->listen[i].n_addresses; j++)
                        if (address_equal(&t->listen[i].addresses[j], address))
                                return true;
        return false;
}

/* Put a duplicate that listens into the table. Returns 1, 0: it is nothing to hold, or -errno. */
static int
hold(const Takeover *t, int consume_fd)
{
        CLEANUP_FD int fd = consume_fd;
        char name[16] = "captured";
        Address address;
        HeldKey key;
        Held *h = NULL;
        int r;

        if (!option_of(fd, SO_ACCEPTCONN) && option_of(fd, SO_TYPE) != SOCK_DGRAM)
                return 0;
        r = address_from_socket(fd, &address);
        if (r == 0 && address.type == SOCK_DGRAM && !is_asked_for(t, &address))
                return 0;
        if (r == 0)
                r = held_key_init(&key, fd, &address);
        if (r < 0)
                return 0; /* of a family that is not held */
        fd = fd_move_above(fd_steal(&fd), t->fd_floor);
        if (fd < 0)
                return fd;
        if (address_has_port(&address))
                (void)snprintf(name, sizeof(name), "%u", address_port(&address));
        r = held_new(&h, fd_steal(&fd), HELD_CAPTURED, &key, name);
        if (r < 0)
                return r;
        h->is_left = true;
        (void)held_listen(h, h->backlog); /* its queue is as long as that of the others */
        if (address_is_path(&address) &&
            unix_path_new_of(&h->path, address.un.sun_path, h->ino) < 0 &&
            !is_asked_for(t, &address)) {
                held_free(h);
                return 0;
        }
        r = held_table_add(t->table, h);
        if (r == 0)
                (void)held_table_revive_socket(t->table, h);
        return r < 0 ? r : 1;
}

static int
on_socket(int fd, ino_t inode, void *userdata)
{
        const Walk *walk = userdata;
        Takeover *t = walk->takeover;
        Held *there = find_held(t->table, inode);
        CLEANUP_FD int copy = -1;
        struct stat st;
        int r;

        if (there) {
                t->n_there += !there->is_left;
                there->is_left = true;
                return 0;
        }
        if (is_inherited(t->inherited, inode))
                return 0;
        copy = pidfd_get_fd(walk->pid, fd);
        if (copy == -EBADF || copy == -ESRCH)
                return 0; /* closed meanwhile */
        if (copy < 0)
                return copy;
        if (fstat(copy, &st) < 0 || st.st_ino != inode)
                return 0;
        r = hold(t, fd_steal(&copy));
        t->n_taken += r > 0;
        return r < 0 ? r : 0;
}

/*
 * Hold all sockets that a process listens on and that are not held yet.
 * Returns 0, also when it is gone, or a negative errno: -EPERM and -EACCES without the right to look
 * into it (ptrace(2)), -ENOSYS before Linux 5.6.
 */
int
takeover_process(Takeover *t, pid_t pid)
{
        Walk walk = {.takeover = t, .pid = pid};

        return procfd_read_sockets(pid, on_socket, &walk);
}
