/* SPDX-License-Identifier: MIT */
/* environment.h - the environment and the arguments that a worker is started with. */
#ifndef SUP_WORKER_ENVIRONMENT_H
#define SUP_WORKER_ENVIRONMENT_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/strv.h"

#define ENVIRONMENT_FIRST_FD 3 /* SD_LISTEN_FDS_START */

/* Hand-over in the words of particular servers, besides those that are always spoken. */
typedef enum Compat {
        COMPAT_NGINX = 1 << 0,
        COMPAT_UNICORN = 1 << 1,
        COMPAT_PUMA = 1 << 2,
        COMPAT_PHP_FPM = 1 << 3,
        COMPAT_UPSTART = 1 << 4,
        COMPAT_CRANK = 1 << 5,
} Compat;

/* One listener as a worker sees it: descriptor ENVIRONMENT_FIRST_FD plus its place in the list. */
typedef struct EnvironmentListener {
        const char *name;
        const char *address; /* host:port, /path, @name; NULL: not a listener, LISTEN_FDS only */
        bool is_unix;
} EnvironmentListener;

typedef struct EnvironmentInput {
        char *const *inherited; /* environ */
        char *const *extra;     /* KEY=VALUE of --env, or NULL */
        const EnvironmentListener *listeners;
        size_t n_listeners;
        unsigned compat; /* mask of Compat */
        bool listen_pid;
        bool pidfd_identity;
        int notify_fd;             /* of --compat=crank as the worker sees it, or -1 */
        const char *notify_socket; /* NOTIFY_SOCKET, or NULL */
        uint64_t watchdog_usec;    /* 0: none */
        const char *instance;
        unsigned worker;
        unsigned generation;
        pid_t supervisor;
} EnvironmentInput;

typedef struct Environment {
        Strv variables;
        /* where the digits of LISTEN_PID and WATCHDOG_PID go, once the worker's pid is known */
        char *pid_slots[2];
        size_t n_pid_slots;
        char *pidfd_slot; /* where those of LISTEN_PIDFDID go */
} Environment;

#define ENVIRONMENT_PID_DIGITS 10
#define ENVIRONMENT_PIDFD_DIGITS 20

int compat_from_name(const char *name, unsigned *ret_mask);
int environment_init(Environment *e, const EnvironmentInput *input);
void environment_deinit(Environment *e);
int environment_fill_arguments(Strv *ret, char *const *arguments, const EnvironmentInput *input,
                               char **ret_why);

#endif
