/* SPDX-License-Identifier: MIT */
/* config.h - everything a user can ask of one `sup`, parsed and checked. */
#ifndef SUP_RUN_CONFIG_H
#define SUP_RUN_CONFIG_H

#include <stdbool.h>
#include <stdint.h>

#include "base/log.h"
#include "base/strv.h"
#include "policy/ready.h"
#include "policy/restart.h"
#include "sockets/inherited.h"
#include "sockets/listen_spec.h"
#include "worker/spawn.h"

#define CONFIG_LISTENERS_MAX 1024
#define CONFIG_WORKERS_MAX 10000
#define CONFIG_FD_MAX 1000000

typedef enum CaptureMode {
        CAPTURE_AUTO,
        CAPTURE_REQUIRE,
        CAPTURE_OFF,
} CaptureMode;

/* How the old generation is ended once the new one serves. */
typedef enum DrainMode {
        DRAIN_SIGNAL,      /* its stop signal; it shares its sockets with the new one meanwhile */
        DRAIN_CONNECTIONS, /* new connections are steered away; it is stopped when it has none */
} DrainMode;

typedef enum ReloadMode {
        RELOAD_OVERLAP, /* new before old */
        RELOAD_SERIAL,  /* old before new, with the socket held */
} ReloadMode;

typedef struct Config {
        ListenSpec *listen;
        size_t n_listen;
        ListenAs *as;
        size_t n_as;
        unsigned n_workers;
        CaptureMode capture;
        unsigned compat;
        char *stdin_name;
        bool no_listen_pid;
        RestartConfig restart;
        ReadyMode ready;
        int ready_fd;
        uint64_t ready_timer_usec;
        uint64_t start_timeout_usec; /* 0: the usual, and only where it must be */
        uint64_t watchdog_usec;      /* 0: none */
        ReloadMode reload;
        DrainMode drain;
        uint64_t drain_timeout_usec;
        uint64_t drain_idle_usec;
        unsigned max_surge;
        unsigned max_old;
        unsigned n_standby;
        bool orphan;   /* workers outlive us if we are killed */
        char *control; /* path of the control socket, or NULL: the usual place */
        int stop_signal;
        uint64_t stop_timeout_usec;
        char *name;
        char *pid_file;
        char *chdir;
        char *user;
        char *group;
        bool has_umask;
        mode_t umask;
        Strv environment;
        SpawnLimit *limits;
        size_t n_limits;
        LogFormat log_format;
        int log_level;
        Strv words;          /* of --command */
        char **command;      /* borrowed from argv, or from words */
        Inherited inherited; /* who claims a socket takes it out */
} Config;

void config_init(Config *c);
void config_deinit(Config *c);

#endif
