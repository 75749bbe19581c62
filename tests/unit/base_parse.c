/* SPDX-License-Identifier: MIT */
/* base_parse.c - what people type: whole strings only, no overflow, no leniency. */
#include "unit.h"

#include <errno.h>
#include <signal.h>

#include "base/parse.h"

typedef int (*ParseUnits)(const char *text, uint64_t *ret);

static void
expect_units(ParseUnits parse, const char *text, uint64_t expected)
{
        uint64_t value = 0;
        int r = parse(text, &value);

        unit_expect(r == 0 && value == expected, "'%s' gives %d, %llu\n", text, r,
                    (unsigned long long)value);
}

/* Each of the texts is refused with this error, and the result is left as it was. */
static void
refuse_units(ParseUnits parse, int error, const char *const *texts)
{
        for (; *texts; texts++) {
                uint64_t value = 77;
                int r = parse(*texts, &value);

                unit_expect(r == error && value == 77, "'%s' gives %d, %llu\n", *texts, r,
                            (unsigned long long)value);
        }
}

static int
parse_up_to_100(const char *text, uint64_t *ret)
{
        return parse_unsigned(text, 100, ret);
}

static int
parse_any_unsigned(const char *text, uint64_t *ret)
{
        return parse_unsigned(text, UINT64_MAX, ret);
}

static void
a_number_is_digits_and_nothing_else(void **state)
{
        static const char *const wrong[] = {"",    " 1", "1 ", "+1", "-1",   "-0",  "0x10",
                                            "1e3", "1.", "x",  "1x", "\xb2", "1\n", NULL};

        (void)state;
        expect_units(parse_up_to_100, "0", 0);
        expect_units(parse_up_to_100, "00042", 42);
        refuse_units(parse_up_to_100, -EINVAL, wrong);
}

static void
a_number_beyond_its_limit_is_out_of_range_and_one_beyond_64_bits_too(void **state)
{
        static const char *const large[] = {"101", "18446744073709551616",
                                            "99999999999999999999999999", NULL};

        (void)state;
        expect_units(parse_up_to_100, "100", 100);
        expect_units(parse_any_unsigned, "18446744073709551615", UINT64_MAX);
        refuse_units(parse_up_to_100, -ERANGE, large);
        refuse_units(parse_any_unsigned, -ERANGE, large + 1);
}

static void
a_duration_has_a_unit_and_a_bare_number_is_seconds(void **state)
{
        static const struct {
                const char *text;
                uint64_t usec;
        } cases[] = {
                {"0", 0},
                {"30", 30 * USEC_PER_SEC},
                {"30s", 30 * USEC_PER_SEC},
                {"30sec", 30 * USEC_PER_SEC},
                {"500ms", 500 * USEC_PER_MSEC},
                {"7us", 7},
                {"5min", 300 * USEC_PER_SEC},
                {"5m", 300 * USEC_PER_SEC},
                {"1h", 3600 * USEC_PER_SEC},
                {"2d", 172800 * USEC_PER_SEC},
        };

        (void)state;
        for (size_t i = 0; i < ELEMENTSOF(cases); i++)
                expect_units(parse_duration, cases[i].text, cases[i].usec);
}

static void
a_duration_may_have_a_fraction(void **state)
{
        (void)state;
        expect_units(parse_duration, "1.5", 1500 * USEC_PER_MSEC);
        expect_units(parse_duration, "1.5s", 1500 * USEC_PER_MSEC);
        expect_units(parse_duration, "0.25h", 900 * USEC_PER_SEC);
        expect_units(parse_duration, "0.000001", 1);
        expect_units(parse_duration, "2.0000009999", 2 * USEC_PER_SEC);
}

static void
anything_else_is_not_a_duration(void **state)
{
        static const char *const wrong[] = {"",      "s",    "-1",   "- 1",  "1 s", " 1",
                                            "1S",    "1.",   ".5",   "1.s",  "1,5", "1s ",
                                            "1min1", "soon", "1ms2", "1..5", "inf", NULL};

        (void)state;
        refuse_units(parse_duration, -EINVAL, wrong);
}

static void
a_duration_or_size_that_does_not_fit_is_out_of_range(void **state)
{
        static const char *const durations[] = {"9223372036855", "184467440737095516150",
                                                "106751992d", "99999999999999999999999999us", NULL};
        static const char *const sizes[] = {"8388608T", "18446744073709551616", "9007199254740992K",
                                            NULL};

        (void)state;
        expect_units(parse_duration, "106751991d", 106751991ULL * 86400 * USEC_PER_SEC);
        expect_units(parse_size, "8388607T", 8388607ULL << 40);
        refuse_units(parse_duration, -ERANGE, durations);
        refuse_units(parse_size, -ERANGE, sizes);
}

static void
a_size_counts_in_powers_of_1024(void **state)
{
        static const char *const wrong[] = {"",   "K",   "1k",  "1KB", "1Ki", "64 K",
                                            "-1", "1.K", ".5M", "1P",  "x",   NULL};

        (void)state;
        expect_units(parse_size, "0", 0);
        expect_units(parse_size, "4096", 4096);
        expect_units(parse_size, "64K", 65536);
        expect_units(parse_size, "1M", 1048576);
        expect_units(parse_size, "1.5M", 1572864);
        expect_units(parse_size, "2G", 1ULL << 31);
        expect_units(parse_size, "1T", 1ULL << 40);
        refuse_units(parse_size, -EINVAL, wrong);
}

