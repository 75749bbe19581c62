/* SPDX-License-Identifier: MIT */
/* sockets_held.c - a socket that sup holds open: its place, its claims, its queue. */
#include "child.h"
#include "holding.h"
#include "unit.h"

#include <errno.h>
#include <linux/sock_diag.h>
#include <netinet/tcp.h>
#include <sys/stat.h>

enum {
        PORT = 7101,
        N_CLIENTS = 5,
};

static void
a_held_socket_owns_its_descriptor_and_knows_its_place(void **state)
{
        int fd = unit_bound(SOCK_STREAM, PORT);
        Held *h = holding_new(fd);
        char text[ADDRESS_TEXT_MAX];

        (void)state;
        assert_int_equal(h->fd, fd);
        assert_string_equal(h->name, "web");
        assert_true(fd_same_file(fd, h->dev, h->ino));
        assert_string_equal(address_format_plain(&h->key.address, text, sizeof(text)),
                            "127.0.0.1:7101");
        assert_null(held_free(h));
        assert_int_equal(fcntl(fd, F_GETFD), -1);
        assert_null(held_free(NULL));
}

static void
what_is_not_open_cannot_be_held(void **state)
{
        Held *h = NULL;
        HeldKey key = holding_key("80");

        (void)state;
        assert_int_equal(held_new(&h, -1, HELD_NAMED, &key, "web"), -EBADF);
        assert_null(h);
}

static void
a_key_has_the_device_that_the_socket_is_tied_to(void **state)
{
        CLEANUP_FD int tied = unit_socket(AF_INET, SOCK_STREAM);
        CLEANUP_FD int loose = unit_socket(AF_INET, SOCK_STREAM);
        const HeldKey asked = holding_key("127.0.0.1:7101");
        HeldKey key;

        (void)state;
        assert_int_equal(setsockopt(tied, SOL_SOCKET, SO_BINDTODEVICE, "lo", 2), 0);
        assert_int_equal(held_key_init(&key, tied, &asked.address), 0);
        assert_string_equal(key.device, "lo");
        assert_int_equal(held_key_init(&key, loose, &asked.address), 0);
        assert_string_equal(key.device, "");
        assert_int_equal(held_key_init(&key, -1, &asked.address), -EBADF);
}

static void
find_another_cookie_in_another_namespace(void)
{
        const HeldKey asked = holding_key("127.0.0.1:7101");
        int here = socket(AF_INET, SOCK_STREAM, 0);
        HeldKey keys[2];
        int there;

        CHILD_MUST(unshare(CLONE_NEWNET) == 0);
        there = socket(AF_INET, SOCK_STREAM, 0);
        CHILD_MUST(held_key_init(&keys[0], here, &asked.address) == 0);
        CHILD_MUST(held_key_init(&keys[1], there, &asked.address) == 0);
        CHILD_MUST(keys[0].netns ? keys[0].netns != keys[1].netns : !keys[1].netns);
        fd_close(here);
        fd_close(there);
}

static void
a_key_has_the_network_namespace_where_the_kernel_tells_it(void **state)
{
        (void)state;
        assert_int_equal(child_run(find_another_cookie_in_another_namespace), 0);
}

static void
a_key_has_the_directory_of_a_path(void **state)
{
        CLEANUP_FD int fd = unit_socket(AF_UNIX, SOCK_STREAM);
        HeldKey asked = holding_key("/proc/../tmp/unit-x");
        HeldKey key;
        struct stat st;

        (void)state;
        assert_int_equal(stat("/tmp", &st), 0);
        assert_int_equal(held_key_init(&key, fd, &asked.address), 0);
        assert_int_equal(key.dir_ino, st.st_ino);
        assert_int_equal(key.dir_dev, st.st_dev);
        asked = holding_key("/no/such/directory/x");
        assert_int_equal(held_key_init(&key, fd, &asked.address), 0);
        assert_int_equal(key.dir_ino, 0);
}

static void
a_claim_is_noted_once_for_each_worker_and_address(void **state)
{
        Held *h = holding_new(unit_bound(SOCK_STREAM, PORT));
        HeldClaim claim = {.owner = 1, .pid = 100, .fd = 3, .asked = h->key.address};

        (void)state;
        assert_int_equal(held_claim(h, &claim), 0);
        claim.pid = 101;
        claim.fd = 4;
        assert_int_equal(held_claim(h, &claim), 0);
        assert_int_equal(h->n_claims, 1);
        assert_int_equal(h->claims[0].pid, 101);
        assert_int_equal(h->claims[0].fd, 4);
        address_set_port(&claim.asked, 81);
        assert_int_equal(held_claim(h, &claim), 0);
        claim.owner = 2;
        assert_int_equal(held_claim(h, &claim), 0);
        assert_int_equal(h->n_claims, 3);
        held_free(h);
}

