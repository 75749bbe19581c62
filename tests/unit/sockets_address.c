/* SPDX-License-Identifier: MIT */
/* sockets_address.c - an address to listen on, as the kernel takes it: comparing and printing. */
#include "addresses.h"
#include "unit.h"

static void
expect_equal(Address a, Address b, bool equal)
{
        char text_a[ADDRESS_TEXT_MAX];
        char text_b[ADDRESS_TEXT_MAX];

        unit_expect(address_equal(&a, &b) == equal && address_equal(&b, &a) == equal,
                    "%s and %s should %sbe equal\n", address_format(&a, text_a, sizeof(text_a)),
                    address_format(&b, text_b, sizeof(text_b)), equal ? "" : "not ");
}

static void
expect_covers(Address wide, Address narrow, bool covers)
{
        char text_a[ADDRESS_TEXT_MAX];
        char text_b[ADDRESS_TEXT_MAX];

        unit_expect(address_covers(&wide, &narrow) == covers, "%s should %scover %s\n",
                    address_format(&wide, text_a, sizeof(text_a)), covers ? "" : "not ",
                    address_format(&narrow, text_b, sizeof(text_b)));
}

static void
a_port_is_read_and_written_where_there_is_one(void **state)
{
        Address a = ipv4("127.0.0.1", 80);
        Address b = ipv6("::1", 80);
        Address c = unix_name("/run/s", 7);
        Address d = vsock(1, 80);

        (void)state;
        address_set_port(&a, 65535);
        address_set_port(&b, 1);
        address_set_port(&c, 80);
        address_set_port(&d, 81);
        assert_int_equal(address_port(&a), 65535);
        assert_int_equal(address_port(&b), 1);
        assert_int_equal(address_port(&c), 0);
        assert_int_equal(address_port(&d), 0);
        assert_true(address_has_port(&a) && address_has_port(&b));
        assert_false(address_has_port(&c) || address_has_port(&d));
        expect_format(c, "/run/s", "unix");
        expect_format(d, "vsock:1:80", "vsock");
}

static void
wildcards_stand_for_all_local_addresses(void **state)
{
        Address wide[] = {ipv4("0.0.0.0", 80), ipv6("::", 80), v6only(ipv6("::", 80))};
        Address narrow[] = {ipv4("127.0.0.1", 80), ipv6("::1", 80),  ipv6("::ffff:0.0.0.0", 80),
                            unix_name("\0", 1),    unix_name("", 0), vsock(VMADDR_CID_ANY, 80)};

        (void)state;
        for (size_t i = 0; i < ELEMENTSOF(wide); i++)
                assert_true(address_is_wildcard(&wide[i]));
        for (size_t i = 0; i < ELEMENTSOF(narrow); i++)
                assert_false(address_is_wildcard(&narrow[i]));
}

static void
a_path_is_a_unix_name_in_the_file_system(void **state)
{
        Address path = unix_name("/run/s", 7);
        Address others[] = {unix_name("\0name", 5), unix_name("", 0), ipv4("0.0.0.0", 80),
                            vsock(1, 1)};

        (void)state;
        assert_true(address_is_path(&path));
        for (size_t i = 0; i < ELEMENTSOF(others); i++)
                assert_false(address_is_path(&others[i]));
}

static void
the_kernel_chooses_for_port_0_and_for_the_empty_unix_name(void **state)
{
        Address automatic[] = {ipv4("127.0.0.1", 0), ipv6("::", 0), unix_name("", 0),
                               vsock(1, VMADDR_PORT_ANY)};
        Address chosen[] = {ipv4("127.0.0.1", 1), ipv6("::", 1), unix_name("\0", 1),
                            unix_name("/a", 3), vsock(1, 0)};

        (void)state;
        for (size_t i = 0; i < ELEMENTSOF(automatic); i++)
                assert_true(address_is_automatic(&automatic[i]));
        for (size_t i = 0; i < ELEMENTSOF(chosen); i++)
                assert_false(address_is_automatic(&chosen[i]));
}

static void
internet_addresses_are_equal_in_host_port_and_type(void **state)
{
        (void)state;
        expect_equal(ipv4("127.0.0.1", 80), ipv4("127.0.0.1", 80), true);
        expect_equal(ipv4("127.0.0.1", 80), ipv4("127.0.0.2", 80), false);
        expect_equal(ipv4("127.0.0.1", 80), ipv4("127.0.0.1", 81), false);
        expect_equal(ipv4("127.0.0.1", 80), typed(ipv4("127.0.0.1", 80), SOCK_DGRAM), false);
        expect_equal(ipv4("0.0.0.0", 80), ipv4("127.0.0.1", 80), false);
        expect_equal(ipv6("::1", 80), ipv6("::1", 80), true);
        expect_equal(ipv6("::1", 80), ipv6("::2", 80), false);
        expect_equal(ipv6("::1", 80), ipv6("::1", 81), false);
        expect_equal(ipv4("0.0.0.0", 80), ipv6("::", 80), false);
        expect_equal(ipv4("127.0.0.1", 80), ipv6("::ffff:127.0.0.1", 80), false);
}

