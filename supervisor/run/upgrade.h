/* SPDX-License-Identifier: MIT */
/* upgrade.h - `sup` re-executes itself: the same process, workers and sockets, a new program. */
#ifndef SUP_RUN_UPGRADE_H
#define SUP_RUN_UPGRADE_H

#include "run/state.h"

void upgrade_request(Supervisor *s, ControlRequest *request);
void upgrade_tidy(Supervisor *s);

#endif
