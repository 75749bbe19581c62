/* SPDX-License-Identifier: MIT */
/*
 * unix_path.c - keeps the name of a held unix socket in the file system.
 *
 * Theory of operation: servers unlink their path before they bind it, so a held socket would lose
 * its name at each restart. A bound unix socket is found through the inode of its file: any hard
 * link to the file reaches the same listener (tests/kernel shows it). So a link of our own stands
 * beside the path, as `.NAME.sup`; whenever the public name is gone, it is linked again. Mode and
 * owner belong to the inode and stay. The link's name is fixed: what a killed `sup` left behind is
 * replaced by the next.
 *
 * A careful server binds beside its path and renames: the name that it has given is the public one
 * then. When its successor binds, the name that was bound stands there once more; and since rename(2)
 * of one link over another of the same file does nothing, capture removes it then. The name that is
 * bound may have the pid of its server in it: that of the successor is like it.
 *
 * What the server removed and we keep, or put back, is extra: it stands there for clients only. Where
 * the server needs it to be gone, it is gone, and the socket has lost its name.
 */
#include "sockets/unix_path.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fd.h"
#include "linux/proc.h"
#include "linux/sockdiag.h"

/* Whether a name leads to the socket's file. */
bool
unix_path_leads(const UnixPath *u, const char *path)
{
        struct stat st;

        return lstat(path, &st) == 0 && st.st_dev == u->dev && st.st_ino == u->ino;
}

/*
 * Start to keep an absolute path that a socket is bound to.
 * Returns 0, -ENOTSOCK, or -EACCES, -EPERM, … where no link can be made.
 */
int
unix_path_new(UnixPath **ret, const char *path)
{
        UnixPath *u = NULL;
        const char *slash = strrchr(path, '/');
        struct stat st;
        int r;

        if (!slash || strlen(slash + 1) + strlen(".") + strlen(".sup") > NAME_MAX)
                return -ENAMETOOLONG;
        if (lstat(path, &st) < 0)
                return -errno;
        if (!S_ISSOCK(st.st_mode))
                return -ENOTSOCK;
        u = calloc(1, sizeof(*u));
        if (!u)
                return -ENOMEM;
        u->dev = st.st_dev;
        u->ino = st.st_ino;
        u->watch = -1;
        u->path = strdup(path);
        u->bound = strdup(path);
        if (!u->path || !u->bound ||
            asprintf(&u->link, "%.*s.%s.sup", (int)(slash + 1 - path), path, slash + 1) < 0) {
                u->link = NULL;
                unix_path_free(u);
                return -ENOMEM;
        }
        (void)unlink(u->link); /* of a `sup` that was killed */
        if (linkat(AT_FDCWD, path, AT_FDCWD, u->link, 0) < 0) {
                r = -errno;
                unix_path_free(u);
                return r;
        }
        *ret = u;
        return 0;
}

/*
 * Another name of the file in the directory of this one, new, or NULL. Of several the shortest: a server
 * that is just being started may have given the old socket another name for a while, and such a name
 * is made from the public one.
 */
static char *
find_other_name(const char *path, uint32_t file)
{
        const char *slash = strrchr(path, '/');
        CLEANUP_FREE char *directory = slash ? strndup(path, (size_t)(slash + 1 - path)) : NULL;
        CLEANUP_DIR DIR *dir = directory ? opendir(directory) : NULL;
        const struct dirent *entry;
        char found[NAME_MAX + 1] = "";
        char *name = NULL;
        struct stat st;

        while (dir && (entry = readdir(dir))) {
                if ((entry->d_type != DT_SOCK && entry->d_type != DT_UNKNOWN) ||
                    fstatat(dirfd(dir), entry->d_name, &st, AT_SYMLINK_NOFOLLOW) < 0 ||
                    !S_ISSOCK(st.st_mode) || (uint32_t)st.st_ino != file)
                        continue;
                if (!found[0] || strlen(entry->d_name) < strlen(found))
                        (void)snprintf(found, sizeof(found), "%s", entry->d_name);
        }
        return found[0] && asprintf(&name, "%s%s", directory, found) >= 0 ? name : NULL;
}

/*
 * What leads to a socket that was bound to the path and may have been renamed in its directory since
 * then: the kernel knows its file. Where that cannot be asked, the path is believed. NULL: nothing
 * leads to it any more, or memory is short.
 */
static char *
find_name(const char *bound, ino_t socket)
{
        SockdiagUnix found;
        struct stat st;

        if (sockdiag_find_unix(socket, false, &found) == 0 && found.file_inode &&
            (lstat(bound, &st) < 0 || (uint32_t)st.st_ino != found.file_inode))
                return find_other_name(bound, found.file_inode);
        return strdup(bound);
}

