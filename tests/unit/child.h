/* SPDX-License-Identifier: MIT */
/* child.h - real processes for the unit tests to look at. They die with the test, at the latest. */
#ifndef SUP_TESTS_UNIT_CHILD_H
#define SUP_TESTS_UNIT_CHILD_H

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <time.h>

#include "unit.h"

enum {
        CHILD_SECONDS = 30, /* the deadline of what takes milliseconds */
};

/* For a child, which must not come back to cmocka: 0 or an exit status with the line to look at. */
#define CHILD_MUST(condition)                                                                      \
        do {                                                                                       \
                if (!(condition)) {                                                                \
                        dprintf(STDERR_FILENO, "# %s:%d: %s\n", __FILE__, __LINE__, #condition);   \
                        _exit(1);                                                                  \
                }                                                                                  \
        } while (0)

/* Fork a child that dies with its parent. Returns 0 in it. */
static inline pid_t
child_fork(void)
{
        pid_t parent = getpid();
        pid_t pid = fork();

        if (pid == 0 && (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 || getppid() != parent))
                _exit(1);
        return pid;
}

/* The state of a child that SIGSTOP has stopped: below valgrind they are traced (proc_pid_stat(5)). */
static inline char
child_stopped_state(void)
{
        return getenv("SUP_WRAPPER") ? 't' : 'T';
}

static pid_t child_tester; /* the test itself, as its children and theirs know it */

/*
 * Start a child that runs body, then waits for its end; body may exec. Returns when body is through,
 * or has exec'ed, or has ended.
 */
static inline pid_t
child_start(void (*body)(void))
{
        int ready_fds[2];
        char byte;
        pid_t pid;

        child_tester = getpid();
        assert_int_equal(pipe2(ready_fds, O_CLOEXEC), 0);
        pid = child_fork();
        assert_true(pid >= 0);
        if (pid == 0) {
                (void)close(ready_fds[0]);
                if (body)
                        body();
                CHILD_MUST(write(ready_fds[1], "", 1) == 1);
                for (;;)
                        pause();
        }
        (void)close(ready_fds[1]);
        (void)!read(ready_fds[0], &byte, 1);
        (void)close(ready_fds[0]);
        return pid;
}

/* Body of a child, or of an orphan, that is to be another program: one that waits. */
_Noreturn static inline void
child_exec_sleep(char *const *environment)
{
        char program[] = "sleep";
        char seconds[] = "60";
        char *const arguments[] = {program, seconds, NULL};

        while (getppid() != child_tester)
                (void)sched_yield(); /* its parent is about to end */
        (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
        (void)execvpe(program, arguments, environment);
        dprintf(STDERR_FILENO, "# cannot execute %s: %s\n", program, strerror(errno));
        _exit(1);
}

/*
 * Wait until the environment of a process that has exec'ed can be read; there must be one. The
 * kernel lays it out after it has closed what is close-on-exec.
 */
static inline void
child_wait_environment(pid_t pid)
{
        char path[64];
        time_t deadline = time(NULL) + CHILD_SECONDS;
        char byte;
        ssize_t n;

        (void)snprintf(path, sizeof(path), "/proc/%d/environ", (int)pid);
        do {
                int fd = open(path, O_RDONLY | O_CLOEXEC);

                n = read(fd, &byte, 1);
                (void)close(fd);
                assert_true(n >= 0 && time(NULL) < deadline);
        } while (n == 0);
}

/* How a child ended: its exit status, or minus the signal. It is reaped. */
static inline int
child_wait(pid_t pid)
{
        int status = 0;

        assert_int_equal(waitpid(pid, &status, 0), pid);
        return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

/* End a child that waits. */
static inline void
child_end(pid_t pid)
{
        assert_int_equal(kill(pid, SIGKILL), 0);
        assert_int_equal(child_wait(pid), -SIGKILL);
}

/* Run body in a child of its own. Returns its exit status, 0 if it came to its end. */
static inline int
child_run(void (*body)(void))
{
        pid_t pid = child_fork();

        assert_true(pid >= 0);
        if (pid == 0) {
                body();
                _exit(0);
        }
        return child_wait(pid);
}

#endif
