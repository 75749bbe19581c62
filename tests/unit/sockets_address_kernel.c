/* SPDX-License-Identifier: MIT */
/* sockets_address_kernel.c - what an address is to the kernel: asked by bind(2), and compared. */
#include "addresses.h"
#include "unit.h"

#include <errno.h>

#include "base/fd.h"

static void
a_bound_socket_tells_its_address_and_type(void **state)
{
        CLEANUP_FD int tcp = unit_bound(SOCK_STREAM, 7001);
        CLEANUP_FD int udp = unit_bound(SOCK_DGRAM, 7002);
        Address a;

        (void)state;
        assert_int_equal(address_from_socket(tcp, &a), 0);
        expect_format(a, "127.0.0.1:7001", "tcp");
        assert_int_equal(a.type, SOCK_STREAM);
        assert_int_equal(address_from_socket(udp, &a), 0);
        expect_format(a, "127.0.0.1:7002", "udp");
        assert_int_equal(a.type, SOCK_DGRAM);
}

static void
v6only_of_a_socket_is_part_of_its_address(void **state)
{
        (void)state;
        for (int on = 0; on <= 1; on++) {
                CLEANUP_FD int fd = unit_socket(AF_INET6, SOCK_STREAM);
                const struct sockaddr_in6 in6 = {.sin6_family = AF_INET6, .sin6_port = htons(7003)};
                Address a;

                assert_int_equal(setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on)), 0);
                assert_int_equal(bind(fd, (const struct sockaddr *)&in6, sizeof(in6)), 0);
                assert_int_equal(address_from_socket(fd, &a), 0);
                expect_format(a, "[::]:7003", "tcp");
                assert_int_equal(a.v6only, on);
        }
}

static void
what_is_no_socket_or_neither_tcp_nor_udp_is_refused(void **state)
{
        CLEANUP_FD int raw = socket(AF_INET, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_ICMP);
        Address a = {.type = 77};
        int fds[2];

        (void)state;
        assert_true(raw >= 0);
        assert_int_equal(address_from_socket(raw, &a), -EPROTONOSUPPORT);
        assert_int_equal(pipe(fds), 0);
        assert_int_equal(address_from_socket(fds[0], &a), -ENOTSOCK);
        fd_close(fds[0]);
        fd_close(fds[1]);
        assert_int_equal(address_from_socket(-1, &a), -EBADF);
        assert_int_equal(a.type, 77);
}

/* Whether bind() refuses such an address for a socket, and from_bind with it. */
static void
expect_as_bind(int domain, Address asked, socklen_t length)
{
        CLEANUP_FD int fd = unit_socket(domain, SOCK_STREAM);
        CLEANUP_FD int other = unit_socket(domain, SOCK_STREAM);
        Address a;
        int r = address_from_bind(fd, &asked.storage, length, &a);
        int error = bind(other, &asked.any, length) < 0 ? errno : 0;

        unit_expect((r == 0) == (error == 0),
                    "family %d, %u bytes, for a socket of family %d: %s, but bind() says %s\n",
                    asked.any.sa_family, length, domain, strerrordesc_np(-r),
                    strerrordesc_np(error));
        if (r == 0 && domain != AF_UNIX)
                assert_true(address_has_port(&a) && a.any.sa_family == domain);
}

static void
an_address_that_bind_refuses_is_refused_and_others_are_not(void **state)
{
        static const char name[sizeof(((struct sockaddr_un *)NULL)->sun_path)] = "\0unit";
        Address unspecified = ipv4("0.0.0.0", 7004);
        Address nothing = ipv4("127.0.0.1", 7004);
        Address abstract = unix_name(name, sizeof(name));

        (void)state;
        unspecified.any.sa_family = AF_UNSPEC;
        nothing.any.sa_family = AF_UNSPEC;
        for (socklen_t length = 0; length <= sizeof(struct sockaddr_storage) + 1; length++) {
                expect_as_bind(AF_INET, ipv4("127.0.0.1", 7004), length);
                expect_as_bind(AF_INET, unspecified, length);
                expect_as_bind(AF_INET, nothing, length);
                expect_as_bind(AF_INET, ipv6("::1", 7004), length);
                expect_as_bind(AF_INET, abstract, length);
                expect_as_bind(AF_INET6, ipv6("::1", 7004), length);
                expect_as_bind(AF_INET6, ipv4("127.0.0.1", 7004), length);
                expect_as_bind(AF_UNIX, ipv4("127.0.0.1", 7004), length);
                expect_as_bind(AF_UNIX, abstract, length);
        }
}

