/* SPDX-License-Identifier: MIT */
/* procfd.c - all sockets that a process has open: the links of /proc/PID/fd (proc(5)). */
#include "linux/procfd.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"

/*
 * Call back with number and inode of every socket that the process has open; one that is open twice comes
 * twice. Returns 0, also when the process is gone, a negative errno, or what the callback returned
 * if that was negative.
 */
int
procfd_read_sockets(pid_t pid, ProcfdCallback callback, void *userdata)
{
        static const char prefix[] = "socket:[";
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

                if (n <= (ssize_t)strlen(prefix))
                        continue;
                target[n] = '\0';
                if (strncmp(target, prefix, strlen(prefix)) == 0)
                        r = callback((int)strtol(entry->d_name, NULL, 10),
                                     (ino_t)strtoull(target + strlen(prefix), NULL, 10), userdata);
        }
        return r;
}
