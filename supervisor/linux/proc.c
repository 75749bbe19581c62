/* SPDX-License-Identifier: MIT */
/*
 * proc.c - what /proc tells about other processes.
 *
 * Gist: all answers are snapshots of something that moves; a process that vanishes while it is read
 * is -ESRCH or a plain "no", one that may not be read is -EACCES, and callers keep the two apart.
 */
#include "linux/proc.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fd.h"

/* Open the list of a thread's children, for those who ask often. Returns an fd or -errno. */
int
proc_open_children(pid_t pid)
{
        char path[64];
        int fd;

        (void)snprintf(path, sizeof(path), "/proc/%d/task/%d/children", (int)pid, (int)pid);
        fd = open(path, O_RDONLY | O_CLOEXEC);
        return fd >= 0 ? fd : -errno;
}

/* Read the children of one thread: a line of decimal pids (proc(5), task/TID/children). */
int
proc_read_children_fd(int fd, PidSet *ret_children)
{
        char buffer[4096];
        pid_t pid = 0;
        off_t offset = 0;
        ssize_t n;

        for (; (n = pread(fd, buffer, sizeof(buffer), offset)) > 0; offset += n)
                for (ssize_t i = 0; i < n; i++) {
                        if (isdigit((unsigned char)buffer[i])) {
                                pid = pid * 10 + (buffer[i] - '0');
                        } else if (pid) {
                                if (pidset_add(ret_children, pid) < 0)
                                        return -ENOMEM;
                                pid = 0;
                        }
                }
        return n < 0 ? -errno : 0;
}

static int
read_children_file(const char *path, PidSet *ret_children)
{
        CLEANUP_FD int fd = open(path, O_RDONLY | O_CLOEXEC);

        return fd < 0 ? -errno : proc_read_children_fd(fd, ret_children);
}

/* Read /proc/PID/stat from its third field (the state) on; NULL when the process is gone. */
static const char *
read_stat(pid_t pid, char *text, size_t size)
{
        CLEANUP_FD int fd = -1;
        char path[64];
        const char *p;
        ssize_t n;

        (void)snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
        fd = open(path, O_RDONLY | O_CLOEXEC);
        if (fd < 0)
                return NULL;
        n = read(fd, text, size - 1);
        if (n <= 0)
                return NULL;
        text[n] = '\0';
        p = strrchr(text, ')'); /* the name before it may hold anything */
        return p && p[1] == ' ' && p[2] ? p + 2 : NULL;
}

enum { /* fields: proc(5) */
       STAT_STATE = 3,
       STAT_FLAGS = 9,
       STAT_START_CODE = 26,
       STAT_ENV_START = 50,
       STAT_ENV_END = 51,
};

enum { /* flags: linux/sched.h */
       PF_EXITING = 0x4,
       PF_KTHREAD = 0x200000,
};

/* An execve(2) takes less than that, also on a busy machine. */
#define EXEC_LOOKS 200U
#define LOOK_AGAIN_USEC 500

#define ENVIRONMENT_EXPECTED 8192

/* A later field of what read_stat() gave; `otherwise` where it is not there. */
static unsigned long
stat_number(const char *p, int field, unsigned long otherwise)
{
        for (int i = STAT_STATE; p && i < field; i++)
                p = strchr(p + 1, ' ');
        return p ? strtoul(p, NULL, 10) : otherwise;
}

/* The parent of a process, or 0 when it is gone. */
pid_t
proc_parent(pid_t pid)
{
        char text[512];
        const char *p = read_stat(pid, text, sizeof(text));

        return p ? (pid_t)strtol(p + 1, NULL, 10) : 0;
}

/* The slow way for kernels without CONFIG_PROC_CHILDREN: ask everybody who their parent is. */
static int
scan_for_children(pid_t pid, PidSet *ret_children)
{
        CLEANUP_DIR DIR *dir = opendir("/proc");
        const struct dirent *entry;

        if (!dir)
                return -errno;
        while ((entry = readdir(dir))) {
                pid_t other = (pid_t)strtol(entry->d_name, NULL, 10);

                if (other > 0 && proc_parent(other) == pid && pidset_add(ret_children, other) < 0)
                        return -ENOMEM;
        }
        return 0;
}

/*
 * Add the children of a process, of all its threads, to the set.
 * Returns 0, also when the process is gone, or a negative errno.
 */
