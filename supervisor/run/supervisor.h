/* SPDX-License-Identifier: MIT */
/* supervisor.h - one running `sup`. */
#ifndef SUP_RUN_SUPERVISOR_H
#define SUP_RUN_SUPERVISOR_H

#include "run/config.h"

int supervisor_run(const Config *config, int argc, char **argv);

#endif
