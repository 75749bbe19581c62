/* SPDX-License-Identifier: MIT */
/* spawn.h - starts the process of a worker. */
#ifndef SUP_WORKER_SPAWN_H
#define SUP_WORKER_SPAWN_H

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/resource.h>
#include <sys/types.h>

#include "linux/notify.h"
#include "worker/environment.h"

/* The step of the new process that failed; each has its sentence. */
typedef enum SpawnStep {
        SPAWN_CLONE,
        SPAWN_CGROUP,
        SPAWN_FILTER,
        SPAWN_LIMIT,
        SPAWN_CHDIR,
        SPAWN_GROUP,
        SPAWN_USER,
        SPAWN_FDS,
        SPAWN_EXEC,
} SpawnStep;

typedef struct SpawnLimit {
        int resource;
        struct rlimit value;
} SpawnLimit;

/* What is the same for all workers. */
typedef struct SpawnContext {
        const char *chdir; /* or NULL */
        bool has_umask;
        mode_t umask;
        bool has_user;
        uid_t uid;
        bool has_group;
        gid_t gid;
        const gid_t *groups; /* supplementary, with has_user or has_group */
        size_t n_groups;
        const SpawnLimit *limits;
        size_t n_limits;
        uint64_t ignored; /* signals to be reset: bit N-1 for signal N, as in SigIgn of proc(5) */
        bool own_group;   /* a process group for each worker */
        bool outlives_us; /* a worker is not killed when we die */
} SpawnContext;

typedef struct SpawnRequest {
        const SpawnContext *context;
        char *const *arguments;
        Environment *environment;
        int *fds; /* to be 3, 4, …; those that are in the way of that get other numbers in the child */
        size_t n_fds;
        int stdin_fd; /* to be 0, or -1: inherited */
        int ready_fd; /* to be ready_number, or -1; above it here */
        int ready_number;
        int cgroup_fd;        /* the cgroup.procs of its cgroup, or -1 */
        NotifyFilter *filter; /* or NULL: no capture */
        bool filter_required;
} SpawnRequest;

typedef struct SpawnResult {
        pid_t pid;
        int listener_fd;  /* of the filter; -1: not installed */
        int filter_error; /* why not, a positive errno, or 0 */
        int cgroup_error; /* why it is not in its cgroup, a positive errno, or 0 */
        SpawnStep failed_step;
} SpawnResult;

int spawn_worker(const SpawnRequest *request, SpawnResult *ret);

#endif
