/* SPDX-License-Identifier: MIT */
/* listen_as.h - what a server asks for when it is to get a certain listener: as= and --as. */
#ifndef SUP_SOCKETS_LISTEN_AS_H
#define SUP_SOCKETS_LISTEN_AS_H

#include <stdbool.h>

#include "sockets/address.h"

#define LISTEN_ADDRESSES_MAX 4 /* of one host name */

typedef struct ListenAs {
        char *name; /* of the listener, with --as; else NULL */
        Address addresses[LISTEN_ADDRESSES_MAX];
        unsigned n_addresses;
        bool any_address; /* a bare port */
} ListenAs;

int listen_as_parse(ListenAs *as, const char *text, char **ret_why);
int listen_as_init(ListenAs *as, const char *text, char **ret_why);
void listen_as_deinit(ListenAs *as);

#endif
