/* SPDX-License-Identifier: MIT */
/* policy_left.c - what becomes of workers that a dead `sup` left behind. */
#include "unit.h"

#include "policy/left.h"
#include "worker/left.h"

/* A process that was left behind, in all respects. */
static const LeftMarks left = {.has_our_name = true, .supervisor = 17};

static void
who_has_the_marks_of_a_dead_sup_was_left_behind(void **state)
{
        (void)state;
        assert_true(left_is_behind(&left));
}

static void
whatever_may_be_somebody_elses_is_not(void **state)
{
        LeftMarks marks[6] = {left, left, left, left, left, left};

        (void)state;
        marks[0].has_our_name = false;
        marks[1].supervisor = 0;
        marks[2].is_below_it = true;
        marks[3].it_lives = true;
        marks[4].is_kin = true;
        marks[5].is_elsewhere = true;
        for (size_t i = 0; i < ELEMENTSOF(marks); i++)
                assert_false(left_is_behind(&marks[i]));
}

static void
they_serve_until_our_own_workers_do(void **state)
{
        const LeftInput not_yet = {.n_alive = 2};
        const LeftInput serves = {.n_alive = 2, .serves = true};
        const LeftInput stopping = {.n_alive = 2, .stopping = true};

        (void)state;
        assert_int_equal(left_next(LEFT_SERVING, &not_yet), LEFT_SERVING);
        assert_int_equal(left_next(LEFT_SERVING, &serves), LEFT_STOPPING);
        assert_int_equal(left_next(LEFT_SERVING, &stopping), LEFT_STOPPING);
}

static void
a_worker_that_dies_meanwhile_does_not_call_the_retirement_off(void **state)
{
        const LeftInput died = {.n_alive = 1};

        (void)state;
        assert_int_equal(left_next(LEFT_STOPPING, &died), LEFT_STOPPING);
        assert_int_equal(left_next(LEFT_KILLING, &died), LEFT_KILLING);
}

static void
who_takes_too_long_is_killed_and_then_given_up(void **state)
{
        const LeftInput late = {.n_alive = 1, .serves = true, .timed_out = true};
        const LeftInput hurry = {.n_alive = 1, .stopping = true, .at_once = true};

        (void)state;
        assert_int_equal(left_next(LEFT_STOPPING, &late), LEFT_KILLING);
        assert_int_equal(left_next(LEFT_KILLING, &late), LEFT_GONE);
        assert_int_equal(left_next(LEFT_SERVING, &hurry), LEFT_KILLING);
        assert_int_equal(left_next(LEFT_STOPPING, &hurry), LEFT_KILLING);
        assert_int_equal(left_next(LEFT_KILLING, &hurry), LEFT_KILLING);
}

static void
when_nobody_is_alive_it_is_over(void **state)
{
        (void)state;
        for (int i = LEFT_GONE; i <= LEFT_KILLING; i++)
                assert_int_equal(left_next((LeftState)i, &(LeftInput){.n_alive = 0}), LEFT_GONE);
}

/* Whether arguments are those of `gunicorn -w 2`. */
static bool
is_gunicorn(const char *const *arguments)
{
        static const char *const command[] = {"gunicorn", "-w", "2", NULL};
        CLEANUP(strv_deinit_p) Strv wanted = unit_strv(command);
        CLEANUP(strv_deinit_p) Strv words = unit_strv(arguments);

        return left_is_command(words.items, words.n_items, wanted.items);
}

static void
a_command_is_known_by_its_arguments(void **state)
{
        (void)state;
        assert_true(is_gunicorn((const char *const[]){"gunicorn", "-w", "2", NULL}));
        assert_true(is_gunicorn(
                (const char *const[]){"/usr/bin/python3", "/usr/bin/gunicorn", "-w", "2", NULL}));
        assert_false(is_gunicorn((const char *const[]){"gunicorn", "-w", "2", "app", NULL}));
        assert_false(is_gunicorn((const char *const[]){"gunicorn", "-w", "3", NULL}));
        assert_false(is_gunicorn((const char *const[]){"unicorn", "-w", "2", NULL}));
        assert_false(is_gunicorn((const char *const[]){"-w", "2", NULL}));
        assert_false(is_gunicorn((const char *const[]){NULL}));
}

int
main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(who_has_the_marks_of_a_dead_sup_was_left_behind),
                cmocka_unit_test(whatever_may_be_somebody_elses_is_not),
                cmocka_unit_test(they_serve_until_our_own_workers_do),
                cmocka_unit_test(a_worker_that_dies_meanwhile_does_not_call_the_retirement_off),
                cmocka_unit_test(who_takes_too_long_is_killed_and_then_given_up),
                cmocka_unit_test(when_nobody_is_alive_it_is_over),
                cmocka_unit_test(a_command_is_known_by_its_arguments),
        };

        return unit_run(tests);
}
