/* SPDX-License-Identifier: MIT */
/* sockets_held_table.c - all sockets that sup holds open. */
#include "holding.h"
#include "unit.h"

#include <errno.h>
#include <poll.h>
#include <sys/stat.h>

enum { PORT = 7151 };

static void
a_table_finds_a_socket_by_any_duplicate_of_it(void **state)
{
        HeldTable t = {0};
        Held *web = holding_new(unit_bound(SOCK_STREAM, PORT));
        Held *dns = holding_new(unit_bound(SOCK_DGRAM, PORT));
        CLEANUP_FD int copy = fcntl(dns->fd, F_DUPFD_CLOEXEC, 0);
        CLEANUP_FD int other = unit_socket(AF_INET, SOCK_STREAM);

        (void)state;
        assert_null(held_table_find_socket(&t, copy));
        assert_int_equal(held_table_add(&t, web), 0);
        assert_int_equal(held_table_add(&t, dns), 0);
        assert_ptr_equal(held_table_find_socket(&t, copy), dns);
        assert_ptr_equal(held_table_find_socket(&t, web->fd), web);
        assert_null(held_table_find_socket(&t, other));
        assert_null(held_table_find_socket(&t, -1));
        held_table_deinit(&t);
        assert_int_equal(t.n_items, 0);
}

static void
what_is_removed_from_a_table_is_closed_and_the_others_keep_their_order(void **state)
{
        HeldTable t = {0};
        Held *items[4];
        int fd;

        (void)state;
        for (uint16_t i = 0; i < 4; i++) {
                items[i] = holding_new(unit_bound(SOCK_STREAM, (uint16_t)(PORT + i)));
                assert_int_equal(held_table_add(&t, items[i]), 0);
        }
        fd = items[1]->fd;
        held_table_remove(&t, items[1]);
        assert_int_equal(fcntl(fd, F_GETFD), -1);
        assert_int_equal(t.n_items, 3);
        assert_ptr_equal(t.items[0], items[0]);
        assert_ptr_equal(t.items[1], items[2]);
        assert_ptr_equal(t.items[2], items[3]);
        held_table_remove(&t, NULL); /* not in it: nothing happens */
        assert_int_equal(t.n_items, 3);
        held_table_deinit(&t);
}

/* Whether the descriptor says that there is something to revive. */
static bool
is_told(int watch_fd)
{
        struct pollfd p = {.fd = watch_fd, .events = POLLIN};

        return poll(&p, 1, 0) == 1;
}

static void
a_listener_that_is_shut_down_is_told_and_revived(void **state)
{
        HeldTable t = {0};
        Held *before = holding_new(unit_bound(SOCK_STREAM, PORT));
        Held *after = holding_new(unit_bound(SOCK_STREAM, PORT + 1));
        int watch_fd;

        (void)state;
        assert_int_equal(held_table_add(&t, before), 0);
        watch_fd = held_table_watch(&t);
        assert_true(watch_fd >= 0);
        assert_int_equal(held_table_add(&t, after), 0);
        assert_int_equal(held_table_revive(&t), 0);
        assert_false(is_told(watch_fd));
        assert_int_equal(shutdown(before->fd, SHUT_RDWR), 0);
        assert_int_equal(shutdown(after->fd, SHUT_RD), 0);
        assert_true(is_told(watch_fd));
        assert_int_equal(held_table_revive(&t), 2);
        assert_true(held_is_listening(before) && held_is_listening(after));
        assert_false(is_told(watch_fd));
        held_table_deinit(&t);
}

static void
connections_and_datagrams_are_not_told(void **state)
{
        HeldTable t = {0};
        Held *web = holding_new(unit_bound(SOCK_STREAM, PORT));
        Held *dns = holding_new(unit_bound(SOCK_DGRAM, PORT));
        CLEANUP_FD int client = unit_socket(AF_INET, SOCK_STREAM);
        CLEANUP_FD int sender = unit_socket(AF_INET, SOCK_DGRAM);
        int watch_fd = held_table_watch(&t);

        (void)state;
        assert_int_equal(held_table_add(&t, web), 0);
        assert_int_equal(held_table_add(&t, dns), 0);
        assert_int_equal(held_table_revive(&t), 0);
        assert_int_equal(connect(client, &web->key.address.any, web->key.address.length), 0);
        assert_int_equal(sendto(sender, "x", 1, 0, &dns->key.address.any, dns->key.address.length),
                         1);
        (void)held_table_revive(&t);
        assert_false(is_told(watch_fd));
        held_table_deinit(&t);
}

static void
what_was_removed_is_not_told_though_others_have_it_open(void **state)
{
        HeldTable t = {0};
        Held *web = holding_new(unit_bound(SOCK_STREAM, PORT));
        CLEANUP_FD int copy = fcntl(web->fd, F_DUPFD_CLOEXEC, 0);
        int watch_fd = held_table_watch(&t);

        (void)state;
        assert_int_equal(held_table_add(&t, web), 0);
        held_table_remove(&t, web);
        assert_int_equal(shutdown(copy, SHUT_RDWR), 0);
        assert_false(is_told(watch_fd));
        assert_int_equal(held_table_revive(&t), 0);
        held_table_deinit(&t);
}

