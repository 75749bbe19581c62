/* SPDX-License-Identifier: MIT */
/* policy_unclaimed.c - when a captured socket that workers do not bind again is given up. */
#include "unit.h"

#include "policy/unclaimed.h"

enum { SECOND = 1000000, MANY = 1000 };

static const UnclaimedEnd had_it = {.had_it = true, .captured = true};
static const UnclaimedEnd bound_another = {.captured = true};
static const UnclaimedEnd bound_nothing_new = {.captured = false};

static void
after_three_workers_that_bound_others_it_is_given_up(void **state)
{
        Unclaimed u = {0};

        (void)state;
        assert_false(unclaimed_after_end(&u, &had_it));
        assert_false(unclaimed_after_end(&u, &bound_another));
        assert_false(unclaimed_after_end(&u, &bound_another));
        assert_true(unclaimed_after_end(&u, &bound_another));
}

static void
a_server_that_crashes_before_it_binds_or_binds_what_it_bound_before_keeps_all(void **state)
{
        Unclaimed u = {0};

        (void)state;
        assert_false(unclaimed_after_end(&u, &had_it));
        for (int i = 0; i < MANY; i++)
                assert_false(unclaimed_after_end(&u, &bound_nothing_new));
}

static void
who_binds_it_again_starts_the_count_anew(void **state)
{
        Unclaimed u = {0};

        (void)state;
        for (int i = 0; i < MANY; i++) {
                assert_false(unclaimed_after_end(&u, &bound_another));
                assert_false(unclaimed_after_end(&u, &bound_another));
                assert_false(unclaimed_after_end(&u, &had_it));
        }
}

static void
what_served_is_kept_whatever_is_bound_beside_it(void **state)
{
        UnclaimedEnd served = had_it;
        Unclaimed once = {0};
        Unclaimed often = {0};

        (void)state;
        served.ready_usec = (uint64_t)10 * SECOND;
        (void)unclaimed_after_end(&once, &served);
        served.ready_usec = SECOND;
        for (int i = 0; i < 10; i++)
                (void)unclaimed_after_end(&often, &served);
        for (int i = 0; i < MANY; i++) {
                assert_false(unclaimed_after_end(&once, &bound_another));
                assert_false(unclaimed_after_end(&often, &bound_another));
        }
}

static void
what_another_worker_has_is_kept_and_nothing_counts_against_it(void **state)
{
        UnclaimedEnd sibling = bound_another;
        Unclaimed u = {0};

        (void)state;
        sibling.is_claimed = true;
        for (int i = 0; i < MANY; i++)
                assert_false(unclaimed_after_end(&u, &sibling));
        assert_false(unclaimed_after_end(&u, &bound_another));
}

int
main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(after_three_workers_that_bound_others_it_is_given_up),
                cmocka_unit_test(
                        a_server_that_crashes_before_it_binds_or_binds_what_it_bound_before_keeps_all),
                cmocka_unit_test(who_binds_it_again_starts_the_count_anew),
                cmocka_unit_test(what_served_is_kept_whatever_is_bound_beside_it),
                cmocka_unit_test(what_another_worker_has_is_kept_and_nothing_counts_against_it),
        };

        return unit_run(tests);
}
