/* SPDX-License-Identifier: MIT */
/*
 * waiting.c - whether a process waits at certain sockets, for clients or for data.
 *
 * Gist: either a thread is in a call that waits for one of them, which is the first argument or in a
 * list in its memory (proc(5), PID/syscall); or an epoll set has one, `tfd: … ino:HEX` in its fdinfo.
 * What an io_uring waits for is not told, so where both are in one process, that is unknown.
 */
#include "linux/waiting.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fd.h"
#include "linux/holders.h"
#include "linux/procfd.h"

enum {
        POLL_FDS_MAX = 4096,    /* that are looked at, of one call */
        SELECT_FDS_MAX = 65536, /* the same */
};

typedef struct Search {
        pid_t pid;
        const ino_t *inodes;
        size_t n_inodes;
} Search;

/* A system call that a thread is in, as far as it matters here. */
typedef struct Call {
        long number;
        uint64_t first;
        uint64_t second;
} Call;

static bool
is_wanted(const Search *s, ino_t inode)
{
        for (size_t i = 0; i < s->n_inodes; i++)
                if (s->inodes[i] == inode)
                        return true;
        return false;
}

static bool
is_wanted_fd(const Search *s, uint64_t fd)
{
        ino_t inode = fd <= INT_MAX ? procfd_inode(s->pid, (int)fd) : 0;

        return inode && is_wanted(s, inode);
}

static bool
is_one_of(long number, const long *numbers, size_t n)
{
        for (size_t i = 0; i < n; i++)
                if (numbers[i] == number)
                        return true;
        return false;
}

/* The descriptor that it waits for is its first argument. */
static bool
waits_for_one(long number)
{
        static const long calls[] = {
                SYS_accept4,
#ifdef SYS_accept
                SYS_accept,
#endif
                SYS_recvfrom, SYS_recvmsg, SYS_recvmmsg, SYS_read,
        };

        return is_one_of(number, calls, ELEMENTSOF(calls));
}

static bool
is_poll(long number)
{
        static const long calls[] = {
#ifdef SYS_poll
                SYS_poll,
#endif
                SYS_ppoll,
        };

        return is_one_of(number, calls, ELEMENTSOF(calls));
}

static bool
is_select(long number)
{
        static const long calls[] = {
#ifdef SYS_select
                SYS_select,
#endif
                SYS_pselect6,
        };

        return is_one_of(number, calls, ELEMENTSOF(calls));
}

/* Read from the memory of the process. Returns 0 or a negative errno. */
static int
read_memory(const Search *s, uint64_t address, void *ret, size_t length)
{
        struct iovec local = {.iov_base = ret, .iov_len = length};
        struct iovec remote = {.iov_base = (void *)(uintptr_t)address, .iov_len = length};
        ssize_t n = process_vm_readv(s->pid, &local, 1, &remote, 1, 0);

        if (n < 0)
                return -errno;
        return (size_t)n == length ? 0 : -EFAULT;
}

/* poll(fds, n_fds, …): 1, 0 or a negative errno. */
static int
polls_wanted(const Search *s, const Call *call)
{
        size_t n = call->second < POLL_FDS_MAX ? (size_t)call->second : POLL_FDS_MAX;
        CLEANUP_FREE struct pollfd *fds = calloc(n + 1, sizeof(*fds));
        int r = fds ? read_memory(s, call->first, fds, n * sizeof(*fds)) : -ENOMEM;

        for (size_t i = 0; r == 0 && i < n; i++)
                if (fds[i].fd >= 0 && is_wanted_fd(s, (uint64_t)fds[i].fd))
                        return 1;
        return r;
}

/* select(n_fds, to_read, …): 1, 0 or a negative errno. */
static int
selects_wanted(const Search *s, const Call *call)
{
        const size_t n_bits = sizeof(unsigned long) * CHAR_BIT;
        size_t n = call->first < SELECT_FDS_MAX ? (size_t)call->first : SELECT_FDS_MAX;
        size_t n_words = (n + n_bits - 1) / n_bits;
        CLEANUP_FREE unsigned long *words = calloc(n_words + 1, sizeof(*words));
        int r = words ? 0 : -ENOMEM;

        if (r == 0 && call->second)
                r = read_memory(s, call->second, words, n_words * sizeof(*words));
        for (size_t i = 0; r == 0 && i < n; i++)
                if (words[i / n_bits] >> i % n_bits & 1 && is_wanted_fd(s, i))
                        return 1;
        return r;
}

/*
 * Read which call a thread is in. Returns 1, 0 when it is in none or gone, or a negative errno where
 * that is not told: for lack of a right, or because this kernel does not tell anybody.
 */
