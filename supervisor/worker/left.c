/* SPDX-License-Identifier: MIT */
/*
 * left.c - finds the workers that a dead `sup` left behind.
 *
 * Theory of operation: every process of a worker carries SUP_NAME and EINHORN_MASTER_PID in the
 * environment that it was started with, and, since a `sup` inherits the orphans of its workers, it
 * descends from that pid for as long as that `sup` lives. One that has the marks, and does not, was
 * left behind. A program that writes over its environment (nginx does, for its title) cannot be told.
 */
#include "worker/left.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/strv.h"
#include "linux/proc.h"
#include "policy/left.h"

/* Whether the link /proc/PID/WHAT leads where ours does: a namespace. Not told: no. */
static bool
is_same_link(pid_t pid, const char *what)
{
        char theirs[64];
        char ours[64];

        return proc_path(pid, what, theirs, sizeof(theirs)) == 0 &&
               proc_path(getpid(), what, ours, sizeof(ours)) == 0 && strcmp(theirs, ours) == 0;
}

/* Whether a process is another one's ancestor, or that one itself. */
static bool
is_above(pid_t ancestor, pid_t pid)
{
        for (; pid > 0; pid = proc_parent(pid))
                if (pid == ancestor)
                        return true;
        return false;
}

/* Whether a process other than ours has this pid, and is a `sup`. */
static bool
is_living_sup(pid_t pid)
{
        char theirs[PROC_COMM_MAX];
        char ours[PROC_COMM_MAX];

        return pid != getpid() && proc_comm(pid, theirs, sizeof(theirs)) == 0 &&
               proc_comm(getpid(), ours, sizeof(ours)) == 0 && strcmp(theirs, ours) == 0 &&
               proc_state(pid) != 'Z';
}

/* The marks of a process. Returns whether it has any of a `sup` with our name. */
static bool
read_marks(pid_t pid, const char *name, LeftMarks *ret)
{
        char value[256];
        LeftMarks marks = {0};

        if (proc_environment_value(pid, "SUP_NAME", value, sizeof(value)) < 0 ||
            strcmp(value, name) != 0)
                return false;
        marks.has_our_name = true;
        if (proc_environment_value(pid, "EINHORN_MASTER_PID", value, sizeof(value)) == 0)
                marks.supervisor = (pid_t)strtol(value, NULL, 10);
        marks.is_below_it = is_above(marks.supervisor, pid);
        marks.it_lives = is_living_sup(marks.supervisor);
        marks.is_kin = is_above(getpid(), pid) || is_above(pid, getpid());
        marks.is_elsewhere = !is_same_link(pid, "ns/pid") || !is_same_link(pid, "ns/net");
        *ret = marks;
        return true;
}

static const char *
last_part(const char *path)
{
        const char *slash = strrchr(path, '/');

        return slash ? slash + 1 : path;
}

/*
 * Whether the arguments of a process are those of a command: an interpreter may stand before them
 * (`#!`), and the program may have been looked for.
 */
bool
left_is_command(char *const *words, size_t n_words, char *const *command)
{
        size_t n = 0;

        while (command[n])
                n++;
        if (n == 0 || n_words < n)
                return false;
        words += n_words - n;
        if (strcmp(last_part(words[0]), last_part(command[0])) != 0)
                return false;
        for (size_t i = 1; i < n; i++)
                if (strcmp(words[i], command[i]) != 0)
                        return false;
        return true;
}

/* Whether a process runs this command. */
static bool
runs_command(pid_t pid, char *const *command)
{
        CLEANUP(strv_deinit_p) Strv words = {0};
        CLEANUP_FILE FILE *file = NULL;
        CLEANUP_FREE char *word = NULL;
        size_t size = 0;
        char path[64];
        int r = 0;

        (void)snprintf(path, sizeof(path), "/proc/%d/cmdline", (int)pid);
        file = fopen(path, "re");
        while (file && r == 0 && getdelim(&word, &size, '\0', file) > 0)
                r = strv_add(&words, strdup(word));
        return r == 0 && words.n_items && left_is_command(words.items, words.n_items, command);
}

/* Of several dead ones, only those count of which a process runs our command. */
static void
keep_command(LeftSet *set, char *const *command)
{
        CLEANUP(pidset_deinit_p) PidSet supervisors = {0};
        size_t left = 0;

        for (size_t i = 0; i < set->n_items; i++)
                if (runs_command(set->items[i].pid, command))
                        (void)pidset_add(&supervisors, set->items[i].supervisor);
        for (size_t i = 0; i < set->n_items; i++)
                if (pidset_has(&supervisors, set->items[i].supervisor))
                        set->items[left++] = set->items[i];
        set->n_items = left;
}

static int
add(LeftSet *set, const LeftProcess *process)
{
        LeftProcess *grown = reallocarray(set->items, set->n_items + 1, sizeof(*grown));

        if (!grown)
                return -ENOMEM;
        set->items = grown;
        set->items[set->n_items++] = *process;
        return 0;
}

/*
 * Find all processes that were left behind by a `sup` of this name that died; with a command, only
 * where one of them runs it. *ret must be deinitialised, also on failure.
 * Returns 0 or a negative errno.
 */
int
left_find(const char *name, char *const *command, LeftSet *ret)
{
        CLEANUP_DIR DIR *dir = opendir("/proc");
        const struct dirent *entry;
        int r = 0;

        *ret = (LeftSet){0};
        if (!dir)
                return -errno;
        while (r == 0 && (entry = readdir(dir))) {
                LeftProcess p = {.pid = (pid_t)strtol(entry->d_name, NULL, 10)};
                LeftMarks marks;

                if (p.pid <= 0 || !read_marks(p.pid, name, &marks) || !left_is_behind(&marks))
                        continue;
                p.parent = proc_parent(p.pid); /* 0: it is gone */
                p.supervisor = marks.supervisor;
                if (p.parent > 0)
                        r = add(ret, &p);
        }
        if (r == 0 && command)
                keep_command(ret, command);
        return r;
}

/* Whether a process was left behind by a `sup` of this name that died. */
bool
left_is_of(const char *name, pid_t pid)
{
        LeftMarks marks;

        return read_marks(pid, name, &marks) && left_is_behind(&marks);
}

/* Whether it is at the top of its tree: its parent is none of them. */
bool
left_is_root(const LeftSet *set, const LeftProcess *process)
{
        for (size_t i = 0; i < set->n_items; i++)
                if (set->items[i].pid == process->parent)
                        return false;
        return true;
}

/* Free it. */
void
left_set_deinit(LeftSet *set)
{
        free(set->items);
        *set = (LeftSet){0};
}
