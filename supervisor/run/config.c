/* SPDX-License-Identifier: MIT */
/* config.c - everything a user can ask of one `sup`: the defaults, and the end. */
#include "run/config.h"

#include <signal.h>
#include <stdlib.h>

#include "base/parse.h"

/* The configuration of somebody who gave no options. */
void
config_init(Config *c)
{
        *c = (Config){
                .n_workers = 1,
                .restart = {.backoff_max_usec = 30 * USEC_PER_SEC},
                .drain_timeout_usec = 60 * USEC_PER_SEC,
                .drain_idle_usec = 5 * USEC_PER_SEC,
                .max_surge = 1,
                .max_old = 2,
                .stop_signal = SIGTERM,
                .stop_timeout_usec = 30 * USEC_PER_SEC,
                .log_level = LOG_INFO,
        };
}

/* Free what it holds. */
void
config_deinit(Config *c)
{
        for (size_t i = 0; i < c->n_listen; i++)
                listen_spec_deinit(&c->listen[i]);
        free(c->listen);
        for (size_t i = 0; i < c->n_as; i++)
                listen_as_deinit(&c->as[i]);
        free(c->as);
        inherited_deinit(&c->inherited);
        free(c->stdin_name);
        free(c->name);
        free(c->control);
        free(c->pid_file);
        free(c->chdir);
        free(c->user);
        free(c->group);
        strv_deinit(&c->environment);
        strv_deinit(&c->words);
        free(c->limits);
        *c = (Config){0};
}