static void
v6only_of_a_wildcard_and_the_scope_are_part_of_an_address_flow_labels_are_not(void **state)
{
        Address a = ipv6("fe80::1", 80);
        Address b = a;

        (void)state;
        expect_equal(ipv6("::", 80), v6only(ipv6("::", 80)), false);
        expect_equal(v6only(ipv6("::", 80)), v6only(ipv6("::", 80)), true);
        b.in6.sin6_flowinfo = 7;
        expect_equal(a, b, true);
        b.in6.sin6_scope_id = 1;
        expect_equal(a, b, false);
}

static void
unix_paths_end_at_their_nul_abstract_names_at_their_length(void **state)
{
        (void)state;
        expect_equal(unix_name("/run/s", 6), unix_name("/run/s", 7), true);
        expect_equal(unix_name("/run/s\0xyz", 10), unix_name("/run/s", 7), true);
        expect_equal(unix_name("/run/s", 7), unix_name("/run/t", 7), false);
        expect_equal(unix_name("/run/s", 7), typed(unix_name("/run/s", 7), SOCK_DGRAM), false);
        expect_equal(unix_name("\0name", 5), unix_name("\0name", 5), true);
        expect_equal(unix_name("\0name", 5), unix_name("\0name\0", 6), false);
        expect_equal(unix_name("\0a\0b", 4), unix_name("\0a\0c", 4), false);
        expect_equal(unix_name("name", 5), unix_name("\0name", 5), false);
        expect_equal(unix_name("", 0), unix_name("", 0), false); /* each gets a name of its own */
}

static void
v6only_of_one_ipv6_address_makes_no_difference(void **state)
{
        (void)state;
        expect_equal(ipv6("::1", 80), v6only(ipv6("::1", 80)), true);
}

static void
vsock_addresses_are_equal_in_cid_and_port(void **state)
{
        (void)state;
        expect_equal(vsock(3, 80), vsock(3, 80), true);
        expect_equal(vsock(3, 80), vsock(4, 80), false);
        expect_equal(vsock(3, 80), vsock(3, 81), false);
        expect_equal(vsock(3, 80), ipv4("0.0.0.0", 80), false);
}

static void
a_wildcard_covers_its_family_and_a_dual_stack_one_ipv4_too(void **state)
{
        (void)state;
        expect_covers(ipv4("0.0.0.0", 80), ipv4("127.0.0.1", 80), true);
        expect_covers(ipv4("0.0.0.0", 80), ipv6("::1", 80), false);
        expect_covers(ipv6("::", 80), ipv6("::1", 80), true);
        expect_covers(ipv6("::", 80), ipv4("127.0.0.1", 80), true);
        expect_covers(v6only(ipv6("::", 80)), ipv6("::1", 80), true);
        expect_covers(v6only(ipv6("::", 80)), ipv4("127.0.0.1", 80), false);
}

static void
nothing_is_covered_on_another_port_with_another_type_or_by_one_address(void **state)
{
        (void)state;
        expect_covers(ipv4("0.0.0.0", 80), ipv4("127.0.0.1", 81), false);
        expect_covers(ipv4("0.0.0.0", 80), typed(ipv4("127.0.0.1", 80), SOCK_DGRAM), false);
        expect_covers(ipv4("127.0.0.1", 80), ipv4("127.0.0.1", 80), false);
        expect_covers(ipv4("0.0.0.0", 80), unix_name("/run/s", 7), false);
        expect_covers(unix_name("/run/s", 7), ipv4("0.0.0.0", 80), false);
        expect_covers(vsock(VMADDR_CID_ANY, 80), vsock(3, 80), false);
}

static void
an_ipv4_address_in_ipv6_is_unmapped_and_others_stay(void **state)
{
        Address mapped = ipv6("::ffff:192.0.2.1", 80);
        Address others[] = {ipv4("192.0.2.1", 80), ipv6("::1", 80), ipv6("::", 80),
                            unix_name("/run/s", 7), vsock(3, 80)};
        Address plain;

        (void)state;
        mapped.type = SOCK_DGRAM;
        plain = address_unmapped(&mapped);
        expect_format(plain, "192.0.2.1:80", "udp");
        expect_equal(plain, typed(ipv4("192.0.2.1", 80), SOCK_DGRAM), true);
        assert_int_equal(plain.length, sizeof(struct sockaddr_in));
        for (size_t i = 0; i < ELEMENTSOF(others); i++)
                expect_equal(address_unmapped(&others[i]), others[i], true);
}

