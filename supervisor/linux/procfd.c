/* SPDX-License-Identifier: MIT */
/* procfd.c - all that a process has open, and the sockets of that: /proc/PID/fd (proc(5)). */
#include "linux/procfd.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "linux/holders.h"
#include "linux/proc.h"

/* The flags of another process's descriptor, O_CLOEXEC among them. Returns 0 or a negative errno. */
int
procfd_flags(pid_t pid, int fd, int *ret_flags)
{
        char path[64];
        unsigned long flags = 0;
        int r;

        (void)snprintf(path, sizeof(path), "/proc/%d/fdinfo/%d", (int)pid, fd);
        r = proc_read_number(path, "flags", 8, &flags);
        if (r < 0)
                return r;
        *ret_flags = (int)flags;
        return 0;
}

/*
 * The protocol of a socket of another process, in the kernel's words: TCP, UDPv6, UNIX-STREAM, …
 * (net/socket.c, sockfs_xattr_get). Returns 0 or a negative errno.
 */
int
procfd_protocol(pid_t pid, int fd, char *ret_name, size_t size)
{
        char path[64];
        ssize_t n;

        (void)snprintf(path, sizeof(path), "/proc/%d/fd/%d", (int)pid, fd);
        n = getxattr(path, "system.sockprotoname", ret_name, size - 1);
        if (n < 0)
                return -errno;
        ret_name[n] = '\0';
        return 0;
}

/* The inode of a socket of another process, or 0: it is none, or cannot be read. */
ino_t
procfd_inode(pid_t pid, int fd)
{
        char path[64];
        char target[64];
        ino_t inode;
        ssize_t n;

        (void)snprintf(path, sizeof(path), "/proc/%d/fd/%d", (int)pid, fd);
        n = readlink(path, target, sizeof(target) - 1);
        target[n > 0 ? n : 0] = '\0';
        return holders_parse_link(target, &inode) ? inode : 0;
}

/*
 * Call back with number and link of every descriptor of the process.
 * Returns as procfd_read_sockets does.
 */
int
procfd_read_links(pid_t pid, ProcfdLinkCallback callback, void *userdata)
{
        CLEANUP_DIR DIR *dir = NULL;
        const struct dirent *entry;
        char path[64];
        int r = 0;

        (void)snprintf(path, sizeof(path), "/proc/%d/fd", (int)pid);
        dir = opendir(path);
        if (!dir)
                return errno == ENOENT || errno == ESRCH ? 0 : -errno;
        while (r >= 0 && (entry = readdir(dir))) {
                char target[64];
                ssize_t n = readlinkat(dirfd(dir), entry->d_name, target, sizeof(target) - 1);

                if (n <= 0)
                        continue;
                target[n] = '\0';
                r = callback((int)strtol(entry->d_name, NULL, 10), target, userdata);
        }
        return r;
}

typedef struct Sockets {
        ProcfdCallback callback;
        void *userdata;
} Sockets;

static int
on_link(int fd, const char *target, void *userdata)
{
        const Sockets *sockets = userdata;
        ino_t inode;

        return holders_parse_link(target, &inode) ? sockets->callback(fd, inode, sockets->userdata)
                                                  : 0;
}

/*
 * Call back with number and inode of every socket that the process has open; one that is open twice comes
 * twice. Returns 0, also when the process is gone, a negative errno, or what the callback returned
 * if that was negative.
 */
int
procfd_read_sockets(pid_t pid, ProcfdCallback callback, void *userdata)
{
        Sockets sockets = {callback, userdata};

        return procfd_read_links(pid, on_link, &sockets);
}

typedef struct Search {
        ino_t inode; /* of the socket that is looked for */
        int except_fd;
        int found_fd;
} Search;

static int
is_wanted(int fd, ino_t inode, void *userdata)
{
        Search *search = userdata;

        if (inode != search->inode || fd == search->except_fd)
                return 0;
        search->found_fd = fd;
        return -EEXIST;
}

/*
 * Look for a socket among the descriptors of a process, except_fd left out (-1: none).
 * Returns 1 with *ret_fd, 0 when it has none or is gone, -EACCES when it may not be read.
 */
int
procfd_find_socket(pid_t pid, ino_t inode, int except_fd, int *ret_fd)
{
        Search search = {.inode = inode, .except_fd = except_fd};
        int r = procfd_read_sockets(pid, is_wanted, &search);

        if (r != -EEXIST)
                return r;
        *ret_fd = search.found_fd;
        return 1;
}

/* Whether an epoll descriptor of the process watches fd: `tfd: N` lines of its fdinfo (proc(5)). */
static bool
epoll_watches(pid_t pid, int epoll_fd, int fd)
{
        CLEANUP_FILE FILE *file = NULL;
        char path[64];
        char line[256];

        (void)snprintf(path, sizeof(path), "/proc/%d/fdinfo/%d", (int)pid, epoll_fd);
        file = fopen(path, "re");
        if (!file)
                return false;
        while (fgets(line, sizeof(line), file))
                if (strncmp(line, "tfd:", 4) == 0 && strtol(line + 4, NULL, 10) == fd)
                        return true;
        return false;
}

typedef struct Watched {
        pid_t pid;
        int fd;
} Watched;

static int
is_watcher(int fd, const char *target, void *userdata)
{
        const Watched *watched = userdata;

        return strcmp(target, "anon_inode:[eventpoll]") == 0 &&
                               epoll_watches(watched->pid, fd, watched->fd)
                       ? -EEXIST
                       : 0;
}

/* Whether fd is registered in one of the process's epoll sets. 1, 0 (also: it is gone) or -errno. */
int
procfd_is_watched(pid_t pid, int fd)
{
        Watched watched = {pid, fd};
        int r = procfd_read_links(pid, is_watcher, &watched);

        return r == -EEXIST ? 1 : r;
}
