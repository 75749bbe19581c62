/* SPDX-License-Identifier: MIT */
/* base_printable.c - text from elsewhere that is to disturb neither a terminal nor the next line. */
#include "unit.h"

#include <jansson.h>

#include "base/printable.h"

static void
expect_printable(const char *text, const char *expected)
{
        char copy[64];

        (void)snprintf(copy, sizeof(copy), "%s", text);
        printable_make(copy);
        assert_string_equal(copy, expected);
}

static void
letters_of_all_languages_stay(void **state)
{
        static const char *const texts[] = {"",
                                            "plain ~text",
                                            "größer …",
                                            "ἄλφα",
                                            "日本語",
                                            "🙂",
                                            "\302\240",
                                            "\337\277",
                                            "\340\240\200",
                                            "\357\277\275",
                                            "\360\220\200\200",
                                            "\364\217\277\277"};

        (void)state;
        for (size_t i = 0; i < ELEMENTSOF(texts); i++)
                expect_printable(texts[i], texts[i]);
}

static void
control_characters_of_every_kind_go(void **state)
{
        (void)state;
        expect_printable("a\nb\tc\rd\033[2Je\001f\177g", "a?b?c?d?[2Je?f?g");
        expect_printable("\302\200\302\233x\302\237", "????x??"); /* U+009B is like ESC [ */
}

static void
bytes_that_are_no_utf8_go(void **state)
{
        (void)state;
        expect_printable("caf\351", "caf?");
        expect_printable("\200\277", "??");
        expect_printable("\303", "?");
        expect_printable("\303a", "?a");
        expect_printable("\342\200", "??");
        expect_printable("\342\200a\342\200\246", "??a…");
        expect_printable("\300\257 \340\200\257 \360\200\200\257", "?? ??? ????"); /* too long */
        expect_printable("\355\240\200", "???");      /* half of a pair of UTF-16 */
        expect_printable("\364\220\200\200", "????"); /* beyond the last letter */
        expect_printable("\370\210\200\200\200\377", "??????");
}

static void
whatever_it_was_it_is_text_afterwards_and_as_long_as_before(void **state)
{
        UnitRandom random = unit_random_init();

        (void)state;
        for (int i = 0; i < 100000; i++) {
                /* bytes at which something changes are likely */
                static const unsigned char edges[] = {0x1f, 0x20, 0x7f, 0x80, 0x9f, 0xa0,
                                                      0xbf, 0xc0, 0xc2, 0xdf, 0xe0, 0xed,
                                                      0xef, 0xf0, 0xf4, 0xf7};
                char text[9] = "";
                size_t length = unit_random(&random, sizeof(text));
                json_t *string;

                for (size_t j = 0; j < length; j++)
                        text[j] = (char)(unit_random(&random, 2)
                                                 ? edges[unit_random(&random, sizeof(edges))]
                                                 : 1 + unit_random(&random, 255));
                printable_make(text);
                assert_int_equal(strlen(text), length);
                string = json_string(text);
                assert_non_null(string); /* it is UTF-8 */
                json_decref(string);
                for (size_t j = 0; j < length; j++)
                        assert_true((unsigned char)text[j] >= ' ' && text[j] != 0x7f);
        }
}

int
main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(letters_of_all_languages_stay),
                cmocka_unit_test(control_characters_of_every_kind_go),
                cmocka_unit_test(bytes_that_are_no_utf8_go),
                cmocka_unit_test(whatever_it_was_it_is_text_afterwards_and_as_long_as_before),
        };

        return unit_run(tests);
}
