/* SPDX-License-Identifier: MIT */
/*
 * socket_file.c - a listening unix socket and its file: bound, looked at, removed.
 *
 * Gist: the file is born with mode 0600 (net/unix/af_unix.c: it comes from the socket's own inode
 * and the umask). One that nobody listens on (connect(2) says ECONNREFUSED) is replaced, anything
 * else never. Between bind and listen ours looks just like such a stale one, and two instances
 * that start together could both find the same: so they take turns, by a lock on the directory.
 */
#include "control/socket_file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fd.h"
#include "base/why.h"

/*
 * The address of a path. One that is too long for it (unix(7): 107 characters) is written as a name
 * in its directory, which *ret_directory_fd keeps open for as long as the address is used.
 */
static int
fill_address(struct sockaddr_un *un, const char *path, int *ret_directory_fd)
{
        const char *slash = strrchr(path, '/');
        CLEANUP_FREE char *directory = NULL;
        int n;

        *un = (struct sockaddr_un){.sun_family = AF_UNIX};
        if (*path == '\0')
                return -ENOENT;
        if (!slash || strlen(path) < sizeof(un->sun_path)) {
                n = snprintf(un->sun_path, sizeof(un->sun_path), "%s", path);
                return (size_t)n < sizeof(un->sun_path) ? 0 : -ENAMETOOLONG;
        }
        directory = strndup(path, (size_t)(slash - path) + 1);
        if (!directory)
                return -ENOMEM;
        *ret_directory_fd = open(directory, O_PATH | O_DIRECTORY | O_CLOEXEC);
        if (*ret_directory_fd < 0)
                return -errno;
        n = snprintf(un->sun_path, sizeof(un->sun_path), "/proc/self/fd/%d/%s", *ret_directory_fd,
                     slash + 1);
        return (size_t)n < sizeof(un->sun_path) ? 0 : -ENAMETOOLONG;
}

/*
 * Connect to a control socket. The descriptor is non-blocking.
 * Returns it; -ECONNREFUSED when nobody listens; -EAGAIN when its queue is full; -ENOENT, …
 */
int
socket_file_connect(const char *path)
{
        CLEANUP_FD int directory_fd = -1;
        CLEANUP_FD int fd = -1;
        struct sockaddr_un un;
        int r = fill_address(&un, path, &directory_fd);

        if (r < 0)
                return r;
        fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        if (fd < 0 || connect(fd, (const struct sockaddr *)&un, sizeof(un)) < 0)
                return -errno;
        return fd_steal(&fd);
}

/*
 * Wait for our turn in the directory of a path. In a directory of other people nobody is waited
 * for: they could keep us for ever. Returns a descriptor that ends the turn when closed, or -1.
 */
static int
take_turn(const char *path)
{
        const char *slash = strrchr(path, '/');
        CLEANUP_FREE char *directory =
                slash ? strndup(path, (size_t)(slash - path) + 1) : strdup(".");
        CLEANUP_FD int fd = -1;
        struct stat st;
        int r;

        if (!directory)
                return -1;
        fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (fd < 0 || fstat(fd, &st) < 0 || st.st_uid != geteuid())
                return -1;
        do
                r = flock(fd, LOCK_EX);
        while (r < 0 && errno == EINTR);
        return r < 0 ? -1 : fd_steal(&fd);
}

/* Who listens at a path, for the sentence. */
static int
explain_living(const char *path, int fd, char **ret_why)
{
        struct ucred credentials = {0};
        socklen_t length = sizeof(credentials);

        (void)getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &credentials, &length);
        return why(ret_why, -EADDRINUSE, "the control socket %s belongs to pid %d, which runs",
                   path, (int)credentials.pid);
}

/* Remove what stands at the path if it is a socket that nobody listens on. */
static int
remove_stale(const char *path, char **ret_why)
{
        CLEANUP_FD int fd = -1;
        struct stat st;
        int r;

        if (lstat(path, &st) < 0)
                return errno == ENOENT ? 0 : -errno;
        if (!S_ISSOCK(st.st_mode))
                return why(ret_why, -EEXIST, "there is a file at %s that is not a socket", path);
        r = socket_file_connect(path);
        fd = r;
        if (r >= 0)
                return explain_living(path, fd, ret_why);
        if (r != -ECONNREFUSED && r != -ENOENT)
                return why(ret_why, -EADDRINUSE, "the control socket %s cannot be looked at: %s",
                           path, strerrordesc_np(-r));
        return unlink(path) == 0 || errno == ENOENT ? 0 : -errno;
}

