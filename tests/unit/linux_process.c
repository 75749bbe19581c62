/* SPDX-License-Identifier: MIT */
/* linux_process.c - who a process is, as far as /proc tells. */
#include "child.h"
#include "unit.h"

#include <sys/syscall.h>

#include "base/parse.h"
#include "linux/process.h"

#define REST " 0 0 0 0 0 0 0 0 0 0 0 0 "

static Process
parse(const char *text)
{
        Process p = {.pid = -1};

        unit_expect(process_parse_stat(text, &p) == 0, "'%s' is not taken\n", text);
        return p;
}

static void
a_stat_line_tells_pid_name_state_parent_and_session(void **state)
{
        Process p = parse("17 (server) S 12 13 14 34816 14 4194304" REST "987654 0");

        (void)state;
        assert_int_equal(p.pid, 17);
        assert_string_equal(p.comm, "server");
        assert_int_equal(p.state, 'S');
        assert_int_equal(p.parent, 12);
        assert_int_equal(p.group, 13);
        assert_int_equal(p.session, 14);
        assert_false(p.is_ending);
        assert_int_equal(p.started_ticks, 987654);
}

static void
a_name_may_hold_anything(void **state)
{
        (void)state;
        assert_string_equal(parse("17 (a) R 1 (b)) S 12 13 14 0 0 0" REST "1").comm, "a) R 1 (b)");
        assert_int_equal(parse("17 (a) R 1 (b)) S 12 13 14 0 0 0" REST "1").parent, 12);
        assert_string_equal(parse("17 (\033[2J) S 1 1 1 0 0 0" REST "1").comm, "?[2J");
        assert_string_equal(parse("17 () S 1 1 1 0 0 0" REST "1").comm, "");
}

static void
a_process_that_exits_is_ending(void **state)
{
        (void)state;
        assert_true(parse("17 (x) R 1 1 1 0 0 4" REST "1").is_ending); /* PF_EXITING */
        assert_true(parse("17 (x) D 1 1 1 0 0 4228100" REST "1").is_ending);
        assert_false(parse("17 (x) R 1 1 1 0 0 4228096" REST "1").is_ending);
}

static void
a_line_that_makes_no_sense_is_refused_and_changes_nothing(void **state)
{
        static const char *const texts[] = {
                "",
                "17",
                "17 (x",
                "17 x) S 1 1 1",
                "17 (x)",
                "17 (x)S 1 1 1",
                "17 (x) 1 1 1",
                "x (x) S 1 1 1 0 0 0" REST "1",
                "-17 (x) S 1 1 1 0 0 0" REST "1",
                "0 (x) S 1 1 1 0 0 0" REST "1",
                "4294967313 (x) S 1 1 1 0 0 0" REST "1", /* 17 and 2^32 */
                "17 (x) S 4294967297 1 1 0 0 0" REST "1",
                "17 (x) S 1 1 18446744073709551615 0 0 0" REST "1",
                ") 17 ( S 1 1 1",
        };

        (void)state;
        for (size_t i = 0; i < ELEMENTSOF(texts); i++) {
                Process p = {.pid = 77, .parent = 78};

                unit_expect(process_parse_stat(texts[i], &p) == -EINVAL, "'%s' is taken\n",
                            texts[i]);
                assert_int_equal(p.pid, 77);
                assert_int_equal(p.parent, 78);
        }
}

static void
a_status_tells_the_effective_user_core_dumps_and_pending_kills(void **state)
{
        Process p = {.pid = 17};

        (void)state;
        process_parse_status("Name:\tx\nUid:\t1\t33\t3\t4\nCoreDumping:\t0\nSigPnd:\t0\n", &p);
        assert_true(p.has_uid);
        assert_int_equal(p.uid, 33);
        assert_false(p.dumps_core || p.is_ending);
        process_parse_status("CoreDumping:\t1\n", &p);
        assert_true(p.dumps_core);
        process_parse_status("SigPnd:\t0000000000000000\nShdPnd:\t0000000000000100\n", &p);
        assert_true(p.is_ending);
        p = (Process){.pid = 17};
        process_parse_status("SigPnd:\t0000000000004000\nUid:\n", &p); /* SIGTERM: it may live on */
        assert_false(p.is_ending || p.has_uid);
}

static void
a_call_in_which_clients_are_waited_for_is_known(void **state)
{
        char text[64];

        (void)state;
        (void)snprintf(text, sizeof(text), "%ld 0x3 0x0", (long)SYS_accept4);
        assert_true(process_parse_syscall(text));
        (void)snprintf(text, sizeof(text), "%ld 0x3 0x0", (long)SYS_ppoll);
        assert_true(process_parse_syscall(text));
        (void)snprintf(text, sizeof(text), "%ld 0x0", (long)SYS_clock_nanosleep);
        assert_false(process_parse_syscall(text));
        assert_true(process_parse_syscall("running\n"));
        assert_true(process_parse_syscall(""));
}

static void
we_are_who_we_are(void **state)
{
        Process p;
        struct timespec now;
        char comm[PROC_COMM_MAX];

        (void)state;
        assert_int_equal(process_read(getpid(), &p), 0);
        assert_int_equal(p.pid, getpid());
        assert_int_equal(p.parent, getppid());
        assert_int_equal(p.session, getsid(0));
        assert_true(p.has_uid);
        assert_int_equal(p.uid, geteuid());
        assert_int_equal(proc_comm(getpid(), comm, sizeof(comm)), 0);
        assert_string_equal(p.comm, comm);
        assert_non_null(strstr(p.command, "linux_process"));
        assert_int_equal(clock_gettime(CLOCK_REALTIME, &now), 0);
        assert_in_range(p.started_usec, (uint64_t)(now.tv_sec - 600) * USEC_PER_SEC,
                        (uint64_t)(now.tv_sec + 1) * USEC_PER_SEC);
}

static void
a_stopped_child_shows_it(void **state)
{
        pid_t pid = child_start(NULL);
        int status;
        Process p;

        (void)state;
        assert_int_equal(kill(pid, SIGSTOP), 0);
        assert_int_equal(waitpid(pid, &status, WUNTRACED), pid);
        assert_int_equal(process_read(pid, &p), 0);
        assert_int_equal(p.state, child_stopped_state());
        child_end(pid);
}

static void
a_process_that_is_gone_is_not_taken_for_another(void **state)
{
        pid_t pid = child_start(NULL);
        Process p;

        (void)state;
        child_end(pid);
        assert_int_equal(process_read(pid, &p), -ESRCH);
}

static void
who_starts_now_is_not_older_than_now(void **state)
{
        uint64_t before = process_ticks_now();
        pid_t pid = child_start(NULL);

        (void)state;
        assert_in_range(process_started(pid), before, process_ticks_now());
        child_end(pid);
}

int
main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(a_stat_line_tells_pid_name_state_parent_and_session),
                cmocka_unit_test(a_name_may_hold_anything),
                cmocka_unit_test(a_process_that_exits_is_ending),
                cmocka_unit_test(a_line_that_makes_no_sense_is_refused_and_changes_nothing),
                cmocka_unit_test(a_status_tells_the_effective_user_core_dumps_and_pending_kills),
                cmocka_unit_test(a_call_in_which_clients_are_waited_for_is_known),
                cmocka_unit_test(we_are_who_we_are),
                cmocka_unit_test(a_stopped_child_shows_it),
                cmocka_unit_test(a_process_that_is_gone_is_not_taken_for_another),
                cmocka_unit_test(who_starts_now_is_not_older_than_now),
        };

        return unit_run(tests);
}
