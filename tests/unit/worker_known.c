/* SPDX-License-Identifier: MIT */
/* worker_known.c - processes that were seen to be a worker's: real ones, and those that ended. */
#include "child.h"
#include "unit.h"

#include "worker/known.h"

static void
a_process_that_was_seen_is_known_and_another_is_not(void **state)
{
        Known known = {.n_items = 0};
        pid_t pid = child_start(NULL);

        (void)state;
        assert_false(known_has(&known, pid));
        known_add(&known, pid);
        assert_true(known_has(&known, pid));
        assert_false(known_has(&known, getpid()));
        child_end(pid);
        assert_false(known_has(&known, pid));
        known_deinit(&known);
}

static void
one_that_is_seen_again_stands_there_once(void **state)
{
        Known known = {.n_items = 0};

        (void)state;
        known_add(&known, getpid());
        known_add(&known, getpid());
        assert_int_equal(known.n_items, 1);
        known_deinit(&known);
}

static void
a_later_process_of_the_same_pid_is_another_one(void **state)
{
        Known known = {.n_items = 0};

        (void)state;
        known_add(&known, getpid());
        known.items[0].started_ticks--;
        assert_false(known_has(&known, getpid()));
        known_add(&known, getpid());
        assert_int_equal(known.n_items, 1); /* the earlier one has ended */
        assert_true(known_has(&known, getpid()));
        known_deinit(&known);
}

static void
who_is_gone_already_is_not_remembered(void **state)
{
        Known known = {.n_items = 0};
        pid_t pid = child_start(NULL);

        (void)state;
        child_end(pid);
        known_add(&known, pid);
        assert_int_equal(known.n_items, 0);
        known_deinit(&known);
}

static void
those_that_ended_make_room_then_the_oldest_does(void **state)
{
        Known known = {.n_items = 0};
        pid_t pids[KNOWN_MAX + 2];

        (void)state;
        for (size_t i = 0; i < KNOWN_MAX; i++) {
                pids[i] = child_start(NULL);
                known_add(&known, pids[i]);
        }
        child_end(pids[3]);
        for (size_t i = KNOWN_MAX; i < KNOWN_MAX + 2; i++) {
                pids[i] = child_start(NULL);
                known_add(&known, pids[i]);
                assert_int_equal(known.n_items, KNOWN_MAX);
                assert_true(known_has(&known, pids[0]) == (i == KNOWN_MAX));
        }
        for (size_t i = 1; i < KNOWN_MAX + 2; i++)
                assert_true(known_has(&known, pids[i]) == (i != 3));
        for (size_t i = 0; i < KNOWN_MAX + 2; i++)
                if (i != 3)
                        child_end(pids[i]);
        known_deinit(&known);
}

int
main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(a_process_that_was_seen_is_known_and_another_is_not),
                cmocka_unit_test(one_that_is_seen_again_stands_there_once),
                cmocka_unit_test(a_later_process_of_the_same_pid_is_another_one),
                cmocka_unit_test(who_is_gone_already_is_not_remembered),
                cmocka_unit_test(those_that_ended_make_room_then_the_oldest_does),
        };

        return unit_run(tests);
}
