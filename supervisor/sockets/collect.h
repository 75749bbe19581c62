/* SPDX-License-Identifier: MIT */
/* collect.h - the sockets that overlap with an address, from the kernel's tables. */
#ifndef SUP_SOCKETS_COLLECT_H
#define SUP_SOCKETS_COLLECT_H

#include "sockets/facts.h"

int collect_sockets(Facts *f, uint32_t states);
int collect_others(Facts *f, bool with_thread);

#endif
