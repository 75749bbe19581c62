/* SPDX-License-Identifier: MIT */
/*
 * cgroups.c - a cgroup for each worker, where one was delegated to us.
 *
 * Gist: we move into a part of it, since a cgroup that hands on controllers may have no processes
 * itself, and each incarnation gets one beside us. Whatever it starts is in there, and so can be
 * ended to the last process. The names follow from the worker, and the rest is asked of the kernel:
 * nothing needs to be remembered over an upgrade.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fd.h"
#include "base/parse.h"
#include "linux/cgroup.h"
#include "run/state.h"

#define OWN_NAME "supervisor"
#define WORKER_PREFIX "worker-"

static void
name_of(const Worker *w, char *ret_name, size_t size)
{
        (void)snprintf(ret_name, size, WORKER_PREFIX "%u.%llu", w->born_index,
                       (unsigned long long)w->incarnation);
}

/* Workers go without a cgroup of their own; it is told once. error: a positive errno. */
void
cgroups_warn(Supervisor *s, int error)
{
        if (!s->cgroups.was_told)
                log_warning("cannot give a worker a cgroup of its own, so it runs in that of sup: "
                            "%s",
                            strerrordesc_np(error));
        s->cgroups.was_told = true;
}

/* The incarnation that a cgroup is named for. Returns 0, or -EINVAL: the name is none of ours. */
static int
read_incarnation(const char *name, uint64_t *ret)
{
        const char *dot = strchr(name, '.');

        if (!dot || strncmp(name, WORKER_PREFIX, strlen(WORKER_PREFIX)) != 0)
                return -EINVAL;
        return parse_unsigned(dot + 1, UINT64_MAX, ret) < 0 ? -EINVAL : 0;
}

static bool
is_of_worker(const Supervisor *s, uint64_t incarnation)
{
        for (size_t i = 0; i < s->n_workers; i++) {
                const Worker *w = s->workers[i];

                if (w->state != LIFE_IDLE && w->incarnation == incarnation)
                        return true;
        }
        return false;
}

/*
 * Remove the cgroups of workers in which nobody is; those in use stay. The next incarnation is none
 * that a sup before us had: processes of it may still be there.
 */
static void
remove_empty(Supervisor *s)
{
        int fd = openat(s->cgroups.fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        DIR *directory = fd < 0 ? NULL : fdopendir(fd);
        const struct dirent *entry;

        if (!directory) {
                fd_close(fd);
                return;
        }
        s->cgroups.is_untidy = false;
        while ((entry = readdir(directory))) {
                uint64_t incarnation;

                if (read_incarnation(entry->d_name, &incarnation) < 0)
                        continue;
                if (incarnation > s->last_incarnation)
                        s->last_incarnation = incarnation;
                if (!is_of_worker(s, incarnation) &&
                    cgroup_remove(s->cgroups.fd, entry->d_name) < 0)
                        s->cgroups.is_untidy = true;
        }
        (void)closedir(directory);
}

/* Whether somebody else stands where we do: another sup, whose workers would have our names. */
static bool
is_shared(int fd)
{
        CLEANUP(pidset_deinit_p) PidSet pids = {0};

        return cgroup_read_pids(fd, OWN_NAME, &pids) < 0 || pids.n_pids != 1;
}

/*
 * Look for a cgroup that is ours to divide, and take our place in it. Without one all is as before.
 * is_new: we were not there already before an upgrade.
 */
void
cgroups_init(Supervisor *s, bool is_new)
{
        int fd = cgroup_open_delegated(OWN_NAME);
        int r;

        if (fd < 0)
                return;
        r = cgroup_make(fd, OWN_NAME);
        if (r == 0)
                r = cgroup_write(fd, OWN_NAME, "cgroup.procs", "0");
        if (r < 0) {
                cgroups_warn(s, -r);
                fd_close(fd);
                return;
        }
        if (is_new && is_shared(fd)) {
                log_debug("the cgroup that was delegated is divided by another sup already");
                fd_close(fd);
                return;
        }
        s->cgroups.fd = fd;
        remove_empty(s);
        (void)cgroup_write(fd, ".", "cgroup.subtree_control", "+memory"); /* where there is one */
}

/*
 * Make the cgroup of an incarnation that is about to start. Returns a descriptor, the caller's, that
 * its process writes itself into; or -1: it does without.
 */
int
cgroups_open(const Worker *w)
{
        Supervisor *s = w->supervisor;
        char name[64];
        int r;

        if (s->cgroups.fd < 0)
                return -1;
        name_of(w, name, sizeof(name));
        r = cgroup_make(s->cgroups.fd, name);
        if (r == 0) {
                (void)cgroup_write(s->cgroups.fd, name, "memory.oom.group", "1");
                r = cgroup_open_procs(s->cgroups.fd, name);
        }
        if (r >= 0)
                return r;
        cgroups_warn(s, -r);
        return -1;
}

/* Add all that live in a worker's cgroup. */
void
cgroups_read(const Worker *w, PidSet *ret_pids)
{
        char name[64];

        if (w->supervisor->cgroups.fd < 0 || !w->incarnation)
                return;
        name_of(w, name, sizeof(name));
        (void)cgroup_read_pids(w->supervisor->cgroups.fd, name, ret_pids);
}

/* SIGKILL for all in a worker's cgroup at once, and below it; since Linux 5.14. */
void
cgroups_kill(const Worker *w)
{
        char name[64];

        if (w->supervisor->cgroups.fd < 0 || !w->incarnation)
                return;
        name_of(w, name, sizeof(name));
        (void)cgroup_write(w->supervisor->cgroups.fd, name, "cgroup.kill", "1");
}

/* Nobody is left of an incarnation: its cgroup goes, now or later. */
void
cgroups_remove(const Worker *w)
{
        Supervisor *s = w->supervisor;
        char name[64];

        if (s->cgroups.fd < 0 || !w->incarnation)
                return;
        name_of(w, name, sizeof(name));
        if (cgroup_remove(s->cgroups.fd, name) < 0)
                s->cgroups.is_untidy = true;
}

/* Some process has ended: perhaps what was in use is not any more. */
void
cgroups_tidy(Supervisor *s)
{
        if (s->cgroups.fd >= 0 && s->cgroups.is_untidy)
                remove_empty(s);
}
