/* SPDX-License-Identifier: MIT */
/* cli_refusals.c - command lines that are refused, each with one sentence for its writer. */
#include "parsed.h"
#include "unit.h"

static void
every_option_insists_on_its_argument_or_on_none(void **state)
{
        (void)state;
        for (size_t i = 0; i < options_n; i++) {
                const Option *o = &options_table[i];
                char word[64];
                char sentence[128];

                if (option_is_optional(o))
                        continue;
                if (o->argument) {
                        (void)snprintf(word, sizeof(word), "--%s", o->long_name);
                        (void)snprintf(sentence, sizeof(sentence),
                                       "the option %s needs an argument; see sup --help", word);
                } else {
                        (void)snprintf(word, sizeof(word), "--%s=x", o->long_name);
                        (void)snprintf(sentence, sizeof(sentence),
                                       "the option --%s takes no argument", o->long_name);
                }
                REFUSED(sentence, word);
        }
        REFUSED("the option -n needs an argument; see sup --help", "-n");
}

static void
an_option_that_is_none_is_named(void **state)
{
        (void)state;
        REFUSED("there is no option --colour=red; see sup --help", "--colour=red", "server");
        REFUSED("there is no option --colour; see sup --help", "-q", "--colour", "server");
        REFUSED("there is no option -Z; see sup --help", "-Z", "server");
        REFUSED("there is no option -Z; see sup --help", "-qZ", "server");
}

static void
there_has_to_be_a_command(void **state)
{
        static const char sentence[] = "there is no command to supervise; it would be: sup "
                                       "[OPTION…] -- COMMAND [ARG…], or command = … in the file of "
                                       "--config";

        (void)state;
        parsed_refused(parsed_words(UNIT_WORDS("sup")), sentence);
        REFUSED(sentence, "-n", "2");
        REFUSED(sentence, "--");
        REFUSED("the command to supervise is an empty word", "--", "");
}

static void
a_listener_that_is_none_is_shown_with_the_reason(void **state)
{
        (void)state;
        REFUSED("--listen 70000: port 70000 is too large; a port is at most 65535", "-l", "70000",
                "server");
        REFUSED("--listen 80,mode=0600: the attribute mode is for unix socket paths", "-l", "8080",
                "-l", "80,mode=0600", "server");
}

static void
there_are_1024_listeners_at_most(void **state)
{
        CLEANUP(strv_deinit_p) Strv words = {0};

        (void)state;
        assert_int_equal(strv_addf(&words, "sup"), 0);
        for (int i = 0; i < CONFIG_LISTENERS_MAX; i++)
                assert_int_equal(strv_addf(&words, "-l@%d", i), 0);
        {
                CLEANUP(strv_deinit_p) Strv one_more = {0};
                CLEANUP_PARSED Parsed p = {0};

                for (size_t i = 0; i < words.n_items; i++)
                        assert_int_equal(strv_addf(&one_more, "%s", words.items[i]), 0);
                assert_int_equal(strv_addf(&one_more, "-l@more"), 0);
                assert_int_equal(strv_addf(&one_more, "server"), 0);
                assert_int_equal(strv_addf(&words, "server"), 0);
                p = parsed_accepted(parsed_words((const char *const *)words.items));
                assert_int_equal(p.config.n_listen, CONFIG_LISTENERS_MAX);
                parsed_refused(parsed_words((const char *const *)one_more.items),
                               "there are more than 1024 listeners; that is the limit");
        }
}

static void
a_number_of_workers_is_one_from_1_to_10000(void **state)
{
        CLEANUP_PARSED Parsed p = ACCEPTED("-n10000", "server");

        (void)state;
        assert_int_equal(p.config.n_workers, CONFIG_WORKERS_MAX);
        REFUSED("--workers 0 is not a number from 1 to 10000", "-n", "0", "server");
        REFUSED("--workers 10001 is not a number from 1 to 10000", "-n10001", "server");
        REFUSED("--workers x is not a number from 1 to 10000", "--workers=x", "server");
        REFUSED("--workers -1 is not a number from 1 to 10000", "-n", "-1", "server");
        REFUSED("--workers  is not a number from 1 to 10000", "--workers=", "server");
}

