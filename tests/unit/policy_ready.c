/* SPDX-License-Identifier: MIT */
/* policy_ready.c - which sign of a worker counts as "it serves". */
#include "unit.h"

#include "base/parse.h"
#include "policy/ready.h"

static const ReadySign signs[] = {READY_SIGN_LISTEN, READY_SIGN_NOTIFY, READY_SIGN_FD,
                                  READY_SIGN_USE, READY_SIGN_TIME};

/* Every combination of habits: bit 0 speaks, 1 listens, 2 silent. */
enum { N_HABITS = 8 };

static ReadyHabits
habits_of(unsigned bits)
{
        return (ReadyHabits){.speaks = bits & 1U, .listens = bits & 2U, .silent = bits & 4U};
}

static void
a_mode_that_names_a_sign_counts_that_one_whatever_the_habits(void **state)
{
        static const struct {
                ReadyMode mode;
                ReadySign sign;
        } cases[] = {{READY_LISTEN, READY_SIGN_LISTEN},
                     {READY_NOTIFY, READY_SIGN_NOTIFY},
                     {READY_FD, READY_SIGN_FD},
                     {READY_TIMER, READY_SIGN_TIME}};

        (void)state;
        for (size_t i = 0; i < ELEMENTSOF(cases); i++)
                for (size_t j = 0; j < ELEMENTSOF(signs); j++)
                        for (unsigned bits = 0; bits < N_HABITS; bits++) {
                                const ReadyHabits habits = habits_of(bits);

                                assert_int_equal(ready_counts(cases[i].mode, &habits, signs[j]),
                                                 signs[j] == cases[i].sign);
                        }
}

static void
auto_believes_a_worker_that_speaks_and_nothing_else_of_it(void **state)
{
        const ReadyHabits habits = {.speaks = true, .listens = true};

        (void)state;
        assert_true(ready_counts(READY_AUTO, &habits, READY_SIGN_NOTIFY));
        assert_false(ready_counts(READY_AUTO, &habits, READY_SIGN_LISTEN));
        assert_false(ready_counts(READY_AUTO, &habits, READY_SIGN_TIME));
        assert_false(ready_counts(READY_AUTO, &habits, READY_SIGN_USE));
}

static void
auto_waits_for_one_that_listens_until_it_does(void **state)
{
        const ReadyHabits habits = {.listens = true};

        (void)state;
        assert_true(ready_counts(READY_AUTO, &habits, READY_SIGN_LISTEN));
        assert_false(ready_counts(READY_AUTO, &habits, READY_SIGN_TIME));
        assert_true(ready_counts(READY_AUTO, &habits, READY_SIGN_NOTIFY)); /* its first word */
}

static void
auto_takes_any_sign_of_one_of_which_nothing_is_known(void **state)
{
        const ReadyHabits habits = {.speaks = false};

        (void)state;
        for (size_t i = 0; i < ELEMENTSOF(signs); i++)
                assert_true(ready_counts(READY_AUTO, &habits, signs[i]));
}

static void
in_every_mode_and_with_all_habits_some_sign_counts(void **state)
{
        (void)state;
        for (ReadyMode mode = READY_AUTO; mode <= READY_TIMER; mode++)
                for (unsigned bits = 0; bits < N_HABITS; bits++) {
                        const ReadyHabits habits = habits_of(bits);
                        unsigned n = 0;

                        for (size_t i = 0; i < ELEMENTSOF(signs); i++)
                                n += ready_counts(mode, &habits, signs[i]);
                        assert_true(n > 0);
                }
}

static void
being_alive_is_a_sign_after_a_second_where_nothing_else_can_be_expected(void **state)
{
        const ReadyHabits unknown = {.silent = false};
        const ReadyHabits silent = {.silent = true};

        (void)state;
        assert_int_equal(ready_delay(READY_AUTO, &unknown, true, 0), USEC_PER_SEC);
        assert_int_equal(ready_delay(READY_AUTO, &silent, false, 0), USEC_PER_SEC);
        assert_int_equal(ready_delay(READY_AUTO, &silent, true, 0), USEC_PER_SEC);
}

static void
after_ten_where_a_worker_could_still_bind(void **state)
{
        const ReadyHabits unknown = {.silent = false};

        (void)state;
        assert_int_equal(ready_delay(READY_AUTO, &unknown, false, 0), 10 * USEC_PER_SEC);
}

