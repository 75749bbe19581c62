/* SPDX-License-Identifier: MIT */
/* sockets_pending.c - sockets that workers bound by themselves and may listen on next. */
#include "unit.h"

#include <errno.h>
#include <fcntl.h>

#include "base/fd.h"
#include "sockets/pending.h"

/* A place on the loopback; nothing is bound to it. */
static HeldKey
place(uint16_t port)
{
        HeldKey key = {.address = {.in = {.sin_family = AF_INET},
                                   .type = SOCK_STREAM,
                                   .length = sizeof(struct sockaddr_in)},
                       .netns = 1};

        address_set_port(&key.address, port);
        return key;
}

static void
add(Pending *p, uint64_t owner, int fd, uint16_t port)
{
        const HeldKey key = place(port);

        assert_int_equal(pending_add(p, owner, 0, fd, &key), 0);
}

/* The same with a socket that nobody will look for. */
static void
add_another(Pending *p, uint64_t owner, uint16_t port)
{
        CLEANUP_FD int fd = unit_socket(AF_INET, SOCK_STREAM);

        add(p, owner, fd, port);
}

static void
a_socket_is_found_by_any_duplicate_of_it_and_taken_out(void **state)
{
        CLEANUP(pending_deinit) Pending p = {0};
        CLEANUP_FD int fd = unit_socket(AF_INET, SOCK_STREAM);
        CLEANUP_FD int copy = fcntl(fd, F_DUPFD_CLOEXEC, 0);
        PendingSocket found;

        (void)state;
        add(&p, 1, fd, 80);
        assert_true(pending_take(&p, copy, &found));
        assert_int_equal(found.owner, 1);
        assert_int_equal(address_port(&found.key.address), 80);
        assert_false(pending_take(&p, copy, &found));
}

static void
it_is_seen_without_taking_it_out(void **state)
{
        CLEANUP(pending_deinit) Pending p = {0};
        CLEANUP_FD int fd = unit_socket(AF_INET, SOCK_STREAM);
        CLEANUP_FD int copy = fcntl(fd, F_DUPFD_CLOEXEC, 0);

        (void)state;
        assert_null(pending_find_socket(&p, copy));
        add(&p, 1, fd, 80);
        assert_non_null(pending_find_socket(&p, copy));
        assert_non_null(pending_find_socket(&p, fd));
        assert_null(pending_find_socket(&p, -1));
        assert_int_equal(p.n_items, 1);
}

static void
a_socket_that_was_not_bound_is_not_found(void **state)
{
        CLEANUP(pending_deinit) Pending p = {0};
        CLEANUP_FD int fd = unit_socket(AF_INET, SOCK_STREAM);
        CLEANUP_FD int other = unit_socket(AF_INET, SOCK_STREAM);
        PendingSocket found = {.owner = 77};

        (void)state;
        assert_false(pending_take(&p, fd, &found));
        add(&p, 1, fd, 80);
        assert_false(pending_take(&p, other, &found));
        assert_false(pending_take(&p, -1, &found));
        assert_int_equal(found.owner, 77);
        assert_int_equal(p.n_items, 1);
}

static void
what_is_not_open_cannot_be_noted(void **state)
{
        CLEANUP(pending_deinit) Pending p = {0};
        const HeldKey key = place(80);

        (void)state;
        assert_int_equal(pending_add(&p, 1, 0, -1, &key), -EBADF);
        assert_int_equal(p.n_items, 0);
}

static void
a_socket_that_is_bound_twice_is_noted_once_with_the_later_address(void **state)
{
        CLEANUP(pending_deinit) Pending p = {0};
        CLEANUP_FD int fd = unit_socket(AF_INET, SOCK_STREAM);
        const HeldKey first = place(80);
        PendingSocket found;

        (void)state;
        add(&p, 1, fd, 80); /* which failed */
        add(&p, 1, fd, 81);
        assert_false(pending_has_other(&p, 2, 0, &first)); /* nobody need wait for that any more */
        assert_true(pending_take(&p, fd, &found));
        assert_int_equal(address_port(&found.key.address), 81);
        assert_null(pending_find_socket(&p, fd));
        assert_null(pending_find_last(&p, 1));
}

static void
the_last_one_of_a_worker_is_known(void **state)
{
        CLEANUP(pending_deinit) Pending p = {0};

        (void)state;
        assert_null(pending_find_last(&p, 1));
        add_another(&p, 1, 80);
        add_another(&p, 1, 81);
        add_another(&p, 2, 82);
        assert_int_equal(address_port(&pending_find_last(&p, 1)->key.address), 81);
        assert_int_equal(address_port(&pending_find_last(&p, 2)->key.address), 82);
        assert_null(pending_find_last(&p, 3));
}

static void
another_worker_on_its_way_to_the_same_place_is_seen(void **state)
{
        CLEANUP(pending_deinit) Pending p = {0};
        HeldKey key = place(80);

        (void)state;
        assert_false(pending_has_other(&p, 1, 0, &key));
        add_another(&p, 1, 80);
        assert_false(pending_has_other(&p, 1, 0, &key)); /* that is itself */
        assert_true(pending_has_other(&p, 2, 0, &key));
}

static HeldKey
path_in(const char *path, ino_t directory)
{
        HeldKey key = {.address = {.un = {.sun_family = AF_UNIX}, .type = SOCK_STREAM},
                       .dir_ino = directory};

        (void)snprintf(key.address.un.sun_path, sizeof(key.address.un.sun_path), "%s", path);
        key.address.length = sizeof(key.address.un);
        return key;
}

