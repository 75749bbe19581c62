/* SPDX-License-Identifier: MIT */
/* control_lines.c - bytes that arrive in any pieces, taken out line by line. */
#include "unit.h"

#include <errno.h>

#include "control/lines.h"

static void
put(Lines *l, const char *bytes, size_t n)
{
        char *room = NULL;

        assert_int_equal(lines_room(l, n, &room), 0);
        memcpy(room, bytes, n);
        lines_added(l, n);
}

static void
expect_line(Lines *l, const char *expected)
{
        char *line = NULL;
        size_t length = 0;

        assert_int_equal(lines_next(l, 100, &line, &length), 1);
        unit_expect(length == strlen(expected) && memcmp(line, expected, length) == 0,
                    "'%.*s' instead of '%s'\n", (int)length, line, expected);
}

static void
expect_none(Lines *l)
{
        char *line = NULL;
        size_t length = 0;

        assert_int_equal(lines_next(l, 100, &line, &length), 0);
}

static void
nothing_comes_from_nothing(void **state)
{
        CLEANUP(lines_deinit) Lines l = {0};

        (void)state;
        expect_none(&l);
        put(&l, "half", 4);
        expect_none(&l);
        expect_none(&l);
}

static void
lines_that_come_together_are_taken_one_by_one(void **state)
{
        CLEANUP(lines_deinit) Lines l = {0};

        (void)state;
        put(&l, "one\n\ntwo\nthr", 12);
        expect_line(&l, "one");
        expect_line(&l, "");
        expect_line(&l, "two");
        expect_none(&l);
        put(&l, "ee\n", 3);
        expect_line(&l, "three");
        expect_none(&l);
}

/* A thousand lines in pieces of any size come out as they were, with any taking in between. */
static void
it_does_not_matter_in_which_pieces_they_come(void **state)
{
        UnitRandom random = unit_random_init();
        CLEANUP(lines_deinit) Lines l = {0};
        size_t lengths[1000];
        CLEANUP_FREE char *text = malloc(100UL * 1000);
        size_t n_text = 0;
        size_t sent = 0;
        size_t taken = 0;
        size_t n_lines = 0;

        (void)state;
        assert_non_null(text);
        for (size_t i = 0; i < ELEMENTSOF(lengths); i++) {
                lengths[i] = unit_random(&random, 99);
                memset(text + n_text, (int)('a' + i % 26), lengths[i]);
                n_text += lengths[i];
                text[n_text++] = '\n';
        }
        while (n_lines < ELEMENTSOF(lengths)) {
                size_t n = 1 + unit_random(&random, 300);
                char *line;
                size_t length;

                n = n < n_text - sent ? n : n_text - sent;
                put(&l, text + sent, n);
                sent += n;
                while (unit_random(&random, 4) > 0 && lines_next(&l, 100, &line, &length) == 1) {
                        assert_int_equal(length, lengths[n_lines++]);
                        assert_memory_equal(line, text + taken, length);
                        taken += length + 1;
                }
        }
        expect_none(&l);
}

static void
a_line_may_be_as_long_as_the_limit_and_not_a_byte_longer(void **state)
{
        CLEANUP(lines_deinit) Lines l = {0};
        char text[102];
        char *line = NULL;
        size_t length = 0;

        (void)state;
        memset(text, 'x', sizeof(text));
        text[100] = '\n';
        put(&l, text, 101);
        assert_int_equal(lines_next(&l, 100, &line, &length), 1);
        assert_int_equal(length, 100);
        text[100] = 'x';
        text[101] = '\n';
        put(&l, text, 102);
        assert_int_equal(lines_next(&l, 100, &line, &length), -EMSGSIZE);
}

static void
a_line_that_is_too_long_is_refused_before_its_end_has_come(void **state)
{
        CLEANUP(lines_deinit) Lines l = {0};
        char *line = NULL;
        size_t length = 0;

        (void)state;
        put(&l, "0123456789", 10);
        assert_int_equal(lines_next(&l, 10, &line, &length), 0);
        put(&l, "0", 1);
        assert_int_equal(lines_next(&l, 10, &line, &length), -EMSGSIZE);
}

static void
what_was_taken_costs_no_memory(void **state)
{
        CLEANUP(lines_deinit) Lines l = {0};

        (void)state;
        put(&l, "line\n", 5);
        assert_non_null(l.data);
        expect_line(&l, "line");
        expect_none(&l);
        assert_null(l.data);
}

int
main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(nothing_comes_from_nothing),
                cmocka_unit_test(lines_that_come_together_are_taken_one_by_one),
                cmocka_unit_test(it_does_not_matter_in_which_pieces_they_come),
                cmocka_unit_test(a_line_may_be_as_long_as_the_limit_and_not_a_byte_longer),
                cmocka_unit_test(a_line_that_is_too_long_is_refused_before_its_end_has_come),
                cmocka_unit_test(what_was_taken_costs_no_memory),
        };

        return unit_run(tests);
}
