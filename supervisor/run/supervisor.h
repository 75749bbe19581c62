/* SPDX-License-Identifier: MIT */
/* supervisor.h - one running `sup`. */
#ifndef SUP_RUN_SUPERVISOR_H
#define SUP_RUN_SUPERVISOR_H

#include <jansson.h>

#include "run/config.h"

int supervisor_run(const Config *config, json_t *consume_state, int argc, char **argv);

#endif
