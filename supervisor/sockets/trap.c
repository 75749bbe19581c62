/* SPDX-License-Identifier: MIT */
/*
 * trap.c - one trapped call: what it asks for, and giving its caller another socket.
 *
 * Gist: reads from the caller what bind() would read, with the caller's own view of paths, and puts
 * a held socket in the place of the caller's. Does not decide whether that is right.
 */
#include "sockets/trap.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/fd.h"
#include "linux/proc.h"
#include "linux/procfd.h"
#include "sockets/options.h"

/* Whether /proc/PID/WHAT is for the process what it is for us. */
static bool
shares(pid_t pid, const char *what)
{
        struct stat ours;
        struct stat theirs;
        char path[64];

        (void)snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid, what);
        if (stat(path, &theirs) < 0)
                return false;
        (void)snprintf(path, sizeof(path), "/proc/self/%s", what);
        return stat(path, &ours) == 0 && ours.st_dev == theirs.st_dev &&
               ours.st_ino == theirs.st_ino;
}

/*
 * A server's path means what its own working directory makes of it. A server in a chroot or with
 * other file systems than ours is left alone. Returns 0 or a negative errno.
 */
static int
make_path_absolute(pid_t pid, Address *a)
{
        char base[sizeof(a->un.sun_path) + 1];
        char path[2 * sizeof(a->un.sun_path) + 2];
        int r;

        if (!shares(pid, "root") || !shares(pid, "ns/mnt"))
                return -EXDEV;
        if (a->un.sun_path[0] == '/')
                return 0;
        r = proc_path(pid, "cwd", base, sizeof(base));
        if (r < 0)
                return r;
        (void)snprintf(path, sizeof(path), "%s/%.*s", strcmp(base, "/") == 0 ? "" : base,
                       (int)sizeof(a->un.sun_path), a->un.sun_path);
        if (strlen(path) >= sizeof(a->un.sun_path))
                return -ENAMETOOLONG;
        memset(a->un.sun_path, 0, sizeof(a->un.sun_path));
        memcpy(a->un.sun_path, path, strlen(path));
        a->length = sizeof(a->un);
        return 0;
}

/* A path in the caller's memory, made absolute. Returns 0 or a negative errno. */
static int
read_path(const NotifyCall *call, uint64_t address, int dir_fd, char *ret_path, size_t size)
{
        char path[sizeof(((struct sockaddr_un *)NULL)->sun_path) + 1];
        char base[PATH_MAX];
        char what[32] = "cwd";
        int r = notify_read_text(call, address, path, sizeof(path));

        if (r < 0)
                return r;
        if (path[0] == '/')
                return snprintf(ret_path, size, "%s", path) < (int)size ? 0 : -ENAMETOOLONG;
        if (dir_fd != AT_FDCWD)
                (void)snprintf(what, sizeof(what), "fd/%d", dir_fd);
        r = proc_path(call->tid, what, base, sizeof(base));
        if (r < 0)
                return r;
        return snprintf(ret_path, size, "%s/%s", base, path) < (int)size ? 0 : -ENAMETOOLONG;
}

/*
 * The absolute path of what the caller's unlink(), rmdir() or rename() is about. Returns 0 or a
 * negative errno: leave it to the kernel; also for paths that are longer than that of any socket.
 */
int
trap_read_path(const Trap *trap, char *ret_path, size_t size)
{
        const NotifyCall *call = &trap->call;

        if (call->flags != 0)
                return -EINVAL;
        if (!shares(call->tid, "root") || !shares(call->tid, "ns/mnt"))
                return -EXDEV;
        return read_path(call, call->address, call->dir_fd, ret_path, size);
}

/* The same for the name that something gets by rename(). */
int
trap_read_new_path(const Trap *trap, char *ret_path, size_t size)
{
        const NotifyCall *call = &trap->call;

        return read_path(call, call->to_address, call->to_dir_fd, ret_path, size);
}

/*
 * Whether the caller may remove this directory, as far as owners and modes tell; where they do not, as
 * with groups, it may.
 */
bool
trap_may_remove_directory(const Trap *trap, const char *path)
{
        struct stat caller;
        struct stat parent;
        struct stat st;
        char text[PATH_MAX];
        bool may;

        (void)snprintf(text, sizeof(text), "/proc/%d", (int)trap->call.tid);
        if (stat(text, &caller) < 0 || caller.st_uid == 0 || stat(path, &st) < 0 ||
            snprintf(text, sizeof(text), "%s/..", path) >= (int)sizeof(text) ||
            stat(text, &parent) < 0)
                return true;
        may = parent.st_mode & (parent.st_uid == caller.st_uid ? S_IWUSR : S_IWGRP | S_IWOTH);
        if (parent.st_mode & S_ISVTX && parent.st_uid != caller.st_uid)
                may = may && st.st_uid == caller.st_uid;
        return may;
}

/* What the caller's bind() asks for. Returns 0 or a negative errno: leave it to the kernel. */
int
trap_read_bind(const Trap *trap, HeldKey *ret)
{
        struct sockaddr_storage storage = {0};
        Address asked;
        int r;

        if (trap->call.address_len > sizeof(storage))
                return -EINVAL;
        r = notify_read_memory(&trap->call, trap->call.address, &storage, trap->call.address_len);
        if (r == 0)
                r = address_from_bind(trap->fd, &storage, trap->call.address_len, &asked);
        if (r == 0 && !notify_is_valid(trap->listener_fd, &trap->call))
                r = -ENOENT;
        if (r == 0 && address_is_path(&asked))
                r = make_path_absolute(trap->call.tid, &asked);
        return r < 0 ? r : held_key_init(ret, trap->fd, &asked);
}

/* Whether anybody else than this worker was ever given the socket, and may live. */
static bool
is_shared(const Held *h, uint64_t owner)
{
        for (size_t i = 0; i < h->n_claims; i++)
                if (h->claims[i].owner != owner)
                        return true;
        return false;
}

static int
replace(const Trap *trap, int number, int flags, const Held *h)
{
        return notify_replace_fd(trap->listener_fd, &trap->call, number, h->fd,
                                 (flags & O_CLOEXEC) != 0);
}

/*
 * Put the held socket in the place of the caller's own: same close-on-exec, same O_NONBLOCK (but
 * never under another worker that lives with the flag as it is), same options. The descriptor of the
 * call is the last one: as long as it is not replaced, nothing is done.
 * The claim is noted. Returns 0 or a negative errno: the call is left to the kernel.
 */
int
trap_replace_socket(const Trap *trap, Held *h, const Address *asked)
{
        HeldClaim claim = {
                .owner = trap->owner, .pid = trap->call.tid, .fd = trap->call.fd, .asked = *asked};
        int flags = 0;
        int r = procfd_flags(trap->call.tid, trap->call.fd, &flags);

        if (r < 0)
                return r;
        if (!h->is_left && !is_shared(h, trap->owner))
                (void)fd_set_nonblock(h->fd, (flags & O_NONBLOCK) != 0);
        if (trap->fd >= 0)
                options_copy(trap->fd, h->fd);
        for (size_t i = 0; r == 0 && i < trap->n_copies; i++) {
                int copy_flags;

                r = procfd_flags(trap->call.tid, trap->copies[i], &copy_flags);
                if (r == 0)
                        r = replace(trap, trap->copies[i], copy_flags, h);
        }
        if (r == 0)
                r = replace(trap, trap->call.fd, flags, h);
        if (r == 0)
                r = held_claim(h, &claim);
        return r;
}
