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
#include <sys/xattr.h>
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

enum { STAT_STATE = 3, STAT_FLAGS = 9, STAT_ENV_END = 51 }; /* fields: proc(5) */
enum { PF_EXITING = 0x4, PF_KTHREAD = 0x200000 };           /* flags: linux/sched.h */

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

/* Find the line `Name:\tVALUE` in /proc/PID/FILE and give VALUE as a number in the base. */
static int
read_number_field(const char *path, const char *name, int base, unsigned long *ret)
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
        return read_number_field(path, "Tgid", 10, &tgid) == 0 ? (pid_t)tgid : 0;
}

/* The signals that we ignore: bit N-1 for signal N; 0 where /proc cannot be read. */
uint64_t
proc_ignored_signals(void)
{
        unsigned long mask = 0;

        return read_number_field("/proc/self/status", "SigIgn", 16, &mask) == 0 ? mask : 0;
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

/*
 * Whether a process that we may look into is in the middle of execve(2), where it has no environment:
 * `env_end`, the 51st field of proc(5)'s stat, is 0 then. Kernel threads and zombies never have one.
 */
bool
proc_is_in_exec(pid_t pid)
{
        char text[1024];
        const char *p = read_stat(pid, text, sizeof(text));

        return p && !(stat_number(p, STAT_FLAGS, PF_EXITING) & (PF_EXITING | PF_KTHREAD)) &&
               stat_number(p, STAT_ENV_END, 1) == 0;
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
 * The value of a variable in the environment that a process was started with. Programs may have
 * written over it since, so absence proves nothing. Returns 0, -ENODATA or another negative errno.
 */
int
proc_environment_value(pid_t pid, const char *name, char *ret_value, size_t size)
{
        CLEANUP_FILE FILE *file = NULL;
        CLEANUP_FREE char *item = NULL;
        size_t n_item = 0;
        size_t length = strlen(name);
        char path[64];

        (void)snprintf(path, sizeof(path), "/proc/%d/environ", (int)pid);
        file = fopen(path, "re");
        if (!file)
                return -errno;
        while (getdelim(&item, &n_item, '\0', file) > 0)
                if (strncmp(item, name, length) == 0 && item[length] == '=') {
                        (void)snprintf(ret_value, size, "%s", item + length + 1);
                        return 0;
                }
        return -ENODATA;
}

/* The flags of another process's descriptor, O_CLOEXEC among them (proc(5), fdinfo). */
int
proc_fd_flags(pid_t pid, int fd, int *ret_flags)
{
        char path[64];
        unsigned long flags = 0;
        int r;

        (void)snprintf(path, sizeof(path), "/proc/%d/fdinfo/%d", (int)pid, fd);
        r = read_number_field(path, "flags", 8, &flags);
        if (r < 0)
                return r;
        *ret_flags = (int)flags;
        return 0;
}

/* Whether an epoll descriptor of the process watches fd: `tfd: N` lines of its fdinfo (proc(5)). */
static bool
epoll_watches(pid_t pid, const char *epoll_fd, int fd)
{
        CLEANUP_FILE FILE *file = NULL;
        char path[320];
        char line[256];

        (void)snprintf(path, sizeof(path), "/proc/%d/fdinfo/%s", (int)pid, epoll_fd);
        file = fopen(path, "re");
        if (!file)
                return false;
        while (fgets(line, sizeof(line), file))
                if (strncmp(line, "tfd:", 4) == 0 && strtol(line + 4, NULL, 10) == fd)
                        return true;
        return false;
}

/* Open /proc/PID/fd. Returns NULL with errno set. */
static DIR *
open_fd_dir(pid_t pid)
{
        char path[64];

        (void)snprintf(path, sizeof(path), "/proc/%d/fd", (int)pid);
        return opendir(path);
}

/* Read one link of /proc/PID/fd into target. */
static bool
read_fd_link(DIR *dir, const char *name, char *target, size_t size)
{
        ssize_t n = readlinkat(dirfd(dir), name, target, size - 1);

        if (n < 0)
                return false;
        target[n] = '\0';
        return true;
}

/* Whether fd is registered in one of the process's epoll sets. 1, 0 or a negative errno. */
int
proc_fd_in_epoll(pid_t pid, int fd)
{
        CLEANUP_DIR DIR *dir = open_fd_dir(pid);
        const struct dirent *entry;
        char target[64];

        if (!dir)
                return -errno;
        while ((entry = readdir(dir)))
                if (isdigit((unsigned char)entry->d_name[0]) &&
                    read_fd_link(dir, entry->d_name, target, sizeof(target)) &&
                    strcmp(target, "anon_inode:[eventpoll]") == 0 &&
                    epoll_watches(pid, entry->d_name, fd))
                        return 1;
        return 0;
}

static void
format_socket_link(ino_t inode, char *ret_text, size_t size)
{
        (void)snprintf(ret_text, size, "socket:[%ju]", (uintmax_t)inode);
}

/* Whether descriptor fd of the process is this socket. 1, 0 (also: it is gone) or negative errno. */
int
proc_fd_is_socket(pid_t pid, int fd, ino_t inode)
{
        char path[64];
        char wanted[64];
        char target[64];
        ssize_t n;

        format_socket_link(inode, wanted, sizeof(wanted));
        (void)snprintf(path, sizeof(path), "/proc/%d/fd/%d", (int)pid, fd);
        n = readlink(path, target, sizeof(target) - 1);
        if (n < 0)
                return errno == ENOENT || errno == ESRCH ? 0 : -errno;
        target[n] = '\0';
        return strcmp(target, wanted) == 0;
}

/*
 * The protocol of a socket of another process, in the kernel's words: TCP, UDPv6, UNIX-STREAM, …
 * (net/socket.c, sockfs_xattr_get). Returns 0 or a negative errno.
 */
int
proc_fd_protocol(pid_t pid, int fd, char *ret_name, size_t size)
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

/*
 * Look for a socket among the descriptors of a process, except_fd left out (-1: none).
 * Returns 1 with *ret_fd, 0 when it has none or is gone, -EACCES when it may not be read.
 */
int
proc_find_socket(pid_t pid, ino_t inode, int except_fd, int *ret_fd)
{
        CLEANUP_DIR DIR *dir = open_fd_dir(pid);
        const struct dirent *entry;
        char wanted[64];
        char target[64];

        if (!dir)
                return errno == ENOENT || errno == ESRCH ? 0 : -errno;
        format_socket_link(inode, wanted, sizeof(wanted));
        while ((entry = readdir(dir))) {
                int fd = (int)strtol(entry->d_name, NULL, 10);

                if (isdigit((unsigned char)entry->d_name[0]) && fd != except_fd &&
                    read_fd_link(dir, entry->d_name, target, sizeof(target)) &&
                    strcmp(target, wanted) == 0) {
                        *ret_fd = fd;
                        return 1;
                }
        }
        return 0;
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
