/* SPDX-License-Identifier: MIT */
/* addresses.h - addresses for the unit tests, short to write. */
#ifndef SUP_TESTS_UNIT_ADDRESSES_H
#define SUP_TESTS_UNIT_ADDRESSES_H

#include <arpa/inet.h>
#include <linux/vm_sockets.h>
#include <sys/un.h>

#include "sockets/address.h"
#include "unit.h"

static inline Address
ipv4(const char *host, uint16_t port)
{
        Address a = {.in = {.sin_family = AF_INET}, .length = sizeof(a.in), .type = SOCK_STREAM};

        assert_int_equal(inet_pton(AF_INET, host, &a.in.sin_addr), 1);
        address_set_port(&a, port);
        return a;
}

static inline Address
ipv6(const char *host, uint16_t port)
{
        Address a = {
                .in6 = {.sin6_family = AF_INET6}, .length = sizeof(a.in6), .type = SOCK_STREAM};

        assert_int_equal(inet_pton(AF_INET6, host, &a.in6.sin6_addr), 1);
        address_set_port(&a, port);
        return a;
}

/* A unix name of n bytes, an abstract one if the first is NUL. */
static inline Address
unix_name(const char *name, size_t n)
{
        Address a = {.un = {.sun_family = AF_UNIX}, .type = SOCK_STREAM};

        memcpy(a.un.sun_path, name, n);
        a.length = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + n);
        return a;
}

static inline Address
vsock(unsigned cid, unsigned port)
{
        const struct sockaddr_vm vm = {.svm_family = AF_VSOCK, .svm_cid = cid, .svm_port = port};
        Address a = {.length = sizeof(vm), .type = SOCK_STREAM};

        memcpy(&a.storage, &vm, sizeof(vm));
        return a;
}

static inline Address
typed(Address a, int type)
{
        a.type = type;
        return a;
}

static inline Address
v6only(Address a)
{
        a.v6only = true;
        return a;
}

static inline void
expect_format(Address a, const char *plain, const char *protocol)
{
        char text[ADDRESS_TEXT_MAX];
        char expected[ADDRESS_TEXT_MAX];

        assert_string_equal(address_format_plain(&a, text, sizeof(text)), plain);
        (void)snprintf(expected, sizeof(expected), "%s (%s)", plain, protocol);
        assert_string_equal(address_format(&a, text, sizeof(text)), expected);
}

#endif
