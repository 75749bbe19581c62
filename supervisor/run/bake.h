/* SPDX-License-Identifier: MIT */
/* bake.h - the time in which a new generation has to prove itself. */
#ifndef SUP_RUN_BAKE_H
#define SUP_RUN_BAKE_H

#include "run/state.h"

bool bake_is_wanted(const Reload *reload);
void bake_begin(Supervisor *s);
void bake_steer(Supervisor *s);
void bake_stop(Supervisor *s);
void bake_check_ended(Supervisor *s, int code, int status);

#endif