/* Whether any name in the directory leads to a socket that was bound to the path. */
bool
unix_path_has_name(const char *bound, ino_t socket)
{
        CLEANUP_FREE char *name = find_name(bound, socket);

        return name != NULL;
}

/* unix_path_new() for such a socket. Returns 0 or a negative errno: no name can be kept. */
int
unix_path_new_of(UnixPath **ret, const char *bound, ino_t socket)
{
        CLEANUP_FREE char *name = find_name(bound, socket);
        CLEANUP_FREE char *copy = strdup(bound);
        UnixPath *u = NULL;
        int r;

        if (!copy)
                return -ENOMEM;
        r = unix_path_new(&u, name ? name : bound);
        if (!u)
                return r;
        free(u->bound);
        u->bound = copy;
        copy = NULL;
        *ret = u;
        return 0;
}

/*
 * The name under which another generation's socket is to be bound, beside that of a socket that
 * serves: `.NAME.sup.GENERATION`. It is public only once it is published.
 * Returns 0 or a negative errno.
 */
int
unix_path_new_hidden(UnixPath **ret, const UnixPath *beside, unsigned generation)
{
        const char *slash = strrchr(beside->path, '/');
        UnixPath *u = calloc(1, sizeof(*u));

        if (!u)
                return -ENOMEM;
        u->is_hidden = true;
        u->watch = -1;
        u->bound_by = beside->bound_by;
        u->path = strdup(beside->path);
        u->bound = strdup(beside->bound);
        if (!u->path || !u->bound ||
            asprintf(&u->link, "%.*s.%s.sup.%u", (int)(slash + 1 - beside->path), beside->path,
                     slash + 1, generation) < 0) {
                u->link = NULL;
                unix_path_free(u);
                return -ENOMEM;
        }
        if (strlen(u->link) >= sizeof(((struct sockaddr_un *)NULL)->sun_path)) {
                unix_path_free(u);
                return -ENAMETOOLONG;
        }
        (void)unlink(u->link); /* of a `sup` that was killed */
        *ret = u;
        return 0;
}

/*
 * Bind a socket to the hidden name, with mode and owner of the one beside. The kernel gives the file
 * the mode of the socket's own inode and the umask. Returns 0 or a negative errno.
 */
int
unix_path_bind_hidden(UnixPath *u, const UnixPath *beside, int fd)
{
        struct sockaddr_un un = {.sun_family = AF_UNIX};
        struct stat st;
        mode_t mask;
        int r = 0;

        if (lstat(beside->link, &st) < 0)
                return -errno;
        memcpy(un.sun_path, u->link, strlen(u->link) + 1);
        mask = umask(0);
        if (fchmod(fd, st.st_mode & 07777) < 0 ||
            bind(fd, (const struct sockaddr *)&un, sizeof(un)) < 0)
                r = -errno;
        (void)umask(mask);
        if (r == 0 && lchown(u->link, st.st_uid, st.st_gid) < 0 && errno != EPERM)
                r = -errno;
        return r < 0 ? r : unix_path_note_bound(u);
}

/* The hidden name is bound now: remember what stands there. Returns 0 or a negative errno. */
int
unix_path_note_bound(UnixPath *u)
{
        struct stat st;

        if (lstat(u->link, &st) < 0)
                return -errno;
        u->dev = st.st_dev;
        u->ino = st.st_ino;
        return 0;
}

/*
 * Let the public name lead to this socket, without a moment in which it leads nowhere: rename(2)
 * replaces it at once. The socket that had it before is to be marked hidden by the caller.
 * Returns 0 or a negative errno.
 */
int
unix_path_publish(UnixPath *u)
{
        CLEANUP_FREE char *beside = NULL;

        if (unix_path_leads(u, u->path)) { /* rename(2) of two links to one file does nothing */
                u->is_hidden = false;
                return 0;
        }
        if (asprintf(&beside, "%s.new", u->link) < 0) {
                beside = NULL;
                return -ENOMEM;
        }
        (void)unlink(beside);
        if (linkat(AT_FDCWD, u->link, AT_FDCWD, beside, 0) < 0)
                return -errno;
        if (rename(beside, u->path) < 0) {
                int r = -errno;

                (void)unlink(beside);
                return r;
        }
        u->is_hidden = false;
        return 0;
}

