/* SPDX-License-Identifier: MIT */
/* linux_ifaddr.c - whether an IPv6 address is one of this machine, and can be used yet. */
#include "unit.h"

#include <arpa/inet.h>

#include "linux/ifaddr.h"

#define LOOPBACK "00000000000000000000000000000001 01 80 10 80       lo\n"
#define EXAMPLE "20010db8000000000000000000000001 02 40 00 "

static IfaddrState
state_in(const char *text)
{
        struct in6_addr address;

        assert_int_equal(inet_pton(AF_INET6, "2001:db8::1", &address), 1);
        return ifaddr_parse_state(text, &address);
}

static void
an_address_is_ready_unless_its_flags_say_otherwise(void **state)
{
        (void)state;
        assert_int_equal(state_in(LOOPBACK EXAMPLE "80 eth0\n"), IFADDR_READY);
        assert_int_equal(state_in(EXAMPLE "80 eth0\n" LOOPBACK), IFADDR_READY);
        assert_int_equal(state_in(LOOPBACK EXAMPLE "c0 eth0\n"), IFADDR_TENTATIVE);
        assert_int_equal(state_in(LOOPBACK EXAMPLE "c8 eth0\n"), IFADDR_DUPLICATE);
        assert_int_equal(state_in(LOOPBACK EXAMPLE "44 eth0\n"), IFADDR_READY); /* optimistic */
}

static void
what_no_interface_has_is_none(void **state)
{
        (void)state;
        assert_int_equal(state_in(""), IFADDR_NONE);
        assert_int_equal(state_in(LOOPBACK), IFADDR_NONE);
        assert_int_equal(state_in("20010db800000000000000000000000 02 40 00 80 eth0\n"),
                         IFADDR_NONE);
        assert_int_equal(state_in("20010db8000000000000000000000001"), IFADDR_NONE);
        assert_int_equal(state_in("x" EXAMPLE "80 eth0\n"), IFADDR_NONE);
}

static void
the_loopback_address_is_ready_in_a_network_of_ones_own(void **state)
{
        struct in6_addr address = IN6ADDR_LOOPBACK_INIT;

        (void)state;
        assert_int_equal(ifaddr_state(&address), IFADDR_READY);
        assert_int_equal(inet_pton(AF_INET6, "2001:db8::1", &address), 1);
        assert_int_equal(ifaddr_state(&address), IFADDR_NONE);
}

int
main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(an_address_is_ready_unless_its_flags_say_otherwise),
                cmocka_unit_test(what_no_interface_has_is_none),
                cmocka_unit_test(the_loopback_address_is_ready_in_a_network_of_ones_own),
        };

        unit_own_network();
        return unit_run(tests);
}
