/* SPDX-License-Identifier: MIT */
/* policy_restart.c - whether and when a worker that ended is started again. */
#include "unit.h"

#include <signal.h>

#include "base/parse.h"
#include "policy/restart.h"

#define MINUTE_USEC (60 * USEC_PER_SEC)
#define FIRST_USEC (100 * USEC_PER_MSEC)
#define MIDDLE 511 /* of the random numbers: nearly no jitter */

static const RestartConfig always = {.backoff_max_usec = 30 * USEC_PER_SEC};

static RestartInput
ready_for(uint64_t served_usec)
{
        return (RestartInput){.failed = true, .served_usec = served_usec, .random = MIDDLE};
}

static RestartInput
never_ready(void)
{
        return (RestartInput){.failed = true, .random = MIDDLE};
}

/* The wait that the policy wants, which has to be one. */
static uint64_t
delay_after(const RestartConfig *config, RestartState *state, RestartInput input)
{
        uint64_t delay_usec = UINT64_MAX;

        assert_int_equal(restart_decide(config, state, &input, &delay_usec), RESTART_LATER);
        return delay_usec;
}

static void
expect_verdict(const RestartConfig *config, RestartState *state, RestartInput input,
               RestartVerdict verdict)
{
        uint64_t delay_usec = 77;

        assert_int_equal(restart_decide(config, state, &input, &delay_usec), verdict);
        assert_int_equal(delay_usec, 77); /* only set where it is to be waited */
}

/* Within what the coarse steps of the jitter make of its middle. */
static void
expect_about(uint64_t delay_usec, uint64_t expected_usec)
{
        assert_in_range(delay_usec, expected_usec - expected_usec / 1000,
                        expected_usec + expected_usec / 1000);
}

static void
one_that_had_been_ready_for_a_second_comes_back_at_once(void **state)
{
        RestartState s = {0};

        (void)state;
        expect_verdict(&always, &s, ready_for(USEC_PER_SEC), RESTART_NOW);
        expect_verdict(&always, &s, ready_for(3600 * USEC_PER_SEC), RESTART_NOW);
        restart_state_deinit(&s);
}

static void
as_often_as_it_ends(void **state)
{
        RestartState s = {0};

        (void)state;
        for (int i = 0; i < 1000; i++)
                expect_verdict(&always, &s, ready_for(USEC_PER_SEC), RESTART_NOW);
        restart_state_deinit(&s);
}

static void
one_that_was_ready_for_less_waits(void **state)
{
        RestartState s = {0};

        (void)state;
        expect_about(delay_after(&always, &s, ready_for(USEC_PER_SEC - 1)), FIRST_USEC);
        restart_state_deinit(&s);
}

static void
one_that_keeps_failing_waits_twice_as_long_each_time_up_to_the_limit(void **state)
{
        RestartState s = {0};
        uint64_t expected = FIRST_USEC;

        (void)state;
        for (int i = 0; i < 60; i++) {
                expect_about(delay_after(&always, &s, never_ready()), expected);
                expected = expected * 2 < 30 * USEC_PER_SEC ? expected * 2 : 30 * USEC_PER_SEC;
        }
        restart_state_deinit(&s);
}

static void
one_that_ends_well_before_it_was_ready_waits_too(void **state)
{
        RestartState s = {0};
        RestartInput input = {.failed = false, .random = MIDDLE};

        (void)state;
        expect_about(delay_after(&always, &s, input), FIRST_USEC);
        expect_about(delay_after(&always, &s, input), 2 * FIRST_USEC);
        restart_state_deinit(&s);
}

static void
the_jitter_is_a_quarter_either_way_and_fills_that_evenly(void **state)
{
        uint64_t sum = 0;
        uint64_t least = UINT64_MAX;
        uint64_t most = 0;

        (void)state;
        for (uint32_t random = 0; random < 1024; random++) {
                RestartState s = {0};
                RestartInput input = {.failed = true, .random = random};
                uint64_t delay = delay_after(&always, &s, input);

                sum += delay;
                least = delay < least ? delay : least;
                most = delay > most ? delay : most;
        }
        assert_int_equal(least, FIRST_USEC * 3 / 4);
        assert_int_equal(most, FIRST_USEC * 5 / 4);
        expect_about(sum / 1024, FIRST_USEC);
}

static void
the_longest_wait_has_jitter_as_well(void **state)
{
        RestartState s = {.n_failures = 20};
        RestartInput input = {.failed = true, .random = 0};

        (void)state;
        assert_int_equal(delay_after(&always, &s, input), 30 * USEC_PER_SEC * 3 / 4);
        input.random = 1023;
        assert_int_equal(delay_after(&always, &s, input), 30 * USEC_PER_SEC * 5 / 4);
}

static void
a_minute_of_health_forgets_the_failures(void **state)
{
        RestartState s = {.n_failures = 5};

        (void)state;
        expect_verdict(&always, &s, ready_for(MINUTE_USEC), RESTART_NOW);
        expect_about(delay_after(&always, &s, never_ready()), FIRST_USEC);
}

