/* SPDX-License-Identifier: MIT */
/* listener.h - opens what --listen names, and takes over what a service manager opened. */
#ifndef SUP_SOCKETS_LISTENER_H
#define SUP_SOCKETS_LISTENER_H

#include "sockets/held.h"
#include "sockets/inherited.h"
#include "sockets/listen_spec.h"

int listener_open(const ListenSpec *spec, const Inherited *inherited, HeldTable *table,
                  int fd_floor, char **ret_why);
int listener_take_over(const Inherited *inherited, HeldTable *table, int fd_floor, char **ret_why);

#endif
