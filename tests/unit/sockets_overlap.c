/* SPDX-License-Identifier: MIT */
/* sockets_overlap.c - whether a bound socket stands in the way of an address: as the kernel has it. */
#include "addresses.h"
#include "unit.h"

#include <errno.h>
#include <netinet/tcp.h>

#include "base/fd.h"
#include "sockets/overlap.h"

enum { PORT = 7401 };

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

/* The only listener on this port, as sock_diag(7) tells it. */
static void
on_socket(const SockdiagSocket *s, void *userdata)
{
        *(SockdiagSocket *)userdata = *s;
}

static SockdiagSocket
find_listener(void)
{
        const SockdiagQuery query = {
                .protocol = IPPROTO_TCP, .states = 1U << TCP_LISTEN, .port = PORT};
        SockdiagSocket s = {.family = AF_UNSPEC};

        assert_int_equal(sockdiag_dump_inet(&query, on_socket, &s), 0);
        assert_int_not_equal(s.family, AF_UNSPEC);
        return s;
}

static void
a_listener_is_in_the_way_where_the_kernel_says_so(void **state)
{
        Address all[] = {ipv4("0.0.0.0", PORT),        ipv4("127.0.0.1", PORT),
                         ipv4("127.0.0.2", PORT),      ipv6("::", PORT),
                         v6only(ipv6("::", PORT)),     ipv6("::1", PORT),
                         v6only(ipv6("::1", PORT)),    ipv6("::ffff:127.0.0.1", PORT),
                         ipv6("::ffff:0.0.0.0", PORT), ipv4("127.0.0.1", PORT + 1)};

        (void)state;
        for (size_t i = 0; i < ELEMENTSOF(all) - 1; i++)
                for (size_t j = 0; j < ELEMENTSOF(all); j++) {
                        int listener = bind_as(&all[i]);
                        char a[ADDRESS_TEXT_MAX];
                        char b[ADDRESS_TEXT_MAX];
                        SockdiagSocket s;
                        int asked;

                        assert_true(listener >= 0);
                        assert_int_equal(listen(listener, 1), 0);
                        s = find_listener();
                        asked = bind_as(&all[j]);
                        assert_true(asked >= 0 || asked == -EADDRINUSE);
                        unit_expect(overlap_is_in_the_way(&all[j], 0, &s) == (asked < 0),
                                    "%s%s, with a listener on %s%s: bind() says %s\n",
                                    address_format(&all[j], b, sizeof(b)),
                                    all[j].v6only ? " v6only" : "",
                                    address_format(&all[i], a, sizeof(a)),
                                    all[i].v6only ? " v6only" : "",
                                    asked < 0 ? strerrordesc_np(-asked) : "yes");
                        fd_close(asked);
                        fd_close(listener);
                }
}

static void
a_socket_of_another_device_is_not_in_the_way(void **state)
{
        const Address asked = ipv4("127.0.0.1", PORT);
        SockdiagSocket s = {.family = AF_INET, .port = PORT, .device = 2, .state = TCP_LISTEN};

        (void)state;
        assert_true(overlap_is_in_the_way(&asked, 0, &s));
        assert_true(overlap_is_in_the_way(&asked, 2, &s));
        assert_false(overlap_is_in_the_way(&asked, 3, &s));
        s.device = 0;
        assert_true(overlap_is_in_the_way(&asked, 3, &s));
}

static void
a_wildcard_is_known_and_whether_it_takes_both_families(void **state)
{
        static const struct {
                const char *host;
                bool is_ipv6;
                bool v6only;
                bool is_any;
                bool takes_both;
        } cases[] = {{"0.0.0.0", false, false, true, false},
                     {"127.0.0.1", false, false, false, false},
                     {"::", true, false, true, true},
                     {"::", true, true, true, false},
                     {"::1", true, false, false, false},
                     {"::ffff:127.0.0.1", true, false, false, false}};

        (void)state;
        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                Address a =
                        cases[i].is_ipv6 ? ipv6(cases[i].host, PORT) : ipv4(cases[i].host, PORT);
                SockdiagSocket s;
                int fd;

                a.v6only = cases[i].v6only;
                fd = bind_as(&a);
                assert_true(fd >= 0);
                assert_int_equal(listen(fd, 1), 0);
                s = find_listener();
                fd_close(fd);
                assert_int_equal(overlap_is_any(&s), cases[i].is_any);
                assert_int_equal(overlap_takes_both(&s), cases[i].takes_both);
        }
}

int
main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(a_listener_is_in_the_way_where_the_kernel_says_so),
                cmocka_unit_test(a_socket_of_another_device_is_not_in_the_way),
                cmocka_unit_test(a_wildcard_is_known_and_whether_it_takes_both_families),
        };

        unit_own_network();
        return unit_run(tests);
}
