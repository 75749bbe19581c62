/* SPDX-License-Identifier: MIT */
/* netlink_unix.c - replies about unix sockets. */
#include "fuzz.h"

#include "linux/sockdiag.h"

static void
on_socket(const SockdiagUnix *u, void *userdata)
{
        fuzz_must(u->n_name <= sizeof(u->name));
        *(size_t *)userdata += u->n_name;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        void *replies = fuzz_copy(data, size, false);
        size_t n_names = 0;

        (void)sockdiag_parse_unix(replies, size, on_socket, &n_names);
        fuzz_must(n_names <= size);
        free(replies);
        return 0;
}
