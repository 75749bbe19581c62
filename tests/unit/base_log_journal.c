/* SPDX-License-Identifier: MIT */
/*
 * base_log_journal.c - what sup says under systemd: native fields, or `<N>` prefixes.
 *
 * In a mount namespace of its own, where the journal is a socket of this test's.
 */
#include "said.h"
#include "unit.h"

#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "base/log.h"

#define JOURNAL "/run/systemd/journal/socket"

static int journal_fd = -1; /* where there is a journal */

/* What systemd does for a service: $JOURNAL_STREAM says which stream leads to the journal. */
static void
set_journal_stream(long difference)
{
        struct stat st;
        char text[64];

        assert_int_equal(fstat(STDERR_FILENO, &st), 0);
        (void)snprintf(text, sizeof(text), "%ju:%ju", (uintmax_t)st.st_dev,
                       (uintmax_t)((long)st.st_ino + difference));
        (void)setenv("JOURNAL_STREAM", text, 1);
}

static void
begin(void)
{
        said_begin();
        set_journal_stream(0);
        log_init();
        log_set_level(LOG_DEBUG);
        log_set_name("web");
}

static int
set_up_without_journal(void **state)
{
        (void)state;
        begin();
        return 0;
}

static int
set_up_with_journal(void **state)
{
        const struct sockaddr_un un = {.sun_family = AF_UNIX, .sun_path = JOURNAL};

        (void)state;
        journal_fd = unit_socket(AF_UNIX, SOCK_DGRAM);
        assert_int_equal(bind(journal_fd, (const struct sockaddr *)&un, sizeof(un)), 0);
        begin();
        return 0;
}

static int
tear_down(void **state)
{
        (void)state;
        log_set_name(NULL);
        said_end();
        if (journal_fd >= 0) {
                (void)close(journal_fd);
                (void)unlink(JOURNAL);
                journal_fd = -1;
        }
        return 0;
}

static void
without_a_journal_socket_lines_have_the_prefix_of_their_level(void **state)
{
        (void)state;
        log_error("one");
        assert_string_equal(said_next(), "<3>one\n");
        log_warning("two");
        assert_string_equal(said_next(), "<4>two\n");
        log_info("three");
        assert_string_equal(said_next(), "<6>three\n");
        log_debug("four");
        assert_string_equal(said_next(), "<7>four\n");
}

static void
a_stream_that_is_not_stderr_is_not_believed(void **state)
{
        static const char *const wrong[] = {"", "1", "1:", "x:y", "1:2:3", "-"};

        (void)state;
        for (size_t i = 0; i < ELEMENTSOF(wrong); i++) {
                (void)setenv("JOURNAL_STREAM", wrong[i], 1);
                log_init();
                log_info("plain");
                assert_string_equal(said_next(), "sup: plain\n");
        }
        set_journal_stream(1); /* another file of the same device */
        log_init();
        log_info("plain");
        assert_string_equal(said_next(), "sup: plain\n");
}

/* Whether the journal got this field, as a line of its message (the native protocol of journald). */
static bool
has_field(const char *message, const char *field)
{
        char line[256];

        (void)snprintf(line, sizeof(line), "\n%s\n", field);
        return strstr(message, line) || strncmp(message, line + 1, strlen(line) - 1) == 0;
}

static void
the_journal_gets_native_fields_and_stderr_nothing(void **state)
{
        static const char *const fields[] = {"MESSAGE=worker 3 was killed",
                                             "PRIORITY=4",
                                             "SUP_NAME=web",
                                             "SUP_EVENT=ended",
                                             "MESSAGE_ID=605488a7155d41bc84999a96be246bc6",
                                             "SUP_WORKER=3",
                                             "SUP_GENERATION=2",
                                             "SUP_PID=4711",
                                             "SUP_LISTEN=[::]:80",
                                             "EXIT_STATUS=killed 9"};
        const LogEvent event = {.level = LOG_WARNING,
                                .event = "ended",
                                .worker = 3,
                                .generation = 2,
                                .pid = 4711,
                                .address = "[::]:80",
                                .status = "killed 9"};
        char message[4096];
        ssize_t n;

        (void)state;
        log_event(&event, "worker %d was killed", 3);
        n = recv(journal_fd, message, sizeof(message) - 1, MSG_DONTWAIT);
        assert_true(n > 0);
        message[n] = '\0';
        for (size_t i = 0; i < ELEMENTSOF(fields); i++)
                unit_expect(has_field(message, fields[i]), "no %s in %s\n", fields[i], message);
        assert_string_equal(said_next(), "");
}

static void
the_journal_gets_no_field_that_does_not_apply(void **state)
{
        char message[4096];
        ssize_t n;

        (void)state;
        log_set_name(NULL);
        log_info("plain");
        n = recv(journal_fd, message, sizeof(message) - 1, MSG_DONTWAIT);
        assert_true(n > 0);
        message[n] = '\0';
        assert_true(has_field(message, "MESSAGE=plain") && has_field(message, "PRIORITY=6"));
        assert_null(strstr(message, "SUP_"));
        assert_null(strstr(message, "EXIT_STATUS"));
        assert_null(strstr(message, "MESSAGE_ID"));
}

static void
what_the_journal_does_not_take_goes_to_stderr_with_its_prefix(void **state)
{
        const struct sockaddr_un un = {.sun_family = AF_UNIX, .sun_path = JOURNAL};

        (void)state;
        (void)close(journal_fd); /* a stream socket in its place refuses datagrams: EPROTOTYPE */
        (void)unlink(JOURNAL);
        journal_fd = unit_socket(AF_UNIX, SOCK_STREAM);
        assert_int_equal(bind(journal_fd, (const struct sockaddr *)&un, sizeof(un)), 0);
        log_info("not lost");
        assert_string_equal(said_next(), "<6>not lost\n");
}

/* An empty /run for us alone. */
static void
own_run_directory(void)
{
        if (unshare(CLONE_NEWNS) < 0 && unshare(CLONE_NEWUSER | CLONE_NEWNS) < 0)
                unit_skip_all("there is no mount namespace to be had");
        if (mount("", "/", "", MS_REC | MS_PRIVATE, "") < 0 ||
            mount("tmpfs", "/run", "tmpfs", MS_NOSUID | MS_NODEV, "mode=755") < 0 ||
            mkdir("/run/systemd", 0755) < 0 || mkdir("/run/systemd/journal", 0755) < 0)
                unit_skip_all("there is no /run of its own to be had");
}

int
main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(
                        without_a_journal_socket_lines_have_the_prefix_of_their_level,
                        set_up_without_journal, tear_down),
                cmocka_unit_test_setup_teardown(a_stream_that_is_not_stderr_is_not_believed,
                                                set_up_without_journal, tear_down),
                cmocka_unit_test_setup_teardown(the_journal_gets_native_fields_and_stderr_nothing,
                                                set_up_with_journal, tear_down),
                cmocka_unit_test_setup_teardown(the_journal_gets_no_field_that_does_not_apply,
                                                set_up_with_journal, tear_down),
                cmocka_unit_test_setup_teardown(
                        what_the_journal_does_not_take_goes_to_stderr_with_its_prefix,
                        set_up_with_journal, tear_down),
        };

        own_run_directory();
        return unit_run(tests);
}
