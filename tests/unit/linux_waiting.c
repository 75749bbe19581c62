/* SPDX-License-Identifier: MIT */
/* linux_waiting.c - whether a process waits at certain sockets, asked about children of our own. */
#include "child.h"
#include "unit.h"

#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <sys/epoll.h>
#include <sys/select.h>
#include <sys/stat.h>

#include "base/fd.h"
#include "linux/waiting.h"

static int
open_socket(int type)
{
        const struct sockaddr_in loopback = {.sin_family = AF_INET,
                                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
        int fd = socket(AF_INET, type | SOCK_CLOEXEC, 0);

        assert_true(fd >= 0);
        assert_int_equal(bind(fd, (const struct sockaddr *)&loopback, sizeof(loopback)), 0);
        if (type == SOCK_STREAM)
                assert_int_equal(listen(fd, 1), 0);
        return fd;
}

static ino_t
inode_of(int fd)
{
        struct stat st;

        assert_int_equal(fstat(fd, &st), 0);
        return st.st_ino;
}

/* What a child does that waits for a socket, without end. */
typedef void (*Habit)(int fd);

_Noreturn static void
accepts(int fd)
{
        for (;;)
                (void)accept(fd, NULL, NULL);
}

_Noreturn static void
receives(int fd)
{
        char byte;

        for (;;)
                (void)recv(fd, &byte, 1, 0);
}

_Noreturn static void
polls(int fd)
{
        struct pollfd fds[] = {{.fd = -1}, {.fd = fd, .events = POLLIN}};

        for (;;)
                (void)poll(fds, 2, -1);
}

_Noreturn static void
selects(int fd)
{
        for (;;) {
                fd_set set;

                FD_ZERO(&set);
                FD_SET(fd, &set);
                (void)select(fd + 1, &set, NULL, NULL, NULL);
        }
}

_Noreturn static void
adds_to_epoll(int fd)
{
        struct epoll_event event = {.events = EPOLLIN};

        CHILD_MUST(epoll_ctl(epoll_create1(EPOLL_CLOEXEC), EPOLL_CTL_ADD, fd, &event) == 0);
        for (;;)
                (void)pause();
}

_Noreturn static void
adds_a_copy_to_epoll(int fd)
{
        int copy_fd = dup(fd);

        (void)close(fd);
        adds_to_epoll(copy_fd);
}

_Noreturn static void *
run_accepts(void *fd)
{
        accepts(*(int *)fd);
}

_Noreturn static void
accepts_in_a_thread(int fd)
{
        pthread_t thread;

        CHILD_MUST(pthread_create(&thread, NULL, run_accepts, &fd) == 0);
        for (;;)
                (void)pause();
}

/* The child has both sockets, whatever it does with one of them. */
static pid_t
start(Habit habit, int fd)
{
        pid_t pid = child_fork();

        assert_true(pid >= 0);
        if (pid == 0) {
                habit(fd);
                _exit(1);
        }
        return pid;
}

/* Look until the child is seen to wait there, or time is over. */
static int
wait_at(pid_t pid, ino_t inode)
{
        const struct timespec pause = {.tv_nsec = 1000000};
        time_t deadline = time(NULL) + CHILD_SECONDS;
        int r = 0;

        while (r == 0 && time(NULL) < deadline) {
                r = waiting_at_sockets(pid, &inode, 1);
                (void)nanosleep(&pause, NULL);
        }
        return r;
}

static void
a_process_that_waits_at_a_socket_is_seen_in_every_way_of_waiting(void **state)
{
        static const struct {
                const char *name;
                Habit habit;
                int type;
        } cases[] = {
                {"accept", accepts, SOCK_STREAM},
                {"accept in a thread", accepts_in_a_thread, SOCK_STREAM},
                {"recv", receives, SOCK_DGRAM},
                {"poll", polls, SOCK_STREAM},
                {"select", selects, SOCK_STREAM},
                {"epoll", adds_to_epoll, SOCK_STREAM},
                {"epoll of a copy", adds_a_copy_to_epoll, SOCK_DGRAM},
        };

        (void)state;
        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                int wanted = open_socket(cases[i].type);
                int other = open_socket(cases[i].type);
                pid_t pid = start(cases[i].habit, wanted);
                ino_t inode = inode_of(other);

                unit_expect(wait_at(pid, inode_of(wanted)) == 1, "%s\n", cases[i].name);
                unit_expect(waiting_at_sockets(pid, &inode, 1) == 0, "%s: the other one\n",
                            cases[i].name);
                child_end(pid);
                (void)close(wanted);
                (void)close(other);
        }
}

static void
one_that_only_has_a_socket_does_not_wait_at_it(void **state)
{
        int fd = open_socket(SOCK_STREAM);
        ino_t inode = inode_of(fd);
        pid_t pid = child_start(NULL);

        (void)state;
        assert_int_equal(waiting_at_sockets(pid, &inode, 1), 0);
        child_end(pid);
        (void)close(fd);
}

static void
one_of_several_sockets_is_enough(void **state)
{
        int wanted = open_socket(SOCK_STREAM);
        int other = open_socket(SOCK_STREAM);
        const ino_t inodes[] = {inode_of(other), inode_of(wanted)};
        pid_t pid = start(accepts, wanted);

        (void)state;
        assert_int_equal(wait_at(pid, inodes[1]), 1);
        assert_int_equal(waiting_at_sockets(pid, inodes, 2), 1);
        assert_int_equal(waiting_at_sockets(pid, inodes, 0), 0);
        child_end(pid);
        (void)close(wanted);
        (void)close(other);
}

static void
a_process_that_is_gone_does_not_wait(void **state)
{
        int fd = open_socket(SOCK_STREAM);
        ino_t inode = inode_of(fd);
        pid_t pid = start(accepts, fd);

        (void)state;
        child_end(pid);
        assert_int_equal(waiting_at_sockets(pid, &inode, 1), 0);
        (void)close(fd);
}

int
main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(a_process_that_waits_at_a_socket_is_seen_in_every_way_of_waiting),
                cmocka_unit_test(one_that_only_has_a_socket_does_not_wait_at_it),
                cmocka_unit_test(one_of_several_sockets_is_enough),
                cmocka_unit_test(a_process_that_is_gone_does_not_wait),
        };

        return unit_run(tests);
}
