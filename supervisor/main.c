/* SPDX-License-Identifier: MIT */
/* main.c - from the command line to the exit status. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fd.h"
#include "base/log.h"
#include "cli/help.h"
#include "cli/options.h"
#include "cli/verbs.h"
#include "config.h"
#include "run/persist.h"
#include "run/supervisor.h"
#include "run/upgrade.h"
#include "run/upward.h"

enum {
        EXIT_USAGE = 2,
        EXIT_CONNECTION = 76, /* RestartPreventExitStatus= in sup@.service: the next try has none */
};

static int
run(const Config *config, json_t *consume_state, int argc, char **argv)
{
        log_set_level(config->log_level);
        log_set_format(config->log_format);
        fd_cloexec_inherited();
        return supervisor_run(config, consume_state, argc, argv);
}

/*
 * The program that runs as `sup` asks whether we would go on from its state. What stands in the state
 * is that program's: nothing is given back at the end.
 */
_Noreturn static void
accept_state(void)
{
        Config config;
        char *reason = NULL;
        bool accepted = false;
        json_t *state = upgrade_read_state();
        const json_t *words = json_object_get(state, "arguments");
        size_t n = json_array_size(words);
        char **arguments = calloc(n + 1, sizeof(char *));

        config_init(&config);
        for (size_t i = 0; arguments && i < n; i++)
                arguments[i] = strdup(json_string_value(json_array_get(words, i)));
        if (!state || !arguments || n == 0 || persist_load_inherited(&config, state) < 0)
                (void)puts("the state cannot be read");
        else if (options_parse((int)n, arguments, &config, &reason) != OPTIONS_RUN ||
                 upgrade_accept(&config, state, &reason) < 0)
                (void)puts(reason ? reason : "out of memory");
        else
                accepted = true;
        (void)fflush(stdout);
        _exit(accepted ? EXIT_SUCCESS : EXIT_FAILURE);
}

int
main(int argc, char **argv)
{
        CLEANUP(config_deinit) Config config;
        CLEANUP_FREE char *reason = NULL;
        const Verb *verb = argc > 1 ? verbs_find(argv[1]) : NULL;
        json_t *state;
        int r;

        config_init(&config);
        if (fd_open_standard() < 0)
                return EXIT_FAILURE;
        log_init();
        if (argc == 2 && strcmp(argv[1], UPGRADE_ACCEPT_OPTION) == 0)
                accept_state();
        if (verb)
                return verb->run(argc - 1, argv + 1);
        state = upgrade_take_state();
        r = state ? persist_load_inherited(&config, state)
                  : inherited_take(&config.inherited, &reason);
        switch (r < 0 ? OPTIONS_WRONG : options_parse(argc, argv, &config, &reason)) {
        case OPTIONS_HELP:
                help_print(stdout);
                return EXIT_SUCCESS;
        case OPTIONS_VERSION:
                (void)puts(PACKAGE_STRING);
                return EXIT_SUCCESS;
        case OPTIONS_RUN:
                return run(&config, state, argc, argv);
        case OPTIONS_WRONG:
                break;
        }
        log_error("%s", reason ? reason : "out of memory");
        upward_tell_failure(reason ? reason : "out of memory");
        return r >= 0 ? EXIT_USAGE : r == -EISCONN ? EXIT_CONNECTION : EXIT_FAILURE;
}
