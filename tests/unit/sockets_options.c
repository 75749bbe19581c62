/* SPDX-License-Identifier: MIT */
/* sockets_options.c - the options that a server set before bind are on the socket that it gets. */
#include "child.h"
#include "unit.h"

#include <linux/capability.h>
#include <linux/udp.h>
#include <netinet/tcp.h>
#include <sys/syscall.h>
#include <sys/time.h>

#include "base/fd.h"
#include "sockets/options.h"

typedef struct Option {
        int level;
        int name;
        int value;
} Option;

static const Option socket_options[] = {
        {SOL_SOCKET, SO_RCVBUF, 50000}, {SOL_SOCKET, SO_SNDBUF, 60000},
        {SOL_SOCKET, SO_KEEPALIVE, 1},  {SOL_SOCKET, SO_OOBINLINE, 1},
        {SOL_SOCKET, SO_MARK, 7},
};

static const Option tcp_options[] = {
        {SOL_SOCKET, SO_RCVLOWAT, 100},         {IPPROTO_TCP, TCP_NODELAY, 1},
        {IPPROTO_TCP, TCP_DEFER_ACCEPT, 5},     {IPPROTO_TCP, TCP_FASTOPEN, 32},
        {IPPROTO_TCP, TCP_KEEPIDLE, 100},       {IPPROTO_TCP, TCP_KEEPINTVL, 20},
        {IPPROTO_TCP, TCP_KEEPCNT, 4},          {IPPROTO_TCP, TCP_USER_TIMEOUT, 30000},
        {IPPROTO_TCP, TCP_NOTSENT_LOWAT, 4096}, {IPPROTO_TCP, TCP_SYNCNT, 3},
        {IPPROTO_TCP, TCP_LINGER2, 20},         {IPPROTO_IP, IP_TTL, 33},
};

static const Option ipv4_options[] = {
        {IPPROTO_IP, IP_TOS, 0x10},
        {IPPROTO_IP, IP_TRANSPARENT, 1},
        {IPPROTO_IP, IP_MTU_DISCOVER, IP_PMTUDISC_DONT},
};

static const Option ipv6_options[] = {
        {IPPROTO_IPV6, IPV6_TCLASS, 0x20},
        {IPPROTO_IPV6, IPV6_UNICAST_HOPS, 44},
        {IPPROTO_IPV6, IPV6_MTU_DISCOVER, IPV6_PMTUDISC_DONT},
};

static const Option udp_options[] = {
        {SOL_SOCKET, SO_BROADCAST, 1},     {SOL_SOCKET, SO_TIMESTAMP, 1},
        {SOL_SOCKET, SO_RXQ_OVFL, 1},      {IPPROTO_UDP, UDP_SEGMENT, 500},
        {IPPROTO_UDP, UDP_GRO, 1},         {IPPROTO_IP, IP_PKTINFO, 1},
        {IPPROTO_IP, IP_RECVTOS, 1},       {IPPROTO_IP, IP_RECVTTL, 1},
        {IPPROTO_IP, IP_RECVERR, 1},       {IPPROTO_IP, IP_RECVORIGDSTADDR, 1},
        {IPPROTO_IP, IP_MULTICAST_TTL, 4}, {IPPROTO_IP, IP_MULTICAST_LOOP, 0},
};

static const Option udp6_options[] = {
        {IPPROTO_IPV6, IPV6_RECVPKTINFO, 1},    {IPPROTO_IPV6, IPV6_RECVTCLASS, 1},
        {IPPROTO_IPV6, IPV6_RECVHOPLIMIT, 1},   {IPPROTO_IPV6, IPV6_RECVERR, 1},
        {IPPROTO_IPV6, IPV6_MULTICAST_HOPS, 4}, {IPPROTO_IPV6, IPV6_MULTICAST_LOOP, 0},
};

static const Option unix_options[] = {
        {SOL_SOCKET, SO_PASSCRED, 1},
        {SOL_SOCKET, SO_SNDBUF, 60000},
};

static int
get(int fd, const Option *o)
{
        int value = -1;
        socklen_t size = sizeof(value);

        unit_expect(getsockopt(fd, o->level, o->name, &value, &size) == 0,
                    "option %d of level %d cannot be read\n", o->name, o->level);
        return value;
}

