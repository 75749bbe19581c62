/* SPDX-License-Identifier: MIT */
/* first_bind.h - before a server binds what nobody holds for it. */
#ifndef SUP_SOCKETS_FIRST_BIND_H
#define SUP_SOCKETS_FIRST_BIND_H

#include "sockets/capture.h"
#include "sockets/trap.h"

void first_bind_prepare(Capture *c, const Trap *trap, const HeldKey *key);

#endif
