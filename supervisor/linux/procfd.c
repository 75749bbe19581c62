/* SPDX-License-Identifier: MIT */
/* procfd.c - all that a process has open, and the sockets of that: /proc/PID/fd (proc(5)). */
#include "linux/procfd.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"

/* The inode of a socket, from the link that its descriptor is in /proc; or 0. */
ino_t
procfd_parse_socket(const char *target)
{
        static const char prefix[] = "socket:[";

        if (strncmp(target, prefix, strlen(prefix)) != 0)
                return 0;
        return (ino_t)strtoull(target + strlen(prefix), NULL, 10);
}

/* The inode of a socket of another process, or 0: it is none, or cannot be read. */
ino_t
procfd_inode(pid_t pid, int fd)
{
        char path[64];
        char target[64];
        ssize_t n;

        (void)snprintf(path, sizeof(path), "/proc/%d/fd/%d", (int)pid, fd);
        n = readlink(path, target, sizeof(target) - 1);
        if (n <= 0)
                return 0;
        target[n] = '\0';
        return procfd_parse_socket(target);
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
        ino_t inode = procfd_parse_socket(target);

        return inode ? sockets->callback(fd, inode, sockets->userdata) : 0;
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