static void
less_than_a_minute_of_health_forgets_nothing(void **state)
{
        RestartState s = {.n_failures = 5};

        (void)state;
        expect_verdict(&always, &s, ready_for(MINUTE_USEC - 1), RESTART_NOW);
        expect_about(delay_after(&always, &s, never_ready()), FIRST_USEC << 5U);
}

static void
never_means_that_it_is_done_however_it_ended(void **state)
{
        RestartConfig config = always;
        RestartState s = {0};
        RestartInput input = ready_for(MINUTE_USEC);

        (void)state;
        config.mode = RESTART_NEVER;
        expect_verdict(&config, &s, input, RESTART_DONE);
        input.failed = false;
        expect_verdict(&config, &s, input, RESTART_DONE);
        expect_verdict(&config, &s, never_ready(), RESTART_DONE);
}

static void
on_failure_means_that_it_is_done_when_it_ended_well(void **state)
{
        RestartConfig config = always;
        RestartState s = {0};
        RestartInput input = ready_for(MINUTE_USEC);

        (void)state;
        config.mode = RESTART_ON_FAILURE;
        expect_verdict(&config, &s, input, RESTART_NOW);
        input.failed = false;
        expect_verdict(&config, &s, input, RESTART_DONE);
        expect_about(delay_after(&config, &s, never_ready()), FIRST_USEC);
}

static void
without_a_limit_nobody_gives_up(void **state)
{
        RestartState s = {0};

        (void)state;
        for (int i = 0; i < 10000; i++)
                (void)delay_after(&always, &s, never_ready());
        assert_null(s.starts_usec);
}

/* A worker that was ready ends at this time. */
static RestartVerdict
end_at(const RestartConfig *config, RestartState *state, uint64_t now_usec)
{
        RestartInput input = ready_for(USEC_PER_SEC);
        uint64_t delay_usec;

        input.now_usec = now_usec;
        return restart_decide(config, state, &input, &delay_usec);
}

static void
one_restart_more_than_the_limit_within_its_time_is_one_too_many(void **state)
{
        RestartConfig config = always;
        RestartState s = {0};

        (void)state;
        config.limit = 3;
        config.limit_usec = MINUTE_USEC;
        for (uint64_t n = 0; n < 3; n++)
                assert_int_equal(end_at(&config, &s, n), RESTART_NOW);
        assert_int_equal(end_at(&config, &s, MINUTE_USEC - 1), RESTART_GIVE_UP);
        restart_state_deinit(&s);
}

static void
the_limit_looks_at_the_latest_restarts_only(void **state)
{
        RestartConfig config = always;
        RestartState s = {0};

        (void)state;
        config.limit = 3;
        config.limit_usec = MINUTE_USEC;
        for (uint64_t n = 0; n < 1000; n++) /* each the third within less than a minute */
                assert_int_equal(end_at(&config, &s, n * MINUTE_USEC / 3), RESTART_NOW);
        assert_int_equal(end_at(&config, &s, 999 * MINUTE_USEC / 3 + 1), RESTART_GIVE_UP);
        restart_state_deinit(&s);
}

static void
giving_up_is_not_counted_as_a_restart(void **state)
{
        RestartConfig config = always;
        RestartState s = {0};

        (void)state;
        config.limit = 1;
        config.limit_usec = MINUTE_USEC;
        assert_int_equal(end_at(&config, &s, 0), RESTART_NOW);
        assert_int_equal(end_at(&config, &s, MINUTE_USEC - 1), RESTART_GIVE_UP);
        assert_int_equal(end_at(&config, &s, MINUTE_USEC), RESTART_NOW);
        restart_state_deinit(&s);
}

static void
waits_count_for_the_limit_like_immediate_restarts(void **state)
{
        RestartConfig config = always;
        RestartState s = {0};

        (void)state;
        config.limit = 2;
        config.limit_usec = MINUTE_USEC;
        (void)delay_after(&config, &s, never_ready());
        (void)delay_after(&config, &s, never_ready());
        expect_verdict(&config, &s, never_ready(), RESTART_GIVE_UP);
        restart_state_deinit(&s);
}

static void
one_that_is_done_does_not_count_for_the_limit(void **state)
{
        RestartConfig config = always;
        RestartState s = {0};
        RestartInput input = {.failed = false};

        (void)state;
        config.mode = RESTART_ON_FAILURE;
        config.limit = 1;
        config.limit_usec = MINUTE_USEC;
        expect_verdict(&config, &s, input, RESTART_DONE);
        expect_verdict(&config, &s, input, RESTART_DONE);
        assert_int_equal(s.n_starts, 0);
}

static void
a_state_that_was_freed_remembers_nothing(void **state)
{
        RestartConfig config = always;
        RestartState s = {0};

        (void)state;
        config.limit = 1;
        config.limit_usec = MINUTE_USEC;
        (void)delay_after(&config, &s, never_ready());
        restart_state_deinit(&s);
        expect_about(delay_after(&config, &s, never_ready()), FIRST_USEC);
        restart_state_deinit(&s);
        restart_state_deinit(&s);
}

