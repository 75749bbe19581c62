/* SPDX-License-Identifier: MIT */
/* cli_options.c - the command line: what each option does, and how they are written. */
#include "parsed.h"
#include "unit.h"

#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <signal.h>

#include "base/fd.h"
#include "base/parse.h"
#include "cli/help.h"

static void
who_gives_no_options_gets_the_defaults(void **state)
{
        CLEANUP_PARSED Parsed p = ACCEPTED("server");
        const Config *c = &p.config;

        (void)state;
        assert_int_equal(c->n_listen, 0);
        assert_int_equal(c->n_workers, 1);
        assert_int_equal(c->capture, CAPTURE_AUTO);
        assert_int_equal(c->compat, 0);
        assert_false(c->no_listen_pid || c->has_umask);
        assert_int_equal(c->restart.mode, RESTART_ALWAYS);
        assert_int_equal(c->restart.limit, 0);
        assert_int_equal(c->restart.backoff_max_usec, 30 * USEC_PER_SEC);
        assert_int_equal(c->ready, READY_AUTO);
        assert_int_equal(c->start_timeout_usec, 0);
        assert_int_equal(c->watchdog_usec, 0);
        assert_int_equal(c->reload, RELOAD_OVERLAP);
        assert_int_equal(c->drain, DRAIN_SIGNAL);
        assert_int_equal(c->drain_timeout_usec, 60 * USEC_PER_SEC);
        assert_int_equal(c->drain_idle_usec, 5 * USEC_PER_SEC);
        assert_int_equal(c->max_surge, 1);
        assert_int_equal(c->max_old, 2);
        assert_int_equal(c->n_standby, 0);
        assert_int_equal(c->stop_signal, SIGTERM);
        assert_int_equal(c->stop_timeout_usec, 30 * USEC_PER_SEC);
        assert_int_equal(c->log_format, LOG_FORMAT_TEXT);
        assert_int_equal(c->log_level, LOG_INFO);
        assert_int_equal(c->environment.n_items, 0);
        assert_int_equal(c->n_limits, 0);
        assert_true(!c->stdin_name && !c->name && !c->pid_file && !c->chdir && !c->control);
        assert_true(!c->user && !c->group);
}

static void
expect_command(Parsed p, const char *const *words)
{
        size_t i = 0;

        for (; words[i]; i++) {
                assert_non_null(p.config.command[i]);
                assert_string_equal(p.config.command[i], words[i]);
        }
        assert_null(p.config.command[i]);
        parsed_deinit(&p);
}

static void
options_end_where_the_command_begins(void **state)
{
        (void)state;
        expect_command(ACCEPTED("server", "-n", "2", "--help"),
                       UNIT_WORDS("server", "-n", "2", "--help"));
        expect_command(ACCEPTED("-n", "2", "server", "-l"), UNIT_WORDS("server", "-l"));
        expect_command(ACCEPTED("-n", "2", "--", "server", "--", "x"),
                       UNIT_WORDS("server", "--", "x"));
        expect_command(ACCEPTED("--", "-odd-name"), UNIT_WORDS("-odd-name"));
}

static void
a_value_stands_behind_an_equals_sign_or_is_the_next_word(void **state)
{
        static const char *const ways[][3] = {{"--workers=7"}, {"--workers", "7"}, {"-n7"},
                                              {"-n", "7"},     {"-qn7"},           {"-qn", "7"}};

        (void)state;
        for (size_t i = 0; i < ELEMENTSOF(ways); i++) {
                CLEANUP_PARSED Parsed p = ways[i][1] ? ACCEPTED(ways[i][0], ways[i][1], "server")
                                                     : ACCEPTED(ways[i][0], "server");

                assert_int_equal(p.config.n_workers, 7);
        }
}

static void
listeners_are_kept_in_their_order(void **state)
{
        CLEANUP_PARSED Parsed p =
                ACCEPTED("-l", "web=8080", "--listen=/run/x,mode=0660", "-l@a", "server");

        (void)state;
        assert_int_equal(p.config.n_listen, 3);
        assert_string_equal(p.config.listen[0].name, "web");
        assert_string_equal(p.config.listen[1].text, "/run/x,mode=0660");
        assert_int_equal(p.config.listen[1].mode, 0660);
        assert_string_equal(p.config.listen[2].name, "a");
}

