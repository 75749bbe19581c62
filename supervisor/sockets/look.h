/* SPDX-License-Identifier: MIT */
/* look.h - gathers what can be known about an address that somebody wants to bind. */
#ifndef SUP_SOCKETS_LOOK_H
#define SUP_SOCKETS_LOOK_H

#include "sockets/facts.h"

/* Whether the kernel's tables may be walked by two threads at a time. */
typedef enum LookMode {
        LOOK_ALONE, /* for the supervisor, which is one thread */
        LOOK_WITH_THREAD,
} LookMode;

int look_at(const Address *address, const ProbeSocket *asker, LookMode mode, Facts *ret);
int look_for_listeners(Facts *f);
int look_at_unix(Facts *f);

#endif