int
proc_read_children(pid_t pid, PidSet *ret_children)
{
        CLEANUP_DIR DIR *dir = NULL;
        const struct dirent *entry;
        char path[96];

        (void)snprintf(path, sizeof(path), "/proc/%d/task", (int)pid);
        dir = opendir(path);
        if (!dir)
                return errno == ENOENT || errno == ESRCH ? 0 : -errno;
        while ((entry = readdir(dir))) {
                long tid = strtol(entry->d_name, NULL, 10);
                int r;

                if (tid <= 0)
                        continue;
                (void)snprintf(path, sizeof(path), "/proc/%d/task/%ld/children", (int)pid, tid);
                r = read_children_file(path, ret_children);
                if (r == -ENOENT && access("/proc/thread-self/children", F_OK) < 0)
                        return scan_for_children(pid, ret_children);
                if (r < 0 && r != -ENOENT && r != -ESRCH)
                        return r;
        }
        return 0;
}

/* Add all living descendants of a process to the set, nearest first. Returns 0 or negative errno. */
int
proc_read_descendants(pid_t pid, PidSet *ret_descendants)
{
        size_t next = ret_descendants->n_pids;
        int r = proc_read_children(pid, ret_descendants);

        while (r >= 0 && next < ret_descendants->n_pids)
                r = proc_read_children(ret_descendants->pids[next++], ret_descendants);
        return r;
}

/*
 * Find the line `Name:\tVALUE` in a file below /proc and give VALUE as a number in the base.
 * Returns 0, -ENODATA or another negative errno.
 */
int
proc_read_number(const char *path, const char *name, int base, unsigned long *ret)
{
        CLEANUP_FILE FILE *file = fopen(path, "re");
        char line[256];
        size_t length = strlen(name);

        if (!file)
                return -errno;
        while (fgets(line, sizeof(line), file))
                if (strncmp(line, name, length) == 0 && line[length] == ':') {
                        *ret = strtoul(line + length + 1, NULL, base);
                        return 0;
                }
        return -ENODATA;
}

/* The process that a thread belongs to, or 0 when it is gone or cannot be read. */
pid_t
proc_thread_group(pid_t tid)
{
        char path[64];
        unsigned long tgid;

        (void)snprintf(path, sizeof(path), "/proc/%d/status", (int)tid);
        return proc_read_number(path, "Tgid", 10, &tgid) == 0 ? (pid_t)tgid : 0;
}

/* The signals that we ignore: bit N-1 for signal N; 0 where /proc cannot be read. */
uint64_t
proc_ignored_signals(void)
{
        unsigned long mask = 0;

        return proc_read_number("/proc/self/status", "SigIgn", 16, &mask) == 0 ? mask : 0;
}

/* Whether the process runs with our own effective uid, so that we lend it no right. */
bool
proc_is_ours(pid_t pid)
{
        char path[64];
        struct stat st;

        (void)snprintf(path, sizeof(path), "/proc/%d", (int)pid);
        return stat(path, &st) == 0 && st.st_uid == geteuid();
}

/* Whether the process does not let others of its uid look into it (prctl(2), PR_SET_DUMPABLE). */
bool
proc_is_hidden(pid_t pid)
{
        char path[64];
        struct stat st;

        (void)snprintf(path, sizeof(path), "/proc/%d/fd", (int)pid);
        return stat(path, &st) == 0 && st.st_uid != geteuid();
}

/* The state letter of a process (R, S, D, T, Z, …), or 0 when it is gone. */
char
proc_state(pid_t pid)
{
        char text[512];
        const char *p = read_stat(pid, text, sizeof(text));

        return p ? p[0] : 0;
}

/* The command name of a process, printable. Returns 0 or a negative errno. */
int
proc_comm(pid_t pid, char *ret_comm, size_t size)
{
        CLEANUP_FD int fd = -1;
        char path[64];
        ssize_t n;

        (void)snprintf(path, sizeof(path), "/proc/%d/comm", (int)pid);
        fd = open(path, O_RDONLY | O_CLOEXEC);
        if (fd < 0)
                return -errno;
        n = read(fd, ret_comm, size - 1);
        if (n <= 0)
                return n < 0 ? -errno : -ESRCH;
        if (ret_comm[n - 1] == '\n')
                n--;
        ret_comm[n] = '\0';
        for (char *c = ret_comm; *c; c++)
                if (!isprint((unsigned char)*c))
                        *c = '?';
        return 0;
}

/* Whether a process is on its way out, or gone: its descriptors may be closed already. */
bool
proc_is_exiting(pid_t pid)
{
        char text[1024];
        const char *p = read_stat(pid, text, sizeof(text));

        return !p || stat_number(p, STAT_FLAGS, PF_EXITING) & PF_EXITING;
}

