/* SPDX-License-Identifier: MIT */
/* linux_pidfd.c - process descriptors, and taking a duplicate of another process's descriptor. */
#include "child.h"
#include "unit.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "base/fd.h"
#include "linux/pidfd.h"

static int own_socket = -1; /* what the child has at the same number */

static void
open_socket(void)
{
        own_socket = socket(AF_INET, SOCK_STREAM, 0);
        CHILD_MUST(own_socket == 50 || dup2(own_socket, 50) == 50);
}

static void
a_descriptor_of_another_process_is_duplicated(void **state)
{
        pid_t pid = child_start(open_socket);
        CLEANUP_FD int fd = pidfd_get_fd(pid, 50);
        struct stat ours;
        struct stat theirs;
        char path[64];

        (void)state;
        assert_true(fd >= 0);
        assert_true(fcntl(fd, F_GETFD) & FD_CLOEXEC);
        (void)snprintf(path, sizeof(path), "/proc/%d/fd/50", (int)pid);
        assert_int_equal(fstat(fd, &ours), 0);
        assert_int_equal(stat(path, &theirs), 0);
        assert_int_equal(ours.st_ino, theirs.st_ino);
        assert_true(S_ISSOCK(ours.st_mode));
        child_end(pid);
}

static void
a_descriptor_that_is_not_open_there_is_ebadf(void **state)
{
        pid_t pid = child_start(NULL);

        (void)state;
        assert_int_equal(pidfd_get_fd(pid, 999), -EBADF);
        assert_int_equal(pidfd_get_fd(pid, -1), -EBADF);
        child_end(pid);
}

static void
a_process_that_is_gone_is_esrch(void **state)
{
        pid_t pid = child_start(NULL);

        (void)state;
        child_end(pid);
        assert_int_equal(pidfd_open_task(pid), -ESRCH);
        assert_int_equal(pidfd_get_fd(pid, 0), -ESRCH);
        assert_int_equal(pidfd_open_task(0), -ESRCH);
        assert_int_equal(pidfd_open_task(-1), -ESRCH);
}

static void
a_dead_process_that_is_not_reaped_has_no_descriptors(void **state)
{
        pid_t pid = child_start(open_socket);
        siginfo_t info;
        int r;

        (void)state;
        assert_int_equal(kill(pid, SIGKILL), 0);
        assert_int_equal(waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT), 0);
        r = pidfd_get_fd(pid, 50);
        unit_expect(r == -ESRCH || r == -EBADF, "it is %d\n", r);
        assert_int_equal(child_wait(pid), -SIGKILL);
}

static void
a_process_descriptor_is_close_on_exec_and_tells_its_end(void **state)
{
        pid_t pid = child_start(NULL);
        CLEANUP_FD int fd = pidfd_open_task(pid);
        struct pollfd p = {.fd = fd, .events = POLLIN};

        (void)state;
        assert_true(fd >= 0);
        assert_true(fcntl(fd, F_GETFD) & FD_CLOEXEC);
        assert_int_equal(poll(&p, 1, 0), 0);
        child_end(pid);
        assert_int_equal(poll(&p, 1, 10000), 1);
}

typedef struct Thread {
        pthread_t thread;
        pid_t tid;
        pthread_barrier_t known;
        pthread_barrier_t done;
} Thread;

static void *
wait_in_thread(void *argument)
{
        Thread *t = argument;

        t->tid = (pid_t)syscall(SYS_gettid);
        (void)pthread_barrier_wait(&t->known);
        (void)pthread_barrier_wait(&t->done);
        return NULL;
}

static void
a_thread_will_do_as_well_as_its_process(void **state)
{
        CLEANUP_FD int pair_end = -1;
        Thread t;
        int fds[2];

        (void)state;
        assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
        assert_int_equal(pthread_barrier_init(&t.known, NULL, 2), 0);
        assert_int_equal(pthread_barrier_init(&t.done, NULL, 2), 0);
        assert_int_equal(pthread_create(&t.thread, NULL, wait_in_thread, &t), 0);
        (void)pthread_barrier_wait(&t.known);
        assert_int_not_equal(t.tid, getpid());
        pair_end = pidfd_get_fd(t.tid, fds[1]);
        (void)pthread_barrier_wait(&t.done);
        (void)pthread_join(t.thread, NULL);
        assert_true(pair_end >= 0);
        fd_close(fds[1]);
        assert_int_equal(write(pair_end, "x", 1), 1); /* it is the end of our pipe */
        fd_close(fds[0]);
        (void)pthread_barrier_destroy(&t.known);
        (void)pthread_barrier_destroy(&t.done);
}

/* The inode of a new process descriptor. */
static ino_t
inode_of(pid_t pid)
{
        CLEANUP_FD int fd = (int)syscall(SYS_pidfd_open, pid, 0);
        struct stat st;

        assert_true(fd >= 0);
        assert_int_equal(fstat(fd, &st), 0);
        return st.st_ino;
}

static void
an_inode_identifies_a_process_exactly_where_that_is_said(void **state)
{
        pid_t pid = child_start(NULL);
        ino_t once = inode_of(pid);
        ino_t again = inode_of(pid);
        ino_t other = inode_of(getpid());

        (void)state;
        child_end(pid);
        assert_int_equal(pidfd_has_identity(), once == again && once != other);
}

int
main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(a_descriptor_of_another_process_is_duplicated),
                cmocka_unit_test(a_descriptor_that_is_not_open_there_is_ebadf),
                cmocka_unit_test(a_process_that_is_gone_is_esrch),
                cmocka_unit_test(a_dead_process_that_is_not_reaped_has_no_descriptors),
                cmocka_unit_test(a_process_descriptor_is_close_on_exec_and_tells_its_end),
                cmocka_unit_test(a_thread_will_do_as_well_as_its_process),
                cmocka_unit_test(an_inode_identifies_a_process_exactly_where_that_is_said),
        };
        int own;

        own = pidfd_open_task(getpid());
        if (own == -ENOSYS)
                unit_skip_all("there is no pidfd_open(2) here; valgrind does not know it either");
        fd_close(own);
        return unit_run(tests);
}
