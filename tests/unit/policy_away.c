/* SPDX-License-Identifier: MIT */
/* policy_away.c - when the names of unix sockets are away while a worker starts. */
#include "unit.h"

#include <signal.h>

#include "policy/away.h"

/* What a server does. */
typedef enum Habit {
        ALWAYS_BINDS,
        NEVER_BINDS,
        LOOKS,    /* it ends if its path is there */
        CONNECTS, /* it ends if it can connect to it */
} Habit;

/* One life of a worker. Returns whether it bound its path. */
static bool
live(Away *a, Habit habit)
{
        AwayEnd end = {.was_away = a->is_away};

        end.has_failed = habit == NEVER_BINDS || (habit != ALWAYS_BINDS && !end.was_away);
        end.has_bound = !end.has_failed;
        end.met_client = end.has_failed && habit == CONNECTS;
        away_after_end(a, &end);
        return end.has_bound;
}

/* How many starts fail until one does not. */
static int
failures_of(Away *a, Habit habit)
{
        int n = 0;

        while (n < 100 && !live(a, habit))
                n++;
        return n;
}

static void
a_server_that_binds_always_finds_its_path(void **state)
{
        Away a = {0};

        (void)state;
        for (int i = 0; i < 100; i++) {
                assert_true(live(&a, ALWAYS_BINDS));
                assert_false(a.is_away);
        }
}

static void
one_that_connects_is_known_after_its_first_failure(void **state)
{
        Away a = {0};

        (void)state;
        assert_int_equal(failures_of(&a, CONNECTS), 1);
        for (int i = 0; i < 100; i++)
                assert_int_equal(failures_of(&a, CONNECTS), 0);
}

static void
one_that_looks_is_tried_after_two_and_known_when_the_guess_was_right_twice(void **state)
{
        Away a = {0};

        (void)state;
        assert_int_equal(failures_of(&a, LOOKS), 2);
        assert_int_equal(failures_of(&a, LOOKS), 1);
        for (int i = 0; i < 100; i++)
                assert_int_equal(failures_of(&a, LOOKS), 0);
}

static void
one_that_served_without_the_path_by_chance_finds_it_at_all_later_starts(void **state)
{
        Away a = {0};

        (void)state;
        assert_false(live(&a, NEVER_BINDS));
        assert_false(live(&a, NEVER_BINDS));
        assert_true(a.is_away);
        for (int i = 0; i < 100; i++) {
                assert_true(live(&a, ALWAYS_BINDS));
                assert_false(a.is_away);
        }
}

static void
what_fails_without_the_path_too_is_tried_so_ever_less_often(void **state)
{
        static const int away_at[] = {3, 8, 13, 18, 23};
        Away a = {0};
        size_t n = 0;

        (void)state;
        for (int start = 1; start <= 23; start++) {
                if (a.is_away)
                        assert_int_equal(start, away_at[n++]);
                assert_false(live(&a, NEVER_BINDS));
        }
        assert_int_equal(n, 5);
        assert_in_range(failures_of(&a, LOOKS), 0, 4);
}

static void
one_that_is_known_and_fails_for_another_reason_has_its_path_back_at_the_next_start(void **state)
{
        Away a = {0};

        (void)state;
        (void)failures_of(&a, CONNECTS);
        assert_true(a.is_away);
        assert_false(live(&a, NEVER_BINDS));
        assert_false(a.is_away);
        assert_int_equal(failures_of(&a, CONNECTS), 1);
        assert_int_equal(failures_of(&a, CONNECTS), 0);
}

static void
in_a_serial_reload_one_failure_is_enough(void **state)
{
        Away a = {0};

        (void)state;
        away_after_end(&a, &(AwayEnd){.has_failed = true, .is_last = true});
        assert_true(a.is_away);
}

static void
an_end_that_was_asked_for_or_with_nothing_to_bind_says_nothing(void **state)
{
        Away a = {0};

        (void)state;
        for (int i = 0; i < 100; i++) {
                away_after_end(&a, &(AwayEnd){.met_client = true});
                assert_false(a.is_away);
        }
        assert_int_equal(failures_of(&a, LOOKS), 2);
}

static void
who_was_started_before_the_decision_does_not_change_it(void **state)
{
        static const AwayEnd failed_with = {.has_failed = true, .met_client = true};
        static const AwayEnd bound_with = {.has_bound = true};
        static const AwayEnd failed_without = {.has_failed = true, .was_away = true};
        Away a = {0};

        (void)state;
        away_after_end(&a, &failed_with);
        assert_true(a.is_away);
        away_after_end(&a, &failed_with);
        away_after_end(&a, &bound_with);
        assert_true(a.is_away);
        away_after_end(&a, &failed_without);
        assert_false(a.is_away);
        away_after_end(&a, &failed_without);
        assert_false(a.is_away);
        assert_int_equal(a.n_wanted, 2);
}

static void
who_is_killed_has_not_decided_to_end_also_below_a_shell(void **state)
{
        static const int own[] = {0,   1,  127, 128, 128 + SIGABRT, 128 + SIGILL, 128 + SIGTRAP,
                                  193, 255};
        static const int killed[] = {128 + SIGHUP,  128 + SIGINT,  128 + SIGKILL,
                                     128 + SIGSEGV, 128 + SIGTERM, 192};

        (void)state;
        for (size_t i = 0; i < ELEMENTSOF(own); i++)
                unit_expect(away_is_own_end(own[i]), "%d is not its own end\n", own[i]);
        for (size_t i = 0; i < ELEMENTSOF(killed); i++)
                unit_expect(!away_is_own_end(killed[i]), "%d is its own end\n", killed[i]);
}

int
main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(a_server_that_binds_always_finds_its_path),
                cmocka_unit_test(one_that_connects_is_known_after_its_first_failure),
                cmocka_unit_test(
                        one_that_looks_is_tried_after_two_and_known_when_the_guess_was_right_twice),
                cmocka_unit_test(
                        one_that_served_without_the_path_by_chance_finds_it_at_all_later_starts),
                cmocka_unit_test(what_fails_without_the_path_too_is_tried_so_ever_less_often),
                cmocka_unit_test(
                        one_that_is_known_and_fails_for_another_reason_has_its_path_back_at_the_next_start),
                cmocka_unit_test(in_a_serial_reload_one_failure_is_enough),
                cmocka_unit_test(an_end_that_was_asked_for_or_with_nothing_to_bind_says_nothing),
                cmocka_unit_test(who_was_started_before_the_decision_does_not_change_it),
                cmocka_unit_test(who_is_killed_has_not_decided_to_end_also_below_a_shell),
        };

        return unit_run(tests);
}
