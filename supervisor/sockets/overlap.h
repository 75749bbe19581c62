/* SPDX-License-Identifier: MIT */
/* overlap.h - whether a bound socket may stand in the way of an address. */
#ifndef SUP_SOCKETS_OVERLAP_H
#define SUP_SOCKETS_OVERLAP_H

#include "linux/sockdiag.h"
#include "sockets/address.h"

bool overlap_is_in_the_way(const Address *asked, unsigned device, const SockdiagSocket *s);
bool overlap_is_any(const SockdiagSocket *s);
bool overlap_takes_both(const SockdiagSocket *s);

#endif
