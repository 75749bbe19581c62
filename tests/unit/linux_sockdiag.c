/* SPDX-License-Identifier: MIT */
/* linux_sockdiag.c - what the kernel's socket tables say about sockets of our own. */
#include "unit.h"

#include <errno.h>
#include <netinet/tcp.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "base/fd.h"
#include "linux/sockdiag.h"

enum {
        PORT = 7301,
        CONNECTED_PORT = 7311, /* these have left-overs, which are in nobody else's way */
        ORPHANS_PORT = 7321,
};

/* What a dump had to say about sockets of one family. */
typedef struct Seen {
        int family;
        unsigned n;
        SockdiagSocket last;
} Seen;

static void
on_socket(const SockdiagSocket *s, void *userdata)
{
        Seen *seen = userdata;

        if (s->family != seen->family)
                return;
        seen->n++;
        seen->last = *s;
}

static Seen
dump(int family, int protocol, uint32_t states, uint16_t port)
{
        const SockdiagQuery query = {.protocol = protocol, .states = states, .port = port};
        Seen seen = {.family = family};

        assert_int_equal(sockdiag_dump_inet(&query, on_socket, &seen), 0);
        return seen;
}

static ino_t
inode_of(int fd)
{
        struct stat st;

        assert_int_equal(fstat(fd, &st), 0);
        return st.st_ino;
}

static void
a_listener_is_found_with_its_address_inode_and_owner(void **state)
{
        CLEANUP_FD int fd = unit_bound(SOCK_STREAM, PORT);
        Seen seen = dump(AF_INET, IPPROTO_TCP, 1U << TCP_LISTEN, PORT);

        (void)state;
        assert_int_equal(seen.n, 1);
        assert_int_equal(seen.last.protocol, IPPROTO_TCP);
        assert_int_equal(seen.last.state, TCP_LISTEN);
        assert_int_equal(seen.last.port, PORT);
        assert_int_equal(seen.last.address.s6_addr32[0], htonl(INADDR_LOOPBACK));
        assert_int_equal(seen.last.inode, inode_of(fd));
        assert_true(seen.last.has_uid);
        assert_int_equal(seen.last.uid, geteuid());
}

static void
only_the_states_that_were_asked_for_are_told(void **state)
{
        CLEANUP_FD int fd = unit_bound(SOCK_STREAM, CONNECTED_PORT);
        const struct sockaddr_in in = {.sin_family = AF_INET,
                                       .sin_port = htons(CONNECTED_PORT),
                                       .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
        CLEANUP_FD int client = unit_socket(AF_INET, SOCK_STREAM);
        CLEANUP_FD int accepted = -1;

        (void)state;
        assert_int_equal(dump(AF_INET, IPPROTO_TCP, 1U << TCP_ESTABLISHED, CONNECTED_PORT).n, 0);
        assert_int_equal(connect(client, (const struct sockaddr *)&in, sizeof(in)), 0);
        accepted = accept4(fd, NULL, NULL, SOCK_CLOEXEC);
        assert_true(accepted >= 0);
        assert_int_equal(dump(AF_INET, IPPROTO_TCP, 1U << TCP_LISTEN, CONNECTED_PORT).n, 1);
        assert_int_equal(dump(AF_INET, IPPROTO_TCP, 1U << TCP_ESTABLISHED, CONNECTED_PORT).n, 1);
        assert_int_equal(
                dump(AF_INET, IPPROTO_TCP, 1U << TCP_ESTABLISHED, CONNECTED_PORT).last.inode,
                inode_of(accepted));
        assert_int_equal(
                dump(AF_INET, IPPROTO_TCP, 1U << TCP_LISTEN | 1U << TCP_ESTABLISHED, CONNECTED_PORT)
                        .n,
                2);
        assert_int_equal(dump(AF_INET, IPPROTO_TCP, 1U << TCP_CLOSE_WAIT, CONNECTED_PORT).n, 0);
}

static void
only_the_port_that_was_asked_for_is_told_and_0_is_any(void **state)
{
        CLEANUP_FD int fd = unit_bound(SOCK_STREAM, PORT);
        CLEANUP_FD int other = unit_bound(SOCK_STREAM, PORT + 1);

        (void)state;
        assert_true(fd >= 0 && other >= 0);
        assert_int_equal(dump(AF_INET, IPPROTO_TCP, 1U << TCP_LISTEN, PORT).n, 1);
        assert_int_equal(dump(AF_INET, IPPROTO_TCP, 1U << TCP_LISTEN, PORT + 2).n, 0);
        assert_int_equal(dump(AF_INET, IPPROTO_TCP, 1U << TCP_LISTEN, 0).n, 2);
}

static void
a_listener_tells_its_queue_its_limit_and_whether_it_is_for_ipv6_only(void **state)
{
        (void)state;
        for (int on = 0; on <= 1; on++) {
                const struct sockaddr_in6 in6 = {.sin6_family = AF_INET6,
                                                 .sin6_port = htons(CONNECTED_PORT + 1),
                                                 .sin6_addr = IN6ADDR_ANY_INIT};
                CLEANUP_FD int fd = unit_socket(AF_INET6, SOCK_STREAM);
                CLEANUP_FD int client = unit_socket(AF_INET6, SOCK_STREAM);
                Seen seen;
                int one = 1;

                assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)), 0);
                assert_int_equal(setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on)), 0);
                assert_int_equal(bind(fd, (const struct sockaddr *)&in6, sizeof(in6)), 0);
                assert_int_equal(listen(fd, 17), 0);
                assert_int_equal(connect(client, (const struct sockaddr *)&in6, sizeof(in6)), 0);
                seen = dump(AF_INET6, IPPROTO_TCP, 1U << TCP_LISTEN, CONNECTED_PORT + 1);
                assert_int_equal(seen.n, 1);
                assert_int_equal(seen.last.v6only, on);
                assert_int_equal(seen.last.rqueue, 1);
                assert_int_equal(seen.last.wqueue, 17);
        }
}