static void
set(int fd, const Option *o, int value)
{
        unit_expect(setsockopt(fd, o->level, o->name, &value, sizeof(value)) == 0,
                    "option %d of level %d cannot be set\n", o->name, o->level);
}

/* Each option alone, then all of them, from a fresh socket to a fresh one. */
static void
expect_copied(int family, int type, const Option *options, size_t n)
{
        CLEANUP_FD int all_from = unit_socket(family, type);
        CLEANUP_FD int all_to = unit_socket(family, type);

        for (size_t i = 0; i < n; i++) {
                CLEANUP_FD int from = unit_socket(family, type);
                CLEANUP_FD int to = unit_socket(family, type);

                set(from, &options[i], options[i].value);
                set(all_from, &options[i], options[i].value);
                unit_expect(get(from, &options[i]) != get(to, &options[i]),
                            "option %d of level %d is no different\n", options[i].name,
                            options[i].level);
                options_copy(from, to);
                unit_expect(get(from, &options[i]) == get(to, &options[i]),
                            "option %d of level %d is %d instead of %d\n", options[i].name,
                            options[i].level, get(to, &options[i]), get(from, &options[i]));
        }
        options_copy(all_from, all_to);
        for (size_t i = 0; i < n; i++)
                assert_int_equal(get(all_from, &options[i]), get(all_to, &options[i]));
}

static void
options_of_every_socket_are_carried_over(void **state)
{
        (void)state;
        expect_copied(AF_INET, SOCK_STREAM, socket_options, ELEMENTSOF(socket_options));
        expect_copied(AF_INET, SOCK_DGRAM, socket_options, ELEMENTSOF(socket_options));
        expect_copied(AF_INET6, SOCK_STREAM, socket_options, ELEMENTSOF(socket_options));
}

static void
options_of_tcp_are_carried_over(void **state)
{
        (void)state;
        expect_copied(AF_INET, SOCK_STREAM, tcp_options, ELEMENTSOF(tcp_options));
        expect_copied(AF_INET6, SOCK_STREAM, tcp_options, ELEMENTSOF(tcp_options));
}

static void
options_of_each_internet_protocol_are_carried_over(void **state)
{
        (void)state;
        expect_copied(AF_INET, SOCK_STREAM, ipv4_options, ELEMENTSOF(ipv4_options));
        expect_copied(AF_INET, SOCK_DGRAM, ipv4_options, ELEMENTSOF(ipv4_options));
        expect_copied(AF_INET6, SOCK_STREAM, ipv6_options, ELEMENTSOF(ipv6_options));
        expect_copied(AF_INET6, SOCK_DGRAM, ipv6_options, ELEMENTSOF(ipv6_options));
}

static void
a_priority_that_was_set_after_the_type_of_service_is_kept(void **state)
{
        static const Option tos = {IPPROTO_IP, IP_TOS, 0x10};
        static const Option priority = {SOL_SOCKET, SO_PRIORITY, 3};
        CLEANUP_FD int from = unit_socket(AF_INET, SOCK_STREAM);
        CLEANUP_FD int to = unit_socket(AF_INET, SOCK_STREAM);

        (void)state;
        set(from, &tos, 0x10); /* which sets a priority as well (ip(7)) */
        set(from, &priority, 3);
        options_copy(from, to);
        assert_int_equal(get(to, &tos), 0x10);
        assert_int_equal(get(to, &priority), 3);
}

static void
options_of_datagrams_are_carried_over(void **state)
{
        (void)state;
        expect_copied(AF_INET, SOCK_DGRAM, udp_options, ELEMENTSOF(udp_options));
        expect_copied(AF_INET6, SOCK_DGRAM, udp6_options, ELEMENTSOF(udp6_options));
}

static void
but_not_to_a_stream_which_has_no_use_for_them(void **state)
{
        static const Option timestamp = {SOL_SOCKET, SO_TIMESTAMP, 1};
        CLEANUP_FD int from = unit_socket(AF_INET, SOCK_STREAM);
        CLEANUP_FD int to = unit_socket(AF_INET, SOCK_STREAM);

        (void)state;
        set(from, &timestamp, 1);
        options_copy(from, to);
        assert_int_equal(get(to, &timestamp), 0);
}

