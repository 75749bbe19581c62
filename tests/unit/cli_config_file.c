/* SPDX-License-Identifier: MIT */
/* cli_config_file.c - the file of --config: one long option a line. */
#include "parsed.h"
#include "unit.h"

#include "base/parse.h"

static char path[32];

/* The file has this text from now on. */
static void
write_file(const char *text, size_t length)
{
        FILE *f = fopen(path, "we");

        assert_non_null(f);
        assert_int_equal(fwrite(text, 1, length, f), length);
        assert_int_equal(fclose(f), 0);
}

static int
set_up(void **state)
{
        int fd;

        (void)state;
        (void)snprintf(path, sizeof(path), "/tmp/sup-unit-XXXXXX");
        fd = mkstemp(path);
        return fd < 0 ? -1 : close(fd);
}

static int
tear_down(void **state)
{
        (void)state;
        return unlink(path);
}

/* A file with one line that is refused; the sentence stands behind its name and number. */
static void
refuse(const char *line, const char *sentence)
{
        char text[256];
        char expected[512];

        (void)snprintf(text, sizeof(text), "# first\nname = x\n%s\n", line);
        (void)snprintf(expected, sizeof(expected), "%s:3: %s", path, sentence);
        write_file(text, strlen(text));
        REFUSED(expected, "--config", path, "server");
}

static void
a_line_is_a_long_option_and_its_value(void **state)
{
        static const char text[] = "# comment\n\nlisten = web=8080\n  workers=3  \r\n"
                                   "stop-signal\t=\tQUIT\nenv = A=b c\nenv = D=\nlisten = /run/x";
        CLEANUP_PARSED Parsed p = {0};

        (void)state;
        write_file(text, strlen(text));
        p = ACCEPTED("--config", path, "server");
        assert_int_equal(p.config.n_listen, 2);
        assert_string_equal(p.config.listen[0].name, "web");
        assert_string_equal(p.config.listen[1].text, "/run/x");
        assert_int_equal(p.config.n_workers, 3);
        assert_int_equal(p.config.stop_signal, 3);
        assert_int_equal(p.config.environment.n_items, 2);
        assert_string_equal(p.config.environment.items[0], "A=b c");
        assert_string_equal(p.config.environment.items[1], "D=");
}

static void
the_command_line_has_the_last_word_wherever_the_file_stands(void **state)
{
        static const char text[] = "workers = 3\nname = file\n";
        CLEANUP_PARSED Parsed p = {0};

        (void)state;
        write_file(text, strlen(text));
        p = ACCEPTED("-n", "2", "--config", path, "server");
        assert_int_equal(p.config.n_workers, 2);
        assert_string_equal(p.config.name, "file");
}

static void
an_option_without_an_argument_stands_alone_or_has_yes_or_no(void **state)
{
        static const char text[] = "no-listen-pid\nquiet = no\nstandby\n";
        static const char other[] = "no-listen-pid = no\nquiet = yes\nstandby = 2\n";
        CLEANUP_PARSED Parsed p = {0};
        CLEANUP_PARSED Parsed q = {0};

        (void)state;
        write_file(text, strlen(text));
        p = ACCEPTED("--config", path, "server");
        assert_true(p.config.no_listen_pid);
        assert_int_equal(p.config.log_level, LOG_INFO);
        assert_int_equal(p.config.n_standby, 1);
        write_file(other, strlen(other));
        q = ACCEPTED("--config", path, "server");
        assert_false(q.config.no_listen_pid);
        assert_int_equal(q.config.log_level, LOG_WARNING);
        assert_int_equal(q.config.n_standby, 2);
}

static void
a_command_in_the_file_is_run_where_none_stands_at_the_end(void **state)
{
        static const char text[] = "command = server --name 'a b'\n";
        CLEANUP_PARSED Parsed p = {0};
        CLEANUP_PARSED Parsed q = {0};

        (void)state;
        write_file(text, strlen(text));
        p = ACCEPTED("--config", path);
        assert_string_equal(p.config.command[0], "server");
        assert_string_equal(p.config.command[1], "--name");
        assert_string_equal(p.config.command[2], "a b");
        assert_null(p.config.command[3]);
        q = ACCEPTED("--config", path, "--", "other");
        assert_string_equal(q.config.command[0], "other");
        assert_null(q.config.command[1]);
}

static void
a_line_that_is_wrong_is_named_with_its_file_and_number(void **state)
{
        (void)state;
        refuse("colour = red", "there is no option 'colour'; see sup --help");
        refuse("n = 2", "there is no option 'n'; see sup --help");
        refuse("--workers = 2", "options stand without dashes here: listen = 8080");
        refuse("config = x", "config is for the command line only");
        refuse("help", "help is for the command line only");
        refuse("workers", "workers needs a value: workers = N");
        refuse("workers =", "--workers  is not a number from 1 to 10000");
        refuse("quiet = very", "quiet takes no value but yes or no");
        refuse("listen = 70000",
               "--listen 70000: port 70000 is too large; a port is at most 65535");
        refuse("= 8080", "there is no option ''; see sup --help");
}

static void
a_file_that_cannot_be_read_is_refused(void **state)
{
        char sentence[128];

        (void)state;
        REFUSED("--config: cannot open /no/such/file: No such file or directory",
                "--config=/no/such/file", "server");
        REFUSED("--config: cannot read /proc: Is a directory", "--config=/proc", "server");
        write_file("workers = 2\nname = a\0b\n", 24);
        (void)snprintf(sentence, sizeof(sentence), "%s:2: this is not a text file", path);
        REFUSED(sentence, "--config", path, "server");
}

#define FILE_TEST(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)

int
main(void)
{
        const struct CMUnitTest tests[] = {
                FILE_TEST(a_line_is_a_long_option_and_its_value),
                FILE_TEST(the_command_line_has_the_last_word_wherever_the_file_stands),
                FILE_TEST(an_option_without_an_argument_stands_alone_or_has_yes_or_no),
                FILE_TEST(a_command_in_the_file_is_run_where_none_stands_at_the_end),
                FILE_TEST(a_line_that_is_wrong_is_named_with_its_file_and_number),
                FILE_TEST(a_file_that_cannot_be_read_is_refused),
        };

        return unit_run(tests);
}
