/* SPDX-License-Identifier: MIT */
/* sockets_held_match.c - which held socket a bind() gets. */
#include "holding.h"
#include "unit.h"

static void
expect_match(HeldOrigin origin, const char *mine, const char *asked, HeldMatch expected)
{
        CLEANUP(holding_deinit_spec) ListenSpec spec = holding_spec(mine);
        const HeldKey key = holding_key(asked);
        const Held h = {.fd = -1,
                        .origin = origin,
                        .key = holding_key(mine),
                        .as = spec.as.addresses,
                        .n_as = spec.as.n_addresses,
                        .as_any_address = spec.as.any_address};
        HeldMatch match = held_match(&h, &key);

        unit_expect(match == expected, "%s for %s is match %d instead of %d\n", mine, asked, match,
                    expected);
}

static void
the_same_address_is_an_exact_match(void **state)
{
        static const char *const texts[] = {
                "127.0.0.1:80", "80", "[::]:80,v6only", "[::1]:80", "udp:53",
                "/run/x",       "@x", "seqpacket:@x",   "dgram:/x", "vsock:3:80"};

        (void)state;
        for (size_t i = 0; i < ELEMENTSOF(texts); i++) {
                expect_match(HELD_NAMED, texts[i], texts[i], HELD_MATCH_EXACT);
                expect_match(HELD_CAPTURED, texts[i], texts[i], HELD_MATCH_EXACT);
        }
}

static void
a_captured_socket_matches_nothing_but_its_own_address(void **state)
{
        (void)state;
        expect_match(HELD_CAPTURED, "80", "127.0.0.1:80", HELD_MATCH_NONE);
        expect_match(HELD_CAPTURED, "127.0.0.1:80", "80", HELD_MATCH_NONE);
        expect_match(HELD_CAPTURED, "127.0.0.1:80", "127.0.0.1:81", HELD_MATCH_NONE);
        expect_match(HELD_CAPTURED, "80", "80,v6only", HELD_MATCH_NONE);
        expect_match(HELD_CAPTURED, "0.0.0.0:80", "80", HELD_MATCH_NONE);
        expect_match(HELD_CAPTURED, "udp:80", "80", HELD_MATCH_NONE);
        expect_match(HELD_CAPTURED, "/run/x", "/run/y", HELD_MATCH_NONE);
        expect_match(HELD_CAPTURED, "/run/x", "seqpacket:/run/x", HELD_MATCH_NONE);
}

static void
a_server_that_binds_all_addresses_gets_the_named_one_on_its_port(void **state)
{
        (void)state;
        expect_match(HELD_NAMED, "127.0.0.1:80", "0.0.0.0:80", HELD_MATCH_WILDCARD);
        expect_match(HELD_NAMED, "[::1]:80", "80", HELD_MATCH_WILDCARD);
        expect_match(HELD_NAMED, "80", "80,v6only", HELD_MATCH_WILDCARD);
        expect_match(HELD_NAMED, "udp:127.0.0.1:53", "udp:0.0.0.0:53", HELD_MATCH_WILDCARD);
        expect_match(HELD_NAMED, "127.0.0.1:80", "0.0.0.0:81", HELD_MATCH_NONE);
        expect_match(HELD_NAMED, "127.0.0.1:80", "udp:80", HELD_MATCH_NONE);
}

static void
a_server_that_binds_one_address_gets_the_named_wildcard_that_covers_it(void **state)
{
        (void)state;
        expect_match(HELD_NAMED, "0.0.0.0:80", "127.0.0.1:80", HELD_MATCH_COVERED);
        expect_match(HELD_NAMED, "80", "[::1]:80", HELD_MATCH_COVERED);
        expect_match(HELD_NAMED, "80,v6only", "[::1]:80", HELD_MATCH_COVERED);
        expect_match(HELD_NAMED, "80,v6only", "127.0.0.1:80", HELD_MATCH_NONE);
        expect_match(HELD_NAMED, "0.0.0.0:80", "[::1]:80", HELD_MATCH_NONE);
        expect_match(HELD_NAMED, "0.0.0.0:80", "127.0.0.1:81", HELD_MATCH_NONE);
        expect_match(HELD_NAMED, "0.0.0.0:80", "udp:127.0.0.1:80", HELD_MATCH_NONE);
}

static void
a_listener_of_one_family_is_not_for_the_wildcard_of_the_other_one_alone(void **state)
{
        (void)state;
        expect_match(HELD_NAMED, "0.0.0.0:80", "80,v6only", HELD_MATCH_NONE);
        expect_match(HELD_NAMED, "127.0.0.1:80", "80,v6only", HELD_MATCH_NONE);
        expect_match(HELD_NAMED, "80,v6only", "0.0.0.0:80", HELD_MATCH_NONE);
        expect_match(HELD_NAMED, "0.0.0.0:80", "80", HELD_MATCH_WILDCARD_OTHER_FAMILY);
        expect_match(HELD_NAMED, "80", "0.0.0.0:80", HELD_MATCH_WILDCARD_OTHER_FAMILY);
}

