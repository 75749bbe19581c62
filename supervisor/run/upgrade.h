/* SPDX-License-Identifier: MIT */
/* upgrade.h - `sup` re-executes itself: the same process, workers and sockets, a new program. */
#ifndef SUP_RUN_UPGRADE_H
#define SUP_RUN_UPGRADE_H

#include <jansson.h>

#include "run/state.h"

#define UPGRADE_ACCEPT_OPTION "--accept-state" /* how the old program asks the new one */

/* before: the old program */
void upgrade_request(Supervisor *s, ControlRequest *request);
void upgrade_tidy(Supervisor *s);
bool upgrade_check_ended(Supervisor *s, pid_t pid, int code, int status);
void upgrade_deinit(Supervisor *s);

/* after: the new one */
json_t *upgrade_read_state(void);
json_t *upgrade_take_state(void);
int upgrade_accept(const Config *config, const json_t *state, char **ret_why);
int upgrade_resume(Supervisor *s, const json_t *state);

#endif