static void
a_timer_has_its_own_time_and_other_modes_have_none(void **state)
{
        static const ReadyMode others[] = {READY_LISTEN, READY_NOTIFY, READY_FD};

        (void)state;
        for (unsigned bits = 0; bits < N_HABITS; bits++) {
                const ReadyHabits habits = habits_of(bits);

                assert_int_equal(ready_delay(READY_TIMER, &habits, bits % 2, 77), 77);
                for (size_t i = 0; i < ELEMENTSOF(others); i++)
                        assert_int_equal(ready_delay(others[i], &habits, bits % 2, 77), 0);
        }
}

static void
a_listener_in_use_or_one_that_cannot_be_looked_at_is_enough_at_any_time(void **state)
{
        (void)state;
        for (uint64_t lived = 0; lived < 20 * USEC_PER_SEC; lived += USEC_PER_SEC / 2) {
                assert_int_equal(ready_pause(READY_USE_SEEN, lived, 0), 0);
                assert_int_equal(ready_pause(READY_USE_UNKNOWN, lived, 0), 0);
        }
}

static void
one_that_is_not_used_is_looked_at_again_ever_less_often_for_ten_seconds_in_all(void **state)
{
        uint64_t lived = USEC_PER_SEC;
        uint64_t before = 0;
        unsigned n_looks = 0;
        uint64_t pause;

        (void)state;
        while ((pause = ready_pause(READY_USE_NONE, lived, 0))) {
                assert_in_range(pause, 1, USEC_PER_SEC / 2);
                assert_true(pause >= before || lived + pause == 10 * USEC_PER_SEC);
                before = pause;
                lived += pause;
                n_looks++;
        }
        assert_int_equal(lived, 10 * USEC_PER_SEC);
        assert_in_range(n_looks, 10, 40);
}

static void
looks_that_cost_much_are_rare_and_the_ten_seconds_stay(void **state)
{
        (void)state;
        assert_int_equal(ready_pause(READY_USE_NONE, USEC_PER_SEC, 100 * USEC_PER_MSEC),
                         USEC_PER_SEC);
        assert_int_equal(ready_pause(READY_USE_NONE, 9 * USEC_PER_SEC, 5 * USEC_PER_SEC),
                         USEC_PER_SEC);
}

/* For how long it has served, in seconds. */
static uint64_t
served(const ReadyHabits *habits, uint64_t lived, uint64_t ready, uint64_t claimed, bool was_late)
{
        const ReadyLife life = {.lived_usec = lived * USEC_PER_SEC,
                                .ready_usec = ready * USEC_PER_SEC,
                                .claimed_usec = claimed * USEC_PER_SEC,
                                .was_late = was_late};

        return ready_served(READY_AUTO, habits, &life) / USEC_PER_SEC;
}

static void
one_that_may_be_silent_has_served_from_its_first_second_on_whenever_that_was_seen(void **state)
{
        const ReadyHabits unknown = {0};
        const ReadyHabits silent = {.silent = true};

        (void)state;
        assert_int_equal(served(&unknown, 9, 0, 0, false), 8);
        assert_int_equal(served(&unknown, 10, 0, 0, false), 9);
        assert_int_equal(served(&unknown, 11, 1, 0, false), 10); /* ready by time after ten */
        assert_int_equal(served(&silent, 11, 10, 0, false), 10);
        assert_int_equal(served(&silent, 1, 0, 0, false), 0);
        assert_int_equal(served(&silent, 0, 0, 0, false), 0);
}

static void
one_that_is_known_to_show_it_has_served_since_it_did(void **state)
{
        const ReadyHabits listens = {.listens = true};
        const ReadyHabits speaks = {.speaks = true};

        (void)state;
        assert_int_equal(served(&listens, 9, 0, 0, false), 0);
        assert_int_equal(served(&listens, 9, 3, 5, false), 3);
        assert_int_equal(served(&listens, 9, 0, 5, false), 5);
        assert_int_equal(served(&speaks, 9, 0, 0, false), 0);
        assert_int_equal(served(&speaks, 9, 3, 0, false), 3);
}

static void
living_on_is_no_excuse_for_one_that_was_late_or_has_to_show_a_sign(void **state)
{
        static const ReadyMode modes[] = {READY_LISTEN, READY_NOTIFY, READY_FD, READY_TIMER};
        const ReadyHabits unknown = {0};
        const ReadyLife life = {.lived_usec = 9 * USEC_PER_SEC};

        (void)state;
        assert_int_equal(served(&unknown, 9, 0, 0, true), 0);
        for (size_t i = 0; i < ELEMENTSOF(modes); i++)
                assert_int_equal(ready_served(modes[i], &unknown, &life), 0);
}

