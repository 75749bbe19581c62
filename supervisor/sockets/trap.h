/* SPDX-License-Identifier: MIT */
/* trap.h - one trapped call: what it asks for, and giving its caller another socket. */
#ifndef SUP_SOCKETS_TRAP_H
#define SUP_SOCKETS_TRAP_H

#include <stddef.h>
#include <stdint.h>

#include "linux/notify.h"
#include "sockets/held.h"

#define TRAP_COPIES_MAX 16

typedef struct Trap {
        int listener_fd;
        uint64_t owner; /* the incarnation of the worker that it comes from */
        NotifyCall call;
        int fd;                      /* a duplicate of the caller's socket, or -1 */
        int copies[TRAP_COPIES_MAX]; /* what else the caller has it under (sockets/copies.c) */
        size_t n_copies;
} Trap;

int trap_read_path(const Trap *trap, char *ret_path, size_t size);
int trap_read_new_path(const Trap *trap, char *ret_path, size_t size);
bool trap_may_remove_directory(const Trap *trap, const char *path);
int trap_read_bind(const Trap *trap, HeldKey *ret);
int trap_replace_socket(const Trap *trap, Held *h, const Address *asked);

#endif
