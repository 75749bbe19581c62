/* SPDX-License-Identifier: MIT */
/* sockets_listen_as.c - what a server asks for when it is to get a certain listener: --as. */
#include "unit.h"

#include <errno.h>

#include "sockets/listen_as.h"

static void
expect_as(const char *text, const char *name, const char *address, bool any)
{
        CLEANUP(listen_as_deinit) ListenAs as;
        CLEANUP_FREE char *reason = NULL;
        char seen[ADDRESS_TEXT_MAX];

        unit_expect(listen_as_init(&as, text, &reason) == 0, "%s: %s\n", text, reason);
        assert_string_equal(as.name, name);
        assert_int_equal(as.n_addresses, 1);
        assert_int_equal(as.any_address, any);
        assert_string_equal(address_format_plain(&as.addresses[0], seen, sizeof(seen)), address);
}

static void
refuse(const char *text, const char *sentence)
{
        CLEANUP(listen_as_deinit) ListenAs as;
        CLEANUP_FREE char *reason = NULL;
        int r = listen_as_init(&as, text, &reason);

        unit_expect(r == -EINVAL && reason && strcmp(reason, sentence) == 0,
                    "%s gives %d: %s\ninstead of: %s\n", text, r, reason ? reason : "(nothing)",
                    sentence);
}

static void
it_is_the_name_of_a_listener_and_an_address_in_any_form(void **state)
{
        (void)state;
        expect_as("web=8080", "web", "[::]:8080", true);
        expect_as("web=127.0.0.1:8080", "web", "127.0.0.1:8080", false);
        expect_as("web=[::1]:8080", "web", "[::1]:8080", false);
        expect_as("my web=/run/a=b", "my web", "/run/a=b", false);
        expect_as("web=@x", "web", "@x", false);
        expect_as("dns=udp:53", "dns", "[::]:53", true);
}

static void
a_host_name_is_all_its_addresses(void **state)
{
        CLEANUP(listen_as_deinit) ListenAs as;
        CLEANUP_FREE char *reason = NULL;

        (void)state;
        assert_int_equal(listen_as_init(&as, "web=localhost:8080", &reason), 0);
        assert_in_range(as.n_addresses, 1, LISTEN_ADDRESSES_MAX);
        assert_false(as.any_address);
}

static void
what_is_wrong_is_told(void **state)
{
        static const char form[] = "it would be NAME=ADDRESS: the name of a listener, and what the "
                                   "server binds";

        (void)state;
        refuse("8080", form);
        refuse("=8080", form);
        refuse("", form);
        refuse("web=fd:3", "as=fd:3 is not an address that a server can bind");
        refuse("web=70000", "port 70000 is too large; a port is at most 65535");
        refuse("web=", "'' is not an address; it would be PORT, HOST:PORT, [IPv6]:PORT, /PATH or "
                       "@NAME");
}

int
main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(it_is_the_name_of_a_listener_and_an_address_in_any_form),
                cmocka_unit_test(a_host_name_is_all_its_addresses),
                cmocka_unit_test(what_is_wrong_is_told),
        };

        return unit_run(tests);
}
