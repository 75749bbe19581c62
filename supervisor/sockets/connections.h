/* SPDX-License-Identifier: MIT */
/* connections.h - the connections that processes have open on held sockets. */
#ifndef SUP_SOCKETS_CONNECTIONS_H
#define SUP_SOCKETS_CONNECTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "linux/proc.h"
#include "sockets/held.h"

/* Inodes, sorted; each of a connection. */
typedef struct ConnectionSet {
        ino_t *inodes;
        size_t n;
        size_t n_idle; /* so many of them have been idle for longer than was asked for */
} ConnectionSet;

int connections_read(const PidSet *pids, const HeldTable *held, unsigned generation,
                     uint64_t idle_usec, ConnectionSet *ret);
bool connections_are_coming(const HeldTable *held, unsigned generation, uint64_t age_usec);
int connections_add(ConnectionSet *set, const ConnectionSet *more);
size_t connections_gone(const ConnectionSet *before, const ConnectionSet *now);
void connections_deinit(ConnectionSet *set);
void connections_deinit_p(ConnectionSet *set);

#endif
