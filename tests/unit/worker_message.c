/* SPDX-License-Identifier: MIT */
/* worker_message.c - what a worker says by sd_notify(3): said by that very function. */
#include "unit.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/un.h>
#include <systemd/sd-daemon.h>

#include "base/fd.h"
#include "worker/message.h"

static int fd = -1; /* where messages arrive */

static int
set_up(void **state)
{
        CLEANUP_FREE char *name = NULL;

        (void)state;
        fd = message_open(&name);
        return fd < 0 || setenv("NOTIFY_SOCKET", name, 1) < 0 ? -1 : 0;
}

static int
tear_down(void **state)
{
        (void)state;
        fd_close(fd);
        return unsetenv("NOTIFY_SOCKET");
}

/* What arrives when this is said; the caller frees it. */
static Message
say(const char *text)
{
        MessageSender sender;
        Message m;

        assert_true(sd_notify(0, text) > 0);
        assert_int_equal(message_receive(fd, &m, &sender), 0);
        assert_int_equal(sender.pid, getpid());
        assert_int_equal(sender.uid, getuid());
        return m;
}

static void
the_socket_has_a_name_for_notify_socket_and_is_close_on_exec(void **state)
{
        const char *name = getenv("NOTIFY_SOCKET");

        (void)state;
        assert_true(name && name[0] == '@' && name[1]);
        assert_true(fcntl(fd, F_GETFD) & FD_CLOEXEC);
        assert_true(fcntl(fd, F_GETFL) & O_NONBLOCK);
}

static void
where_nothing_was_said_there_is_no_message(void **state)
{
        MessageSender sender;
        Message m;

        (void)state;
        assert_int_equal(message_receive(fd, &m, &sender), -EAGAIN);
}

static void
the_words_of_sd_notify_are_understood(void **state)
{
        CLEANUP(message_deinit)
        Message m = say("READY=1\nRELOADING=1\nSTOPPING=1\nWATCHDOG=1\nBARRIER=1\nFDSTORE=1\n"
                        "FDSTOREREMOVE=1\nFDNAME=cache\nSTATUS=serving 7 = seven\n"
                        "MAINPID=4711\nWATCHDOG_USEC=20000000\nEXTEND_TIMEOUT_USEC=5000000");

        (void)state;
        assert_true(m.ready && m.reloading && m.stopping && m.watchdog && m.barrier);
        assert_true(m.fdstore && m.fdstore_remove);
        assert_false(m.watchdog_trigger);
        assert_string_equal(m.fdname, "cache");
        assert_string_equal(m.status, "serving 7 = seven");
        assert_int_equal(m.main_pid, 4711);
        assert_int_equal(m.watchdog_usec, 20000000);
        assert_int_equal(m.extend_usec, 5000000);
        assert_int_equal(m.n_fds, 0);
}

static void
a_message_says_nothing_else_than_it_says(void **state)
{
        CLEANUP(message_deinit) Message m = say("STATUS=");

        (void)state;
        assert_string_equal(m.status, "");
        assert_false(m.ready || m.reloading || m.stopping || m.watchdog || m.watchdog_trigger);
        assert_false(m.barrier || m.fdstore || m.fdstore_remove);
        assert_null(m.fdname);
        assert_int_equal(m.main_pid, 0);
        assert_true(m.watchdog_usec == 0 && m.extend_usec == 0);
}

static void
other_values_of_a_flag_are_not_yes(void **state)
{
        CLEANUP(message_deinit)
        Message m = say("READY=0\nRELOADING=yes\nSTOPPING=\nBARRIER=11\nWATCHDOG=trigger");

        (void)state;
        assert_false(m.ready || m.reloading || m.stopping || m.barrier || m.watchdog);
        assert_true(m.watchdog_trigger);
}

static void
what_is_not_known_or_makes_no_sense_is_passed_over(void **state)
{
        CLEANUP(message_deinit)
        Message m =
                say("ERRNO=2\nX_OWN=1\nREADY\n=1\n\nMAINPID=-1\nMAINPID=x\nMAINPID=99999999999\n"
                    "WATCHDOG_USEC=soon\nEXTEND_TIMEOUT_USEC=18446744073709551615\n ready=1");

        (void)state;
        assert_false(m.ready);
        assert_int_equal(m.main_pid, 0);
        assert_true(m.watchdog_usec == 0 && m.extend_usec == 0);
}

static void
the_last_word_counts(void **state)
{
        CLEANUP(message_deinit) Message m = say("STATUS=one\nMAINPID=1\nSTATUS=two\nMAINPID=2");

        (void)state;
        assert_string_equal(m.status, "two");
        assert_int_equal(m.main_pid, 2);
}