static void
a_socket_is_bound_once_it_has_an_address_and_cannot_be_bound_again(void **state)
{
        Address all[] = {ipv4("127.0.0.1", 7008), ipv4("127.0.0.1", 0), ipv6("::1", 7008),
                         unix_name("\0unit bound", 11), unix_name("", 0)};

        (void)state;
        for (size_t i = 0; i < ELEMENTSOF(all); i++) {
                CLEANUP_FD int fd = unit_socket(all[i].any.sa_family, SOCK_STREAM);

                assert_false(address_is_bound(fd));
                assert_int_equal(bind(fd, &all[i].any, all[i].length), 0);
                assert_true(address_is_bound(fd));
                address_set_port(&all[i], 7009);
                if (address_has_port(&all[i]) || address_is_path(&all[i])) {
                        assert_int_equal(bind(fd, &all[i].any, all[i].length), -1);
                        assert_int_equal(errno, EINVAL);
                }
        }
        assert_false(address_is_bound(-1));
}

static void
a_bind_has_the_traits_of_its_socket(void **state)
{
        CLEANUP_FD int fd = unit_socket(AF_INET6, SOCK_DGRAM);
        Address asked = ipv6("::", 7005);
        Address a;
        int on = 1;

        (void)state;
        assert_int_equal(setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on)), 0);
        assert_int_equal(address_from_bind(fd, &asked.storage, asked.length, &a), 0);
        assert_int_equal(a.type, SOCK_DGRAM);
        assert_true(a.v6only);
        expect_format(a, "[::]:7005", "udp");
}

/* Bind a socket as the address says. Returns the descriptor, or minus the errno of bind(). */
static int
bind_as(const Address *a)
{
        int fd = unit_socket(a->any.sa_family, a->type);
        int on = a->v6only;

        if (a->any.sa_family == AF_INET6)
                assert_int_equal(setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on)), 0);
        if (bind(fd, &a->any, a->length) == 0)
                return fd;
        on = -errno;
        fd_close(fd);
        return on;
}

static void
two_addresses_exclude_each_other_where_the_kernel_says_so(void **state)
{
        Address all[] = {ipv4("0.0.0.0", 7006),
                         ipv4("127.0.0.1", 7006),
                         ipv4("127.0.0.2", 7006),
                         ipv4("127.0.0.1", 7007),
                         ipv6("::", 7006),
                         v6only(ipv6("::", 7006)),
                         ipv6("::1", 7006),
                         ipv6("::ffff:127.0.0.1", 7006),
                         ipv6("::ffff:0.0.0.0", 7006),
                         typed(ipv4("0.0.0.0", 7006), SOCK_DGRAM)};

        (void)state;
        for (size_t i = 0; i < ELEMENTSOF(all); i++)
                for (size_t j = 0; j < ELEMENTSOF(all); j++) {
                        int first = bind_as(&all[i]);
                        int second = bind_as(&all[j]);
                        char a[ADDRESS_TEXT_MAX];
                        char b[ADDRESS_TEXT_MAX];

                        assert_true(first >= 0 && (second >= 0 || second == -EADDRINUSE));
                        unit_expect((second < 0) == (address_equal(&all[i], &all[j]) ||
                                                     address_excludes(&all[i], &all[j])),
                                    "%s%s and %s%s can%s be bound together\n",
                                    address_format(&all[i], a, sizeof(a)),
                                    all[i].v6only ? " v6only" : "",
                                    address_format(&all[j], b, sizeof(b)),
                                    all[j].v6only ? " v6only" : "", second < 0 ? "not" : "");
                        fd_close(first);
                        fd_close(second);
                }
}

int
main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(a_bound_socket_tells_its_address_and_type),
                cmocka_unit_test(v6only_of_a_socket_is_part_of_its_address),
                cmocka_unit_test(what_is_no_socket_or_neither_tcp_nor_udp_is_refused),
                cmocka_unit_test(an_address_that_bind_refuses_is_refused_and_others_are_not),
                cmocka_unit_test(
                        a_socket_is_bound_once_it_has_an_address_and_cannot_be_bound_again),
                cmocka_unit_test(a_bind_has_the_traits_of_its_socket),
                cmocka_unit_test(two_addresses_exclude_each_other_where_the_kernel_says_so),
        };

        unit_own_network();
        return unit_run(tests);
}