static void
capture_can_be_required_or_off(void **state)
{
        CLEANUP_PARSED Parsed a = ACCEPTED("--capture=require", "server");
        CLEANUP_PARSED Parsed b = ACCEPTED("--capture=off", "server");
        CLEANUP_PARSED Parsed c = ACCEPTED("--capture=off", "--capture=auto", "server");

        (void)state;
        assert_int_equal(a.config.capture, CAPTURE_REQUIRE);
        assert_int_equal(b.config.capture, CAPTURE_OFF);
        assert_int_equal(c.config.capture, CAPTURE_AUTO);
}

static void
compats_add_up(void **state)
{
        CLEANUP_PARSED Parsed p = ACCEPTED("--compat=nginx", "--compat=puma", "server");
        CLEANUP_PARSED Parsed all =
                ACCEPTED("--compat=nginx", "--compat=unicorn", "--compat=puma", "--compat=php-fpm",
                         "--compat=upstart", "--compat=crank", "server");

        (void)state;
        assert_int_equal(p.config.compat, COMPAT_NGINX | COMPAT_PUMA);
        assert_int_equal(all.config.compat, COMPAT_NGINX | COMPAT_UNICORN | COMPAT_PUMA |
                                                    COMPAT_PHP_FPM | COMPAT_UPSTART | COMPAT_CRANK);
}

static void
standard_input_can_be_a_listener_by_name(void **state)
{
        CLEANUP_PARSED Parsed p = ACCEPTED("-l", "web=8080", "--stdin", "web", "server");
        CLEANUP_PARSED Parsed before = ACCEPTED("--stdin=80", "-l", "80", "server");

        (void)state;
        assert_string_equal(p.config.stdin_name, "web");
        assert_string_equal(before.config.stdin_name, "80");
}

static void
listen_pid_can_be_left_out(void **state)
{
        CLEANUP_PARSED Parsed p = ACCEPTED("--no-listen-pid", "server");

        (void)state;
        assert_true(p.config.no_listen_pid);
}

static void
the_restart_policy_has_a_mode_a_limit_and_a_longest_wait(void **state)
{
        CLEANUP_PARSED Parsed p = ACCEPTED("--restart=on-failure", "--restart-limit", "5/1min",
                                           "--backoff-max", "500ms", "server");
        CLEANUP_PARSED Parsed never = ACCEPTED("--restart=never", "server");
        CLEANUP_PARSED Parsed seconds = ACCEPTED("--restart-limit=3/60", "server");

        (void)state;
        assert_int_equal(p.config.restart.mode, RESTART_ON_FAILURE);
        assert_int_equal(p.config.restart.limit, 5);
        assert_int_equal(p.config.restart.limit_usec, 60 * USEC_PER_SEC);
        assert_int_equal(p.config.restart.backoff_max_usec, 500 * USEC_PER_MSEC);
        assert_int_equal(never.config.restart.mode, RESTART_NEVER);
        assert_int_equal(seconds.config.restart.limit_usec, 60 * USEC_PER_SEC);
}

static void
readiness_has_a_mode_and_time_limits(void **state)
{
        CLEANUP_PARSED Parsed p =
                ACCEPTED("--ready=fd:7", "--start-timeout=5s", "--watchdog", "20s", "server");
        CLEANUP_PARSED Parsed timer = ACCEPTED("--ready", "timer:1.5", "server");
        static const struct {
                const char *word;
                ReadyMode mode;
        } words[] = {{"--ready=auto", READY_AUTO},
                     {"--ready=listen", READY_LISTEN},
                     {"--ready=notify", READY_NOTIFY}};

        (void)state;
        assert_int_equal(p.config.ready, READY_FD);
        assert_int_equal(p.config.ready_fd, 7);
        assert_int_equal(p.config.start_timeout_usec, 5 * USEC_PER_SEC);
        assert_int_equal(p.config.watchdog_usec, 20 * USEC_PER_SEC);
        assert_int_equal(timer.config.ready, READY_TIMER);
        assert_int_equal(timer.config.ready_timer_usec, 1500 * USEC_PER_MSEC);
        for (size_t i = 0; i < ELEMENTSOF(words); i++) {
                CLEANUP_PARSED Parsed w = ACCEPTED(words[i].word, "server");

                assert_int_equal(w.config.ready, words[i].mode);
        }
}