static void
the_exit_status_is_the_workers_own_or_128_and_the_signal(void **state)
{
        (void)state;
        assert_int_equal(restart_exit_status(CLD_EXITED, 0), 0);
        assert_int_equal(restart_exit_status(CLD_EXITED, 42), 42);
        assert_int_equal(restart_exit_status(CLD_KILLED, SIGKILL), 137);
        assert_int_equal(restart_exit_status(CLD_DUMPED, SIGSEGV), 139);
}

/* What should not happen, and must do no harm if it does. */

static void
impossible_a_clock_that_goes_back_makes_nobody_give_up(void **state)
{
        RestartConfig config = always;
        RestartState s = {0};

        (void)state;
        config.limit = 1;
        config.limit_usec = MINUTE_USEC;
        assert_int_equal(end_at(&config, &s, 10 * MINUTE_USEC), RESTART_NOW);
        assert_int_equal(end_at(&config, &s, 5 * MINUTE_USEC), RESTART_NOW);
        restart_state_deinit(&s);
}

static void
impossible_a_limit_within_no_time_is_never_reached(void **state)
{
        RestartConfig config = always;
        RestartState s = {0};

        (void)state;
        config.limit = 1;
        for (int i = 0; i < 10; i++)
                assert_int_equal(end_at(&config, &s, 0), RESTART_NOW);
        restart_state_deinit(&s);
}

static void
impossible_a_number_of_failures_beyond_all_bounds_waits_the_longest_time(void **state)
{
        RestartConfig config = always;
        RestartState s = {.n_failures = UINT32_MAX - 1};

        (void)state;
        expect_about(delay_after(&config, &s, never_ready()), 30 * USEC_PER_SEC);
        config.backoff_max_usec = UINT64_MAX;
        expect_about(delay_after(&config, &s, never_ready()), FIRST_USEC << 32U);
}

static void
impossible_no_longest_wait_is_no_wait(void **state)
{
        RestartConfig config = always;
        RestartState s = {0};

        (void)state;
        config.backoff_max_usec = 0;
        for (int i = 0; i < 100; i++)
                assert_int_equal(delay_after(&config, &s, never_ready()), 0);
}

static void
impossible_a_random_number_of_any_size_keeps_within_the_jitter(void **state)
{
        static const uint32_t numbers[] = {1024, UINT32_MAX, UINT32_MAX / 2 + 1};

        (void)state;
        for (size_t i = 0; i < ELEMENTSOF(numbers); i++) {
                RestartState s = {0};
                RestartInput input = {.failed = true, .random = numbers[i]};

                assert_in_range(delay_after(&always, &s, input), FIRST_USEC * 3 / 4,
                                FIRST_USEC * 5 / 4);
        }
}

int
main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(one_that_had_been_ready_for_a_second_comes_back_at_once),
                cmocka_unit_test(as_often_as_it_ends),
                cmocka_unit_test(one_that_was_ready_for_less_waits),
                cmocka_unit_test(
                        one_that_keeps_failing_waits_twice_as_long_each_time_up_to_the_limit),
                cmocka_unit_test(one_that_ends_well_before_it_was_ready_waits_too),
                cmocka_unit_test(the_jitter_is_a_quarter_either_way_and_fills_that_evenly),
                cmocka_unit_test(the_longest_wait_has_jitter_as_well),
                cmocka_unit_test(a_minute_of_health_forgets_the_failures),
                cmocka_unit_test(less_than_a_minute_of_health_forgets_nothing),
                cmocka_unit_test(never_means_that_it_is_done_however_it_ended),
                cmocka_unit_test(on_failure_means_that_it_is_done_when_it_ended_well),
                cmocka_unit_test(without_a_limit_nobody_gives_up),
                cmocka_unit_test(one_restart_more_than_the_limit_within_its_time_is_one_too_many),
                cmocka_unit_test(the_limit_looks_at_the_latest_restarts_only),
                cmocka_unit_test(giving_up_is_not_counted_as_a_restart),
                cmocka_unit_test(waits_count_for_the_limit_like_immediate_restarts),
                cmocka_unit_test(one_that_is_done_does_not_count_for_the_limit),
                cmocka_unit_test(a_state_that_was_freed_remembers_nothing),
                cmocka_unit_test(the_exit_status_is_the_workers_own_or_128_and_the_signal),
                cmocka_unit_test(impossible_a_clock_that_goes_back_makes_nobody_give_up),
                cmocka_unit_test(impossible_a_limit_within_no_time_is_never_reached),
                cmocka_unit_test(
                        impossible_a_number_of_failures_beyond_all_bounds_waits_the_longest_time),
                cmocka_unit_test(impossible_no_longest_wait_is_no_wait),
                cmocka_unit_test(impossible_a_random_number_of_any_size_keeps_within_the_jitter),
        };

        return unit_run(tests);
}
