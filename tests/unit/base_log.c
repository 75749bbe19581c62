/* SPDX-License-Identifier: MIT */
/* base_log.c - what sup says: one event, one line, one write. The journal has a file of its own. */
#include "said.h"
#include "unit.h"

#include <fcntl.h>
#include <jansson.h>
#include <time.h>

#include "base/log.h"

static int
set_up(void **state)
{
        (void)state;
        said_begin();
        (void)unsetenv("JOURNAL_STREAM");
        log_init();
        log_set_level(LOG_INFO);
        log_set_format(LOG_FORMAT_TEXT);
        log_set_name("web");
        return 0;
}

static int
tear_down(void **state)
{
        (void)state;
        log_set_name(NULL);
        said_end();
        return 0;
}

/* The next line as an object, which the caller frees; it is one line, and was one write. */
static json_t *
next_object(void)
{
        const char *line = said_next();
        size_t length = strlen(line);
        json_t *object;

        assert_true(length > 0 && line[length - 1] == '\n');
        assert_ptr_equal(strchr(line, '\n'), line + length - 1);
        object = json_loads(line, 0, NULL);
        unit_expect(json_is_object(object), "not an object: %s\n", line);
        assert_string_equal(said_next(), "");
        return object;
}

static const char *
text_of(const json_t *object, const char *key)
{
        const char *text = json_string_value(json_object_get(object, key));

        return text ? text : "(none)";
}

static void
a_line_of_text_says_who_speaks_and_ends_with_a_newline(void **state)
{
        (void)state;
        log_info("holding %s for worker %d", "127.0.0.1:80", 1);
        assert_string_equal(said_next(), "sup: holding 127.0.0.1:80 for worker 1\n");
        assert_string_equal(said_next(), "");
}

static void
the_fields_of_an_event_are_not_in_its_line_of_text(void **state)
{
        const LogEvent event = {.level = LOG_WARNING,
                                .event = "ended",
                                .worker = 3,
                                .pid = 77,
                                .address = "a",
                                .status = "s"};

        (void)state;
        log_event(&event, "it ended");
        assert_string_equal(said_next(), "sup: it ended\n");
}

static void
only_what_is_important_enough_is_said(void **state)
{
        (void)state;
        log_debug("not by default");
        assert_string_equal(said_next(), "");
        log_set_level(LOG_WARNING);
        log_info("not when quiet");
        assert_string_equal(said_next(), "");
        log_warning("always");
        assert_string_equal(said_next(), "sup: always\n");
        log_error("always");
        assert_string_equal(said_next(), "sup: always\n");
        log_set_level(LOG_DEBUG);
        log_debug("when verbose");
        assert_string_equal(said_next(), "sup: when verbose\n");
}

static void
who_would_have_to_gather_what_to_say_can_ask_first(void **state)
{
        (void)state;
        assert_true(log_wants(LOG_ERR) && log_wants(LOG_INFO));
        assert_false(log_wants(LOG_DEBUG));
        log_set_level(LOG_DEBUG);
        assert_true(log_wants(LOG_DEBUG));
}

static void
a_message_that_is_too_long_is_cut_and_still_a_line(void **state)
{
        char message[5000];
        const char *line;

        (void)state;
        memset(message, 'x', sizeof(message) - 1);
        message[sizeof(message) - 1] = '\0';
        log_info("%s", message);
        line = said_next();
        assert_int_equal(strlen(line), strlen("sup: ") + 1023 + strlen("\n"));
        assert_int_equal(line[strlen(line) - 1], '\n');
        assert_string_equal(said_next(), "");
}

static void
errno_stays_as_it_was(void **state)
{
        (void)state;
        errno = ENOTTY;
        log_info("something");
        log_set_format(LOG_FORMAT_JSON);
        log_info("something");
        assert_int_equal(errno, ENOTTY);
}

static void
a_stderr_that_cannot_be_written_is_no_reason_to_stop(void **state)
{
        int fd = dup(STDERR_FILENO);

        (void)state;
        (void)close(STDERR_FILENO);
        log_info("to nobody");
        log_set_format(LOG_FORMAT_JSON);
        log_info("to nobody");
        assert_int_equal(dup2(fd, STDERR_FILENO), STDERR_FILENO);
        (void)close(fd);
        assert_string_equal(said_next(), "");
}