/* How long until a new worker is looked at again, in milliseconds. */
static uint64_t
settle(bool is_behind, uint64_t behind, uint64_t quiet, uint64_t left)
{
        const ReadyProgress progress = {.is_behind = is_behind,
                                        .behind_usec = behind * USEC_PER_MSEC,
                                        .quiet_usec = quiet * USEC_PER_MSEC,
                                        .left_usec = left * USEC_PER_MSEC};

        return ready_settle(&progress) / USEC_PER_MSEC;
}

static void
a_new_worker_that_has_all_that_the_old_one_has_is_ready_at_once(void **state)
{
        (void)state;
        assert_int_equal(settle(false, 0, 0, 30000), 0);
        assert_int_equal(settle(false, 5000, 0, 30000), 0);
}

static void
one_that_has_less_is_ready_a_second_after_it_got_something_last(void **state)
{
        (void)state;
        assert_int_equal(settle(true, 0, 0, 30000), 1000);
        assert_int_equal(settle(true, 999, 999, 30000), 1);
        assert_int_equal(settle(true, 1000, 1000, 30000), 0);
        assert_int_equal(settle(true, 5000, 200, 30000), 800);
}

static void
one_that_gets_ever_more_is_ready_after_ten(void **state)
{
        (void)state;
        assert_int_equal(settle(true, 9900, 0, 30000), 100);
        assert_int_equal(settle(true, 10000, 0, 30000), 0);
}

static void
one_that_listens_is_not_late(void **state)
{
        const ReadyProgress never_late = {.is_behind = true, .left_usec = UINT64_MAX};

        (void)state;
        assert_int_equal(settle(true, 0, 0, 300), 300);
        assert_int_equal(settle(true, 300, 300, 0), 0);
        assert_int_equal(ready_settle(&never_late), USEC_PER_SEC);
}

static void
every_sign_is_said_in_words_of_its_own(void **state)
{
        (void)state;
        for (size_t i = 0; i < ELEMENTSOF(signs); i++)
                for (size_t j = 0; j < i; j++)
                        assert_string_not_equal(ready_sign_text(signs[i]),
                                                ready_sign_text(signs[j]));
}

int
main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(a_mode_that_names_a_sign_counts_that_one_whatever_the_habits),
                cmocka_unit_test(auto_believes_a_worker_that_speaks_and_nothing_else_of_it),
                cmocka_unit_test(auto_waits_for_one_that_listens_until_it_does),
                cmocka_unit_test(auto_takes_any_sign_of_one_of_which_nothing_is_known),
                cmocka_unit_test(in_every_mode_and_with_all_habits_some_sign_counts),
                cmocka_unit_test(
                        being_alive_is_a_sign_after_a_second_where_nothing_else_can_be_expected),
                cmocka_unit_test(after_ten_where_a_worker_could_still_bind),
                cmocka_unit_test(a_timer_has_its_own_time_and_other_modes_have_none),
                cmocka_unit_test(
                        a_listener_in_use_or_one_that_cannot_be_looked_at_is_enough_at_any_time),
                cmocka_unit_test(
                        one_that_is_not_used_is_looked_at_again_ever_less_often_for_ten_seconds_in_all),
                cmocka_unit_test(looks_that_cost_much_are_rare_and_the_ten_seconds_stay),
                cmocka_unit_test(
                        one_that_may_be_silent_has_served_from_its_first_second_on_whenever_that_was_seen),
                cmocka_unit_test(one_that_is_known_to_show_it_has_served_since_it_did),
                cmocka_unit_test(
                        living_on_is_no_excuse_for_one_that_was_late_or_has_to_show_a_sign),
                cmocka_unit_test(a_new_worker_that_has_all_that_the_old_one_has_is_ready_at_once),
                cmocka_unit_test(one_that_has_less_is_ready_a_second_after_it_got_something_last),
                cmocka_unit_test(one_that_gets_ever_more_is_ready_after_ten),
                cmocka_unit_test(one_that_listens_is_not_late),
                cmocka_unit_test(every_sign_is_said_in_words_of_its_own),
        };

        return unit_run(tests);
}
