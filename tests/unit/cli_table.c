/* SPDX-License-Identifier: MIT */
/* cli_table.c - rows of aligned columns, and texts that are harmless for a terminal. */
#include "unit.h"

#include "cli/plain.h"
#include "cli/table.h"

/* What the table prints. To be freed. */
static char *
printed(const Table *t)
{
        char *text = NULL;
        size_t size = 0;
        FILE *f = open_memstream(&text, &size);

        assert_non_null(f);
        table_print(t, f);
        (void)fclose(f);
        return text;
}

static void
columns_are_as_wide_as_their_widest_cell_and_the_last_has_no_blanks_behind_it(void **state)
{
        CLEANUP(table_deinit) Table t = {.n_columns = 3, .right = 1U << 1};
        CLEANUP_FREE char *text = NULL;

        (void)state;
        assert_int_equal(table_add(&t, "NAME"), 0);
        assert_int_equal(table_add(&t, "N"), 0);
        assert_int_equal(table_add(&t, "END"), 0);
        assert_int_equal(table_add(&t, "a"), 0);
        assert_int_equal(table_add(&t, "%d", 1000), 0);
        assert_int_equal(table_add(&t, "x"), 0);
        text = printed(&t);
        assert_string_equal(text, "NAME     N  END\n"
                                  "a     1000  x\n");
}

static void
a_column_counts_characters_not_bytes(void **state)
{
        CLEANUP(table_deinit) Table t = {.n_columns = 2};
        CLEANUP_FREE char *text = NULL;

        (void)state;
        (void)table_add(&t, "äöü");
        (void)table_add(&t, "1");
        (void)table_add(&t, "abcd");
        (void)table_add(&t, "2");
        text = printed(&t);
        assert_string_equal(text, "äöü   1\nabcd  2\n");
}

static void
a_row_that_is_not_whole_is_not_printed(void **state)
{
        CLEANUP(table_deinit) Table t = {.n_columns = 2};
        CLEANUP_FREE char *text = NULL;

        (void)state;
        (void)table_add(&t, "a");
        (void)table_add(&t, "b");
        (void)table_add(&t, "a very long one");
        text = printed(&t);
        assert_string_equal(text, "a  b\n");
}

static void
expect_plain(const char *text, const char *expected)
{
        CLEANUP_FREE char *plain = plain_copy(text);

        assert_string_equal(plain, expected);
}

static void
control_characters_become_question_marks(void **state)
{
        (void)state;
        expect_plain("two words", "two words");
        expect_plain("\033[31mred\a\n", "?[31mred??");
        expect_plain("\x7f", "?");
        expect_plain("\xc2\x9b"
                     "31m",
                     "??31m");
        expect_plain("\xc2\xa0\xc3\xa4\xc2", "\xc2\xa0\xc3\xa4?");
        expect_plain("", "");
}

static void
expect_quoted(const char *word, const char *expected)
{
        CLEANUP_FREE char *quoted = plain_quote(word);

        assert_string_equal(quoted, expected);
}

static void
words_are_quoted_as_a_shell_would_take_them(void **state)
{
        (void)state;
        expect_quoted("./server", "./server");
        expect_quoted("--port=80", "--port=80");
        expect_quoted("", "''");
        expect_quoted("two words", "'two words'");
        expect_quoted("don't", "'don'\\''t'");
        expect_quoted("''''", "''\\'''\\'''\\'''\\'''");
        expect_quoted("$HOME", "'$HOME'");
        expect_quoted("a\033b", "'a?b'");
}

int
main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(
                        columns_are_as_wide_as_their_widest_cell_and_the_last_has_no_blanks_behind_it),
                cmocka_unit_test(a_column_counts_characters_not_bytes),
                cmocka_unit_test(a_row_that_is_not_whole_is_not_printed),
                cmocka_unit_test(control_characters_become_question_marks),
                cmocka_unit_test(words_are_quoted_as_a_shell_would_take_them),
        };

        return unit_run(tests);
}
