/* SPDX-License-Identifier: MIT */
/* policy_announce.c - which state a service manager is to be told of. */
#include "unit.h"

#include "policy/announce.h"

enum { N_INPUTS = 16 };

/* Every combination of how things are. */
static AnnounceInput
input_of(unsigned bits)
{
        return (AnnounceInput){.serves = bits & 1U,
                               .reloading = bits & 2U,
                               .reloaded = bits & 4U,
                               .stopping = bits & 8U};
}

static void
nothing_is_said_before_the_first_generation_serves(void **state)
{
        const AnnounceInput reloading = {.reloading = true, .reloaded = true};
        const AnnounceInput serves = {.serves = true};

        (void)state;
        assert_int_equal(announce_next(ANNOUNCED_STARTING, &(AnnounceInput){0}),
                         ANNOUNCED_STARTING);
        assert_int_equal(announce_next(ANNOUNCED_STARTING, &reloading), ANNOUNCED_STARTING);
        assert_int_equal(announce_next(ANNOUNCED_STARTING, &serves), ANNOUNCED_READY);
}

static void
ready_is_not_taken_back_by_a_crash(void **state)
{
        (void)state;
        assert_int_equal(announce_next(ANNOUNCED_READY, &(AnnounceInput){.serves = false}),
                         ANNOUNCED_READY);
}

static void
a_reload_is_told_until_it_is_over(void **state)
{
        const AnnounceInput reloading = {.serves = true, .reloading = true, .reloaded = true};
        const AnnounceInput over = {.serves = true};

        (void)state;
        assert_int_equal(announce_next(ANNOUNCED_READY, &reloading), ANNOUNCED_RELOADING);
        assert_int_equal(announce_next(ANNOUNCED_RELOADING, &reloading), ANNOUNCED_RELOADING);
        assert_int_equal(announce_next(ANNOUNCED_RELOADING, &over), ANNOUNCED_READY);
}

static void
a_reload_that_was_over_at_once_is_told_as_well(void **state)
{
        const AnnounceInput over = {.serves = true, .reloaded = true};

        (void)state;
        assert_int_equal(announce_next(ANNOUNCED_READY, &over), ANNOUNCED_RELOADING);
        assert_int_equal(announce_next(ANNOUNCED_RELOADING, &over), ANNOUNCED_READY);
}

static void
stopping_is_told_from_every_state_and_nothing_follows_it(void **state)
{
        (void)state;
        for (unsigned bits = 0; bits < N_INPUTS; bits++) {
                const AnnounceInput input = input_of(bits);

                assert_int_equal(announce_next(ANNOUNCED_STOPPING, &input), ANNOUNCED_STOPPING);
                if (!input.stopping)
                        continue;
                for (Announced told = ANNOUNCED_STARTING; told <= ANNOUNCED_STOPPING; told++)
                        assert_int_equal(announce_next(told, &input), ANNOUNCED_STOPPING);
        }
}

static void
starting_is_never_told_again_and_a_quiet_service_comes_to_rest(void **state)
{
        (void)state;
        for (Announced told = ANNOUNCED_READY; told <= ANNOUNCED_STOPPING; told++)
                for (unsigned bits = 0; bits < N_INPUTS; bits++) {
                        AnnounceInput input = input_of(bits);
                        Announced next = announce_next(told, &input);

                        assert_int_not_equal(next, ANNOUNCED_STARTING);
                        input.reloading = input.reloaded = false;
                        next = announce_next(next, &input);
                        assert_int_equal(announce_next(next, &input), next);
                }
}

static void
a_reload_gets_the_same_time_again_and_again(void **state)
{
        (void)state;
        assert_int_equal(announce_extension(ANNOUNCED_RELOADING, 0), ANNOUNCE_EXTENSION_USEC);
        assert_int_equal(announce_extension(ANNOUNCED_RELOADING, USEC_PER_SEC),
                         ANNOUNCE_EXTENSION_USEC);
}

static void
a_start_gets_what_is_left_of_it_in_pieces_and_then_no_more(void **state)
{
        (void)state;
        assert_int_equal(announce_extension(ANNOUNCED_STARTING, 60 * USEC_PER_SEC),
                         ANNOUNCE_EXTENSION_USEC);
        assert_int_equal(announce_extension(ANNOUNCED_STARTING, UINT64_MAX),
                         ANNOUNCE_EXTENSION_USEC);
        for (uint64_t left = 1; left < 60 * USEC_PER_SEC; left += USEC_PER_SEC / 2) {
                uint64_t usec = announce_extension(ANNOUNCED_STARTING, left);

                assert_true(usec > left || usec == ANNOUNCE_EXTENSION_USEC);
                assert_in_range(usec, 1, left + USEC_PER_SEC);
        }
        assert_int_equal(announce_extension(ANNOUNCED_STARTING, 0), 0);
}

static void
who_serves_or_stops_gets_no_more_time(void **state)
{
        (void)state;
        assert_int_equal(announce_extension(ANNOUNCED_READY, USEC_PER_SEC), 0);
        assert_int_equal(announce_extension(ANNOUNCED_STOPPING, USEC_PER_SEC), 0);
}

int
main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(nothing_is_said_before_the_first_generation_serves),
                cmocka_unit_test(ready_is_not_taken_back_by_a_crash),
                cmocka_unit_test(a_reload_is_told_until_it_is_over),
                cmocka_unit_test(a_reload_that_was_over_at_once_is_told_as_well),
                cmocka_unit_test(stopping_is_told_from_every_state_and_nothing_follows_it),
                cmocka_unit_test(starting_is_never_told_again_and_a_quiet_service_comes_to_rest),
                cmocka_unit_test(a_reload_gets_the_same_time_again_and_again),
                cmocka_unit_test(a_start_gets_what_is_left_of_it_in_pieces_and_then_no_more),
                cmocka_unit_test(who_serves_or_stops_gets_no_more_time),
        };

        return unit_run(tests);
}