static void
other_counts_have_their_limits_too(void **state)
{
        (void)state;
        REFUSED("--max-surge 0 is not a number from 1 to 10000", "--max-surge=0", "server");
        REFUSED("--max-old none is not a number from 1 to 10000", "--max-old", "none", "server");
        REFUSED("--standby 10001 is not a number from 0 to 10000", "--standby=10001", "server");
        REFUSED("--standby x is not a number from 0 to 10000", "--standby=x", "server");
}

static void
readiness_that_makes_no_sense_is_told_the_modes(void **state)
{
        static const char *const wrong[] = {"soon",     "",          "fd:2",   "fd:x",
                                            "fd:",      "timer:0",   "timer:", "timer:x",
                                            "notify:1", "fd:1000001"};

        (void)state;
        for (size_t i = 0; i < ELEMENTSOF(wrong); i++) {
                char sentence[128];

                (void)snprintf(sentence, sizeof(sentence),
                               "--ready=%s is none of auto, listen, notify, fd:N (from 3 on), "
                               "timer:TIME",
                               wrong[i]);
                REFUSED(sentence, "--ready", wrong[i], "server");
        }
}

static void
a_word_that_is_none_of_the_choices_is_told_them(void **state)
{
        (void)state;
        REFUSED("--capture=maybe is none of auto, require, off", "--capture=maybe", "server");
        REFUSED("--capture=Auto is none of auto, require, off", "--capture", "Auto", "server");
        REFUSED("--compat=apache is none of nginx, unicorn, puma, php-fpm, upstart, crank",
                "--compat=apache", "server");
        REFUSED("--restart=sometimes is none of always, on-failure, never", "--restart=sometimes",
                "server");
        REFUSED("--reload=now is neither overlap nor serial", "--reload", "now", "server");
        REFUSED("--drain=all is neither signal nor connections", "--drain=all", "server");
        REFUSED("--log-format=xml is neither text nor json", "--log-format", "xml", "server");
}

static void
a_time_or_signal_that_is_none_is_told_one(void **state)
{
        (void)state;
        REFUSED("--backoff-max soon is not a span of time; it would be 500ms, 30s, 5min or 1h",
                "--backoff-max", "soon", "server");
        REFUSED("--stop-timeout -1 is not a span of time; it would be 500ms, 30s, 5min or 1h",
                "--stop-timeout", "-1", "server");
        REFUSED("--start-timeout x is not a span of time; it would be 500ms, 30s, 5min or 1h",
                "--start-timeout=x", "server");
        REFUSED("--watchdog  is not a span of time; it would be 500ms, 30s, 5min or 1h",
                "--watchdog=", "server");
        REFUSED("--drain-timeout 1y is not a span of time; it would be 500ms, 30s, 5min or 1h",
                "--drain-timeout=1y", "server");
        REFUSED("--drain-idle 1 s is not a span of time; it would be 500ms, 30s, 5min or 1h",
                "--drain-idle=1 s", "server");
        REFUSED("--stop-signal NOSUCH is not a signal; it would be TERM, INT, QUIT, …",
                "--stop-signal", "NOSUCH", "server");
        REFUSED("--stop-signal STOP would only pause the server; it would be TERM, INT, QUIT, …",
                "--stop-signal", "STOP", "server");
}

static void
a_restart_limit_is_a_number_within_a_time(void **state)
{
        static const char *const wrong[] = {"5",      "5/",      "/60",   "0/60",
                                            "5/soon", "x/60",    "-1/60", "5/60/70",
                                            "",       "1001/60", "5/0",   "5/0ms"};

        (void)state;
        for (size_t i = 0; i < ELEMENTSOF(wrong); i++) {
                char sentence[128];

                (void)snprintf(sentence, sizeof(sentence),
                               "--restart-limit %s is not N/TIME with N from 1 to 1000; 5/1min "
                               "allows five restarts a minute",
                               wrong[i]);
                REFUSED(sentence, "--restart-limit", wrong[i], "server");
        }
}