static void
a_connection_tells_its_other_end(void **state)
{
        CLEANUP_FD int fd = unit_bound(SOCK_STREAM, CONNECTED_PORT + 2);
        struct sockaddr_in in = {.sin_family = AF_INET,
                                 .sin_port = htons(CONNECTED_PORT + 2),
                                 .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
        CLEANUP_FD int client = unit_socket(AF_INET, SOCK_STREAM);
        socklen_t size = sizeof(in);
        Seen seen;

        (void)state;
        assert_true(fd >= 0);
        assert_int_equal(connect(client, (const struct sockaddr *)&in, sizeof(in)), 0);
        assert_int_equal(getsockname(client, (struct sockaddr *)&in, &size), 0);
        seen = dump(AF_INET, IPPROTO_TCP, 1U << TCP_ESTABLISHED, CONNECTED_PORT + 2);
        assert_int_equal(seen.n, 1);
        assert_int_equal(seen.last.peer_port, ntohs(in.sin_port));
        assert_int_equal(seen.last.peer.s6_addr32[0], htonl(INADDR_LOOPBACK));
}

static void
a_socket_that_is_bound_and_does_not_listen_is_told_where_that_is_said(void **state)
{
        const struct sockaddr_in in = {.sin_family = AF_INET,
                                       .sin_port = htons(PORT + 5),
                                       .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
        CLEANUP_FD int fd = unit_socket(AF_INET, SOCK_STREAM);
        Seen seen;

        (void)state;
        assert_int_equal(bind(fd, (const struct sockaddr *)&in, sizeof(in)), 0);
        seen = dump(AF_INET, IPPROTO_TCP, 0xffeU | 1U << SOCKDIAG_BOUND, PORT + 5);
        assert_int_equal(seen.n, sockdiag_shows_bound());
        if (seen.n)
                assert_int_equal(seen.last.state, SOCKDIAG_BOUND);
}

static void
what_no_process_has_any_more_has_no_inode_and_no_owner(void **state)
{
        int fd = unit_bound(SOCK_STREAM, ORPHANS_PORT);
        const struct sockaddr_in in = {.sin_family = AF_INET,
                                       .sin_port = htons(ORPHANS_PORT),
                                       .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
        CLEANUP_FD int client = unit_socket(AF_INET, SOCK_STREAM);
        int accepted;
        Seen seen;

        (void)state;
        assert_int_equal(connect(client, (const struct sockaddr *)&in, sizeof(in)), 0);
        accepted = accept4(fd, NULL, NULL, SOCK_CLOEXEC);
        assert_true(accepted >= 0);
        fd_close(accepted);
        fd_close(fd);
        seen = dump(AF_INET, IPPROTO_TCP, 1U << TCP_FIN_WAIT1 | 1U << TCP_FIN_WAIT2, ORPHANS_PORT);
        assert_int_equal(seen.n, 1);
        assert_int_equal(seen.last.inode, 0);
        assert_false(seen.last.has_uid);
}

static void
families_and_protocols_are_asked_for_singly(void **state)
{
        const struct sockaddr_in6 in6 = {.sin6_family = AF_INET6,
                                         .sin6_port = htons(PORT + 1),
                                         .sin6_addr = IN6ADDR_LOOPBACK_INIT};
        CLEANUP_FD int v6 = unit_socket(AF_INET6, SOCK_STREAM);
        CLEANUP_FD int udp = unit_bound(SOCK_DGRAM, PORT + 2);
        Seen seen;

        (void)state;
        assert_int_equal(bind(v6, (const struct sockaddr *)&in6, sizeof(in6)), 0);
        assert_int_equal(listen(v6, 1), 0);
        assert_int_equal(dump(AF_INET, IPPROTO_TCP, UINT32_MAX, PORT + 1).n, 0);
        seen = dump(AF_INET6, IPPROTO_TCP, UINT32_MAX, PORT + 1);
        assert_int_equal(seen.n, 1);
        assert_int_equal(seen.last.inode, inode_of(v6));
        assert_memory_equal(&seen.last.address, &in6.sin6_addr, sizeof(in6.sin6_addr));
        assert_int_equal(dump(AF_INET, IPPROTO_TCP, UINT32_MAX, PORT + 2).n, 0);
        seen = dump(AF_INET, IPPROTO_UDP, UINT32_MAX, PORT + 2);
        assert_int_equal(seen.n, 1);
        assert_int_equal(seen.last.inode, inode_of(udp));
}

static void
a_dump_that_needs_many_messages_is_complete(void **state)
{
        int fds[500];
        Seen seen;

        (void)state;
        for (uint32_t i = 0; i < ELEMENTSOF(fds); i++) {
                const struct sockaddr_in in = {.sin_family = AF_INET,
                                               .sin_port = htons(PORT),
                                               .sin_addr.s_addr = htonl(INADDR_LOOPBACK + i)};

                fds[i] = unit_socket(AF_INET, SOCK_STREAM);
                assert_int_equal(bind(fds[i], (const struct sockaddr *)&in, sizeof(in)), 0);
                assert_int_equal(listen(fds[i], 1), 0);
        }
        seen = dump(AF_INET, IPPROTO_TCP, 1U << TCP_LISTEN, PORT);
        for (size_t i = 0; i < ELEMENTSOF(fds); i++)
                fd_close(fds[i]);
        assert_int_equal(seen.n, ELEMENTSOF(fds));
}

static void
a_protocol_that_has_no_table_is_an_error_and_not_an_empty_one(void **state)
{
        const SockdiagQuery query = {.protocol = 255, .states = UINT32_MAX};
        Seen seen = {.family = AF_INET};

        (void)state; /* as TCP is where its module is missing, and cannot be loaded */
        assert_int_equal(sockdiag_dump_inet(&query, on_socket, &seen), -ENOENT);
        assert_int_equal(seen.n, 0);
}

static void
connections_that_wait_on_a_unix_socket_are_counted(void **state)
{
        const struct sockaddr_un un = {.sun_family = AF_UNIX, .sun_path = "\0unit diag"};
        CLEANUP_FD int fd = unit_socket(AF_UNIX, SOCK_STREAM);
        int clients[7];
        SockdiagUnix found;

        (void)state;
        assert_int_equal(bind(fd, (const struct sockaddr *)&un, sizeof(un)), 0);
        assert_int_equal(listen(fd, 20), 0);
        for (unsigned i = 0; i < ELEMENTSOF(clients); i++) {
                assert_int_equal(sockdiag_find_unix(inode_of(fd), false, &found), 0);
                assert_int_equal(found.rqueue, i);
                clients[i] = unit_socket(AF_UNIX, SOCK_STREAM);
                assert_int_equal(connect(clients[i], (const struct sockaddr *)&un, sizeof(un)), 0);
        }
        fd_close(accept(fd, NULL, NULL));
        assert_int_equal(sockdiag_find_unix(inode_of(fd), false, &found), 0);
        assert_int_equal(found.rqueue, ELEMENTSOF(clients) - 1);
        for (unsigned i = 0; i < ELEMENTSOF(clients); i++)
                fd_close(clients[i]);
}

/* The socket of this inode in a dump. */
typedef struct SeenUnix {
        ino_t inode;
        unsigned n;
        SockdiagUnix last;
} SeenUnix;

static void
on_unix_socket(const SockdiagUnix *s, void *userdata)
{
        SeenUnix *seen = userdata;

        if (s->inode != seen->inode)
                return;
        seen->n++;
        seen->last = *s;
}

static void
a_unix_socket_is_found_with_its_name_and_owner(void **state)
{
        static const char name[] = "\0unit name";
        const struct sockaddr_un un = {.sun_family = AF_UNIX, .sun_path = "\0unit name"};
        CLEANUP_FD int fd = unit_socket(AF_UNIX, SOCK_SEQPACKET);
        SeenUnix seen = {.inode = inode_of(fd)};

        (void)state;
        assert_int_equal(bind(fd, (const struct sockaddr *)&un,
                              offsetof(struct sockaddr_un, sun_path) + sizeof(name) - 1),
                         0);
        assert_int_equal(sockdiag_dump_unix(on_unix_socket, &seen), 0);
        assert_int_equal(seen.n, 1);
        assert_int_equal(seen.last.type, SOCK_SEQPACKET);
        assert_int_equal(seen.last.state, TCP_CLOSE);
        assert_int_equal(seen.last.n_name, sizeof(name) - 1);
        assert_memory_equal(seen.last.name, name, sizeof(name) - 1);
        assert_int_equal(listen(fd, 5), 0);
        assert_int_equal(sockdiag_dump_unix(on_unix_socket, &seen), 0);
        assert_int_equal(seen.last.state, TCP_LISTEN);
        assert_int_equal(seen.last.wqueue, 5);
        if (seen.last.has_uid)
                assert_int_equal(seen.last.uid, geteuid());
}

static void
the_file_of_a_unix_socket_is_told_whatever_it_is_called_now(void **state)
{
        const struct sockaddr_un un = {.sun_family = AF_UNIX, .sun_path = "unit-diag-bound"};
        CLEANUP_FD int fd = unit_socket(AF_UNIX, SOCK_STREAM);
        SockdiagUnix found;
        struct stat st;

        (void)state;
        assert_int_equal(bind(fd, (const struct sockaddr *)&un, sizeof(un)), 0);
        assert_int_equal(rename("unit-diag-bound", "unit-diag-renamed"), 0);
        assert_int_equal(lstat("unit-diag-renamed", &st), 0);
        assert_int_equal(sockdiag_find_unix(inode_of(fd), false, &found), 0);
        assert_int_equal(found.file_inode, (uint32_t)st.st_ino);
        assert_int_equal(unlink("unit-diag-renamed"), 0);
}

static void
a_unix_socket_that_is_not_there_is_not_found(void **state)
{
        CLEANUP_FD int tcp = unit_bound(SOCK_STREAM, PORT);
        SockdiagUnix found = {.rqueue = 77};

        (void)state;
        assert_int_equal(sockdiag_find_unix(inode_of(tcp), true, &found), -ENOENT);
        assert_int_equal(found.rqueue, 77);
}

int
main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(a_listener_is_found_with_its_address_inode_and_owner),
                cmocka_unit_test(only_the_states_that_were_asked_for_are_told),
                cmocka_unit_test(only_the_port_that_was_asked_for_is_told_and_0_is_any),
                cmocka_unit_test(
                        a_listener_tells_its_queue_its_limit_and_whether_it_is_for_ipv6_only),
                cmocka_unit_test(a_connection_tells_its_other_end),
                cmocka_unit_test(
                        a_socket_that_is_bound_and_does_not_listen_is_told_where_that_is_said),
                cmocka_unit_test(what_no_process_has_any_more_has_no_inode_and_no_owner),
                cmocka_unit_test(families_and_protocols_are_asked_for_singly),
                cmocka_unit_test(a_dump_that_needs_many_messages_is_complete),
                cmocka_unit_test(a_protocol_that_has_no_table_is_an_error_and_not_an_empty_one),
                cmocka_unit_test(connections_that_wait_on_a_unix_socket_are_counted),
                cmocka_unit_test(a_unix_socket_is_found_with_its_name_and_owner),
                cmocka_unit_test(the_file_of_a_unix_socket_is_told_whatever_it_is_called_now),
                cmocka_unit_test(a_unix_socket_that_is_not_there_is_not_found),
        };

        unit_own_network();
        return unit_run(tests);
}