/*
 * Whether an environment that was found empty need not be: that of a process in the middle of execve(2)
 * is, until the end of that, when `startcode` of proc(5)'s stat is set (load_elf_binary in
 * fs/binfmt_elf.c); and since we looked the process may have got one. We may look into it.
 */
static bool
may_have_environment(pid_t pid)
{
        char text[1024];
        const char *p = read_stat(pid, text, sizeof(text));

        return p && !(stat_number(p, STAT_FLAGS, PF_EXITING) & (PF_EXITING | PF_KTHREAD)) &&
               (stat_number(p, STAT_START_CODE, 1) == 0 ||
                stat_number(p, STAT_ENV_START, 0) != stat_number(p, STAT_ENV_END, 0));
}

/*
 * All of an environment, which ends with a 0. In one call, as the process may become another program
 * after it. Returns its length or a negative errno; *ret is freed by the caller.
 */
static ssize_t
read_environment(pid_t pid, char **ret)
{
        CLEANUP_FREE char *block = NULL;
        CLEANUP_FD int fd = -1;
        size_t size = ENVIRONMENT_EXPECTED;
        char path[64];
        ssize_t n;

        (void)snprintf(path, sizeof(path), "/proc/%d/environ", (int)pid);
        fd = open(path, O_RDONLY | O_CLOEXEC);
        if (fd < 0)
                return -errno;
        do {
                size *= 2;
                free(block);
                block = malloc(size);
                if (!block)
                        return -ENOMEM;
                n = pread(fd, block, size - 1, 0);
                if (n < 0)
                        return -errno;
        } while ((size_t)n == size - 1);
        block[n] = '\0';
        *ret = block;
        block = NULL;
        return n;
}

/* Returns 0, -ENODATA, -EAGAIN when there is no environment at all, or another negative errno. */
static int
read_environment_value(pid_t pid, const char *name, char *ret_value, size_t size)
{
        CLEANUP_FREE char *block = NULL;
        size_t length = strlen(name);
        ssize_t n = read_environment(pid, &block);

        if (n <= 0)
                return n < 0 ? (int)n : -EAGAIN;
        for (const char *item = block; item < block + n; item += strlen(item) + 1)
                if (strncmp(item, name, length) == 0 && item[length] == '=') {
                        (void)snprintf(ret_value, size, "%s", item + length + 1);
                        return 0;
                }
        return -ENODATA;
}

/*
 * The value of a variable in the environment that a process was started with, which is waited for while
 * it becomes another program. Programs may have written over it since, so absence proves nothing.
 * Returns 0, -ENODATA or another negative errno.
 */
int
proc_environment_value(pid_t pid, const char *name, char *ret_value, size_t size)
{
        int r = read_environment_value(pid, name, ret_value, size);

        for (unsigned i = 0; r == -EAGAIN && i < EXEC_LOOKS && may_have_environment(pid); i++) {
                (void)usleep(LOOK_AGAIN_USEC);
                r = read_environment_value(pid, name, ret_value, size);
        }
        return r == -EAGAIN ? -ENODATA : r;
}

/*
 * The inode of the socket that is bound to an absolute path in this network namespace; 0 when there
 * is none. Columns of /proc/net/unix: proc(5); connections in its queue have the path, and inode 0.
 */
ino_t
proc_find_unix_socket(const char *path)
{
        CLEANUP_FILE FILE *file = fopen("/proc/net/unix", "re");
        char line[512];

        while (file && fgets(line, sizeof(line), file)) {
                unsigned long inode;
                unsigned state;
                int n_columns; /* the name follows after a blank */

                line[strcspn(line, "\n")] = '\0';
                /* NOLINTNEXTLINE(cert-err34-c): the kernel wrote it */
                if (sscanf(line, "%*s %*s %*s %*s %*s %x %lu%n", &state, &inode, &n_columns) == 2 &&
                    state == 1 /* SS_UNCONNECTED: bound, perhaps listening */ && inode &&
                    line[n_columns] == ' ' && strcmp(line + n_columns + 1, path) == 0)
                        return inode;
        }
        return 0;
}

/* Where the link /proc/PID/WHAT (cwd, root, exe) leads. Returns 0 or a negative errno. */
int
proc_path(pid_t pid, const char *what, char *ret_path, size_t size)
{
        char path[64];
        ssize_t n;

        (void)snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid, what);
        n = readlink(path, ret_path, size);
        if (n < 0)
                return -errno;
        if ((size_t)n >= size)
                return -ENAMETOOLONG;
        ret_path[n] = '\0';
        return 0;
}