static void
two_different_addresses_never_match(void **state)
{
        (void)state;
        expect_match(HELD_NAMED, "127.0.0.1:80", "127.0.0.2:80", HELD_MATCH_NONE);
        expect_match(HELD_NAMED, "127.0.0.1:80", "[::1]:80", HELD_MATCH_NONE);
        expect_match(HELD_NAMED, "/run/x", "/run/y", HELD_MATCH_NONE);
        expect_match(HELD_NAMED, "/run/x", "@run/x", HELD_MATCH_NONE);
        expect_match(HELD_NAMED, "80", "/run/x", HELD_MATCH_NONE);
        expect_match(HELD_NAMED, "vsock:3:80", "80", HELD_MATCH_NONE);
        expect_match(HELD_NAMED, "vsock::80", "vsock:3:80", HELD_MATCH_NONE);
}

static void
as_is_what_the_server_asks_for(void **state)
{
        (void)state;
        expect_match(HELD_NAMED, "80,as=8080", "8080", HELD_MATCH_AS);
        expect_match(HELD_NAMED, "80,as=8080", "[::1]:8080", HELD_MATCH_AS);
        expect_match(HELD_NAMED, "0.0.0.0:80,as=8080", "0.0.0.0:8080", HELD_MATCH_AS);
        expect_match(HELD_NAMED, "0.0.0.0:80,as=127.0.0.1:8080", "127.0.0.1:8080", HELD_MATCH_AS);
        expect_match(HELD_NAMED, "80,as=127.0.0.1:8080", "0.0.0.0:8080", HELD_MATCH_NONE);
        expect_match(HELD_NAMED, "80,as=[::]:8080", "8080,v6only", HELD_MATCH_AS);
        expect_match(HELD_NAMED, "80,as=8080", "8081", HELD_MATCH_NONE);
        expect_match(HELD_NAMED, "80,as=8080", "udp:8080", HELD_MATCH_NONE);
        expect_match(HELD_NAMED, "80,as=8080", "/run/x", HELD_MATCH_NONE);
        expect_match(HELD_NAMED, "/run/y,as=/run/x", "/run/x", HELD_MATCH_AS);
        expect_match(HELD_NAMED, "udp:53,as=5353", "udp:[::1]:5353", HELD_MATCH_AS);
        expect_match(HELD_NAMED, "udp:53,as=5353", "5353", HELD_MATCH_NONE);
}

static void
a_listener_with_as_is_for_that_and_for_its_very_own_address_alone(void **state)
{
        (void)state;
        expect_match(HELD_NAMED, "127.0.0.1:80,as=8080", "127.0.0.1:80", HELD_MATCH_EXACT);
        expect_match(HELD_NAMED, "127.0.0.1:80,as=8080", "0.0.0.0:80", HELD_MATCH_NONE);
        expect_match(HELD_NAMED, "0.0.0.0:80,as=8080", "127.0.0.1:80", HELD_MATCH_NONE);
        expect_match(HELD_CAPTURED, "80,as=8080", "8080", HELD_MATCH_NONE);
}

static void
an_address_that_is_written_as_ipv6_is_the_ipv4_address_that_it_is(void **state)
{
        (void)state;
        expect_match(HELD_NAMED, "127.0.0.1:80", "[::ffff:127.0.0.1]:80", HELD_MATCH_EXACT);
        expect_match(HELD_NAMED, "0.0.0.0:80", "[::ffff:127.0.0.1]:80", HELD_MATCH_COVERED);
        expect_match(HELD_NAMED, "0.0.0.0:80", "[::ffff:0.0.0.0]:80", HELD_MATCH_EXACT);
        expect_match(HELD_CAPTURED, "127.0.0.1:80", "[::ffff:127.0.0.1]:80", HELD_MATCH_NONE);
}

static void
the_servers_own_family_is_the_better_match(void **state)
{
        (void)state;
        expect_match(HELD_NAMED, "[::1]:80", "0.0.0.0:80", HELD_MATCH_WILDCARD_OTHER_FAMILY);
        expect_match(HELD_NAMED, "127.0.0.1:80", "80", HELD_MATCH_WILDCARD_OTHER_FAMILY);
        expect_match(HELD_NAMED, "80", "0.0.0.0:80", HELD_MATCH_WILDCARD_OTHER_FAMILY);
        expect_match(HELD_NAMED, "80", "127.0.0.1:80", HELD_MATCH_COVERED_OTHER_FAMILY);
        expect_match(HELD_NAMED, "80,as=8080", "0.0.0.0:8080", HELD_MATCH_AS_OTHER_FAMILY);
        expect_match(HELD_NAMED, "/x,as=8080", "8080", HELD_MATCH_AS_OTHER_FAMILY);
}