static void
timeouts_and_the_congestion_control_are_carried_over(void **state)
{
        static const int names[] = {SO_RCVTIMEO, SO_SNDTIMEO};
        CLEANUP_FD int from = unit_socket(AF_INET, SOCK_STREAM);
        CLEANUP_FD int to = unit_socket(AF_INET, SOCK_STREAM);
        char congestion[16] = "";
        socklen_t size = sizeof(congestion);

        (void)state;
        for (size_t i = 0; i < ELEMENTSOF(names); i++) {
                struct timeval t = {.tv_sec = 7, .tv_usec = 500000};

                assert_int_equal(setsockopt(from, SOL_SOCKET, names[i], &t, sizeof(t)), 0);
        }
        assert_int_equal(setsockopt(from, IPPROTO_TCP, TCP_CONGESTION, "reno", 4), 0);
        options_copy(from, to);
        for (size_t i = 0; i < ELEMENTSOF(names); i++) {
                struct timeval t = {0};
                socklen_t n = sizeof(t);

                assert_int_equal(getsockopt(to, SOL_SOCKET, names[i], &t, &n), 0);
                assert_int_equal(t.tv_sec, 7);
                assert_in_range(t.tv_usec, 490000, 510000); /* whole ticks of the kernel */
        }
        assert_int_equal(getsockopt(to, IPPROTO_TCP, TCP_CONGESTION, congestion, &size), 0);
        assert_string_equal(congestion, "reno");
}

static void
options_of_unix_sockets_are_carried_over(void **state)
{
        (void)state;
        expect_copied(AF_UNIX, SOCK_STREAM, unix_options, ELEMENTSOF(unix_options));
        expect_copied(AF_UNIX, SOCK_DGRAM, unix_options, ELEMENTSOF(unix_options));
}

static void
they_reach_a_socket_that_listens_already(void **state)
{
        CLEANUP_FD int from = unit_socket(AF_INET, SOCK_STREAM);
        CLEANUP_FD int to = unit_bound(SOCK_STREAM, 7201);

        (void)state;
        for (size_t i = 0; i < ELEMENTSOF(tcp_options); i++)
                set(from, &tcp_options[i], tcp_options[i].value);
        options_copy(from, to);
        for (size_t i = 0; i < ELEMENTSOF(tcp_options); i++)
                assert_int_equal(get(from, &tcp_options[i]), get(to, &tcp_options[i]));
}

static void
an_option_that_the_last_worker_set_and_this_one_did_not_is_unset(void **state)
{
        static const Option keepalive = {SOL_SOCKET, SO_KEEPALIVE, 1};
        static const Option nodelay = {IPPROTO_TCP, TCP_NODELAY, 1};
        CLEANUP_FD int from = unit_socket(AF_INET, SOCK_STREAM);
        CLEANUP_FD int to = unit_socket(AF_INET, SOCK_STREAM);

        (void)state;
        set(to, &keepalive, 1);
        set(to, &nodelay, 1);
        options_copy(from, to);
        assert_int_equal(get(to, &keepalive), 0);
        assert_int_equal(get(to, &nodelay), 0);
}

static struct linger
get_linger(int fd)
{
        struct linger linger = {0};
        socklen_t size = sizeof(linger);

        assert_int_equal(getsockopt(fd, SOL_SOCKET, SO_LINGER, &linger, &size), 0);
        return linger;
}

static void
linger_is_carried_over_with_its_seconds(void **state)
{
        static const struct linger five = {.l_onoff = 1, .l_linger = 5};
        CLEANUP_FD int from = unit_socket(AF_INET, SOCK_STREAM);
        CLEANUP_FD int to = unit_socket(AF_INET, SOCK_STREAM);
        CLEANUP_FD int plain = unit_socket(AF_INET, SOCK_STREAM);

        (void)state;
        assert_int_equal(setsockopt(from, SOL_SOCKET, SO_LINGER, &five, sizeof(five)), 0);
        options_copy(from, to);
        assert_int_equal(get_linger(to).l_onoff, 1);
        assert_int_equal(get_linger(to).l_linger, 5);
        options_copy(plain, to);
        assert_int_equal(get_linger(to).l_onoff, 0);
}