static void
a_user_or_group_has_to_exist(void **state)
{
        (void)state;
        REFUSED("--user no-such-user: there is no such user", "--user", "no-such-user", "server");
        REFUSED("--user : there is no such user", "--user=", "server");
        REFUSED("--user 4294967295: there is no such user", "--user=4294967295", "server");
        REFUSED("--group no-such-group: there is no such group", "--group=no-such-group", "server");
        REFUSED("--group -1: there is no such group", "--group=-1", "server");
}

static void
a_mask_is_octal(void **state)
{
        (void)state;
        REFUSED("--umask 9 is not an octal mask such as 022", "--umask", "9", "server");
        REFUSED("--umask  is not an octal mask such as 022", "--umask=", "server");
}

static void
a_variable_has_a_name_and_an_equals_sign(void **state)
{
        (void)state;
        REFUSED("--env: 'NAME' is not NAME=VALUE", "--env", "NAME", "server");
        REFUSED("--env: '=x' is not NAME=VALUE", "--env", "=x", "server");
        REFUSED("--env: '' is not NAME=VALUE", "--env=", "server");
        REFUSED("--env: 'export A=1' is not NAME=VALUE: there is a blank in the name", "--env",
                "export A=1", "server");
}

static void
a_file_of_variables_has_to_be_there_and_right(void **state)
{
        char path[] = "/tmp/sup-unit-XXXXXX";
        char sentence[128];
        int fd = mkstemp(path);

        (void)state;
        assert_true(fd >= 0);
        assert_int_equal(write(fd, "A=1\nnonsense\n", 13), 13);
        (void)close(fd);
        (void)snprintf(sentence, sizeof(sentence), "%s: 'nonsense' is not NAME=VALUE", path);
        REFUSED(sentence, "--env-file", path, "server");
        assert_int_equal(unlink(path), 0);
        (void)snprintf(sentence, sizeof(sentence),
                       "--env-file: cannot open %s: No such file or directory", path);
        REFUSED(sentence, "--env-file", path, "server");
        REFUSED("--env-file: cannot read /proc: Is a directory", "--env-file", "/proc", "server");
}

static void
a_limit_has_a_name_of_setrlimit_and_a_value(void **state)
{
        static const char *const wrong[] = {"nofile", "NOFILE=5", "nosuch=5", "=5",
                                            "",       "nofil=5",  "nofiles=5"};
        static const char *const values[] = {"nofile=", "nofile=x", "nofile=1.5",
                                             "nofile=infinity"};
        char sentence[200];

        (void)state;
        for (size_t i = 0; i < ELEMENTSOF(wrong); i++) {
                (void)snprintf(
                        sentence, sizeof(sentence),
                        "--limit %s is not NAME=VALUE with one of the names of setrlimit(2), "
                        "in lower case, such as nofile=65536",
                        wrong[i]);
                REFUSED(sentence, "--limit", wrong[i], "server");
        }
        for (size_t i = 0; i < ELEMENTSOF(values); i++) {
                (void)snprintf(sentence, sizeof(sentence),
                               "--limit %s: the value is neither a number nor unlimited",
                               values[i]);
                REFUSED(sentence, "--limit", values[i], "server");
        }
}

static void
a_name_is_one_part_of_a_path(void **state)
{
        static const char rest[] = "is not a name: it must not be empty or have a slash";
        char sentence[512];
        char longest[300];

        (void)state;
        (void)snprintf(sentence, sizeof(sentence), "--name '' %s", rest);
        REFUSED(sentence, "--name=", "server");
        (void)snprintf(sentence, sizeof(sentence), "--name 'a/b' %s", rest);
        REFUSED(sentence, "--name", "a/b", "server");
        memset(longest, 'x', sizeof(longest) - 1);
        longest[sizeof(longest) - 1] = '\0';
        (void)snprintf(sentence, sizeof(sentence), "--name '%s' %s", longest, rest);
        REFUSED(sentence, "--name", longest, "server");
}

static void
stdin_and_braces_need_a_listener_of_that_name(void **state)
{
        (void)state;
        REFUSED("--stdin=web names no listener; give one with -l web=ADDRESS", "--stdin", "web",
                "server");
        REFUSED("--stdin=web names no listener; give one with -l web=ADDRESS", "--stdin", "web",
                "-l", "8080", "server");
        REFUSED("{fd:web} names no listener; give one with -l web=ADDRESS", "-l", "8080", "server",
                "--fd={fd:web}");
}

