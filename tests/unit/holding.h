/* SPDX-License-Identifier: MIT */
/* holding.h - held sockets for the unit tests: as --listen would make them, and real ones. */
#ifndef SUP_TESTS_UNIT_HOLDING_H
#define SUP_TESTS_UNIT_HOLDING_H

#include <fcntl.h>
#include <sys/un.h>

#include "base/fd.h"
#include "sockets/held.h"
#include "sockets/listen_spec.h"
#include "unit.h"

static inline void
holding_deinit_spec(ListenSpec *spec)
{
        listen_spec_deinit(spec);
}

/* The caller frees it. */
static inline ListenSpec
holding_spec(const char *text)
{
        CLEANUP_FREE char *reason = NULL;
        ListenSpec spec;

        unit_expect(listen_spec_init(&spec, text, &reason) == 0, "%s: %s\n", text, reason);
        return spec;
}

/* The place that --listen TEXT names, in some network namespace. */
static inline HeldKey
holding_key(const char *text)
{
        CLEANUP(holding_deinit_spec) ListenSpec spec = holding_spec(text);
        HeldKey key = {.address = spec.addresses[0], .netns = 1};

        memcpy(key.device, spec.device, sizeof(key.device));
        return key;
}

/* Hold this socket, which has to be possible. The caller frees it. */
static inline Held *
holding_new(int consume_fd)
{
        Held *h = NULL;
        Address a;
        HeldKey key;

        assert_int_equal(address_from_socket(consume_fd, &a), 0);
        assert_int_equal(held_key_init(&key, consume_fd, &a), 0);
        assert_int_equal(held_new(&h, consume_fd, HELD_NAMED, &key, "web"), 0);
        return h;
}

/* A unix socket of this type in the abstract name space, listening if it can. */
static inline int
holding_unix_socket(int type)
{
        const struct sockaddr_un un = {.sun_family = AF_UNIX, .sun_path = "\0unit held"};
        int fd = unit_socket(AF_UNIX, type);

        assert_int_equal(bind(fd, (const struct sockaddr *)&un, sizeof(un)), 0);
        if (type != SOCK_DGRAM)
                assert_int_equal(listen(fd, SOMAXCONN), 0);
        return fd;
}

#endif
