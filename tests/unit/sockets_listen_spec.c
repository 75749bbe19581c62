/* SPDX-License-Identifier: MIT */
/* sockets_listen_spec.c - what `--listen [NAME=]ADDR[,attr…]` understands: forms and attributes. */
#include "unit.h"

#include <grp.h>
#include <linux/vm_sockets.h>
#include <pwd.h>

#include "sockets/listen_spec.h"

static void
deinit_spec_p(ListenSpec *spec)
{
        listen_spec_deinit(spec);
}

#define CLEANUP_SPEC CLEANUP(deinit_spec_p)

/* What this text asks for, which has to be right. */
static ListenSpec
parse(const char *text)
{
        CLEANUP_FREE char *reason = NULL;
        ListenSpec spec;
        int r = listen_spec_init(&spec, text, &reason);

        unit_expect(r == 0, "%s is refused: %s\n", text, reason);
        assert_null(reason);
        assert_string_equal(spec.text, text);
        return spec;
}

/* The text is one address, of this type, and has this name when none is given. */
static void
expect_address(const char *text, const char *address, int type, const char *name)
{
        CLEANUP_SPEC ListenSpec spec = parse(text);
        char seen[ADDRESS_TEXT_MAX] = "";

        if (spec.n_addresses)
                (void)address_format_plain(&spec.addresses[0], seen, sizeof(seen));
        unit_expect(spec.n_addresses == 1 && strcmp(seen, address) == 0 &&
                            spec.addresses[0].type == type && strcmp(spec.name, name) == 0,
                    "%s is %s, %d, named %s\n", text, seen, spec.addresses[0].type, spec.name);
        assert_int_equal(spec.inherited_fd, -1);
}

static void
a_bare_port_or_no_host_is_all_addresses_of_both_families(void **state)
{
        static const char *const texts[] = {"8080", "*:8080", ":8080", "tcp:8080", "tcp:*:8080"};

        (void)state;
        for (size_t i = 0; i < ELEMENTSOF(texts); i++) {
                CLEANUP_SPEC ListenSpec spec = parse(texts[i]);

                expect_address(texts[i], "[::]:8080", SOCK_STREAM, "8080");
                assert_true(spec.any_address);
                assert_false(spec.addresses[0].v6only);
        }
        expect_address("udp:53", "[::]:53", SOCK_DGRAM, "53");
}

static void
a_host_and_a_port_are_that_address_alone(void **state)
{
        CLEANUP_SPEC ListenSpec spec = parse("0.0.0.0:80");

        (void)state;
        assert_false(spec.any_address);
        expect_address("127.0.0.1:80", "127.0.0.1:80", SOCK_STREAM, "80");
        expect_address("0.0.0.0:80", "0.0.0.0:80", SOCK_STREAM, "80");
        expect_address("tcp:127.0.0.1:80", "127.0.0.1:80", SOCK_STREAM, "80");
        expect_address("udp:127.0.0.1:53", "127.0.0.1:53", SOCK_DGRAM, "53");
}

static void
an_ipv6_address_stands_in_brackets(void **state)
{
        CLEANUP_SPEC ListenSpec spec = parse("[::]:80");

        (void)state;
        assert_false(spec.any_address || spec.addresses[0].v6only);
        expect_address("[::]:80", "[::]:80", SOCK_STREAM, "80");
        expect_address("[::1]:80", "[::1]:80", SOCK_STREAM, "80");
        expect_address("[fe80::1%lo]:80", "[fe80::1%lo]:80", SOCK_STREAM, "80");
        expect_address("udp:[::1]:53", "[::1]:53", SOCK_DGRAM, "53");
}

