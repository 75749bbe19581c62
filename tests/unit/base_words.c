/* SPDX-License-Identifier: MIT */
/* base_words.c - a command in one line of text, taken apart into its words: as a shell does it. */
#include "unit.h"

#include <errno.h>
#include <sys/wait.h>

#include "base/words.h"

/* The words of a text, each in brackets; the caller frees it. */
static char *
split(const char *text)
{
        CLEANUP(strv_deinit_p) Strv words = {0};
        char *joined = NULL;
        size_t length = 0;
        FILE *f;

        assert_int_equal(words_split(&words, text), 0);
        f = open_memstream(&joined, &length);
        assert_non_null(f);
        for (size_t i = 0; i < words.n_items; i++)
                (void)fprintf(f, "[%s]", words.items[i]);
        assert_int_equal(fclose(f), 0);
        return joined;
}

static void
expect_words(const char *text, const char *expected)
{
        CLEANUP_FREE char *words = split(text);

        unit_expect(strcmp(words, expected) == 0, "%s gives %s instead of %s\n", text, words,
                    expected);
}

static void
blanks_separate_words(void **state)
{
        (void)state;
        expect_words("server", "[server]");
        expect_words("server  --port\t80", "[server][--port][80]");
        expect_words(" \t\n server \n", "[server]");
        expect_words("", "");
        expect_words("  ", "");
}

static void
quotes_keep_what_is_between_them_and_may_stand_within_a_word(void **state)
{
        (void)state;
        expect_words("'a b' \"c d\"", "[a b][c d]");
        expect_words("x'a b'y", "[xa by]");
        expect_words("--name='a b'\" c\"", "[--name=a b c]");
        expect_words("'' \"\"", "[][]");
        expect_words("'\"' \"'\"", "[\"][']");
}

static void
a_backslash_keeps_the_next_character(void **state)
{
        (void)state;
        expect_words("a\\ b", "[a b]");
        expect_words("\\'a \\\"b \\\\", "['a][\"b][\\]");
        expect_words("'a\\'", "[a\\]");
        expect_words("\"a\\\"b\\\\c\\$d\\`e\\f\"", "[a\"b\\c$d`e\\f]");
}

static void
nothing_is_expanded(void **state)
{
        (void)state;
        expect_words("$HOME ~ * a|b ;&<>#", "[$HOME][~][*][a|b][;&<>#]");
}

static void
a_quote_or_backslash_without_an_end_is_an_error(void **state)
{
        static const char *const wrong[] = {"'",  "\"",  "a 'b",  "a \"b",
                                            "\\", "a\\", "\"a\\", "'a\\"};

        (void)state;
        for (size_t i = 0; i < ELEMENTSOF(wrong); i++) {
                CLEANUP(strv_deinit_p) Strv words = {0};

                unit_expect(words_split(&words, wrong[i]) == -EINVAL, "%s\n", wrong[i]);
        }
}

static void
words_are_added_to_those_that_are_there(void **state)
{
        CLEANUP(strv_deinit_p) Strv words = unit_strv(UNIT_WORDS("first"));

        (void)state;
        assert_int_equal(words_split(&words, "second third"), 0);
        assert_int_equal(words.n_items, 3);
        assert_string_equal(words.items[2], "third");
}

/* What a shell makes of the same text, in the same brackets. */
static void
ask_shell(const char *text, char *ret, size_t size)
{
        CLEANUP_FREE char *command = NULL;
        FILE *f;

        assert_true(asprintf(&command, "set -f; set -- %s\n[ $# = 0 ] || printf '[%%s]' \"$@\"",
                             text) > 0);
        f = popen(command, "r"); /* NOLINT(cert-env33-c): a shell is what is wanted */
        assert_non_null(f);
        ret[fread(ret, 1, size - 1, f)] = '\0';
        assert_int_equal(pclose(f), 0);
}

static void
a_shell_takes_the_same_words(void **state)
{
        static const char *const pieces[] = {"a",       " ",   "'",    "'b c'",      "\"",
                                             "\"d e\"", "\\ ", "\\\\", "''",         "\\\"",
                                             "\\'",     "f=",  "  ",   "\"g\\\"h\"", "'i\\j'"};
        UnitRandom random = unit_random_init();
        unsigned n_compared = 0;

        (void)state;
        for (unsigned tries = 0; tries < 2000 && n_compared < 30; tries++) {
                CLEANUP(strv_deinit_p) Strv words = {0};
                CLEANUP_FREE char *mine = NULL;
                char text[128] = "";
                char shell[256];
                size_t length = 0;

                for (unsigned n = 1 + unit_random(&random, 10); n > 0; n--)
                        length +=
                                (size_t)snprintf(text + length, sizeof(text) - length, "%s",
                                                 pieces[unit_random(&random, ELEMENTSOF(pieces))]);
                if (words_split(&words, text) < 0)
                        continue;
                mine = split(text);
                ask_shell(text, shell, sizeof(shell));
                unit_expect(strcmp(mine, shell) == 0, "%s is %s, and for a shell %s\n", text, mine,
                            shell);
                n_compared++;
        }
        assert_int_equal(n_compared, 30);
}

int
main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(blanks_separate_words),
                cmocka_unit_test(quotes_keep_what_is_between_them_and_may_stand_within_a_word),
                cmocka_unit_test(a_backslash_keeps_the_next_character),
                cmocka_unit_test(nothing_is_expanded),
                cmocka_unit_test(a_quote_or_backslash_without_an_end_is_an_error),
                cmocka_unit_test(words_are_added_to_those_that_are_there),
                cmocka_unit_test(a_shell_takes_the_same_words),
        };

        return unit_run(tests);
}
