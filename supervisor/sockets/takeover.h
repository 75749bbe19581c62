/* SPDX-License-Identifier: MIT */
/* takeover.h - takes over the sockets that another process listens on. */
#ifndef SUP_SOCKETS_TAKEOVER_H
#define SUP_SOCKETS_TAKEOVER_H

#include "sockets/held.h"
#include "sockets/inherited.h"
#include "sockets/listen_spec.h"

/* Where they go, and what is not to be taken. */
typedef struct Takeover {
        HeldTable *table;
        const Inherited *inherited; /* the service manager has those */
        const ListenSpec *listen;   /* a datagram socket is taken only if it is asked for here */
        size_t n_listen;
        int fd_floor;
        size_t n_taken;
        size_t n_there; /* that were in the table already */
} Takeover;

int takeover_process(Takeover *t, pid_t pid);

#endif