static void
the_claims_of_a_dead_worker_are_dropped_and_no_others(void **state)
{
        Held *h = holding_new(unit_bound(SOCK_STREAM, PORT));
        HeldClaim claim = {.asked = h->key.address};

        (void)state;
        for (uint64_t i = 0; i < 30; i++) {
                claim.owner = i % 3;
                claim.pid = (pid_t)i;
                address_set_port(&claim.asked, (uint16_t)(1000 + i));
                assert_int_equal(held_claim(h, &claim), 0);
        }
        held_drop_claims(h, 1);
        held_drop_claims(h, 77);
        assert_int_equal(h->n_claims, 20);
        for (size_t i = 0; i < h->n_claims; i++)
                assert_int_not_equal(h->claims[i].owner, 1);
        assert_int_equal(h->claims[0].pid, 0);
        assert_int_equal(h->claims[19].pid, 29);
        held_drop_claims(h, 0);
        held_drop_claims(h, 2);
        assert_int_equal(h->n_claims, 0);
        held_free(h);
}

static void
a_socket_is_for_all_generations_or_for_one(void **state)
{
        const Held all = {.generation = 0};
        const Held one = {.generation = 3};

        (void)state;
        assert_true(held_is_for(&all, 1) && held_is_for(&all, 3));
        assert_true(held_is_for(&one, 3));
        assert_false(held_is_for(&one, 2) || held_is_for(&one, 4));
}

/* Connect so many clients; they are never accepted. */
static void
expect_queue(Held *h, int type)
{
        int fds[N_CLIENTS];

        for (unsigned i = 0; i < N_CLIENTS; i++) {
                assert_int_equal(held_queue_length(h), i);
                fds[i] = unit_socket(h->key.address.any.sa_family, type);
                assert_int_equal(connect(fds[i], &h->key.address.any, h->key.address.length), 0);
        }
        assert_int_equal(held_queue_length(h), N_CLIENTS);
        for (unsigned i = 0; i < N_CLIENTS; i++)
                fd_close(fds[i]);
        held_free(h);
}

static void
connections_that_wait_are_counted(void **state)
{
        (void)state;
        expect_queue(holding_new(unit_bound(SOCK_STREAM, PORT)), SOCK_STREAM);
        expect_queue(holding_new(holding_unix_socket(SOCK_STREAM)), SOCK_STREAM);
        expect_queue(holding_new(holding_unix_socket(SOCK_SEQPACKET)), SOCK_SEQPACKET);
}

static void
the_limit_of_a_queue_is_told_for_tcp(void **state)
{
        Held *tcp = holding_new(unit_bound(SOCK_STREAM, PORT));
        Held *local = holding_new(holding_unix_socket(SOCK_STREAM));

        (void)state;
        assert_int_equal(held_listen(tcp, 17), 0);
        assert_int_equal(held_queue_limit(tcp), 17);
        assert_int_equal(held_queue_limit(local), 0);
        held_free(tcp);
        held_free(local);
}

static void
what_a_full_queue_drops_is_counted_once(void **state)
{
        Held *h = holding_new(unit_bound(SOCK_DGRAM, PORT));
        CLEANUP_FD int client = unit_socket(AF_INET, SOCK_DGRAM);
        char datagram[1000] = "";
        int least = 1;

        (void)state;
        assert_int_equal(held_new_overflows(h), 0);
        assert_int_equal(setsockopt(h->fd, SOL_SOCKET, SO_RCVBUF, &least, sizeof(least)), 0);
        for (int i = 0; i < 10; i++)
                assert_int_equal(sendto(client, datagram, sizeof(datagram), 0, &h->key.address.any,
                                        h->key.address.length),
                                 sizeof(datagram));
        assert_in_range(held_new_overflows(h), 1, 10);
        assert_int_equal(held_new_overflows(h), 0);
        held_free(h);
}

/* What a client sends over the loopback interface is handled before its call returns. */
static uint32_t
drops_of(const Held *h)
{
        uint32_t info[SK_MEMINFO_VARS] = {0};
        socklen_t size = sizeof(info);

        assert_int_equal(getsockopt(h->fd, SOL_SOCKET, SO_MEMINFO, info, &size), 0);
        return info[SK_MEMINFO_DROPS];
}

static void
what_a_listener_drops_because_it_defers_to_accept_is_not_an_overflow(void **state)
{
        Held *h = holding_new(unit_bound(SOCK_STREAM, PORT));
        CLEANUP_FD int client = unit_socket(AF_INET, SOCK_STREAM);
        CLEANUP_FD int second = unit_socket(AF_INET, SOCK_STREAM);
        int patience = 5;

        (void)state;
        assert_int_equal(
                setsockopt(h->fd, IPPROTO_TCP, TCP_DEFER_ACCEPT, &patience, sizeof(patience)), 0);
        assert_int_equal(held_listen(h, 1), 0);
        assert_int_equal(held_new_overflows(h), 0);
        assert_int_equal(connect(client, &h->key.address.any, h->key.address.length), 0);
        assert_int_equal(connect(second, &h->key.address.any, h->key.address.length), 0);
        assert_in_range(drops_of(h), 1, 10);
        assert_int_equal(held_new_overflows(h), 0);
        assert_int_equal(held_new_overflows(h), 0);
        held_free(h);
}

