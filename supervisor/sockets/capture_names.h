/* SPDX-License-Identifier: MIT */
/* capture_names.h - capture: the names of unix sockets, and what servers do with them. */
#ifndef SUP_SOCKETS_CAPTURE_NAMES_H
#define SUP_SOCKETS_CAPTURE_NAMES_H

#include "sockets/capture.h"

Held *capture_names_find(const Capture *c, const Trap *trap, const HeldKey *key);
int capture_names_prepare(Capture *c, const Trap *trap, Held *h, const HeldKey *key);
void capture_names_make_way(Capture *c, const Trap *trap, const HeldKey *key);
int capture_names_handle(const Capture *c, const Trap *trap);

#endif