/* Bind with the final mode, and listen. */
static int
bind_and_listen(int fd, const char *path)
{
        CLEANUP_FD int directory_fd = -1;
        struct sockaddr_un un;
        int r = fill_address(&un, path, &directory_fd);
        mode_t mask;

        if (r < 0)
                return r;
        mask = umask(0);
        if (fchmod(fd, 0600) < 0 || bind(fd, (const struct sockaddr *)&un, sizeof(un)) < 0)
                r = -errno;
        (void)umask(mask);
        return r == 0 && listen(fd, SOMAXCONN) < 0 ? -errno : r;
}

/*
 * Remember the file of a socket that is bound to a path already. f must be deinitialised.
 * Returns 0 or a negative errno.
 */
int
socket_file_adopt(SocketFile *f, const char *path)
{
        struct stat st;

        *f = (SocketFile){.path = strdup(path)};
        if (!f->path)
                return -ENOMEM;
        if (lstat(path, &st) < 0)
                return -errno;
        f->dev = st.st_dev;
        f->ino = st.st_ino;
        return 0;
}

/*
 * Bind a listening socket to a path, with mode 0600. A stale socket there is replaced. f must be
 * deinitialised, also on failure.
 *
 * Returns the non-blocking descriptor; -EADDRINUSE when a living process has the path; -EEXIST when
 * there is a file that is no socket; another negative errno; all of them with a sentence.
 */
int
socket_file_bind(SocketFile *f, const char *path, char **ret_why)
{
        CLEANUP_FD int turn_fd = take_turn(path);
        CLEANUP_FD int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        CLEANUP_FREE char *reason = NULL;
        int r = fd < 0 ? -errno : remove_stale(path, &reason);

        (void)turn_fd; /* until it is closed */
        *f = (SocketFile){0};
        if (r == 0)
                r = bind_and_listen(fd, path);
        if (r == 0)
                r = socket_file_adopt(f, path);
        if (r >= 0)
                return fd_steal(&fd);
        if (!reason)
                return why(ret_why, r, "cannot make the control socket %s: %s", path,
                           strerrordesc_np(-r));
        *ret_why = reason;
        reason = NULL;
        return r;
}

/* Whether a file is called BASE-PID.sock. */
static bool
is_beside(const char *file_name, const char *base, size_t base_length)
{
        const char *rest = file_name + base_length + 1;
        size_t n_digits;

        if (strncmp(file_name, base, base_length) != 0 || file_name[base_length] != '-')
                return false;
        n_digits = strspn(rest, "0123456789");
        return n_digits > 0 && strcmp(rest + n_digits, SOCKET_FILE_SUFFIX) == 0;
}

/*
 * Remove what killed instances have left beside BASE.sock: sockets called BASE-PID.sock that nobody
 * listens on. Their pids are not likely to come again, so they would pile up. What cannot be done is
 * left undone.
 */
void
socket_file_tidy(const char *path)
{
        CLEANUP_FD int turn_fd = take_turn(path);
        const char *base = strrchr(path, '/');
        CLEANUP_FREE char *directory = base ? strndup(path, (size_t)(base - path) + 1) : NULL;
        CLEANUP_DIR DIR *stream = directory && turn_fd >= 0 ? opendir(directory) : NULL;
        size_t base_length = base ? strlen(base + 1) : 0;
        const struct dirent *entry;

        if (base_length <= strlen(SOCKET_FILE_SUFFIX))
                return;
        base_length -= strlen(SOCKET_FILE_SUFFIX);
        while (stream && (entry = readdir(stream))) {
                CLEANUP_FREE char *beside = NULL;
                char *reason = NULL;

                if (!is_beside(entry->d_name, base + 1, base_length))
                        continue;
                if (asprintf(&beside, "%s%s", directory, entry->d_name) < 0)
                        beside = NULL;
                else
                        (void)remove_stale(beside, &reason);
                free(reason);
        }
}

/* Remove the file, if it still is the socket's own. */
void
socket_file_remove(const SocketFile *f)
{
        struct stat st;

        if (f->path && lstat(f->path, &st) == 0 && st.st_dev == f->dev && st.st_ino == f->ino)
                (void)unlink(f->path);
}

/* Free it, without touching the file system. */
void
socket_file_deinit(SocketFile *f)
{
        free(f->path);
        *f = (SocketFile){0};
}