static void
a_message_that_is_too_long_is_cut(void **state)
{
        char text[2 * MESSAGE_LENGTH_MAX];
        size_t length = strlen("READY=1\nSTATUS=");

        (void)state;
        memset(text, 'x', sizeof(text) - 1);
        memcpy(text, "READY=1\nSTATUS=", length);
        text[sizeof(text) - 1] = '\0';
        {
                CLEANUP(message_deinit) Message m = say(text);

                assert_true(m.ready);
                assert_int_equal(strlen(m.status), MESSAGE_LENGTH_MAX - length);
        }
}

static void
messages_arrive_one_by_one_in_their_order(void **state)
{
        MessageSender sender;

        (void)state;
        for (int i = 0; i < 5; i++)
                assert_true(sd_notifyf(0, "MAINPID=%d", 100 + i) > 0);
        for (int i = 0; i < 5; i++) {
                Message m;

                assert_int_equal(message_receive(fd, &m, &sender), 0);
                assert_int_equal(m.main_pid, 100 + i);
                message_deinit(&m);
        }
}

static void
descriptors_that_come_along_are_close_on_exec_and_closed_in_the_end(void **state)
{
        MessageSender sender;
        int pair[2];
        int mine;
        Message m;

        (void)state;
        assert_int_equal(pipe2(pair, O_CLOEXEC), 0);
        assert_true(sd_pid_notify_with_fds(0, 0, "FDSTORE=1\nFDNAME=pipe", &pair[1], 1) > 0);
        fd_close(pair[1]);
        assert_int_equal(message_receive(fd, &m, &sender), 0);
        assert_true(m.fdstore);
        assert_string_equal(m.fdname, "pipe");
        assert_int_equal(m.n_fds, 1);
        mine = m.fds[0];
        assert_true(fcntl(mine, F_GETFD) & FD_CLOEXEC);
        message_deinit(&m);
        assert_int_equal(fcntl(mine, F_GETFD), -1);
        assert_int_equal(m.n_fds, 0);
        fd_close(pair[0]);
}

static void
a_barrier_is_lifted_when_its_descriptor_is_closed(void **state)
{
        MessageSender sender;
        int pair[2];
        Message m;
        struct pollfd p = {.events = 0};

        (void)state; /* what sd_notify_barrier(3) does, which would wait */
        assert_int_equal(pipe2(pair, O_CLOEXEC), 0);
        assert_true(sd_pid_notify_with_fds(0, 0, "BARRIER=1", &pair[1], 1) > 0);
        fd_close(pair[1]);
        p.fd = pair[0];
        assert_int_equal(message_receive(fd, &m, &sender), 0);
        assert_true(m.barrier);
        assert_int_equal(poll(&p, 1, 0), 0);
        message_deinit(&m);
        assert_int_equal(poll(&p, 1, 0), 1);
        assert_true(p.revents & POLLHUP);
        fd_close(pair[0]);
}

static void
more_descriptors_than_are_wanted_do_not_leak(void **state)
{
        enum { N = MESSAGE_FDS_MAX + 5 };
        struct pollfd p = {.events = 0};
        MessageSender sender;
        int many[N];
        int pair[2];
        Message m;

        (void)state;
        assert_int_equal(pipe2(pair, O_CLOEXEC), 0);
        for (int i = 0; i < N; i++)
                many[i] = pair[1];
        assert_true(sd_pid_notify_with_fds(0, 0, "FDSTORE=1", many, N) > 0);
        fd_close(pair[1]);
        assert_int_equal(message_receive(fd, &m, &sender), 0);
        assert_in_range(m.n_fds, 1, MESSAGE_FDS_MAX);
        message_deinit(&m);
        p.fd = pair[0];
        assert_int_equal(poll(&p, 1, 0), 1); /* nobody has the other end any more */
        fd_close(pair[0]);
}

#define MESSAGE_TEST(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)

int
main(void)
{
        const struct CMUnitTest tests[] = {
                MESSAGE_TEST(the_socket_has_a_name_for_notify_socket_and_is_close_on_exec),
                MESSAGE_TEST(where_nothing_was_said_there_is_no_message),
                MESSAGE_TEST(the_words_of_sd_notify_are_understood),
                MESSAGE_TEST(a_message_says_nothing_else_than_it_says),
                MESSAGE_TEST(other_values_of_a_flag_are_not_yes),
                MESSAGE_TEST(what_is_not_known_or_makes_no_sense_is_passed_over),
                MESSAGE_TEST(the_last_word_counts),
                MESSAGE_TEST(a_message_that_is_too_long_is_cut),
                MESSAGE_TEST(messages_arrive_one_by_one_in_their_order),
                MESSAGE_TEST(descriptors_that_come_along_are_close_on_exec_and_closed_in_the_end),
                MESSAGE_TEST(a_barrier_is_lifted_when_its_descriptor_is_closed),
                MESSAGE_TEST(more_descriptors_than_are_wanted_do_not_leak),
        };

        return unit_run(tests);
}
