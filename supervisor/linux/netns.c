/* SPDX-License-Identifier: MIT */
/*
 * netns.c - network namespaces: which there are, and looking into one.
 *
 * Gist: a namespace has a name only if somebody bound it below /run/netns (ip-netns(8)); those of
 * containers are found through their processes. To enter one needs CAP_SYS_ADMIN (setns(2)).
 */
#include "linux/netns.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/fd.h"

#define NAMES "/run/netns"

/* Add a namespace unless it is ours or known. Returns 0 or -ENOMEM. */
static int
add(NetnsSet *set, const struct stat *ours, const Netns *ns)
{
        Netns *items;

        if (ns->dev == ours->st_dev && ns->ino == ours->st_ino)
                return 0;
        for (size_t i = 0; i < set->n_items; i++)
                if (set->items[i].dev == ns->dev && set->items[i].ino == ns->ino) {
                        if (!set->items[i].pid)
                                set->items[i].pid = ns->pid;
                        return 0;
                }
        items = reallocarray(set->items, set->n_items + 1, sizeof(*items));
        if (!items)
                return -ENOMEM;
        set->items = items;
        set->items[set->n_items++] = *ns;
        return 0;
}

/* Complete the description with what its path leads to. */
static bool
identify(Netns *ns)
{
        struct stat st;

        if (stat(ns->path, &st) < 0)
                return false;
        ns->dev = st.st_dev;
        ns->ino = st.st_ino;
        return true;
}

static int
add_named(NetnsSet *set, const struct stat *ours)
{
        CLEANUP_DIR DIR *dir = opendir(NAMES);
        const struct dirent *entry;
        int r = 0;

        while (dir && r == 0 && (entry = readdir(dir))) {
                Netns ns = {.pid = 0};

                if (entry->d_name[0] == '.' || strlen(entry->d_name) >= sizeof(ns.name))
                        continue;
                (void)snprintf(ns.name, sizeof(ns.name), "%s", entry->d_name);
                (void)snprintf(ns.path, sizeof(ns.path), NAMES "/%s", ns.name);
                if (identify(&ns))
                        r = add(set, ours, &ns);
        }
        return r;
}

static int
add_of_processes(NetnsSet *set, const struct stat *ours)
{
        CLEANUP_DIR DIR *dir = opendir("/proc");
        const struct dirent *entry;
        int r = 0;

        while (dir && r == 0 && (entry = readdir(dir))) {
                Netns ns = {.pid = (pid_t)strtol(entry->d_name, NULL, 10)};

                if (ns.pid <= 0)
                        continue;
                (void)snprintf(ns.path, sizeof(ns.path), "/proc/%d/ns/net", (int)ns.pid);
                if (identify(&ns))
                        r = add(set, ours, &ns);
        }
        return r;
}

/*
 * The other network namespaces that have a name or a process that we may look at.
 * Returns 0 or a negative errno; ret is to be deinitialised in any case.
 */
int
netns_find_others(NetnsSet *ret)
{
        struct stat ours;
        int r;

        *ret = (NetnsSet){.n_items = 0};
        if (stat("/proc/self/ns/net", &ours) < 0)
                return -errno;
        r = add_named(ret, &ours);
        return r == 0 ? add_of_processes(ret, &ours) : r;
}

/* Free what the set holds. */
void
netns_set_deinit(NetnsSet *set)
{
        free(set->items);
        *set = (NetnsSet){.n_items = 0};
}

/*
 * Call look() while this thread is in the other namespace. Returns 0 or a negative errno: -EPERM
 * where it may not be entered.
 */
int
netns_visit(const Netns *ns, void (*look)(void *userdata), void *userdata)
{
        CLEANUP_FD int home_fd = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
        CLEANUP_FD int fd = open(ns->path, O_RDONLY | O_CLOEXEC);

        if (home_fd < 0 || fd < 0 || setns(fd, CLONE_NEWNET) < 0)
                return -errno;
        look(userdata);
        return setns(home_fd, CLONE_NEWNET) < 0 ? -errno : 0;
}

/*
 * Enter the namespace with this name below /run/netns, with this path, or of this process, for good.
 * Returns 0 or a negative errno.
 */
int
netns_enter(const char *who)
{
        CLEANUP_FREE char *path = NULL;
        CLEANUP_FD int fd = -1;
        int r;

        if (strchr(who, '/'))
                r = asprintf(&path, "%s", who);
        else if (isdigit((unsigned char)who[0]) && strspn(who, "0123456789") == strlen(who))
                r = asprintf(&path, "/proc/%s/ns/net", who);
        else
                r = asprintf(&path, NAMES "/%s", who);
        if (r < 0) {
                path = NULL;
                return -ENOMEM;
        }
        fd = open(path, O_RDONLY | O_CLOEXEC);
        if (fd < 0)
                return -errno;
        return setns(fd, CLONE_NEWNET) < 0 ? -errno : 0;
}
