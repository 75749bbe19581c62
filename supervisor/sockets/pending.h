/* SPDX-License-Identifier: MIT */
/* pending.h - sockets that workers bound by themselves and may listen on next. */
#ifndef SUP_SOCKETS_PENDING_H
#define SUP_SOCKETS_PENDING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sockets/held.h"

#define PENDING_MAX_EACH 64 /* of one worker; programs that bind ports for outgoing connections */

typedef struct PendingSocket {
        uint64_t owner;
        pid_t pid; /* of the process that bound it, not always the one that listens */
        dev_t dev;
        ino_t ino;
        HeldKey key;
        bool is_nameless; /* another worker has removed the path, and is expected to bind it */
} PendingSocket;

typedef struct Pending {
        PendingSocket *items;
        size_t n_items;
} Pending;

int pending_add(Pending *p, uint64_t owner, pid_t pid, int fd, const HeldKey *key);
PendingSocket *pending_find_socket(const Pending *p, int fd);
bool pending_take(Pending *p, int fd, PendingSocket *ret);
const PendingSocket *pending_find_last(const Pending *p, uint64_t owner);
const PendingSocket *pending_next_own(const Pending *p, uint64_t owner, const HeldKey *key,
                                      const PendingSocket *before);
bool pending_has_other(const Pending *p, uint64_t owner, pid_t pid, const HeldKey *key);
void pending_forget(Pending *p, uint64_t owner);
void pending_deinit(Pending *p);

#endif
