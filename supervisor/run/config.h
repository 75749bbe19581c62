/* SPDX-License-Identifier: MIT */
/* config.h - everything a user can ask of one `sup`, parsed and checked. */
#ifndef SUP_RUN_CONFIG_H
#define SUP_RUN_CONFIG_H

#include <stdbool.h>
#include <stdint.h>

#include "base/log.h"
#include "base/strv.h"
#include "policy/restart.h"
#include "sockets/listen_spec.h"
#include "worker/spawn.h"

#define CONFIG_LISTENERS_MAX 1024
#define CONFIG_WORKERS_MAX 10000

typedef enum CaptureMode {
        CAPTURE_AUTO,
        CAPTURE_REQUIRE,
        CAPTURE_OFF,
} CaptureMode;

typedef struct Config {
        ListenSpec *listen;
        size_t n_listen;
        unsigned n_workers;
        CaptureMode capture;
        unsigned compat;
        char *stdin_name;
        bool no_listen_pid;
        RestartConfig restart;
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
        char **command; /* borrowed from argv */
} Config;

void config_init(Config *c);
void config_deinit(Config *c);

#endif
