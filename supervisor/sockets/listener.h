/* SPDX-License-Identifier: MIT */
/* listener.h - opens what --listen names. */
#ifndef SUP_SOCKETS_LISTENER_H
#define SUP_SOCKETS_LISTENER_H

#include "sockets/held.h"
#include "sockets/listen_spec.h"

int listener_open(const ListenSpec *spec, HeldTable *table, int fd_floor, char **ret_why);

#endif