static void
a_datagram_socket_has_no_queue_of_connections_and_always_listens(void **state)
{
        Held *h = holding_new(unit_bound(SOCK_DGRAM, PORT));

        (void)state;
        assert_int_equal(held_queue_length(h), 0);
        assert_true(held_is_listening(h));
        assert_int_equal(held_listen(h, 5), 0);
        held_free(h);
}

static void
a_socket_that_a_holder_has_shut_down_does_not_listen_until_it_is_revived(void **state)
{
        Held *h = holding_new(unit_bound(SOCK_STREAM, PORT));

        (void)state;
        assert_true(held_is_listening(h));
        assert_int_equal(shutdown(h->fd, SHUT_RDWR), 0);
        assert_false(held_is_listening(h));
        assert_int_equal(held_listen(h, SOMAXCONN), 0);
        assert_true(held_is_listening(h));
        held_free(h);
}

static void
connections_to_one_that_was_shut_down_twice_are_not_at_their_end(void **state)
{
        Held *h = holding_new(unit_bound(SOCK_STREAM, PORT + 1));
        CLEANUP_FD int client = unit_socket(AF_INET, SOCK_STREAM);
        CLEANUP_FD int accepted = -1;
        char byte;

        (void)state;
        (void)shutdown(h->fd, SHUT_RDWR);
        (void)shutdown(h->fd, SHUT_RDWR);
        assert_int_equal(held_listen_again(h), 0);
        assert_int_equal(connect(client, &h->key.address.any, h->key.address.length), 0);
        accepted = accept4(h->fd, NULL, NULL, SOCK_CLOEXEC);
        assert_true(accepted >= 0);
        assert_int_equal(recv(accepted, &byte, 1, MSG_DONTWAIT), -1);
        held_free(h);
}

static void
a_server_that_listens_again_does_not_change_the_queue(void **state)
{
        Held *h = holding_new(unit_bound(SOCK_STREAM, PORT));

        (void)state;
        h->backlog = 9;
        assert_int_equal(held_listen(h, 17), 0);
        assert_int_equal(held_listen_again(h), 0);
        assert_int_equal(held_queue_limit(h), 17);
        assert_int_equal(shutdown(h->fd, SHUT_RDWR), 0);
        assert_int_equal(held_listen_again(h), 0);
        assert_true(held_is_listening(h));
        assert_int_equal(held_queue_limit(h), 9);
        held_free(h);
}

static void
a_unix_socket_is_known_by_the_name_that_it_was_bound_to(void **state)
{
        char bound[sizeof(((struct sockaddr_un *)NULL)->sun_path)] = "\0unit held";
        Held *local = holding_new(holding_unix_socket(SOCK_STREAM));
        Held *tcp = holding_new(unit_bound(SOCK_STREAM, PORT));

        (void)state;
        assert_true(held_has_unix_name(local, bound, sizeof(bound)));
        assert_false(held_has_unix_name(local, bound, strlen("@unit held")));
        bound[1] = 'U';
        assert_false(held_has_unix_name(local, bound, sizeof(bound)));
        assert_false(held_has_unix_name(tcp, bound, sizeof(bound)));
        held_free(local);
        held_free(tcp);
}

int
main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(a_held_socket_owns_its_descriptor_and_knows_its_place),
                cmocka_unit_test(what_is_not_open_cannot_be_held),
                cmocka_unit_test(a_key_has_the_device_that_the_socket_is_tied_to),
                cmocka_unit_test(a_key_has_the_network_namespace_where_the_kernel_tells_it),
                cmocka_unit_test(a_key_has_the_directory_of_a_path),
                cmocka_unit_test(a_claim_is_noted_once_for_each_worker_and_address),
                cmocka_unit_test(the_claims_of_a_dead_worker_are_dropped_and_no_others),
                cmocka_unit_test(a_socket_is_for_all_generations_or_for_one),
                cmocka_unit_test(connections_that_wait_are_counted),
                cmocka_unit_test(the_limit_of_a_queue_is_told_for_tcp),
                cmocka_unit_test(what_a_full_queue_drops_is_counted_once),
                cmocka_unit_test(
                        what_a_listener_drops_because_it_defers_to_accept_is_not_an_overflow),
                cmocka_unit_test(a_datagram_socket_has_no_queue_of_connections_and_always_listens),
                cmocka_unit_test(
                        a_socket_that_a_holder_has_shut_down_does_not_listen_until_it_is_revived),
                cmocka_unit_test(connections_to_one_that_was_shut_down_twice_are_not_at_their_end),
                cmocka_unit_test(a_server_that_listens_again_does_not_change_the_queue),
                cmocka_unit_test(a_unix_socket_is_known_by_the_name_that_it_was_bound_to),
        };

        unit_own_network();
        return unit_run(tests);
}
