/* SPDX-License-Identifier: MIT */
/* copies.h - whether a caller's socket can be replaced in all that have it. */
#ifndef SUP_SOCKETS_COPIES_H
#define SUP_SOCKETS_COPIES_H

#include <stdbool.h>

#include "sockets/capture.h"
#include "sockets/trap.h"

typedef enum Copies {
        COPIES_REPLACEABLE,
        COPIES_IN_EPOLL,
        COPIES_TOO_MANY,
        COPIES_ELSEWHERE, /* another process has one */
} Copies;

Copies copies_find(Trap *trap);
bool copies_can_be_replaced(const Capture *c, Trap *trap, Held *h);

#endif
