/* SPDX-License-Identifier: MIT */
/* inherited.h - the sockets that a service manager handed over (sd_listen_fds(3)). */
#ifndef SUP_SOCKETS_INHERITED_H
#define SUP_SOCKETS_INHERITED_H

#include <stdbool.h>
#include <stddef.h>

#include "sockets/address.h"

typedef struct InheritedSocket {
        int fd;     /* -1: claimed */
        int number; /* under which it came */
        char *name; /* FileDescriptorName= of systemd.socket(5) */
        Address address;
} InheritedSocket;

#define INHERITED_STORED_PREFIX "sup-" /* of the names of what `sup` had stored */

/* What the `sup` before had stored with the service manager: no socket, or not one of its own. */
typedef struct InheritedStored {
        int fd; /* -1: taken */
        char *name;
} InheritedStored;

typedef struct Inherited {
        InheritedSocket *items;
        size_t n_items;
        InheritedStored *stored;
        size_t n_stored;
} Inherited;

int inherited_take(Inherited *ret, char **ret_why);
int inherited_add_claimed(Inherited *in, const char *name);
bool inherited_has_name(const Inherited *in, const char *name);
InheritedSocket *inherited_find_number(const Inherited *in, int number);
InheritedSocket *inherited_find_address(const Inherited *in, const Address *address,
                                        const char *device);
void inherited_deinit(Inherited *in);

#endif