static void
a_host_name_is_all_its_addresses(void **state)
{
        CLEANUP_SPEC ListenSpec spec = parse("localhost:80");
        bool has_loopback = false;

        (void)state;
        for (unsigned i = 0; i < spec.n_addresses; i++) {
                char text[ADDRESS_TEXT_MAX];

                (void)address_format(&spec.addresses[i], text, sizeof(text));
                has_loopback = has_loopback || strcmp(text, "127.0.0.1:80 (tcp)") == 0 ||
                               strcmp(text, "[::1]:80 (tcp)") == 0;
        }
        assert_true(has_loopback);
        assert_string_equal(spec.name, "80");
}

static void
port_0_leaves_the_choice_to_the_kernel(void **state)
{
        (void)state;
        expect_address("0", "[::]:0", SOCK_STREAM, "0");
        expect_address("127.0.0.1:0", "127.0.0.1:0", SOCK_STREAM, "0");
        expect_address("65535", "[::]:65535", SOCK_STREAM, "65535");
}

static void
a_slash_begins_a_unix_path_an_at_sign_an_abstract_name(void **state)
{
        (void)state;
        expect_address("/run/app.sock", "/run/app.sock", SOCK_STREAM, "app.sock");
        expect_address("unix:/run/app.sock", "/run/app.sock", SOCK_STREAM, "app.sock");
        expect_address("seqpacket:/run/app", "/run/app", SOCK_SEQPACKET, "app");
        expect_address("dgram:/dev/log", "/dev/log", SOCK_DGRAM, "log");
        expect_address("@app", "@app", SOCK_STREAM, "app");
        expect_address("@dir/app", "@dir/app", SOCK_STREAM, "app");
        expect_address("unix:@app", "@app", SOCK_STREAM, "app");
        expect_address("seqpacket:@app", "@app", SOCK_SEQPACKET, "app");
        expect_address("dgram:@app", "@app", SOCK_DGRAM, "app");
}

static void
the_longest_path_has_107_bytes(void **state)
{
        char text[128] = "/";

        (void)state;
        memset(text + 1, 'x', 106);
        expect_address(text, text, SOCK_STREAM, text + 1);
}

static void
the_longest_abstract_name_has_107_bytes_behind_its_nul(void **state)
{
        char text[128] = "@";

        (void)state;
        memset(text + 1, 'x', 107);
        expect_address(text, text, SOCK_STREAM, text + 1);
}

static void
an_abstract_name_has_exactly_the_bytes_that_were_typed(void **state)
{
        CLEANUP_SPEC ListenSpec spec = parse("@app");
        const Address *a = &spec.addresses[0];

        (void)state;
        assert_int_equal(a->length, offsetof(struct sockaddr_un, sun_path) + strlen("@app"));
        assert_memory_equal(a->un.sun_path, "\0app", 4);
}

static void
a_path_that_begins_with_a_dot_is_relative_to_the_current_directory(void **state)
{
        CLEANUP_FREE char *before = get_current_dir_name();

        (void)state;
        assert_int_equal(chdir("/tmp"), 0);
        expect_address("./app.sock", "/tmp/app.sock", SOCK_STREAM, "app.sock");
        expect_address("../app.sock", "/tmp/../app.sock", SOCK_STREAM, "app.sock");
        expect_address(".hidden", "/tmp/.hidden", SOCK_STREAM, ".hidden");
        expect_address(".//./app.sock", "/tmp/app.sock", SOCK_STREAM, "app.sock");
        expect_address("./@app", "/tmp/@app", SOCK_STREAM, "@app");
        assert_int_equal(chdir(before), 0);
}

static void
a_vsock_address_has_a_cid_or_any_and_a_port(void **state)
{
        (void)state;
        expect_address("vsock:3:80", "vsock:3:80", SOCK_STREAM, "unknown");
        expect_address("vsock::80", "vsock::80", SOCK_STREAM, "unknown");
        expect_address("vsock:0:4294967295", "vsock:0:4294967295", SOCK_STREAM, "unknown");
}

