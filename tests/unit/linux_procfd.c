/* SPDX-License-Identifier: MIT */
/* linux_procfd.c - what /proc tells about the descriptors of children of our own. */
#include "child.h"
#include "unit.h"

#include <errno.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "linux/procfd.h"

enum {
        CHILD_FD = 50, /* what a child opens for us to see */
};

static void
open_socket(void)
{
        int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);

        CHILD_MUST(dup3(fd, CHILD_FD, O_CLOEXEC) == CHILD_FD);
}

static void
the_flags_of_a_descriptor_are_those_of_open_and_close_on_exec(void **state)
{
        pid_t pid = child_start(open_socket);
        int flags = 0;

        (void)state;
        assert_int_equal(procfd_flags(pid, CHILD_FD, &flags), 0);
        assert_true(flags & O_NONBLOCK && flags & O_CLOEXEC);
        assert_int_equal(procfd_flags(pid, CHILD_FD - 1, &flags), -ENOENT);
        assert_int_equal(procfd_flags(pid, STDERR_FILENO, &flags), 0);
        assert_false(flags & O_CLOEXEC);
        child_end(pid);
        assert_int_equal(procfd_flags(pid, CHILD_FD, &flags), -ENOENT);
}

static void
watch_socket(void)
{
        struct epoll_event event = {.events = EPOLLIN};
        int epoll_fd = epoll_create1(0);

        open_socket();
        CHILD_MUST(epoll_ctl(epoll_fd, EPOLL_CTL_ADD, CHILD_FD, &event) == 0);
}

static void
a_descriptor_in_an_epoll_set_is_seen(void **state)
{
        pid_t pid = child_start(watch_socket);
        pid_t other = child_start(open_socket);

        (void)state;
        assert_int_equal(procfd_is_watched(pid, CHILD_FD), 1);
        assert_int_equal(procfd_is_watched(pid, CHILD_FD / 10), 0);
        assert_int_equal(procfd_is_watched(other, CHILD_FD), 0);
        child_end(pid);
        child_end(other);
        assert_int_equal(procfd_is_watched(pid, CHILD_FD), 0);
}

static ino_t
inode_of(pid_t pid, int fd)
{
        char path[64];
        struct stat st;

        (void)snprintf(path, sizeof(path), "/proc/%d/fd/%d", (int)pid, fd);
        assert_int_equal(stat(path, &st), 0);
        return st.st_ino;
}

static void
a_socket_is_found_among_the_descriptors_of_a_process(void **state)
{
        pid_t pid = child_start(open_socket);
        pid_t other = child_start(NULL);
        ino_t inode = inode_of(pid, CHILD_FD);
        int first = -1;
        int second = -1;

        (void)state;
        assert_int_equal(procfd_inode(pid, CHILD_FD), inode);
        assert_int_equal(procfd_inode(pid, CHILD_FD + 1), 0);
        assert_int_not_equal(procfd_inode(pid, STDERR_FILENO), inode);
        assert_int_equal(procfd_find_socket(pid, inode, -1, &first), 1);
        assert_int_equal(procfd_find_socket(pid, inode, first, &second), 1);
        assert_true(first == CHILD_FD || second == CHILD_FD); /* it was duplicated there */
        assert_int_not_equal(first, second);
        assert_int_equal(procfd_find_socket(other, inode, -1, &first), 0);
        child_end(pid);
        child_end(other);
        assert_int_equal(procfd_inode(pid, CHILD_FD), 0);
        assert_int_equal(procfd_find_socket(pid, inode, -1, &first), 0);
}

static void
the_protocol_of_a_socket_is_told_in_the_kernels_words(void **state)
{
        pid_t pid = child_start(open_socket);
        char name[32] = "";
        char small[5];

        (void)state;
        assert_int_equal(procfd_protocol(pid, CHILD_FD, name, sizeof(name)), 0);
        assert_int_equal(strncmp(name, "UNIX", 4), 0); /* -STREAM, since Linux 5.15 */
        assert_int_equal(procfd_protocol(pid, CHILD_FD, small, sizeof(small)), -ERANGE);
        assert_true(procfd_protocol(pid, CHILD_FD + 1, name, sizeof(name)) < 0);
        child_end(pid);
}

int
main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(the_flags_of_a_descriptor_are_those_of_open_and_close_on_exec),
                cmocka_unit_test(a_descriptor_in_an_epoll_set_is_seen),
                cmocka_unit_test(a_socket_is_found_among_the_descriptors_of_a_process),
                cmocka_unit_test(the_protocol_of_a_socket_is_told_in_the_kernels_words),
        };

        return unit_run(tests);
}