static void
a_reload_has_a_way_a_drain_and_numbers(void **state)
{
        CLEANUP_PARSED Parsed serial = ACCEPTED("--reload=serial", "server");
        CLEANUP_PARSED Parsed p =
                ACCEPTED("--drain=connections", "--drain-timeout=2min", "--drain-idle", "1s",
                         "--max-surge=3", "--max-old", "1", "server");
        CLEANUP_PARSED Parsed last = ACCEPTED("--reload=serial", "--reload=overlap",
                                              "--drain=connections", "--drain=signal", "server");

        (void)state;
        assert_int_equal(serial.config.reload, RELOAD_SERIAL);
        assert_int_equal(p.config.drain, DRAIN_CONNECTIONS);
        assert_int_equal(p.config.drain_timeout_usec, 120 * USEC_PER_SEC);
        assert_int_equal(p.config.drain_idle_usec, USEC_PER_SEC);
        assert_int_equal(p.config.max_surge, 3);
        assert_int_equal(p.config.max_old, 1);
        assert_int_equal(last.config.reload, RELOAD_OVERLAP);
        assert_int_equal(last.config.drain, DRAIN_SIGNAL);
}

static void
a_standby_is_one_unless_more_are_wanted(void **state)
{
        CLEANUP_PARSED Parsed one = ACCEPTED("--standby", "3"); /* 3 is the command */
        CLEANUP_PARSED Parsed two = ACCEPTED("--standby=2", "server");
        CLEANUP_PARSED Parsed none = ACCEPTED("--standby", "--standby=0", "server");

        (void)state;
        assert_int_equal(one.config.n_standby, 1);
        assert_string_equal(one.config.command[0], "3");
        assert_int_equal(two.config.n_standby, 2);
        assert_int_equal(none.config.n_standby, 0);
}

static void
a_worker_is_stopped_by_a_signal_and_within_a_time(void **state)
{
        CLEANUP_PARSED Parsed p =
                ACCEPTED("--stop-signal", "SIGQUIT", "--stop-timeout", "2min", "server");

        (void)state;
        assert_int_equal(p.config.stop_signal, SIGQUIT);
        assert_int_equal(p.config.stop_timeout_usec, 120 * USEC_PER_SEC);
}

static void
users_and_groups_have_names_or_numbers(void **state)
{
        const struct passwd *root = getpwuid(0);
        const struct group *group = getgrgid(0);
        CLEANUP_PARSED Parsed p = ACCEPTED("--user=12345", "--group=54321", "server");
        CLEANUP_PARSED Parsed named = {0};

        (void)state;
        assert_string_equal(p.config.user, "12345");
        assert_string_equal(p.config.group, "54321");
        assert_true(root && group);
        named = ACCEPTED("--user", root->pw_name, "--group", group->gr_name, "server");
        assert_string_equal(named.config.user, root->pw_name);
        assert_string_equal(named.config.group, group->gr_name);
}

static void
a_worker_has_a_directory_a_mask_and_limits(void **state)
{
        CLEANUP_PARSED Parsed p = ACCEPTED("--chdir=/srv", "--umask", "027", "--limit",
                                           "nofile=64K", "--limit=core=unlimited", "server");
        const SpawnLimit *limits = p.config.limits;

        (void)state;
        assert_string_equal(p.config.chdir, "/srv");
        assert_true(p.config.has_umask);
        assert_int_equal(p.config.umask, 027);
        assert_int_equal(p.config.n_limits, 2);
        assert_int_equal(limits[0].resource, RLIMIT_NOFILE);
        assert_int_equal(limits[0].value.rlim_cur, 65536);
        assert_int_equal(limits[0].value.rlim_max, 65536);
        assert_int_equal(limits[1].resource, RLIMIT_CORE);
        assert_true(limits[1].value.rlim_cur == RLIM_INFINITY);
}

