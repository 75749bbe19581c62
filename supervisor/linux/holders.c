/* SPDX-License-Identifier: MIT */
/*
 * holders.c - which processes have a socket open.
 *
 * Gist: the kernel keeps no way from a socket to its processes, so all descriptors of all processes
 * are read, which is what makes ss -p and lsof slow. Here each process is read once for all wanted
 * sockets. In a first round of each only as many descriptors as nearly all processes have: a
 * listener is opened early. Those that have more are read on only if a socket has no holder yet.
 */
#include "linux/holders.h"

#include <ctype.h>
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "linux/proc.h"

#define FIRST_ROUND 256 /* descriptors of a process */

typedef struct Wanted {
        ino_t inode;
        size_t index;     /* of the caller */
        pid_t found_last; /* the process that it was found in last */
} Wanted;

typedef struct Search {
        Wanted *wanted; /* sorted by inode */
        size_t n_wanted;
        size_t n_found;
        HoldersCallback callback;
        void *userdata;
        HoldersView view;
} Search;

static int
compare_wanted(const void *a, const void *b)
{
        const Wanted *x = a;
        const Wanted *y = b;

        return (x->inode > y->inode) - (x->inode < y->inode);
}

/* Read what a link of /proc/PID/fd says: `socket:[INODE]` (proc(5)). */
bool
holders_parse_link(const char *target, ino_t *ret_inode)
{
        static const char head[] = "socket:[";
        unsigned long long inode;
        char *end;

        if (strncmp(target, head, sizeof(head) - 1) != 0 ||
            !isdigit((unsigned char)target[sizeof(head) - 1]))
                return false;
        errno = 0;
        inode = strtoull(target + sizeof(head) - 1, &end, 10);
        if (errno || strcmp(end, "]") != 0)
                return false;
        *ret_inode = (ino_t)inode;
        return true;
}

static void
note(Search *s, ino_t inode, pid_t pid, int fd)
{
        Wanted key = {.inode = inode};
        Wanted *w = bsearch(&key, s->wanted, s->n_wanted, sizeof(*s->wanted), compare_wanted);

        if (!w || w->found_last == pid)
                return;
        s->n_found += w->found_last == 0;
        w->found_last = pid;
        s->callback(w->index, pid, fd, s->userdata);
}

/* The directory of a process is of its user, also when what is in it is not any more. */
static void
note_unreadable(HoldersView *view, pid_t pid)
{
        view->n_unreadable++;
        if (view->n_own_unreadable < HOLDERS_OWN_MAX && proc_is_ours(pid))
                view->own_unreadable[view->n_own_unreadable++] = pid;
}

/* Look through the descriptors of a process, from the given one on, as many as max. */
static bool
read_process(Search *s, pid_t pid, size_t skip, size_t max)
{
        CLEANUP_DIR DIR *dir = NULL;
        const struct dirent *entry;
        char path[64];
        char target[64];
        size_t n = 0;

        (void)snprintf(path, sizeof(path), "/proc/%d/fd", (int)pid);
        dir = opendir(path);
        if (!dir) {
                if (errno == EACCES || errno == EPERM)
                        note_unreadable(&s->view, pid);
                return true;
        }
        while ((entry = readdir(dir))) {
                ino_t inode;
                ssize_t length;

                if (!isdigit((unsigned char)entry->d_name[0]) || n++ < skip)
                        continue;
                if (n > max)
                        return false;
                length = readlinkat(dirfd(dir), entry->d_name, target, sizeof(target) - 1);
                target[length > 0 ? length : 0] = '\0';
                if (holders_parse_link(target, &inode))
                        note(s, inode, pid, (int)strtol(entry->d_name, NULL, 10));
        }
        return true;
}

/* All processes; those with very many descriptors are left in ret_long. */
static int
read_all(Search *s, pid_t **ret_long, size_t *ret_n_long)
{
        CLEANUP_DIR DIR *dir = opendir("/proc");
        const struct dirent *entry;
        pid_t *list = NULL;
        size_t n_list = 0;

        if (!dir)
                return -errno;
        while ((entry = readdir(dir))) {
                pid_t pid = (pid_t)strtol(entry->d_name, NULL, 10);
                pid_t *grown;

                if (pid <= 0 || read_process(s, pid, 0, FIRST_ROUND))
                        continue;
                grown = reallocarray(list, n_list + 1, sizeof(*list));
                if (!grown) {
                        free(list);
                        return -ENOMEM;
                }
                list = grown;
                list[n_list++] = pid;
        }
        *ret_long = list;
        *ret_n_long = n_list;
        return 0;
}

/*
 * Find the processes that have these sockets open: the callback is told of each pair once, with the
 * socket's index in the array and the number of a descriptor. Returns 0 or a negative errno.
 */
int
holders_find(const ino_t *inodes, size_t n_inodes, HoldersCallback callback, void *userdata,
             HoldersView *ret_view)
{
        CLEANUP_FREE Wanted *wanted = calloc(n_inodes + 1, sizeof(*wanted));
        CLEANUP_FREE pid_t *long_ones = NULL;
        Search s = {.wanted = wanted, .callback = callback, .userdata = userdata};
        size_t n_long = 0;
        int r;

        if (!wanted)
                return -ENOMEM;
        for (size_t i = 0; i < n_inodes; i++)
                if (inodes[i])
                        wanted[s.n_wanted++] = (Wanted){.inode = inodes[i], .index = i};
        qsort(wanted, s.n_wanted, sizeof(*wanted), compare_wanted);
        r = s.n_wanted ? read_all(&s, &long_ones, &n_long) : 0;
        for (size_t i = 0; i < n_long && r == 0; i++) {
                if (s.n_found == s.n_wanted)
                        s.view.cut_short = long_ones[i];
                else
                        (void)read_process(&s, long_ones[i], FIRST_ROUND, SIZE_MAX);
        }
        if (r == 0)
                *ret_view = s.view;
        return r;
}