/* Our own link may be gone, or be another socket's by now: what it leads to must not get our names. */
static int
link_again(const UnixPath *u, const char *path)
{
        if (!unix_path_leads(u, u->link))
                return -ENOENT;
        if (linkat(AT_FDCWD, u->link, AT_FDCWD, path, 0) == 0)
                return 1;
        return errno == EEXIST ? 0 : -errno;
}

/*
 * Let the names of u, as far as they lead to its socket, lead to that of a hidden one, which has none of
 * its own afterwards. Returns 0, or a negative errno: nothing is changed.
 */
int
unix_path_replace(UnixPath *u, UnixPath *by)
{
        bool is_public = !u->is_hidden && unix_path_leads(u, u->path);
        bool is_bound = strcmp(u->bound, u->path) != 0 && unix_path_leads(u, u->bound);

        if (rename(by->link, u->link) < 0)
                return -errno;
        u->dev = by->dev;
        u->ino = by->ino;
        if (is_public)
                (void)unix_path_publish(u);
        else if (unix_path_restore(u) == 1)
                u->path_is_extra = true;
        if (is_bound && unlink(u->bound) == 0)
                (void)link_again(u, u->bound);
        return 0;
}

/* Free it, without touching the file system. Takes NULL. Returns NULL. */
UnixPath *
unix_path_free(UnixPath *u)
{
        if (u) {
                free(u->bound);
                free(u->path);
                free(u->link);
                free(u);
        }
        return NULL;
}

/*
 * Remove the names, as far as they still are this socket's, and the link. The name of a foreign one
 * is there afterwards.
 */
void
unix_path_remove(UnixPath *u)
{
        if (u->is_foreign)
                (void)unix_path_restore_bound(u);
        else if (unix_path_leads(u, u->bound))
                (void)unlink(u->bound);
        if (strcmp(u->path, u->bound) != 0 && unix_path_leads(u, u->path))
                (void)unlink(u->path);
        if (unix_path_leads(u, u->link))
                (void)unlink(u->link);
}

/*
 * Make sure that the public name exists, unless it is away. What somebody else has put there stays.
 * Returns 1 when it had to be linked again, 0 when it was there, or a negative errno.
 */
int
unix_path_restore(const UnixPath *u)
{
        return u->is_hidden || u->is_away || u->is_lost ? 0 : link_again(u, u->path);
}

/*
 * A server binds the name again: it leads to this socket, or did already. That of a hidden socket
 * stands there only for a server that renames it, in vain, since the public name is another's.
 * Returns 0, or a negative errno: it cannot, and the server must not be given the socket.
 */
int
unix_path_restore_bound(UnixPath *u)
{
        bool is_renamed = strcmp(u->bound, u->path) != 0;
        int r = 0;

        if (u->is_lost)
                return -ENOENT;
        if (u->is_hidden && !is_renamed)
                return unix_path_leads(u, u->link) ? 0 : -ENOENT;
        if (!unix_path_leads(u, u->bound))
                r = link_again(u, u->bound);
        else if (!unix_path_leads(u, u->link))
                r = linkat(AT_FDCWD, u->bound, AT_FDCWD, u->link, 0) < 0 ? -errno : 0;
        if (r < 0)
                return r;
        if (!u->is_hidden && !unix_path_leads(u, u->bound))
                return -EEXIST;
        u->bound_is_extra = false;
        u->path_is_extra = u->path_is_extra && is_renamed;
        return 0;
}

/* Take the public name away for a while: who asks then is told that nobody listens there. */
void
unix_path_take_away(UnixPath *u)
{
        u->is_away = true;
        if (!u->is_hidden && unix_path_leads(u, u->path))
                (void)unlink(u->path);
}

/* Bring it back, if it is away. */
void
unix_path_bring_back(UnixPath *u)
{
        if (u->is_away) {
                u->is_away = false;
                (void)unix_path_restore(u);
        }
}

/*
 * Whether a path is a socket that nobody listens on: connect(2) says ECONNREFUSED. Anything else,
 * a file, a living socket, one that may not be asked, is not stale. A server that the kernel lists
 * is not disturbed by a connection.
 */
bool
unix_path_is_stale(const char *path, int type)
{
        struct sockaddr_un un = {.sun_family = AF_UNIX};
        CLEANUP_FD int fd = -1;
        struct stat st;

        if (strlen(path) >= sizeof(un.sun_path) || lstat(path, &st) < 0 || !S_ISSOCK(st.st_mode) ||
            proc_find_unix_socket(path))
                return false;
        memcpy(un.sun_path, path, strlen(path) + 1);
        fd = socket(AF_UNIX, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        return fd >= 0 && connect(fd, (const struct sockaddr *)&un, sizeof(un)) < 0 &&
               errno == ECONNREFUSED;
}
