/* SPDX-License-Identifier: MIT */
/* run_measure.c - what clients felt of a reload. */
#include "unit.h"

#include "base/cleanup.h"
#include "run/measure.h"

enum { BEGIN = 1000, EVERY = 10 };

/* Look at queues of these lengths, one after the other; the first at once. */
static Measure
look(const unsigned *queues, size_t n)
{
        Measure m = {.begin_usec = BEGIN};

        for (size_t i = 0; i < n; i++)
                measure_sample(&m, BEGIN + i * EVERY, queues[i], 0);
        return m;
}

#define LOOK(...) look((const unsigned[]){__VA_ARGS__}, ELEMENTSOF(((unsigned[]){__VA_ARGS__})))

static void
where_nobody_is_seen_to_wait_no_wait_is_told(void **state)
{
        Measure m = LOOK(0, 0, 0);

        (void)state;
        assert_int_equal(m.longest_wait_usec, 0);
        assert_int_equal(m.deepest_queue, 0);
        assert_int_equal(m.waiting_before, 0);
}

static void
who_was_seen_once_may_have_waited_since_the_look_before_and_until_the_next(void **state)
{
        Measure m = LOOK(0, 0, 2, 0, 0, 1, 0);

        (void)state;
        assert_int_equal(m.longest_wait_usec, 2 * EVERY);
        assert_int_equal(m.deepest_queue, 2);
}

static void
who_is_seen_at_the_last_look_has_waited_too(void **state)
{
        Measure m = LOOK(0, 0, 2);

        (void)state;
        assert_int_equal(m.longest_wait_usec, EVERY);
}

static void
who_came_before_is_counted_and_waits_from_the_beginning_on(void **state)
{
        Measure m = LOOK(4097, 5, 0, 6, 0);

        (void)state;
        assert_int_equal(m.waiting_before, 4097);
        assert_int_equal(m.longest_wait_usec, 2 * EVERY);
        assert_int_equal(m.deepest_queue, 4097);
}

int
main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(where_nobody_is_seen_to_wait_no_wait_is_told),
                cmocka_unit_test(
                        who_was_seen_once_may_have_waited_since_the_look_before_and_until_the_next),
                cmocka_unit_test(who_is_seen_at_the_last_look_has_waited_too),
                cmocka_unit_test(who_came_before_is_counted_and_waits_from_the_beginning_on),
        };

        return unit_run(tests);
}
