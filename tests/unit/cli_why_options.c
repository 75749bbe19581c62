/* SPDX-License-Identifier: MIT */
/* cli_why_options.c - the command line of `sup why`. */
#include "unit.h"

#include <getopt.h>

#include "cli/why.h"

typedef struct Parsed {
        Strv argv;
        WhyOptions options;
        int result;
        char *reason;
} Parsed;

static Parsed
parse(const char *const *words)
{
        Parsed p = {.argv = unit_strv(words)};

        optind = 0; /* getopt(3): begin anew */
        p.result = why_options_parse((int)p.argv.n_items, p.argv.items, &p.options, &p.reason);
        return p;
}

static void
parsed_deinit(Parsed *p)
{
        strv_deinit(&p->argv);
        free(p->reason);
}

#define PARSE(name, ...) CLEANUP(parsed_deinit) Parsed name = parse(UNIT_WORDS("why", __VA_ARGS__))

static void
an_address_is_all_that_is_needed(void **state)
{
        PARSE(p, "8080");

        (void)state;
        assert_int_equal(p.result, 0);
        assert_string_equal(p.options.address, "8080");
        assert_int_equal(p.options.uid, geteuid());
        assert_false(p.options.json || p.options.watch || p.options.listening || p.options.help ||
                     p.options.reuseaddr || p.options.reuseport);
}

static void
options_stand_on_either_side_of_it(void **state)
{
        PARSE(before, "--json", "--reuseaddr", "--reuseport", "8080");
        PARSE(after, "8080", "--json", "--reuseaddr", "--reuseport");

        (void)state;
        assert_int_equal(before.result, 0);
        assert_int_equal(after.result, 0);
        assert_string_equal(after.options.address, "8080");
        assert_true(before.options.json && before.options.reuseaddr && before.options.reuseport);
        assert_true(after.options.json && after.options.reuseaddr && after.options.reuseport);
}

static void
expect_another(const char *uid)
{
        PARSE(p, "--as-user", uid, "--netns=blue", "8080");

        assert_int_equal(p.result, 0);
        assert_int_equal(p.options.uid, geteuid());
        assert_string_equal(p.options.netns, "blue");
}

static void
another_user_and_another_namespace_are_named(void **state)
{
        CLEANUP_FREE char *uid = NULL;

        (void)state;
        assert_true(asprintf(&uid, "%u", (unsigned)geteuid()) > 0);
        expect_another(uid);
}

static void
what_does_not_go_together_is_refused_in_a_sentence(void **state)
{
        static const struct {
                const char *const words[5];
                const char *sentence;
        } cases[] = {
                {{"why", NULL}, "ADDRESS"},
                {{"why", "1", "2", NULL}, "ADDRESS"},
                {{"why", "--json", "--watch", "1", NULL}, "--watch and --json"},
                {{"why", "--listening", "1", NULL}, "--listening"},
                {{"why", "--listening", "--watch", NULL}, "--listening"},
                {{"why", "--colour", "1", NULL}, "--colour"},
                {{"why", "-z", "1", NULL}, "-z"},
                {{"why", "1", "--as-user", NULL}, "--as-user needs"},
                {{"why", "--as-user", "no such user", "1", NULL}, "no such user"},
                {{"why", "--as-user", "4294967295", "1", NULL}, "4294967295"},
        };

        (void)state;
        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                CLEANUP(parsed_deinit) Parsed p = parse(cases[i].words);

                unit_expect(p.result < 0, "case %zu is taken\n", i);
                unit_expect(strstr(p.reason, cases[i].sentence) != NULL, "case %zu: %s\n", i,
                            p.reason);
        }
}

static void
help_needs_no_address(void **state)
{
        PARSE(p, "--help");
        PARSE(with_nonsense, "--help", "1", "2");

        (void)state;
        assert_int_equal(p.result, 0);
        assert_true(p.options.help);
        assert_int_equal(with_nonsense.result, 0);
}

int
main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(an_address_is_all_that_is_needed),
                cmocka_unit_test(options_stand_on_either_side_of_it),
                cmocka_unit_test(another_user_and_another_namespace_are_named),
                cmocka_unit_test(what_does_not_go_together_is_refused_in_a_sentence),
                cmocka_unit_test(help_needs_no_address),
        };

        return unit_run(tests);
}
