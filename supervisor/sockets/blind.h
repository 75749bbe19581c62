/* SPDX-License-Identifier: MIT */
/* blind.h - trapped calls where the caller's socket may not be duplicated. */
#ifndef SUP_SOCKETS_BLIND_H
#define SUP_SOCKETS_BLIND_H

#include "sockets/trap.h"

int blind_handle(Trap *trap, const HeldTable *table, unsigned generation, Held **ret_held);

#endif
