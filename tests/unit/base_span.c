/* SPDX-License-Identifier: MIT */
/* base_span.c - spans of time, as people read them. */
#include "unit.h"

#include "base/parse.h"
#include "base/span.h"

static void
expect(uint64_t usec, const char *expected)
{
        char text[32];

        assert_string_equal(span_format(usec, text, sizeof(text)), expected);
}

static void
each_span_has_the_unit_that_suits_it(void **state)
{
        (void)state;
        expect(0, "0.0 ms");
        expect(400, "0.4 ms");
        expect(9900, "9.9 ms");
        expect(12 * USEC_PER_MSEC, "12 ms");
        expect(999 * USEC_PER_MSEC, "999 ms");
        expect(USEC_PER_SEC, "1.0 s");
        expect(59 * USEC_PER_SEC, "59.0 s");
        expect(60 * USEC_PER_SEC, "1 min 0 s");
        expect(3599 * USEC_PER_SEC, "59 min 59 s");
        expect(3600 * USEC_PER_SEC, "1 h 0 min");
        expect(86399 * USEC_PER_SEC, "23 h 59 min");
        expect(86400 * USEC_PER_SEC, "1 d 0 h");
        expect(400 * 86400 * USEC_PER_SEC, "400 d 0 h");
}

static void
the_longest_span_fits(void **state)
{
        char text[32];

        (void)state;
        assert_true(strlen(span_format(UINT64_MAX, text, sizeof(text))) < sizeof(text) - 1);
        assert_non_null(strstr(text, " d "));
}

int
main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(each_span_has_the_unit_that_suits_it),
                cmocka_unit_test(the_longest_span_fits),
        };

        return unit_run(tests);
}