static void
options_that_contradict_each_other_are_told_so(void **state)
{
        (void)state;
        REFUSED("--reload=serial stops the old worker before the new one starts: it does not go "
                "with --drain=connections",
                "--drain=connections", "--reload=serial", "server");
        REFUSED("--restart-limit means nothing with --restart=never", "--restart-limit=5/60",
                "--restart=never", "server");
        REFUSED("--restart-limit means nothing with --restart=never", "--restart=never",
                "--restart-limit=5/60", "server");
}

static void
one_address_is_named_once(void **state)
{
        (void)state;
        REFUSED("--listen a=8080: that address is there already, in --listen 8080", "-l", "8080",
                "-l", "a=8080", "server");
        REFUSED("--listen [::]:8080: that address is there already, in --listen 8080", "-l", "8080",
                "-l", "[::]:8080", "server");
        REFUSED("--listen /x,mode=0600: that address is there already, in --listen /x", "-l", "/x",
                "-l", "@x", "-l", "/x,mode=0600", "server");
        REFUSED("--listen 80: that address is there already, in --listen 80,reuseport", "-l",
                "80,reuseport", "-l", "80", "server");
        REFUSED("--listen 80,device=lo: that address is there already, in --listen 80", "-l", "80",
                "-l", "80,device=lo", "server");
        REFUSED("--listen b=80,device=lo: that address is there already, in --listen 80,device=lo",
                "-l", "80,device=lo", "-l", "b=80,device=lo", "server");
}

static void
unless_both_listeners_may_share_it(void **state)
{
        static const char *const pairs[][2] = {
                {"80,reuseport", "b=80,reuseport"},
                {"udp:53,reuseaddr", "b=udp:53,reuseaddr"},
                {"127.0.0.1:80", "127.0.0.2:80"},
                {"80", "udp:80"},
                {"80,v6only", "0.0.0.0:80"},
                {"0", "0"},
                {"80,device=eth0", "80,device=eth1"},
                {"127.0.0.1:0", "127.0.0.1:0"},
                {"/x", "@x"},
                {"fd:3", "fd:4"},
        };

        (void)state;
        for (size_t i = 0; i < ELEMENTSOF(pairs); i++) {
                CLEANUP_PARSED Parsed p = ACCEPTED("-l", pairs[i][0], "-l", pairs[i][1], "server");

                assert_int_equal(p.config.n_listen, 2);
        }
}

int
main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(every_option_insists_on_its_argument_or_on_none),
                cmocka_unit_test(an_option_that_is_none_is_named),
                cmocka_unit_test(there_has_to_be_a_command),
                cmocka_unit_test(a_listener_that_is_none_is_shown_with_the_reason),
                cmocka_unit_test(there_are_1024_listeners_at_most),
                cmocka_unit_test(a_number_of_workers_is_one_from_1_to_10000),
                cmocka_unit_test(other_counts_have_their_limits_too),
                cmocka_unit_test(readiness_that_makes_no_sense_is_told_the_modes),
                cmocka_unit_test(a_word_that_is_none_of_the_choices_is_told_them),
                cmocka_unit_test(a_time_or_signal_that_is_none_is_told_one),
                cmocka_unit_test(a_restart_limit_is_a_number_within_a_time),
                cmocka_unit_test(a_user_or_group_has_to_exist),
                cmocka_unit_test(a_mask_is_octal),
                cmocka_unit_test(a_variable_has_a_name_and_an_equals_sign),
                cmocka_unit_test(a_file_of_variables_has_to_be_there_and_right),
                cmocka_unit_test(a_limit_has_a_name_of_setrlimit_and_a_value),
                cmocka_unit_test(a_name_is_one_part_of_a_path),
                cmocka_unit_test(stdin_and_braces_need_a_listener_of_that_name),
                cmocka_unit_test(options_that_contradict_each_other_are_told_so),
                cmocka_unit_test(one_address_is_named_once),
                cmocka_unit_test(unless_both_listeners_may_share_it),
        };

        return unit_run(tests);
}
