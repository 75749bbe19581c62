/* SPDX-License-Identifier: MIT */
/* conflict.h - why an address cannot be bound. */
#ifndef SUP_SOCKETS_CONFLICT_H
#define SUP_SOCKETS_CONFLICT_H

#include "sockets/address.h"

char *conflict_find_listener(const Address *address);
char *conflict_explain(const Address *address, int error);

#endif