static void
json_has_every_field_that_applies(void **state)
{
        const LogEvent event = {.level = LOG_INFO,
                                .event = "ended",
                                .worker = 3,
                                .generation = 2,
                                .pid = 4711,
                                .address = "127.0.0.1:80 (tcp)",
                                .status = "killed 9"};
        json_t *object;

        (void)state;
        log_set_format(LOG_FORMAT_JSON);
        log_event(&event, "worker %d was killed", 3);
        object = next_object();
        assert_string_equal(text_of(object, "level"), "info");
        assert_string_equal(text_of(object, "name"), "web");
        assert_string_equal(text_of(object, "event"), "ended");
        assert_int_equal(json_integer_value(json_object_get(object, "worker")), 3);
        assert_int_equal(json_integer_value(json_object_get(object, "generation")), 2);
        assert_int_equal(json_integer_value(json_object_get(object, "pid")), 4711);
        assert_string_equal(text_of(object, "address"), "127.0.0.1:80 (tcp)");
        assert_string_equal(text_of(object, "status"), "killed 9");
        assert_string_equal(text_of(object, "message"), "worker 3 was killed");
        json_decref(object);
}

static void
json_has_no_field_that_does_not_apply(void **state)
{
        json_t *object;

        (void)state;
        log_set_name(NULL);
        log_set_format(LOG_FORMAT_JSON);
        log_info("plain");
        object = next_object();
        assert_int_equal(json_object_size(object), 3);
        assert_non_null(json_object_get(object, "time"));
        assert_non_null(json_object_get(object, "level"));
        assert_non_null(json_object_get(object, "message"));
        json_decref(object);
}

static void
json_names_the_levels(void **state)
{
        static const char *const names[] = {[LOG_ERR] = "error",
                                            [LOG_WARNING] = "warning",
                                            [LOG_INFO] = "info",
                                            [LOG_DEBUG] = "debug"};

        (void)state;
        log_set_level(LOG_DEBUG);
        log_set_format(LOG_FORMAT_JSON);
        for (int level = 0; level < (int)ELEMENTSOF(names); level++)
                if (names[level]) {
                        json_t *object;

                        log_event(&(LogEvent){.level = level}, "x");
                        object = next_object();
                        assert_string_equal(text_of(object, "level"), names[level]);
                        json_decref(object);
                }
}

static void
json_says_when_in_utc_with_microseconds(void **state)
{
        time_t before = time(NULL);
        struct tm tm = {0};
        json_t *object;
        const char *rest;

        (void)state;
        log_set_format(LOG_FORMAT_JSON);
        log_info("now");
        object = next_object();
        rest = strptime(text_of(object, "time"), "%Y-%m-%dT%H:%M:%S", &tm);
        assert_non_null(rest);
        assert_in_range(timegm(&tm), before, time(NULL));
        assert_int_equal(strspn(rest + 1, "0123456789"), 6);
        assert_int_equal(rest[0], '.');
        assert_string_equal(rest + 7, "Z");
        json_decref(object);
}

static void
json_keeps_quotes_backslashes_and_letters_of_all_languages(void **state)
{
        json_t *object;

        (void)state;
        log_set_format(LOG_FORMAT_JSON);
        log_info("\"C:\\temp\" größer als ἄλφα 🙂 …");
        object = next_object();
        assert_string_equal(text_of(object, "message"),
                            "\"C:\\temp\" größer als ἄλφα 🙂 …");
        json_decref(object);
}

static void
what_would_disturb_a_terminal_or_another_line_is_not_written(void **state)
{
        (void)state;
        log_info("a\nsup: b\033[2J\tc\177\r\302\233d");
        assert_string_equal(said_next(), "sup: a?sup: b?[2J?c????d\n");
        assert_string_equal(said_next(), "");
}

static void
json_says_also_what_is_no_text(void **state)
{
        const LogEvent event = {.level = LOG_INFO, .address = "/run/caf\xe9"};
        json_t *object;

        (void)state;
        log_set_name("caf\xe9");
        log_set_format(LOG_FORMAT_JSON);
        log_event(&event, "holding /run/caf\xe9 \xf0\x9f\x99 \xed\xa0\x80 \xc0\xaf");
        object = next_object();
        assert_string_equal(text_of(object, "message"), "holding /run/caf? ??? ??? ??");
        assert_string_equal(text_of(object, "name"), "caf?");
        assert_string_equal(text_of(object, "address"), "/run/caf?");
        json_decref(object);
}

static void
a_message_may_be_cut_in_the_middle_of_a_letter(void **state)
{
        char message[2000] = "";
        json_t *object;

        (void)state;
        memset(message, 'x', 1021);
        memcpy(message + 1021, "…", strlen("…") + 1); /* the room ends after 1023 bytes */
        log_set_format(LOG_FORMAT_JSON);
        log_info("%s", message);
        object = next_object();
        memcpy(message + 1021, "??", strlen("??") + 1);
        assert_string_equal(text_of(object, "message"), message);
        json_decref(object);
}

