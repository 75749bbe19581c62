/* SPDX-License-Identifier: MIT */
/* listen_as.c - what a server asks for when it is to get a certain listener: as= and --as. */
#include "sockets/listen_as.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/why.h"
#include "sockets/listen_spec.h"

/*
 * Parse PORT, HOST:PORT, /PATH or @NAME. Sets the addresses, and not the name.
 * Returns 0, or -EINVAL or -ENOMEM with a sentence.
 */
int
listen_as_parse(ListenAs *as, const char *text, char **ret_why)
{
        CLEANUP_FREE char *copy = strdup(text);
        ListenSpec spec = {.inherited_fd = -1};
        int r;

        if (!copy)
                return -ENOMEM;
        r = listen_spec_parse_address(&spec, copy, ret_why);
        if (r < 0)
                return r;
        if (spec.n_addresses == 0)
                return why(ret_why, -EINVAL, "as=%s is not an address that a server can bind",
                           text);
        memcpy(as->addresses, spec.addresses, sizeof(as->addresses));
        as->n_addresses = spec.n_addresses;
        as->any_address = spec.any_address;
        return 0;
}

/*
 * Parse one --as NAME=ADDRESS. as must be deinitialised, also on failure.
 * Returns 0, or -EINVAL or -ENOMEM with a sentence.
 */
int
listen_as_init(ListenAs *as, const char *text, char **ret_why)
{
        const char *equals = strchr(text, '=');

        *as = (ListenAs){0};
        if (!equals || equals == text)
                return why(ret_why, -EINVAL,
                           "it would be NAME=ADDRESS: the name of a listener, "
                           "and what the server binds");
        as->name = strndup(text, (size_t)(equals - text));
        return as->name ? listen_as_parse(as, equals + 1, ret_why) : -ENOMEM;
}

/* Free what it holds. */
void
listen_as_deinit(ListenAs *as)
{
        free(as->name);
        *as = (ListenAs){0};
}