static void
every_limit_of_setrlimit_has_its_name(void **state)
{
        static const struct {
                const char *text;
                int resource;
        } cases[] = {
                {"as=7", RLIMIT_AS},
                {"core=7", RLIMIT_CORE},
                {"cpu=7", RLIMIT_CPU},
                {"data=7", RLIMIT_DATA},
                {"fsize=7", RLIMIT_FSIZE},
                {"locks=7", RLIMIT_LOCKS},
                {"memlock=7", RLIMIT_MEMLOCK},
                {"msgqueue=7", RLIMIT_MSGQUEUE},
                {"nice=7", RLIMIT_NICE},
                {"nofile=7", RLIMIT_NOFILE},
                {"nproc=7", RLIMIT_NPROC},
                {"rss=7", RLIMIT_RSS},
                {"rtprio=7", RLIMIT_RTPRIO},
                {"rttime=7", RLIMIT_RTTIME},
                {"sigpending=7", RLIMIT_SIGPENDING},
                {"stack=7", RLIMIT_STACK},
        };

        (void)state;
        assert_int_equal(ELEMENTSOF(cases), RLIMIT_NLIMITS);
        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                CLEANUP_PARSED Parsed p = ACCEPTED("--limit", cases[i].text, "server");

                assert_int_equal(p.config.limits[0].resource, cases[i].resource);
                assert_int_equal(p.config.limits[0].value.rlim_max, 7);
        }
}

static void
variables_come_from_the_command_line_and_from_files(void **state)
{
        static const char text[] =
                "# a comment\n\nFROM_FILE=a b=c\nEMPTY=\n  INDENTED=x\nLAST=no newline";
        static const char *const expected[] = {
                "FIRST=1", "FROM_FILE=a b=c", "EMPTY=", "INDENTED=x", "LAST=no newline", "LATER=2"};
        char path[] = "/tmp/sup-unit-XXXXXX";
        CLEANUP_FD int fd = mkstemp(path);

        (void)state;
        assert_true(fd >= 0);
        assert_int_equal(write(fd, text, strlen(text)), strlen(text));
        {
                CLEANUP_PARSED Parsed p =
                        ACCEPTED("--env", "FIRST=1", "--env-file", path, "--env=LATER=2", "server");

                assert_int_equal(unlink(path), 0);
                assert_int_equal(p.config.environment.n_items, ELEMENTSOF(expected));
                for (size_t i = 0; i < ELEMENTSOF(expected); i++)
                        assert_string_equal(p.config.environment.items[i], expected[i]);
        }
}

static void
an_instance_has_a_name_a_file_with_its_pid_and_a_control_socket(void **state)
{
        CLEANUP_PARSED Parsed p = ACCEPTED("--name=web 1", "--pid-file", "/run/web.pid",
                                           "--control=/run/web.sock", "server");

        (void)state;
        assert_string_equal(p.config.name, "web 1");
        assert_string_equal(p.config.pid_file, "/run/web.pid");
        assert_string_equal(p.config.control, "/run/web.sock");
}

static void
it_says_more_or_less_and_in_json(void **state)
{
        CLEANUP_PARSED Parsed p = ACCEPTED("-q", "--log-format", "json", "server");
        CLEANUP_PARSED Parsed v =
                ACCEPTED("-q", "-v", "--log-format=json", "--log-format=text", "x");

        (void)state;
        assert_int_equal(p.config.log_level, LOG_WARNING);
        assert_int_equal(p.config.log_format, LOG_FORMAT_JSON);
        assert_int_equal(v.config.log_level, LOG_DEBUG); /* the last word counts */
        assert_int_equal(v.config.log_format, LOG_FORMAT_TEXT);
}

static void
help_and_version_need_no_command(void **state)
{
        static const struct {
                const char *word;
                OptionsVerdict verdict;
        } cases[] = {{"-h", OPTIONS_HELP},
                     {"--help", OPTIONS_HELP},
                     {"-V", OPTIONS_VERSION},
                     {"--version", OPTIONS_VERSION}};

        (void)state;
        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                CLEANUP_PARSED Parsed p = PARSED(cases[i].word);
                CLEANUP_PARSED Parsed behind = PARSED("-q", cases[i].word, "--", "server");

                assert_int_equal(p.verdict, cases[i].verdict);
                assert_int_equal(behind.verdict, cases[i].verdict);
                assert_null(p.reason);
        }
}

