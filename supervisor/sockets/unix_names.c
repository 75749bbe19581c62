/* SPDX-License-Identifier: MIT */
/*
 * unix_names.c - what servers do with the names of a held unix socket.
 *
 * Gist: they rename what they bound, bind a name with their pid in it the next time, remove names, and
 * directories with all that is in them. Says what such a call means for the names that we keep; how
 * they are kept is in unix_path.c, and who calls in capture_names.c.
 */
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "linux/proc.h"
#include "sockets/unix_path.h"

static const char *
last_part(const char *path)
{
        const char *slash = strrchr(path, '/');

        return slash ? slash + 1 : path;
}

/* Whether two paths are in one directory, in whatever spelling. */
static bool
is_same_directory(const char *a, const char *b)
{
        CLEANUP_FREE char *dir_a = strndup(a, (size_t)(last_part(a) - a));
        CLEANUP_FREE char *dir_b = strndup(b, (size_t)(last_part(b) - b));
        struct stat st_a;
        struct stat st_b;

        if (!dir_a || !dir_b)
                return false;
        return strcmp(dir_a, dir_b) == 0 ||
               (stat(dir_a, &st_a) == 0 && stat(dir_b, &st_b) == 0 && st_a.st_dev == st_b.st_dev &&
                st_a.st_ino == st_b.st_ino);
}

/* Whether they are one name there. */
static bool
is_same_name(const char *a, const char *b)
{
        return strcmp(last_part(a), last_part(b)) == 0 && is_same_directory(a, b);
}

static bool
is_renamed(const UnixPath *u)
{
        return strcmp(u->bound, u->path) != 0;
}

/*
 * Call our own link after the public name; what stands there is of a `sup` that was killed. It is made
 * anew where it is gone, or another socket's by now.
 */
static void
rename_link(UnixPath *u)
{
        const char *slash = strrchr(u->path, '/');
        char *link = NULL;

        if (asprintf(&link, "%.*s.%s.sup", (int)(slash + 1 - u->path), u->path, slash + 1) < 0)
                return;
        if (!unix_path_leads(u, u->link)) {
                (void)unlink(link);
                (void)linkat(AT_FDCWD, u->path, AT_FDCWD, link, 0);
        } else if (strcmp(link, u->link) == 0 || rename(u->link, link) < 0) {
                free(link);
                return;
        } else {
                (void)unlink(u->link); /* in case that both were the same file */
        }
        free(u->link);
        u->link = link;
}

/* Whether, in its directory, this is the public name or the one that is bound. */
bool
unix_path_is_called(const UnixPath *u, const char *name)
{
        return strcmp(last_part(u->path), name) == 0 || strcmp(last_part(u->bound), name) == 0;
}

/*
 * In the directory, the name `from` has become `to`. If it was the public one, or the one that is
 * bound, `to` is the public one from now on; where we have put the old one back meanwhile, it goes.
 * `to` may have become yet another one since then.
 * Returns 1 then, 0 if it was another's name, or -ENOMEM.
 */
int
unix_path_follow(UnixPath *u, const char *from, const char *to)
{
        size_t n_directory = (size_t)(strrchr(u->path, '/') + 1 - u->path);
        char *path = NULL;
        struct stat st;
        bool is_gone;

        if (!unix_path_is_called(u, from))
                return 0;
        if (asprintf(&path, "%.*s%s", (int)n_directory, u->path, to) < 0)
                return -ENOMEM;
        is_gone = !u->is_hidden && strcmp(u->path + n_directory, from) == 0 &&
                  !unix_path_leads(u, u->path) && lstat(path, &st) < 0;
        if (!is_gone && !unix_path_leads(u, path)) {
                free(path);
                return 0;
        }
        if (u->path_is_extra && strcmp(u->path, path) != 0 && unix_path_leads(u, u->path))
                (void)unlink(u->path);
        u->path_is_extra = false;
        free(u->path);
        u->path = path;
        rename_link(u);
        return 1;
}

static size_t
count_digits(const char *text)
{
        size_t n = 0;

        while (isdigit((unsigned char)text[n]))
                n++;
        return n;
}

/* Whether these digits are the number. */
static bool
is_number(const char *digits, size_t n, pid_t number)
{
        char text[16];

        return snprintf(text, sizeof(text), "%d", (int)number) == (int)n &&
               memcmp(text, digits, n) == 0;
}

/* Whether two names are the same but for the pids of the processes that made them. */
bool
unix_path_is_like(const char *a, pid_t pid_a, const char *b, pid_t pid_b)
{
        bool has_pid = false;

        while (*a && *b) {
                size_t n_a = count_digits(a);
                size_t n_b = count_digits(b);

                if (n_a && n_b && is_number(a, n_a, pid_a) && is_number(b, n_b, pid_b))
                        has_pid = true;
                else if (n_a != n_b || memcmp(a, b, n_a ? n_a : 1) != 0)
                        return false;
                a += n_a ? n_a : 1;
                b += n_b ? n_b : 1;
        }
        return has_pid && !*a && !*b;
}