static void
a_descriptor_that_is_open_already_is_named_by_its_number(void **state)
{
        CLEANUP_SPEC ListenSpec spec = parse("fd:3");

        (void)state;
        assert_int_equal(spec.n_addresses, 0);
        assert_int_equal(spec.inherited_fd, 3);
        assert_string_equal(spec.name, "unknown");
}

static void
a_name_stands_before_an_equals_sign(void **state)
{
        (void)state;
        expect_address("web=8080", "[::]:8080", SOCK_STREAM, "web");
        expect_address("web=127.0.0.1:80", "127.0.0.1:80", SOCK_STREAM, "web");
        expect_address("my web=/run/x", "/run/x", SOCK_STREAM, "my web");
        expect_address("a.b-c_d=@x", "@x", SOCK_STREAM, "a.b-c_d");
}

static void
an_equals_sign_of_an_address_or_attribute_makes_no_name(void **state)
{
        (void)state;
        expect_address("/run/a=b", "/run/a=b", SOCK_STREAM, "a=b");
        expect_address("@a=b", "@a=b", SOCK_STREAM, "a=b");
        expect_address("8080,backlog=5", "[::]:8080", SOCK_STREAM, "8080");
}

static void
a_default_name_can_stand_in_a_list_and_in_braces(void **state)
{
        (void)state;
        expect_address("/run/a:b{c}", "/run/a:b{c}", SOCK_STREAM, "a_b_c_");
}

static void
who_says_nothing_gets_the_longest_queue_and_a_private_socket(void **state)
{
        CLEANUP_SPEC ListenSpec spec = parse("/run/app");

        (void)state;
        assert_int_equal(spec.backlog, SOMAXCONN);
        assert_int_equal(spec.mode, 0600);
        assert_int_equal(spec.uid, (uid_t)-1);
        assert_int_equal(spec.gid, (gid_t)-1);
        assert_false(spec.reuseport || spec.reuseaddr || spec.freebind || spec.as.n_addresses);
        assert_string_equal(spec.device, "");
}

static void
attributes_of_a_path_are_its_mode_owner_and_queue(void **state)
{
        CLEANUP_SPEC ListenSpec spec = parse("/run/app,mode=0660,user=1234,group=5678,backlog=7");

        (void)state;
        assert_int_equal(spec.mode, 0660);
        assert_int_equal(spec.uid, 1234);
        assert_int_equal(spec.gid, 5678);
        assert_int_equal(spec.backlog, 7);
}

static void
an_owner_may_have_a_name(void **state)
{
        const struct passwd *nobody = getpwnam("nobody");
        const struct group *root = getgrgid(0);
        ListenSpec spec;
        char text[128];

        (void)state;
        assert_true(nobody && root);
        (void)snprintf(text, sizeof(text), "/run/app,user=nobody,group=%s", root->gr_name);
        spec = parse(text);
        assert_int_equal(spec.uid, nobody->pw_uid);
        assert_int_equal(spec.gid, 0);
        listen_spec_deinit(&spec);
}

static void
attributes_of_an_internet_address_are_flags_and_a_device(void **state)
{
        CLEANUP_SPEC ListenSpec spec = parse("127.0.0.1:80,reuseport,freebind,device=eth0");
        CLEANUP_SPEC ListenSpec udp = parse("udp:53,reuseaddr");

        (void)state;
        assert_true(spec.reuseport && spec.freebind);
        assert_false(spec.reuseaddr);
        assert_string_equal(spec.device, "eth0");
        assert_true(udp.reuseaddr);
}

static void
a_flag_can_have_a_word_and_the_last_one_counts(void **state)
{
        CLEANUP_SPEC ListenSpec spec = parse("80,reuseport=yes,freebind=on,freebind=no");
        CLEANUP_SPEC ListenSpec off = parse("80,v6only,v6only=off");

        (void)state;
        assert_true(spec.reuseport);
        assert_false(spec.freebind);
        assert_false(off.addresses[0].v6only);
}