/* What the table says of the last one that it opened anew. */
static void
on_reopened(void *userdata, const Held *h, int r)
{
        (void)h;
        *(int *)userdata = r;
}

static void
an_abstract_listener_that_is_shut_down_is_bound_anew_when_nobody_has_it_any_more(void **state)
{
        int result = 1;
        HeldTable t = {.on_reopened = on_reopened, .userdata = &result};
        Held *h = holding_new(holding_unix_socket(SOCK_STREAM));
        CLEANUP_FD int client = unit_socket(AF_UNIX, SOCK_STREAM);
        int copy = fcntl(h->fd, F_DUPFD_CLOEXEC, 0);
        int number = h->fd;
        int watch_fd = held_table_watch(&t);

        (void)state;
        assert_int_equal(held_table_add(&t, h), 0);
        assert_int_equal(held_table_revive_socket(&t, h), 0);
        assert_int_equal(shutdown(copy, SHUT_RDWR), 0);
        assert_false(held_is_listening(h));
        assert_true(is_told(watch_fd));
        assert_int_equal(held_table_revive(&t), 0);
        assert_int_equal(result, -EADDRINUSE);
        assert_true(held_is_unbound(h));
        assert_false(is_told(watch_fd));
        assert_ptr_equal(held_table_find_dead(&t, copy), h);
        assert_null(held_table_find_socket(&t, copy));
        fd_close(copy);
        assert_int_equal(held_table_revive_socket(&t, h), 1);
        assert_int_equal(result, 0);
        assert_false(held_is_unbound(h));
        assert_int_equal(h->fd, number);
        assert_true(held_is_listening(h));
        assert_ptr_equal(held_table_find_socket(&t, number), h);
        assert_int_equal(connect(client, &h->key.address.any, h->key.address.length), 0);
        assert_int_equal(shutdown(number, SHUT_RDWR), 0); /* it is watched like the first */
        assert_int_equal(held_table_revive(&t), 1);
        held_table_deinit(&t);
}

static void
in_the_place_of_a_path_that_is_shut_down_there_is_another_socket_at_once(void **state)
{
        HeldTable t = {0};
        struct sockaddr_un un = {.sun_family = AF_UNIX};
        char directory[] = "/tmp/sup-unit-XXXXXX";
        int fd = unit_socket(AF_UNIX, SOCK_SEQPACKET);
        CLEANUP_FD int client = unit_socket(AF_UNIX, SOCK_SEQPACKET);
        CLEANUP_FD int copy = -1;
        struct stat st;
        Held *h;

        (void)state;
        assert_non_null(mkdtemp(directory));
        (void)snprintf(un.sun_path, sizeof(un.sun_path), "%s/app", directory);
        assert_int_equal(bind(fd, (const struct sockaddr *)&un, sizeof(un)), 0);
        assert_int_equal(listen(fd, SOMAXCONN), 0);
        assert_int_equal(chmod(un.sun_path, 0613), 0);
        assert_int_equal(fd_set_nonblock(fd, true), 0);
        h = holding_new(fd);
        assert_int_equal(unix_path_new(&h->path, un.sun_path), 0);
        copy = fcntl(fd, F_DUPFD_CLOEXEC, 0);
        assert_true(held_table_watch(&t) >= 0);
        assert_int_equal(held_table_add(&t, h), 0);
        assert_int_equal(shutdown(copy, SHUT_RD), 0);
        assert_int_equal(held_table_revive(&t), 1);
        assert_int_equal(connect(client, (const struct sockaddr *)&un, sizeof(un)), 0);
        assert_int_equal(held_queue_length(h), 1);
        assert_int_equal(lstat(un.sun_path, &st), 0);
        assert_int_equal(st.st_mode & 07777, 0613);
        assert_true(fcntl(h->fd, F_GETFL) & O_NONBLOCK);
        held_table_deinit(&t);
        assert_int_equal(rmdir(directory), 0); /* no name was left */
}

int
main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(a_table_finds_a_socket_by_any_duplicate_of_it),
                cmocka_unit_test(
                        what_is_removed_from_a_table_is_closed_and_the_others_keep_their_order),
                cmocka_unit_test(a_listener_that_is_shut_down_is_told_and_revived),
                cmocka_unit_test(connections_and_datagrams_are_not_told),
                cmocka_unit_test(what_was_removed_is_not_told_though_others_have_it_open),
                cmocka_unit_test(
                        an_abstract_listener_that_is_shut_down_is_bound_anew_when_nobody_has_it_any_more),
                cmocka_unit_test(
                        in_the_place_of_a_path_that_is_shut_down_there_is_another_socket_at_once),
        };

        unit_own_network();
        return unit_run(tests);
}
