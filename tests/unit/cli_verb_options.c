/* SPDX-License-Identifier: MIT */
/* cli_verb_options.c - the words behind a verb of the control socket. */
#include "unit.h"

#include "cli/verb_options.h"

#define WORDS_MAX 16

/* Cut a line at its blanks: argv, with as many words as the result says. */
static int
cut(char *line, char **argv)
{
        int n = 0;

        for (char *word = strtok(line, " "); word; word = strtok(NULL, " ")) /* NOLINT */
                argv[n++] = word;
        argv[n] = NULL;
        return n;
}

/* The line means this instance (or NULL), and these arguments. */
static void
expect(const char *text, const char *name, const char *arguments)
{
        CLEANUP(verb_options_deinit) VerbOptions o;
        CLEANUP_FREE char *line = strdup(text);
        CLEANUP_FREE char *seen = NULL;
        CLEANUP_FREE char *reason = NULL;
        char *argv[WORDS_MAX];
        int argc = cut(line, argv);
        VerbOptionsVerdict verdict = verb_options_parse(argc, argv, &o, &reason);

        seen = json_dumps(o.arguments, JSON_COMPACT | JSON_SORT_KEYS);
        unit_expect(verdict == VERB_OPTIONS_RUN, "%s: %s\n", text, reason ? reason : "help");
        unit_expect(strcmp(o.name ? o.name : "-", name ? name : "-") == 0, "%s: the name is %s\n",
                    text, o.name);
        unit_expect(strcmp(seen, arguments) == 0, "%s: %s\n", text, seen);
}

/* The line is refused, with this word in the sentence. */
static void
refuse(const char *text, const char *word)
{
        CLEANUP(verb_options_deinit) VerbOptions o;
        CLEANUP_FREE char *line = strdup(text);
        CLEANUP_FREE char *reason = NULL;
        char *argv[WORDS_MAX];
        int argc = cut(line, argv);
        VerbOptionsVerdict verdict = verb_options_parse(argc, argv, &o, &reason);

        unit_expect(verdict == VERB_OPTIONS_WRONG && reason && strstr(reason, word), "%s: %s\n",
                    text, reason ? reason : "taken");
}

static void
the_name_may_be_left_out_everywhere(void **state)
{
        (void)state;
        expect("status", NULL, "{}");
        expect("status shop", "shop", "{}");
        expect("stop shop", "shop", "{}");
        expect("upgrade", NULL, "{}");
        refuse("ready shop blog", "blog");
        refuse("status /run/sup/shop.sock", "--control");
}

static void
options_may_stand_before_and_behind_the_name(void **state)
{
        (void)state;
        expect("reload --drain=signal shop --reload overlap", "shop",
               "{\"drain\":\"signal\",\"reload\":\"overlap\"}");
        expect("status --json shop", "shop", "{}");
}

static void
a_restart_is_of_one_worker_or_of_all(void **state)
{
        (void)state;
        expect("restart", NULL, "{}");
        expect("restart shop", "shop", "{}");
        expect("restart 2", NULL, "{\"worker\":2}");
        expect("restart shop 2", "shop", "{\"worker\":2}");
        refuse("restart shop two", "two");
        refuse("restart shop 2 3", "2");
}

static void
a_drain_needs_a_worker(void **state)
{
        (void)state;
        expect("drain 1", NULL, "{\"worker\":1}");
        expect("drain shop 1", "shop", "{\"worker\":1}");
        refuse("drain", "WORKER");
        refuse("drain shop", "WORKER");
        refuse("drain 0", "WORKER");
}

static void
scale_takes_a_number_or_a_change(void **state)
{
        (void)state;
        expect("scale 4", NULL, "{\"workers\":4}");
        expect("scale shop 4", "shop", "{\"workers\":4}");
        expect("scale +1", NULL, "{\"change\":1}");
        expect("scale -1", NULL, "{\"change\":-1}");
        expect("scale shop -12", "shop", "{\"change\":-12}");
        expect("scale --json -1 shop", "shop", "{\"change\":-1}");
        refuse("scale", "number");
        refuse("scale shop", "number");
        refuse("scale 0", "number");
        refuse("scale -0", "-0");
        refuse("scale 1000001", "number");
}

static void
a_number_behind_a_signal_is_a_worker_and_behind_a_name_the_signal(void **state)
{
        (void)state;
        expect("signal HUP", NULL, "{\"signal\":\"HUP\"}");
        expect("signal 15", NULL, "{\"signal\":\"15\"}");
        expect("signal HUP 2", NULL, "{\"signal\":\"HUP\",\"worker\":2}");
        expect("signal 15 2", NULL, "{\"signal\":\"15\",\"worker\":2}");
        expect("signal shop 15", "shop", "{\"signal\":\"15\"}");
        expect("signal shop SIGTERM", "shop", "{\"signal\":\"SIGTERM\"}");
        expect("signal shop USR1 3", "shop", "{\"signal\":\"USR1\",\"worker\":3}");
        refuse("signal", "signal");
        refuse("signal hup", "hup");
        refuse("signal shop", "shop");
        refuse("signal shop HUP two", "two");
}

