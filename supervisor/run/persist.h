/* SPDX-License-Identifier: MIT */
/* persist.h - all that a running `sup` knows, as JSON, and back. */
#ifndef SUP_RUN_PERSIST_H
#define SUP_RUN_PERSIST_H

#include <jansson.h>

#include "run/state.h"

#define PERSIST_FORMAT 1 /* grows when an older `sup` could not read it, or would misread it */

json_t *persist_save(const Supervisor *s);
int persist_load(Supervisor *s, const json_t *state, char **ret_why);
json_t *persist_save_held(const Held *h);
int persist_load_held(Held **ret, const json_t *object);
json_t *persist_save_sockets(const Supervisor *s);
json_t *persist_save_inherited(const Config *config);
int persist_load_inherited(Config *config, const json_t *state);
int persist_load_sockets(Supervisor *s, const json_t *object);

#endif