/*
 * Whether a process that binds this name would rename it to our public one, as the process that we
 * know did with its own. If that is another socket's now, it would not.
 */
bool
unix_path_is_successor(const UnixPath *u, const char *path, pid_t pid)
{
        struct stat st;

        return u->bound_by && is_renamed(u) && !u->is_lost &&
               unix_path_is_like(last_part(u->bound), u->bound_by, last_part(path), pid) &&
               is_same_directory(u->bound, path) &&
               (u->is_hidden || unix_path_leads(u, u->path) || lstat(u->path, &st) < 0);
}

/* It is bound under another name from now on, by this process. Returns 0 or -ENOMEM. */
int
unix_path_set_bound(UnixPath *u, const char *path, pid_t pid)
{
        char *bound = is_same_name(path, u->bound) ? NULL : strdup(path);

        if (!bound && !is_same_name(path, u->bound))
                return -ENOMEM;
        /* A process that was killed before it could rename it has left it. */
        if (is_renamed(u) && unix_path_leads(u, u->bound) && !proc_thread_group(u->bound_by))
                (void)unlink(u->bound);
        u->bound_by = pid;
        u->is_between = true;
        if (bound) {
                free(u->bound);
                u->bound = bound;
        }
        return 0;
}

/*
 * Whether another process has bound this name, and will rename it: then it is free again. One that
 * listens has done so, or does it at once.
 */
bool
unix_path_is_between(const UnixPath *u, const char *path, pid_t pid)
{
        return u->is_between && is_renamed(u) && u->bound_by != pid &&
               is_same_name(path, u->bound) && unix_path_leads(u, u->bound) &&
               proc_thread_group(u->bound_by);
}

/*
 * The held socket was not given under this name after all, or who bound it has ended: the name leads
 * nobody to it but us.
 */
void
unix_path_drop_bound(const UnixPath *u, const char *path)
{
        if (!is_same_name(path, u->path) && unix_path_leads(u, path))
                (void)unlink(path);
}

/*
 * The worker that bound this name has ended, perhaps before it could rename it. One with a pid in it
 * is of no use to the next, which has another one; any other is, and stays until then.
 */
void
unix_path_forget_bound(const UnixPath *u, const char *path)
{
        if (!is_same_name(path, u->bound) ||
            unix_path_is_like(last_part(path), u->bound_by, last_part(path), u->bound_by))
                unix_path_drop_bound(u, path);
}

/*
 * A server removes this name, which is one of the socket's file. Returns whether it is one that we
 * keep: it is extra from now on. Others are not our business.
 */
bool
unix_path_keeps(UnixPath *u, const char *path)
{
        bool is_bound = is_same_name(path, u->bound);
        bool is_public = is_same_name(path, u->path);

        if (u->is_lost || !unix_path_leads(u, path))
                return false;
        u->bound_is_extra = u->bound_is_extra || is_bound;
        u->path_is_extra = u->path_is_extra || is_public;
        return is_bound || is_public || is_same_name(path, u->link);
}

/* Whether a name would not be there without us. */
bool
unix_path_is_extra(const UnixPath *u, const char *path)
{
        return (u->bound_is_extra && is_same_name(path, u->bound)) ||
               (u->path_is_extra && is_same_name(path, u->path)) || is_same_name(path, u->link);
}

/*
 * Whether the server has removed a name by which clients know the socket: it is gone, or would be
 * without us. What it has renamed, or linked, has another name.
 */
bool
unix_path_is_removed(const UnixPath *u, const char *path)
{
        struct stat st;

        if (!is_same_name(path, u->path))
                return false;
        if (u->is_lost || unix_path_leads(u, path))
                return u->is_lost || unix_path_is_extra(u, path);
        return lstat(path, &st) < 0 && (lstat(u->link, &st) < 0 || st.st_nlink == 1);
}

/* Nothing is extra any more, and nothing put back: clients do not find the socket. */
void
unix_path_lose(UnixPath *u)
{
        if (u->bound_is_extra && unix_path_leads(u, u->bound))
                (void)unlink(u->bound);
        if (u->path_is_extra && unix_path_leads(u, u->path))
                (void)unlink(u->path);
        if (unix_path_leads(u, u->link))
                (void)unlink(u->link);
        u->is_lost = true;
}

/*
 * A process renames one name to another. Returns whether that is to be the end of the first one and
 * nothing else: both are links to the same file, where rename(2) does nothing, the second one perhaps
 * given by a server; or the public name is another generation's for now.
 */
bool
unix_path_ends_with_rename(UnixPath *u, const char *from, const char *to, pid_t pid)
{
        bool is_bound = is_same_name(from, u->bound) || unix_path_is_successor(u, from, pid);
        bool is_public = is_same_name(to, u->path);

        if (!is_bound || !is_renamed(u) || !unix_path_leads(u, from) ||
            (!(u->is_hidden && is_public) && !unix_path_leads(u, to)))
                return false;
        u->path_is_extra = u->path_is_extra && !is_public;
        return true;
}
