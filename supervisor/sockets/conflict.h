/* SPDX-License-Identifier: MIT */
/* conflict.h - why an address cannot be bound, for the log: one sentence. */
#ifndef SUP_SOCKETS_CONFLICT_H
#define SUP_SOCKETS_CONFLICT_H

#include "sockets/address.h"
#include "sockets/probe.h"

char *conflict_explain(const Address *address, const ProbeSocket *asker, int error);
char *conflict_find(const Address *address, const ProbeSocket *asker);

#endif