static void
the_longest_line_of_json_is_one_write_too(void **state)
{
        char message[1024];
        json_t *object;

        (void)state;
        memset(message, '"', sizeof(message) - 1);
        message[sizeof(message) - 1] = '\0';
        log_set_format(LOG_FORMAT_JSON);
        for (int i = 0; i < 3; i++) {
                log_event(&(LogEvent){.level = LOG_INFO, .address = message, .status = message},
                          "%s", message);
                object = next_object();
                assert_string_equal(text_of(object, "message"), message);
                json_decref(object);
        }
}

/* A terminal in the place of stderr. The caller closes it. */
static int
open_terminal(void)
{
        int master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
        char name[64];
        int fd;

        assert_true(master >= 0 && grantpt(master) == 0 && unlockpt(master) == 0);
        assert_int_equal(ptsname_r(master, name, sizeof(name)), 0);
        fd = open(name, O_RDWR | O_NOCTTY | O_CLOEXEC);
        assert_true(fd >= 0);
        assert_int_equal(dup2(fd, STDERR_FILENO), STDERR_FILENO);
        (void)close(fd);
        return master;
}

static void
expect_on_terminal(int master, int level, const char *expected)
{
        char line[256];
        ssize_t n;

        log_event(&(LogEvent){.level = level}, "word");
        n = read(master, line, sizeof(line) - 1);
        assert_true(n > 0);
        line[n] = '\0';
        assert_string_equal(line, expected);
}

static void
a_terminal_gets_colours_for_what_is_not_ordinary(void **state)
{
        int master = open_terminal();

        (void)state;
        (void)setenv("TERM", "xterm", 1);
        (void)unsetenv("NO_COLOR");
        log_init();
        log_set_level(LOG_DEBUG);
        expect_on_terminal(master, LOG_ERR, "\033[1;31msup: word\033[0m\r\n");
        expect_on_terminal(master, LOG_WARNING, "\033[1;33msup: word\033[0m\r\n");
        expect_on_terminal(master, LOG_INFO, "sup: word\r\n");
        expect_on_terminal(master, LOG_DEBUG, "\033[2msup: word\033[0m\r\n");
        (void)close(master);
}

static void
a_terminal_that_is_dumb_or_whose_user_wants_none_gets_no_colours(void **state)
{
        int master = open_terminal();

        (void)state;
        (void)unsetenv("NO_COLOR");
        (void)setenv("TERM", "dumb", 1);
        log_init();
        expect_on_terminal(master, LOG_ERR, "sup: word\r\n");
        (void)unsetenv("TERM");
        log_init();
        expect_on_terminal(master, LOG_ERR, "sup: word\r\n");
        (void)setenv("TERM", "xterm", 1);
        (void)setenv("NO_COLOR", "1", 1);
        log_init();
        expect_on_terminal(master, LOG_ERR, "sup: word\r\n");
        (void)close(master);
}

#define LOG_TEST(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)

int
main(void)
{
        const struct CMUnitTest tests[] = {
                LOG_TEST(a_line_of_text_says_who_speaks_and_ends_with_a_newline),
                LOG_TEST(the_fields_of_an_event_are_not_in_its_line_of_text),
                LOG_TEST(only_what_is_important_enough_is_said),
                LOG_TEST(who_would_have_to_gather_what_to_say_can_ask_first),
                LOG_TEST(a_message_that_is_too_long_is_cut_and_still_a_line),
                LOG_TEST(errno_stays_as_it_was),
                LOG_TEST(a_stderr_that_cannot_be_written_is_no_reason_to_stop),
                LOG_TEST(json_has_every_field_that_applies),
                LOG_TEST(json_has_no_field_that_does_not_apply),
                LOG_TEST(json_names_the_levels),
                LOG_TEST(json_says_when_in_utc_with_microseconds),
                LOG_TEST(json_keeps_quotes_backslashes_and_letters_of_all_languages),
                LOG_TEST(what_would_disturb_a_terminal_or_another_line_is_not_written),
                LOG_TEST(json_says_also_what_is_no_text),
                LOG_TEST(a_message_may_be_cut_in_the_middle_of_a_letter),
                LOG_TEST(the_longest_line_of_json_is_one_write_too),
                LOG_TEST(a_terminal_gets_colours_for_what_is_not_ordinary),
                LOG_TEST(a_terminal_that_is_dumb_or_whose_user_wants_none_gets_no_colours),
        };

        return unit_run(tests);
}
