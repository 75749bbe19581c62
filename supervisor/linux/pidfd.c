/* SPDX-License-Identifier: MIT */
/* pidfd.c - process descriptors, and taking a duplicate of another process's descriptor. */
#include "linux/pidfd.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "base/fd.h"
#include "linux/proc.h"

#ifndef PIDFD_THREAD
#define PIDFD_THREAD O_EXCL /* pidfd_open(2), Linux 6.9 */
#endif
#ifndef PID_FS_MAGIC
#define PID_FS_MAGIC 0x50494446 /* linux/magic.h, Linux 6.9 */
#endif

/*
 * Open a process descriptor for a thread, or, before Linux 6.9, for the process it belongs to: a
 * descriptor table is nearly always shared by all threads. Returns a close-on-exec fd or -errno.
 */
int
pidfd_open_task(pid_t tid)
{
        int fd = (int)syscall(SYS_pidfd_open, tid, PIDFD_THREAD);
        pid_t pid;

        if (fd >= 0)
                return fd;
        if (errno != EINVAL)
                return -errno;
        pid = proc_thread_group(tid);
        if (!pid)
                return -ESRCH;
        fd = (int)syscall(SYS_pidfd_open, pid, 0);
        return fd >= 0 ? fd : -errno;
}

/* The same for a whole process, of which it tells the end (EPOLLIN). Returns it or -errno. */
int
pidfd_open_process(pid_t pid)
{
        int fd = (int)syscall(SYS_pidfd_open, pid, 0);

        return fd >= 0 ? fd : -errno;
}

/* Send a signal to that process, and never to another one. Returns 0 or a negative errno. */
int
pidfd_send(int pidfd, int signo)
{
        return syscall(SYS_pidfd_send_signal, pidfd, signo, NULL, 0) < 0 ? -errno : 0;
}

/*
 * A close-on-exec duplicate of descriptor fd of another task (pidfd_getfd(2), Linux 5.6). Needs the
 * right to ptrace it. Returns the duplicate or -EPERM, -EBADF, -ESRCH, -ENOSYS, …
 */
int
pidfd_get_fd(pid_t tid, int fd)
{
        CLEANUP_FD int pidfd = pidfd_open_task(tid);
        int copy;

        if (pidfd < 0)
                return pidfd;
        copy = (int)syscall(SYS_pidfd_getfd, pidfd, fd, 0);
        return copy >= 0 ? copy : -errno;
}

/*
 * The inode number of a pidfd of this process: what LISTEN_PIDFDID means by an identity that is never
 * given to another process (pidfs, Linux 6.9). Returns 0, -ENOTSUP before, or another -errno.
 */
int
pidfd_own_identity(uint64_t *ret)
{
        CLEANUP_FD int fd = (int)syscall(SYS_pidfd_open, getpid(), 0);
        struct statfs fs;
        struct stat st;

        if (fd < 0 || fstatfs(fd, &fs) < 0 || fstat(fd, &st) < 0)
                return -errno;
        if (fs.f_type != PID_FS_MAGIC)
                return -ENOTSUP;
        *ret = st.st_ino;
        return 0;
}

/* Whether there are such identities here. */
bool
pidfd_has_identity(void)
{
        uint64_t identity;

        return pidfd_own_identity(&identity) == 0;
}
