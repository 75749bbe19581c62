/* SPDX-License-Identifier: MIT */
/* main.c - from the command line to the exit status. */
#include <stdio.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/fd.h"
#include "base/log.h"
#include "cli/help.h"
#include "cli/options.h"
#include "cli/verbs.h"
#include "config.h"
#include "run/supervisor.h"

enum {
        EXIT_USAGE = 2,
};

static int
run(const Config *config, int argc, char **argv)
{
        log_set_level(config->log_level);
        log_set_format(config->log_format);
        fd_cloexec_inherited();
        return supervisor_run(config, argc, argv);
}

int
main(int argc, char **argv)
{
        CLEANUP(config_deinit) Config config;
        CLEANUP_FREE char *reason = NULL;
        const Verb *verb = argc > 1 ? verbs_find(argv[1]) : NULL;

        config_init(&config);
        if (fd_open_standard() < 0)
                return EXIT_FAILURE;
        log_init();
        if (verb)
                return verb->run(argc - 1, argv + 1);
        switch (options_parse(argc, argv, &config, &reason)) {
        case OPTIONS_HELP:
                help_print(stdout);
                return EXIT_SUCCESS;
        case OPTIONS_VERSION:
                (void)puts(PACKAGE_STRING);
                return EXIT_SUCCESS;
        case OPTIONS_RUN:
                return run(&config, argc, argv);
        case OPTIONS_WRONG:
                break;
        }
        log_error("%s", reason ? reason : "out of memory");
        return EXIT_USAGE;
}
