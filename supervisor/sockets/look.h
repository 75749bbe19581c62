/* SPDX-License-Identifier: MIT */
/* look.h - gathers what can be known about an address that somebody wants to bind. */
#ifndef SUP_SOCKETS_LOOK_H
#define SUP_SOCKETS_LOOK_H

#include "sockets/facts.h"

int look_at(const Address *address, const ProbeSocket *asker, Facts *ret);
int look_for_listeners(Facts *f);
int look_at_unix(Facts *f);

#endif
