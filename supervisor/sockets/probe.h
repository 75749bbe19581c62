/* SPDX-License-Identifier: MIT */
/* probe.h - asks the kernel itself whether an address can be bound, with a socket to throw away. */
#ifndef SUP_SOCKETS_PROBE_H
#define SUP_SOCKETS_PROBE_H

#include <net/if.h>
#include <stdbool.h>
#include <sys/types.h>

#include "sockets/address.h"

/* How a socket would be made that is to be bound somewhere. */
typedef struct ProbeSocket {
        bool reuseaddr;
        bool reuseport;
        bool freebind;
        char device[IFNAMSIZ];
        uid_t uid; /* whose it would be */
} ProbeSocket;

int probe_bind(const Address *address, const ProbeSocket *kind);
int probe_connect(const Address *address);

#endif