static void
what_cannot_be_divided_has_no_fraction(void **state)
{
        static const char *const sizes[] = {"1.5", "0.5", "65536.0", NULL};
        static const char *const durations[] = {"1.5us", "0.1us", NULL};

        (void)state;
        refuse_units(parse_size, -EINVAL, sizes);
        refuse_units(parse_duration, -EINVAL, durations);
}

static void
yes_and_no_have_four_words_each(void **state)
{
        static const char *const words[][2] = {
                {"no", "yes"}, {"false", "true"}, {"off", "on"}, {"0", "1"}};
        static const char *const wrong[] = {"",  "Yes", "YES",  "y",      "n",
                                            "t", "2",   "yes ", "enabled"};
        bool value = true;

        (void)state;
        for (size_t i = 0; i < ELEMENTSOF(words); i++) {
                assert_int_equal(parse_bool(words[i][0], &value), 0);
                assert_false(value);
                assert_int_equal(parse_bool(words[i][1], &value), 0);
                assert_true(value);
        }
        for (size_t i = 0; i < ELEMENTSOF(wrong); i++)
                unit_expect(parse_bool(wrong[i], &value) == -EINVAL, "'%s'\n", wrong[i]);
        assert_true(value);
}

static void
a_signal_has_a_name_a_longer_name_and_a_number(void **state)
{
        static const struct {
                const char *text;
                int signo;
        } cases[] = {{"TERM", SIGTERM}, {"SIGTERM", SIGTERM}, {"15", SIGTERM}, {"HUP", SIGHUP},
                     {"USR2", SIGUSR2}, {"WINCH", SIGWINCH},  {"1", SIGHUP}};
        int signo;

        (void)state;
        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                signo = 0;
                unit_expect(parse_signal(cases[i].text, &signo) == 0 && signo == cases[i].signo,
                            "%s gives %d\n", cases[i].text, signo);
        }
        assert_int_equal(parse_signal("64", &signo), 0);
        assert_int_equal(signo, SIGRTMAX);
}

static void
a_signal_that_does_not_exist_is_refused(void **state)
{
        static const char *const wrong[] = {"",           "0",   "-1",      "65",
                                            "term",       "SIG", "sigterm", "TERM ",
                                            "SIGSIGTERM", "15x", "NOSUCH",  "99999999999999999999"};
        int signo = 77;

        (void)state;
        for (size_t i = 0; i < ELEMENTSOF(wrong); i++)
                unit_expect(parse_signal(wrong[i], &signo) == -EINVAL && signo == 77,
                            "'%s' gives %d\n", wrong[i], signo);
}

static void
every_signal_is_read_back_by_its_name(void **state)
{
        (void)state;
        for (int signo = 1; signo < 32; signo++) {
                int read = 0;

                unit_expect(parse_signal(signal_name(signo), &read) == 0 && read == signo,
                            "%d is %s and comes back as %d\n", signo, signal_name(signo), read);
        }
        assert_string_equal(signal_name(SIGRTMIN + 1), "RT");
        assert_string_equal(signal_name(-5), "RT");
}

static void
a_mode_is_octal_and_has_permissions_only(void **state)
{
        static const char *const wrong[] = {"",     "9",     "0o644", "0x1ff",  "1777", "-1",
                                            "64 4", "77777", "rw",    "000644", " 644"};
        unsigned mode = 0;

        (void)state;
        assert_int_equal(parse_mode("0", &mode), 0);
        assert_int_equal(mode, 0);
        assert_int_equal(parse_mode("644", &mode), 0);
        assert_int_equal(mode, 0644);
        assert_int_equal(parse_mode("00777", &mode), 0);
        assert_int_equal(mode, 0777);
        for (size_t i = 0; i < ELEMENTSOF(wrong); i++)
                unit_expect(parse_mode(wrong[i], &mode) == -EINVAL && mode == 0777,
                            "'%s' gives %o\n", wrong[i], mode);
}

int
main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(a_number_is_digits_and_nothing_else),
                cmocka_unit_test(
                        a_number_beyond_its_limit_is_out_of_range_and_one_beyond_64_bits_too),
                cmocka_unit_test(a_duration_has_a_unit_and_a_bare_number_is_seconds),
                cmocka_unit_test(a_duration_may_have_a_fraction),
                cmocka_unit_test(anything_else_is_not_a_duration),
                cmocka_unit_test(a_duration_or_size_that_does_not_fit_is_out_of_range),
                cmocka_unit_test(a_size_counts_in_powers_of_1024),
                cmocka_unit_test(what_cannot_be_divided_has_no_fraction),
                cmocka_unit_test(yes_and_no_have_four_words_each),
                cmocka_unit_test(a_signal_has_a_name_a_longer_name_and_a_number),
                cmocka_unit_test(a_signal_that_does_not_exist_is_refused),
                cmocka_unit_test(every_signal_is_read_back_by_its_name),
                cmocka_unit_test(a_mode_is_octal_and_has_permissions_only),
        };

        return unit_run(tests);
}
