/* SPDX-License-Identifier: MIT */
/* status.h - what there is to tell about a running instance, as JSON. */
#ifndef SUP_RUN_STATUS_H
#define SUP_RUN_STATUS_H

#include <jansson.h>

#include "run/state.h"

json_t *status_whole(const Supervisor *s);
json_t *status_reload(const Supervisor *s);
bool status_is_serving(const Supervisor *s);

#endif