static void
another_worker_that_binds_a_name_like_this_with_its_own_pid_is_seen(void **state)
{
        CLEANUP(pending_deinit) Pending p = {0};
        CLEANUP_FD int fd = unit_socket(AF_UNIX, SOCK_STREAM);
        HeldKey one = path_in("/run/app.17.tmp", 1);
        HeldKey like = path_in("/run/app.18.tmp", 1);
        HeldKey another = path_in("/run/app.18.log", 1);
        HeldKey elsewhere = path_in("/run/app.18.tmp", 2);

        (void)state;
        assert_int_equal(pending_add(&p, 1, 17, fd, &one), 0);
        assert_true(pending_has_other(&p, 2, 18, &like));
        assert_false(pending_has_other(&p, 1, 18, &like));
        assert_false(pending_has_other(&p, 2, 19, &like));
        assert_false(pending_has_other(&p, 2, 18, &another));
        assert_false(pending_has_other(&p, 2, 18, &elsewhere));
}

static void
another_place_is_another_port_namespace_or_device(void **state)
{
        CLEANUP(pending_deinit) Pending p = {0};
        HeldKey key = place(81);

        (void)state;
        add_another(&p, 1, 80);
        assert_false(pending_has_other(&p, 2, 0, &key));
        key = place(80);
        key.netns = 2;
        assert_false(pending_has_other(&p, 2, 0, &key));
        key = place(80);
        memcpy(key.device, "lo", sizeof("lo"));
        assert_false(pending_has_other(&p, 2, 0, &key));
}

static void
sockets_of_ones_own_that_exclude_a_place_are_found_one_after_the_other(void **state)
{
        CLEANUP(pending_deinit) Pending p = {0};
        CLEANUP_FD int another = unit_socket(AF_INET, SOCK_STREAM);
        const HeldKey key = place(80); /* 0.0.0.0 */
        HeldKey one = place(80);
        const PendingSocket *found;

        (void)state;
        assert_null(pending_next_own(&p, 1, &key, NULL));
        add_another(&p, 1, 81);
        add_another(&p, 2, 80);
        assert_null(pending_next_own(&p, 1, &key, NULL));
        add_another(&p, 1, 80);
        one.address.in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        assert_int_equal(pending_add(&p, 1, 0, another, &one), 0);
        found = pending_next_own(&p, 1, &key, NULL);
        assert_non_null(found);
        assert_int_equal(found->key.address.in.sin_addr.s_addr, htonl(INADDR_ANY));
        found = pending_next_own(&p, 1, &key, found);
        assert_non_null(found);
        assert_int_equal(found->key.address.in.sin_addr.s_addr, htonl(INADDR_LOOPBACK));
        assert_null(pending_next_own(&p, 1, &key, found));
}

static void
a_worker_that_binds_and_never_listens_keeps_its_latest_and_takes_no_others_room(void **state)
{
        enum { N = 3 * PENDING_MAX_EACH };
        CLEANUP(pending_deinit) Pending p = {0};
        int fds[N];
        PendingSocket found;

        (void)state;
        for (unsigned i = 0; i < N; i++) {
                fds[i] = unit_socket(AF_INET, SOCK_STREAM);
                add(&p, 1 + i % 2, fds[i], (uint16_t)(1000 + i));
        }
        assert_int_equal(p.n_items, 2 * PENDING_MAX_EACH);
        for (unsigned i = 0; i < N; i++) {
                assert_int_equal(pending_take(&p, fds[i], &found), i >= N - 2 * PENDING_MAX_EACH);
                fd_close(fds[i]);
        }
        assert_int_equal(p.n_items, 0);
}

static void
all_of_a_dead_worker_is_forgotten_and_nothing_else(void **state)
{
        CLEANUP(pending_deinit) Pending p = {0};

        (void)state;
        pending_forget(&p, 1);
        for (uint16_t i = 0; i < 10; i++)
                add_another(&p, 1 + i % 2, (uint16_t)(1000 + i));
        pending_forget(&p, 1);
        assert_int_equal(p.n_items, 5);
        assert_null(pending_find_last(&p, 1));
        for (size_t i = 0; i < 5; i++) /* in the order in which they were bound */
                assert_int_equal(address_port(&p.items[i].key.address), 1001 + 2 * i);
}

int
main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(a_socket_is_found_by_any_duplicate_of_it_and_taken_out),
                cmocka_unit_test(it_is_seen_without_taking_it_out),
                cmocka_unit_test(a_socket_that_was_not_bound_is_not_found),
                cmocka_unit_test(what_is_not_open_cannot_be_noted),
                cmocka_unit_test(a_socket_that_is_bound_twice_is_noted_once_with_the_later_address),
                cmocka_unit_test(the_last_one_of_a_worker_is_known),
                cmocka_unit_test(another_worker_on_its_way_to_the_same_place_is_seen),
                cmocka_unit_test(
                        another_worker_that_binds_a_name_like_this_with_its_own_pid_is_seen),
                cmocka_unit_test(another_place_is_another_port_namespace_or_device),
                cmocka_unit_test(
                        sockets_of_ones_own_that_exclude_a_place_are_found_one_after_the_other),
                cmocka_unit_test(
                        a_worker_that_binds_and_never_listens_keeps_its_latest_and_takes_no_others_room),
                cmocka_unit_test(all_of_a_dead_worker_is_forgotten_and_nothing_else),
        };

        return unit_run(tests);
}