static int
read_call(pid_t pid, const char *tid, Call *ret)
{
        CLEANUP_FD int fd = -1;
        char path[64];
        char text[256];
        ssize_t n;

        (void)snprintf(path, sizeof(path), "/proc/%d/task/%.20s/syscall", (int)pid, tid);
        fd = open(path, O_RDONLY | O_CLOEXEC);
        if (fd < 0 && errno == ENOENT && access("/proc/thread-self/syscall", F_OK) < 0)
                return -EOPNOTSUPP;
        n = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);
        if (n < 0)
                return errno == ENOENT || errno == ESRCH ? 0 : -errno;
        text[n] = '\0';
        /* NOLINTNEXTLINE(cert-err34-c): the kernel wrote it */
        return sscanf(text, "%ld 0x%" SCNx64 " 0x%" SCNx64, &ret->number, &ret->first,
                      &ret->second) == 3;
}

/* Whether a thread waits for one of the sockets. 1, 0 or a negative errno. */
static int
look_at_thread(const Search *s, const char *tid)
{
        Call call = {0};
        int r = read_call(s->pid, tid, &call);

        if (r <= 0)
                return r;
        if (waits_for_one(call.number))
                return is_wanted_fd(s, call.first);
        if (is_poll(call.number))
                r = polls_wanted(s, &call);
        else
                r = is_select(call.number) ? selects_wanted(s, &call) : 0;
        return r == -EFAULT || r == -ESRCH ? 0 : r; /* it went on meanwhile */
}

static int
look_at_threads(const Search *s)
{
        CLEANUP_DIR DIR *dir = NULL;
        const struct dirent *entry;
        char path[64];
        int result = 0;

        (void)snprintf(path, sizeof(path), "/proc/%d/task", (int)s->pid);
        dir = opendir(path);
        while (dir && (entry = readdir(dir))) {
                int r = isdigit((unsigned char)entry->d_name[0]) ? look_at_thread(s, entry->d_name)
                                                                 : 0;

                if (r > 0)
                        return r;
                if (r < 0)
                        result = r;
        }
        return result;
}

/* Whether an epoll set has one of the sockets: by their inodes, since numbers may have changed. */
static bool
epoll_has_wanted(const Search *s, const char *epoll_fd)
{
        CLEANUP_FILE FILE *file = NULL;
        char path[320];
        char line[256];

        (void)snprintf(path, sizeof(path), "/proc/%d/fdinfo/%s", (int)s->pid, epoll_fd);
        file = fopen(path, "re");
        while (file && fgets(line, sizeof(line), file)) {
                const char *inode = strncmp(line, "tfd:", 4) == 0 ? strstr(line, " ino:") : NULL;

                if (inode && is_wanted(s, (ino_t)strtoull(inode + 5, NULL, 16)))
                        return true;
        }
        return false;
}

/* Whether an epoll set of the process has one of the sockets. 1, 0 or a negative errno. */
static int
look_at_descriptors(const Search *s)
{
        CLEANUP_DIR DIR *dir = NULL;
        const struct dirent *entry;
        char path[64];
        char target[64];
        bool has_ring = false;
        bool has_wanted = false;

        (void)snprintf(path, sizeof(path), "/proc/%d/fd", (int)s->pid);
        dir = opendir(path);
        if (!dir)
                return errno == ENOENT || errno == ESRCH ? 0 : -errno;
        while ((entry = readdir(dir))) {
                ssize_t n = readlinkat(dirfd(dir), entry->d_name, target, sizeof(target) - 1);
                ino_t inode;

                target[n > 0 ? n : 0] = '\0';
                if (strcmp(target, "anon_inode:[eventpoll]") == 0 &&
                    epoll_has_wanted(s, entry->d_name))
                        return 1;
                has_ring = has_ring || strcmp(target, "anon_inode:[io_uring]") == 0;
                has_wanted =
                        has_wanted || (holders_parse_link(target, &inode) && is_wanted(s, inode));
        }
        return has_ring && has_wanted ? -EOPNOTSUPP : 0;
}

/*
 * Whether a process waits at any of these sockets. Returns 1, 0 (also: it is gone), or a negative
 * errno where that cannot be told.
 */
int
waiting_at_sockets(pid_t pid, const ino_t *inodes, size_t n_inodes)
{
        const Search s = {.pid = pid, .inodes = inodes, .n_inodes = n_inodes};
        int by_threads = look_at_threads(&s);
        int by_descriptors = by_threads > 0 ? 0 : look_at_descriptors(&s);

        if (by_threads > 0 || by_descriptors > 0)
                return 1;
        return by_descriptors < 0 ? by_descriptors : by_threads;
}