static void
one_path_excludes_itself_for_another_type_of_socket(void **state)
{
        Address stream = unix_name("/run/s", 7);
        Address datagram = typed(stream, SOCK_DGRAM);
        Address other = unix_name("/run/t", 7);
        Address abstract = unix_name("\0run", 4);

        (void)state;
        assert_true(address_excludes(&stream, &datagram));
        assert_false(address_excludes(&stream, &stream)); /* that is the same place */
        assert_false(address_excludes(&stream, &other));
        assert_false(address_excludes(&abstract, &stream));
}

static void
addresses_are_written_as_people_and_other_programs_do(void **state)
{
        Address scoped = ipv6("fe80::1", 80);

        (void)state;
        expect_format(ipv4("127.0.0.1", 80), "127.0.0.1:80", "tcp");
        expect_format(typed(ipv4("0.0.0.0", 53), SOCK_DGRAM), "0.0.0.0:53", "udp");
        expect_format(ipv6("::", 65535), "[::]:65535", "tcp");
        expect_format(ipv6("2001:db8::1", 443), "[2001:db8::1]:443", "tcp");
        expect_format(unix_name("/run/s", 7), "/run/s", "unix");
        expect_format(unix_name("/run/s", 6), "/run/s", "unix");
        expect_format(typed(unix_name("/run/s", 7), SOCK_DGRAM), "/run/s", "unix datagram");
        expect_format(typed(unix_name("\0n", 2), SOCK_SEQPACKET), "@n", "unix seqpacket");
        expect_format(unix_name("", 0), "(unnamed)", "unix");
        expect_format(vsock(3, 80), "vsock:3:80", "vsock");
        expect_format(vsock(VMADDR_CID_ANY, 80), "vsock::80", "vsock");
        scoped.in6.sin6_scope_id = if_nametoindex("lo");
        expect_format(scoped, "[fe80::1%lo]:80", "tcp");
        scoped.in6.sin6_scope_id = 4711; /* there is no such interface */
        expect_format(scoped, "[fe80::1%4711]:80", "tcp");
}

static void
a_family_that_is_not_known_is_named_by_its_number(void **state)
{
        Address a = {.any = {.sa_family = AF_NETLINK}};
        char text[ADDRESS_TEXT_MAX];

        (void)state;
        assert_string_equal(address_format_plain(&a, text, sizeof(text)), "address family 16");
        assert_false(address_equal(&a, &a));
}

static void
the_longest_name_fits_and_a_short_buffer_is_not_overrun(void **state)
{
        char name[sizeof(((struct sockaddr_un *)NULL)->sun_path)];
        char text[ADDRESS_TEXT_MAX];
        Address a;

        (void)state;
        memset(name, 'x', sizeof(name));
        a = unix_name(name, sizeof(name));
        assert_int_equal(strlen(address_format(&a, text, sizeof(text))),
                         sizeof(name) + strlen(" (unix)"));
        for (size_t size = 1; size < sizeof(text); size++) {
                char *small = malloc(size); /* with an end that valgrind and ASan know */

                assert_non_null(small);
                assert_true(strlen(address_format(&a, small, size)) < size);
                free(small);
        }
}

int
main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(a_port_is_read_and_written_where_there_is_one),
                cmocka_unit_test(wildcards_stand_for_all_local_addresses),
                cmocka_unit_test(a_path_is_a_unix_name_in_the_file_system),
                cmocka_unit_test(the_kernel_chooses_for_port_0_and_for_the_empty_unix_name),
                cmocka_unit_test(internet_addresses_are_equal_in_host_port_and_type),
                cmocka_unit_test(
                        v6only_of_a_wildcard_and_the_scope_are_part_of_an_address_flow_labels_are_not),
                cmocka_unit_test(unix_paths_end_at_their_nul_abstract_names_at_their_length),
                cmocka_unit_test(v6only_of_one_ipv6_address_makes_no_difference),
                cmocka_unit_test(vsock_addresses_are_equal_in_cid_and_port),
                cmocka_unit_test(a_wildcard_covers_its_family_and_a_dual_stack_one_ipv4_too),
                cmocka_unit_test(
                        nothing_is_covered_on_another_port_with_another_type_or_by_one_address),
                cmocka_unit_test(an_ipv4_address_in_ipv6_is_unmapped_and_others_stay),
                cmocka_unit_test(one_path_excludes_itself_for_another_type_of_socket),
                cmocka_unit_test(addresses_are_written_as_people_and_other_programs_do),
                cmocka_unit_test(a_family_that_is_not_known_is_named_by_its_number),
                cmocka_unit_test(the_longest_name_fits_and_a_short_buffer_is_not_overrun),
        };

        return unit_run(tests);
}