static void
v6only_leaves_ipv4_out(void **state)
{
        CLEANUP_SPEC ListenSpec port = parse("80,v6only");
        CLEANUP_SPEC ListenSpec any = parse("[::]:80,v6only=yes");

        (void)state;
        assert_true(port.addresses[0].v6only);
        assert_false(port.any_address); /* there is no 0.0.0.0 to fall back to */
        assert_true(any.addresses[0].v6only);
}

static void
as_names_what_the_server_asks_for(void **state)
{
        static const struct {
                const char *text;
                const char *as;
                bool any;
        } cases[] = {
                {"80,as=8080", "[::]:8080", true},
                {"80,as=127.0.0.1:8080", "127.0.0.1:8080", false},
                {"80,as=[::1]:8080", "[::1]:8080", false},
                {"80,as=/run/app", "/run/app", false},
                {"/run/app,as=@app", "@app", false},
                {"fd:3,as=8080", "[::]:8080", true},
        };

        (void)state;
        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                CLEANUP_SPEC ListenSpec spec = parse(cases[i].text);
                char text[ADDRESS_TEXT_MAX];

                assert_int_equal(spec.as.n_addresses, 1);
                assert_int_equal(spec.as.any_address, cases[i].any);
                assert_string_equal(address_format_plain(&spec.as.addresses[0], text, sizeof(text)),
                                    cases[i].as);
        }
}

static void
as_with_a_host_name_is_all_its_addresses(void **state)
{
        CLEANUP_SPEC ListenSpec spec = parse("80,as=localhost:8080");
        CLEANUP_SPEC ListenSpec same = parse("localhost:8080");

        (void)state;
        assert_int_equal(spec.as.n_addresses, same.n_addresses);
        for (unsigned i = 0; i < spec.as.n_addresses; i++)
                assert_true(address_equal(&spec.as.addresses[i], &same.addresses[i]));
}

int
main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(a_bare_port_or_no_host_is_all_addresses_of_both_families),
                cmocka_unit_test(a_host_and_a_port_are_that_address_alone),
                cmocka_unit_test(an_ipv6_address_stands_in_brackets),
                cmocka_unit_test(a_host_name_is_all_its_addresses),
                cmocka_unit_test(port_0_leaves_the_choice_to_the_kernel),
                cmocka_unit_test(a_slash_begins_a_unix_path_an_at_sign_an_abstract_name),
                cmocka_unit_test(the_longest_path_has_107_bytes),
                cmocka_unit_test(the_longest_abstract_name_has_107_bytes_behind_its_nul),
                cmocka_unit_test(an_abstract_name_has_exactly_the_bytes_that_were_typed),
                cmocka_unit_test(
                        a_path_that_begins_with_a_dot_is_relative_to_the_current_directory),
                cmocka_unit_test(a_vsock_address_has_a_cid_or_any_and_a_port),
                cmocka_unit_test(a_descriptor_that_is_open_already_is_named_by_its_number),
                cmocka_unit_test(a_name_stands_before_an_equals_sign),
                cmocka_unit_test(an_equals_sign_of_an_address_or_attribute_makes_no_name),
                cmocka_unit_test(a_default_name_can_stand_in_a_list_and_in_braces),
                cmocka_unit_test(who_says_nothing_gets_the_longest_queue_and_a_private_socket),
                cmocka_unit_test(attributes_of_a_path_are_its_mode_owner_and_queue),
                cmocka_unit_test(an_owner_may_have_a_name),
                cmocka_unit_test(attributes_of_an_internet_address_are_flags_and_a_device),
                cmocka_unit_test(a_flag_can_have_a_word_and_the_last_one_counts),
                cmocka_unit_test(v6only_leaves_ipv4_out),
                cmocka_unit_test(as_names_what_the_server_asks_for),
                cmocka_unit_test(as_with_a_host_name_is_all_its_addresses),
        };

        return unit_run(tests);
}