static void
a_reload_has_its_options(void **state)
{
        (void)state;
        expect("reload --canary 5% --bake 60s --check true", NULL,
               "{\"bake_usec\":60000000,\"canary_percent\":5.0,\"check\":\"true\"}");
        expect("reload --canary=0.5 --bake=1", NULL,
               "{\"bake_usec\":1000000,\"canary_percent\":0.5}");
        expect("reload --canary=100% --bake=0", NULL, "{\"bake_usec\":0,\"canary_percent\":100.0}");
        refuse("reload --canary=0", "0");
        refuse("reload --canary=101", "101");
        refuse("reload --canary=5%%", "5%%");
        refuse("reload --canary=.", "--canary");
        refuse("reload --canary=1.2.3", "1.2.3");
        refuse("reload --canary=1e1", "1e1");
        refuse("reload --canary=nan", "nan");
        refuse("reload --canary=-5", "-5");
        refuse("reload --bake=60x", "60x");
        refuse("reload --canary=5%", "--bake");
        refuse("reload --reload=serial --bake=1s", "serial");
        refuse("reload --reload=serial --check=x", "serial");
        refuse("reload --reload=serial --drain=connections", "serial");
        expect("reload --reload=serial --drain=signal", NULL,
               "{\"drain\":\"signal\",\"reload\":\"serial\"}");
        refuse("reload --drain", "argument");
}

static void
the_command_is_what_stands_behind_two_dashes(void **state)
{
        (void)state;
        expect("reload -- ./new --canary 5% -- x", NULL,
               "{\"command\":[\"./new\",\"--canary\",\"5%\",\"--\",\"x\"]}");
        expect("reload shop --drain signal -- ./new", "shop",
               "{\"command\":[\"./new\"],\"drain\":\"signal\"}");
        refuse("reload --", "no command");
        refuse("reload ./new", "./new");
        refuse("stop -- ./new", "no command");
        refuse("reload -- \xff", "UTF-8");
        refuse("reload --check=\xff", "UTF-8");
}

static void
a_verb_has_no_options_of_others(void **state)
{
        (void)state;
        refuse("status --canary=5%", "--canary");
        refuse("scale --no-wait 4", "--no-wait");
        refuse("status --colour", "--colour");
        refuse("status -x", "-x");
        refuse("status --json=yes", "--json");
}

static void
the_path_stands_in_the_place_of_the_name(void **state)
{
        char line[] = "scale --control x.sock -1";
        char *argv[WORDS_MAX];
        CLEANUP(verb_options_deinit) VerbOptions o;
        char *reason = NULL;

        (void)state;
        assert_int_equal(verb_options_parse(cut(line, argv), argv, &o, &reason), VERB_OPTIONS_RUN);
        assert_string_equal(o.control, "x.sock");
        assert_null(o.name);
        refuse("scale --control x.sock shop 4", "both");
}

static void
waiting_is_the_default_and_the_last_word_counts(void **state)
{
        char line[] = "reload --no-wait --wait --no-wait";
        char *argv[WORDS_MAX];
        int argc = cut(line, argv);

        (void)state;
        for (int n = 1; n <= argc; n++) {
                CLEANUP(verb_options_deinit) VerbOptions o;
                char *reason = NULL;

                assert_int_equal(verb_options_parse(n, argv, &o, &reason), VERB_OPTIONS_RUN);
                assert_int_equal(o.no_wait, n % 2 == 0);
        }
}

static void
help_wins_over_what_is_left_out(void **state)
{
        char lines[][16] = {"scale --help", "scale -h"};

        (void)state;
        for (size_t i = 0; i < ELEMENTSOF(lines); i++) {
                CLEANUP(verb_options_deinit) VerbOptions o;
                char *argv[WORDS_MAX];
                char *reason = NULL;

                assert_int_equal(verb_options_parse(cut(lines[i], argv), argv, &o, &reason),
                                 VERB_OPTIONS_HELP);
        }
}

int
main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(the_name_may_be_left_out_everywhere),
                cmocka_unit_test(options_may_stand_before_and_behind_the_name),
                cmocka_unit_test(a_restart_is_of_one_worker_or_of_all),
                cmocka_unit_test(a_drain_needs_a_worker),
                cmocka_unit_test(scale_takes_a_number_or_a_change),
                cmocka_unit_test(a_number_behind_a_signal_is_a_worker_and_behind_a_name_the_signal),
                cmocka_unit_test(a_reload_has_its_options),
                cmocka_unit_test(the_command_is_what_stands_behind_two_dashes),
                cmocka_unit_test(a_verb_has_no_options_of_others),
                cmocka_unit_test(the_path_stands_in_the_place_of_the_name),
                cmocka_unit_test(waiting_is_the_default_and_the_last_word_counts),
                cmocka_unit_test(help_wins_over_what_is_left_out),
        };

        return unit_run(tests);
}