static void
v6only_of_one_ipv6_address_makes_no_difference(void **state)
{
        (void)state;
        expect_match(HELD_CAPTURED, "[::1]:80,v6only", "[::1]:80", HELD_MATCH_EXACT);
        expect_match(HELD_CAPTURED, "[::1]:80", "[::1]:80,v6only", HELD_MATCH_EXACT);
}

static void
a_path_is_known_by_its_directory_however_it_is_spelt(void **state)
{
        HeldKey a = holding_key("/run/app/x");
        HeldKey b = holding_key("/run/../run/app/x");
        HeldKey c = holding_key("/run/app/y");

        (void)state;
        assert_false(held_key_equal(&a, &b)); /* the directory is not known */
        a.dir_ino = b.dir_ino = c.dir_ino = 7;
        assert_true(held_key_equal(&a, &b));
        assert_false(held_key_equal(&a, &c));
        b.dir_dev = 1;
        assert_false(held_key_equal(&a, &b));
        b.dir_dev = 0;
        b.address.type = SOCK_DGRAM;
        assert_false(held_key_equal(&a, &b));
}

static void
another_network_namespace_is_another_world(void **state)
{
        static const char *const asked[] = {"80", "127.0.0.1:80"};

        (void)state;
        for (size_t i = 0; i < ELEMENTSOF(asked); i++) {
                const Held h = {.fd = -1, .origin = HELD_NAMED, .key = holding_key("80")};
                HeldKey key = holding_key(asked[i]);

                assert_int_not_equal(held_match(&h, &key), HELD_MATCH_NONE);
                key.netns = 2;
                assert_int_equal(held_match(&h, &key), HELD_MATCH_NONE);
        }
}

static void
the_device_tells_captured_sockets_apart_a_named_one_is_handed_over_whatever_it_is(void **state)
{
        (void)state;
        expect_match(HELD_CAPTURED, "80,device=eth0", "80,device=eth0", HELD_MATCH_EXACT);
        expect_match(HELD_CAPTURED, "80,device=eth0", "80,device=eth1", HELD_MATCH_NONE);
        expect_match(HELD_CAPTURED, "80,device=eth0", "80", HELD_MATCH_NONE);
        expect_match(HELD_CAPTURED, "80", "80,device=eth0", HELD_MATCH_NONE);
        expect_match(HELD_NAMED, "80,device=eth0", "80", HELD_MATCH_EXACT);
}

static void
the_better_match_is_the_lower_one(void **state)
{
        static const HeldMatch matches[] = {HELD_MATCH_EXACT,
                                            HELD_MATCH_AS,
                                            HELD_MATCH_AS_OTHER_FAMILY,
                                            HELD_MATCH_WILDCARD,
                                            HELD_MATCH_WILDCARD_OTHER_FAMILY,
                                            HELD_MATCH_COVERED,
                                            HELD_MATCH_COVERED_OTHER_FAMILY,
                                            HELD_MATCH_NONE};

        (void)state;
        for (size_t i = 1; i < ELEMENTSOF(matches); i++)
                assert_true(matches[i - 1] < matches[i]);
}

int
main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(the_same_address_is_an_exact_match),
                cmocka_unit_test(a_captured_socket_matches_nothing_but_its_own_address),
                cmocka_unit_test(a_server_that_binds_all_addresses_gets_the_named_one_on_its_port),
                cmocka_unit_test(
                        a_server_that_binds_one_address_gets_the_named_wildcard_that_covers_it),
                cmocka_unit_test(
                        a_listener_of_one_family_is_not_for_the_wildcard_of_the_other_one_alone),
                cmocka_unit_test(two_different_addresses_never_match),
                cmocka_unit_test(as_is_what_the_server_asks_for),
                cmocka_unit_test(a_listener_with_as_is_for_that_and_for_its_very_own_address_alone),
                cmocka_unit_test(an_address_that_is_written_as_ipv6_is_the_ipv4_address_that_it_is),
                cmocka_unit_test(the_servers_own_family_is_the_better_match),
                cmocka_unit_test(v6only_of_one_ipv6_address_makes_no_difference),
                cmocka_unit_test(a_path_is_known_by_its_directory_however_it_is_spelt),
                cmocka_unit_test(another_network_namespace_is_another_world),
                cmocka_unit_test(
                        the_device_tells_captured_sockets_apart_a_named_one_is_handed_over_whatever_it_is),
                cmocka_unit_test(the_better_match_is_the_lower_one),
        };

        return unit_run(tests);
}
