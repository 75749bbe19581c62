/* SPDX-License-Identifier: MIT */
/* requests.h - what is asked for on the control socket, and the answers. */
#ifndef SUP_RUN_REQUESTS_H
#define SUP_RUN_REQUESTS_H

#include "run/state.h"

void requests_open(Supervisor *s);
int requests_open_named(Supervisor *s, char **ret_why);
int requests_adopt(Supervisor *s, int consume_fd, const char *path);
void requests_close(Supervisor *s);
void requests_refuse(Reload *reload, const char *sentence);
void requests_reloaded(Supervisor *s, const Generation *retired);
void requests_leave(Generation *g);
void requests_progress(Supervisor *s);

#endif
