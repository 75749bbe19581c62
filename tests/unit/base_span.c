/* SPDX-License-Identifier: MIT */
/* base_span.c - spans of time, as people read them. */
#include "unit.h"

#include "base/clock.h"
#include "base/parse.h"
#include "base/span.h"

#define MINUTE (60 * USEC_PER_SEC)
#define HOUR (60 * MINUTE)
#define DAY (24 * HOUR)

static void
a_span_is_written_in_the_units_that_suit_it(void **state)
{
        static const struct {
                uint64_t usec;
                const char *text;
        } cases[] = {
                {0, "0.0 ms"},
                {49, "0.0 ms"},
                {400, "0.4 ms"},
                {9900, "9.9 ms"},
                {10 * USEC_PER_MSEC, "10 ms"},
                {123400, "123 ms"},
                {USEC_PER_SEC, "1.0 s"},
                {12345678, "12.3 s"},
                {MINUTE, "1 min 0 s"},
                {200 * USEC_PER_SEC, "3 min 20 s"},
                {HOUR - 1, "59 min 59 s"},
                {HOUR, "1 h 0 min"},
                {DAY - 1, "23 h 59 min"},
                {DAY, "1 d 0 h"},
                {40 * DAY + 5 * HOUR + MINUTE, "40 d 5 h"},
                {UINT64_MAX, "213503982 d 8 h"},
        };

        (void)state;
        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                char text[32];

                assert_string_equal(span_format(cases[i].usec, text, sizeof(text)), cases[i].text);
        }
}

static void
a_span_is_cut_to_fit(void **state)
{
        char text[4];

        (void)state;
        assert_string_equal(span_format(200 * USEC_PER_SEC, text, sizeof(text)), "3 m");
}

static void
the_clock_only_grows(void **state)
{
        uint64_t before = clock_usec();

        (void)state;
        for (int i = 0; i < 1000; i++) {
                uint64_t now = clock_usec();

                assert_true(now >= before);
                before = now;
        }
}

int
main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(a_span_is_written_in_the_units_that_suit_it),
                cmocka_unit_test(a_span_is_cut_to_fit),
                cmocka_unit_test(the_clock_only_grows),
        };

        return unit_run(tests);
}
