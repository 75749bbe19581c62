/* SPDX-License-Identifier: MIT */
/* fd.c - small rules for file descriptors. Knows nothing of sockets. */
#include "base/fd.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/close_range.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Close fd unless it is negative; errno stays as it was. */
void
fd_close(int fd)
{
        int saved = errno;

        if (fd >= 0)
                (void)close(fd);
        errno = saved;
}

/* The destructor behind CLEANUP_FD. */
void
fd_close_p(int *fd)
{
        fd_close(*fd);
}

/*
 * Move a descriptor to the lowest free number that is at least floor, close-on-exec.
 *
 * consume_fd is closed in every case. Returns the new number or a negative errno.
 */
int
fd_move_above(int consume_fd, int floor)
{
        int fd;

        if (consume_fd >= floor)
                return consume_fd;
        fd = fcntl(consume_fd, F_DUPFD_CLOEXEC, floor);
        if (fd < 0) /* EINVAL: the floor itself is above the limit of open files (fcntl(2)) */
                fd = errno == EINVAL ? -EMFILE : -errno;
        fd_close(consume_fd);
        return fd;
}

/* Set or clear O_NONBLOCK on the open file description. Returns 0 or a negative errno. */
int
fd_set_nonblock(int fd, bool nonblock)
{
        int flags = fcntl(fd, F_GETFL);
        int wanted;

        if (flags < 0)
                return -errno;
        wanted = nonblock ? flags | O_NONBLOCK : flags & ~O_NONBLOCK;
        if (wanted != flags && fcntl(fd, F_SETFL, wanted) < 0)
                return -errno;
        return 0;
}

static void
fd_cloexec_one_by_one(void)
{
        CLEANUP_DIR DIR *dir = opendir("/proc/self/fd");
        const struct dirent *entry;

        while (dir && (entry = readdir(dir))) {
                int fd = (int)strtol(entry->d_name, NULL, 10);

                if (fd > STDERR_FILENO)
                        (void)fcntl(fd, F_SETFD, FD_CLOEXEC);
        }
}

/*
 * Mark all inherited descriptors above 2 close-on-exec, so that none leaks into a worker. They stay
 * open here: somebody may lock something through them (flock(1)).
 *
 * CLOSE_RANGE_CLOEXEC came with Linux 5.11 (close_range(2)); before that they are marked singly.
 */
void
fd_cloexec_inherited(void)
{
        if (syscall(SYS_close_range, 3U, ~0U, CLOSE_RANGE_CLOEXEC) < 0)
                fd_cloexec_one_by_one();
}

/* Make sure that 0, 1 and 2 are open, with /dev/null where not. Returns 0 or a negative errno. */
int
fd_open_standard(void)
{
        int fd;

        do {
                fd = open("/dev/null", O_RDWR);
                if (fd < 0)
                        return -errno;
        } while (fd <= STDERR_FILENO);
        (void)close(fd);
        return 0;
}

/* Whether fd refers to the file with this device and inode. */
bool
fd_same_file(int fd, dev_t dev, ino_t ino)
{
        struct stat st;

        return fstat(fd, &st) == 0 && st.st_dev == dev && st.st_ino == ino;
}