static void
an_ipv4_servers_options_reach_a_dual_stack_socket_as_far_as_it_has_them(void **state)
{
        static const Option tclass = {IPPROTO_IPV6, IPV6_TCLASS, 0x20};
        static const Option nodelay = {IPPROTO_TCP, TCP_NODELAY, 1};
        CLEANUP_FD int from = unit_socket(AF_INET, SOCK_STREAM);
        CLEANUP_FD int to = unit_socket(AF_INET6, SOCK_STREAM);

        (void)state;
        set(to, &tclass, 0x20);
        set(from, &nodelay, 1);
        options_copy(from, to);
        assert_int_equal(get(to, &nodelay), 1);
        assert_int_equal(get(to, &tclass), 0x20);
}

static void
what_decides_who_may_bind_is_left_as_it_is(void **state)
{
        static const Option reuseaddr = {SOL_SOCKET, SO_REUSEADDR, 1};
        static const Option v6only = {IPPROTO_IPV6, IPV6_V6ONLY, 1};
        CLEANUP_FD int from = unit_socket(AF_INET6, SOCK_STREAM);
        CLEANUP_FD int to = unit_socket(AF_INET6, SOCK_STREAM);

        (void)state;
        set(to, &reuseaddr, 1);
        set(from, &v6only, 1);
        options_copy(from, to);
        assert_int_equal(get(to, &reuseaddr), 1);
        assert_int_equal(get(to, &v6only), 0);
}

static void
copy_without_any_right(void)
{
        struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
        struct __user_cap_data_struct none[2] = {{0}};
        int from = socket(AF_INET, SOCK_STREAM, 0);
        int to = socket(AF_INET, SOCK_STREAM, 0);
        int mark = 7;
        int on = 1;
        socklen_t size = sizeof(on);

        CHILD_MUST(setsockopt(from, SOL_SOCKET, SO_MARK, &mark, sizeof(mark)) == 0);
        CHILD_MUST(setsockopt(from, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)) == 0);
        CHILD_MUST(syscall(SYS_capset, &header, none) == 0);
        options_copy(from, to);
        CHILD_MUST(getsockopt(to, SOL_SOCKET, SO_MARK, &mark, &size) == 0 && mark == 0);
        CHILD_MUST(getsockopt(to, IPPROTO_TCP, TCP_NODELAY, &on, &size) == 0 && on);
        fd_close(from);
        fd_close(to);
}

static void
what_the_kernel_does_not_take_is_left_and_the_rest_is_copied(void **state)
{
        (void)state;
        assert_int_equal(child_run(copy_without_any_right), 0);
}

static void
a_descriptor_that_is_no_socket_changes_nothing(void **state)
{
        static const Option keepalive = {SOL_SOCKET, SO_KEEPALIVE, 1};
        CLEANUP_FD int to = unit_socket(AF_INET, SOCK_STREAM);

        (void)state;
        set(to, &keepalive, 1);
        options_copy(-1, to);
        options_copy(STDIN_FILENO, to);
        options_copy(to, -1);
        assert_int_equal(get(to, &keepalive), 1);
}

int
main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(options_of_every_socket_are_carried_over),
                cmocka_unit_test(options_of_tcp_are_carried_over),
                cmocka_unit_test(options_of_each_internet_protocol_are_carried_over),
                cmocka_unit_test(a_priority_that_was_set_after_the_type_of_service_is_kept),
                cmocka_unit_test(options_of_datagrams_are_carried_over),
                cmocka_unit_test(but_not_to_a_stream_which_has_no_use_for_them),
                cmocka_unit_test(timeouts_and_the_congestion_control_are_carried_over),
                cmocka_unit_test(options_of_unix_sockets_are_carried_over),
                cmocka_unit_test(they_reach_a_socket_that_listens_already),
                cmocka_unit_test(an_option_that_the_last_worker_set_and_this_one_did_not_is_unset),
                cmocka_unit_test(linger_is_carried_over_with_its_seconds),
                cmocka_unit_test(
                        an_ipv4_servers_options_reach_a_dual_stack_socket_as_far_as_it_has_them),
                cmocka_unit_test(what_decides_who_may_bind_is_left_as_it_is),
                cmocka_unit_test(what_the_kernel_does_not_take_is_left_and_the_rest_is_copied),
                cmocka_unit_test(a_descriptor_that_is_no_socket_changes_nothing),
        };

        unit_own_network();
        return unit_run(tests);
}