static void
a_later_word_replaces_an_earlier_one(void **state)
{
        CLEANUP_PARSED Parsed p = ACCEPTED("--name=a", "--name=b", "--chdir=/a", "--chdir=/b",
                                           "--user=1", "--user=2", "-n1", "-n2", "server");

        (void)state;
        assert_string_equal(p.config.name, "b");
        assert_string_equal(p.config.chdir, "/b");
        assert_string_equal(p.config.user, "2");
        assert_int_equal(p.config.n_workers, 2);
}

/* What --help prints; the caller frees it. */
static char *
help_text(void)
{
        char *text = NULL;
        size_t length = 0;
        FILE *f = open_memstream(&text, &length);

        assert_non_null(f);
        help_print(f);
        assert_int_equal(fclose(f), 0);
        return text;
}

static void
help_tells_every_option(void **state)
{
        CLEANUP_FREE char *text = help_text();

        (void)state;
        for (size_t i = 0; i < options_n; i++) {
                const Option *o = &options_table[i];
                const char *argument = o->argument ? o->argument : "";
                const char *blank = o->argument && !option_is_optional(o) ? " " : "";
                char line[128];

                if (o->short_name)
                        (void)snprintf(line, sizeof(line), "\n  -%c, --%s%s%s\n", o->short_name,
                                       o->long_name, blank, argument);
                else
                        (void)snprintf(line, sizeof(line), "\n      --%s%s%s\n", o->long_name,
                                       blank, argument);
                unit_expect(strstr(text, line) != NULL, "--help lacks%s", line);
                assert_true(strlen(o->help) > 0);
        }
}

static void
help_fits_a_terminal_of_80_columns(void **state)
{
        CLEANUP_FREE char *text = help_text();

        (void)state;
        for (char *line = strtok(text, "\n"); line; line = strtok(NULL, "\n")) {
                size_t columns = 0;

                for (const char *c = line; *c; c++)
                        columns += ((unsigned char)*c & 0xc0U) != 0x80;
                unit_expect(columns <= 80, "%zu columns: %s\n", columns, line);
        }
}

static void
no_option_has_the_name_of_another(void **state)
{
        (void)state;
        for (size_t i = 0; i < options_n; i++)
                for (size_t j = 0; j < i; j++) {
                        const Option *a = &options_table[i];
                        const Option *b = &options_table[j];

                        assert_string_not_equal(a->long_name, b->long_name);
                        assert_true(!a->short_name || a->short_name != b->short_name);
                }
}

int
main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(who_gives_no_options_gets_the_defaults),
                cmocka_unit_test(options_end_where_the_command_begins),
                cmocka_unit_test(a_value_stands_behind_an_equals_sign_or_is_the_next_word),
                cmocka_unit_test(listeners_are_kept_in_their_order),
                cmocka_unit_test(capture_can_be_required_or_off),
                cmocka_unit_test(compats_add_up),
                cmocka_unit_test(standard_input_can_be_a_listener_by_name),
                cmocka_unit_test(listen_pid_can_be_left_out),
                cmocka_unit_test(the_restart_policy_has_a_mode_a_limit_and_a_longest_wait),
                cmocka_unit_test(readiness_has_a_mode_and_time_limits),
                cmocka_unit_test(a_reload_has_a_way_a_drain_and_numbers),
                cmocka_unit_test(a_standby_is_one_unless_more_are_wanted),
                cmocka_unit_test(a_worker_is_stopped_by_a_signal_and_within_a_time),
                cmocka_unit_test(users_and_groups_have_names_or_numbers),
                cmocka_unit_test(a_worker_has_a_directory_a_mask_and_limits),
                cmocka_unit_test(every_limit_of_setrlimit_has_its_name),
                cmocka_unit_test(variables_come_from_the_command_line_and_from_files),
                cmocka_unit_test(an_instance_has_a_name_a_file_with_its_pid_and_a_control_socket),
                cmocka_unit_test(it_says_more_or_less_and_in_json),
                cmocka_unit_test(help_and_version_need_no_command),
                cmocka_unit_test(a_later_word_replaces_an_earlier_one),
                cmocka_unit_test(help_tells_every_option),
                cmocka_unit_test(help_fits_a_terminal_of_80_columns),
                cmocka_unit_test(no_option_has_the_name_of_another),
        };

        return unit_run(tests);
}
