/* SPDX-License-Identifier: MIT */
/* linux_holders.c - which processes have a socket open. */
#include "child.h"
#include "unit.h"

#include <sys/stat.h>

#include "base/fd.h"
#include "linux/holders.h"

#define MANY 400 /* descriptors: more than are read at first */

static ino_t
inode_of(int fd)
{
        struct stat st;

        assert_int_equal(fstat(fd, &st), 0);
        return st.st_ino;
}

typedef struct Found {
        size_t index;
        pid_t pid;
        int fd;
} Found;

typedef struct Seen {
        Found found[16];
        size_t n;
} Seen;

static void
on_holder(size_t index, pid_t pid, int fd, void *userdata)
{
        Seen *seen = userdata;

        assert_true(seen->n < ELEMENTSOF(seen->found));
        seen->found[seen->n++] = (Found){index, pid, fd};
}

static Seen
find(const ino_t *inodes, size_t n, HoldersView *ret_view)
{
        Seen seen = {.n = 0};

        assert_int_equal(holders_find(inodes, n, on_holder, &seen, ret_view), 0);
        return seen;
}

static bool
has(const Seen *seen, size_t index, pid_t pid, int fd)
{
        for (size_t i = 0; i < seen->n; i++)
                if (seen->found[i].index == index && seen->found[i].pid == pid &&
                    (fd < 0 || seen->found[i].fd == fd))
                        return true;
        return false;
}

static void
a_link_is_a_socket_only_in_one_form(void **state)
{
        static const char *const wrong[] = {
                "",
                "socket:",
                "socket:[",
                "socket:[]",
                "socket:[x]",
                "socket:[1",
                "socket:[1]x",
                "socket:[-1]",
                "socket:[+1]",
                "socket:[ 1]",
                "pipe:[1]",
                "/socket:[1]",
                "socket:[1] (deleted)",
                "socket:[99999999999999999999]",
        };
        ino_t inode = 77;

        (void)state;
        for (size_t i = 0; i < ELEMENTSOF(wrong); i++) {
                unit_expect(!holders_parse_link(wrong[i], &inode), "'%s' is taken\n", wrong[i]);
                assert_int_equal(inode, 77);
        }
        assert_true(holders_parse_link("socket:[4711]", &inode));
        assert_int_equal(inode, 4711);
}

static void
our_own_sockets_are_found_each_once(void **state)
{
        CLEANUP_FD int first = unit_socket(AF_INET, SOCK_STREAM);
        CLEANUP_FD int second = unit_socket(AF_UNIX, SOCK_DGRAM);
        CLEANUP_FD int again = dup(first);
        ino_t inodes[] = {inode_of(second), 0, inode_of(first)};
        HoldersView view;
        Seen seen = find(inodes, ELEMENTSOF(inodes), &view);

        (void)state;
        assert_true(again >= 0);
        assert_int_equal(seen.n, 2);
        assert_true(has(&seen, 0, getpid(), second));
        assert_true(has(&seen, 2, getpid(), -1));
}

static void
a_child_that_inherited_a_socket_is_a_holder_too(void **state)
{
        CLEANUP_FD int fd = unit_socket(AF_INET, SOCK_STREAM);
        ino_t inode = inode_of(fd);
        pid_t pid = child_start(NULL);
        HoldersView view;
        Seen seen = find(&inode, 1, &view);

        (void)state;
        assert_int_equal(seen.n, 2);
        assert_true(has(&seen, 0, getpid(), fd));
        assert_true(has(&seen, 0, pid, fd));
        child_end(pid);
}

static void
a_socket_that_nobody_has_is_not_found(void **state)
{
        ino_t inode = (ino_t)-1;
        HoldersView view;

        (void)state;
        assert_int_equal(find(&inode, 1, &view).n, 0);
        assert_int_equal(find(NULL, 0, &view).n, 0);
}

static void
a_socket_among_very_many_files_is_found_and_one_less_is_said_to_be_skipped(void **state)
{
        int fds[MANY];
        CLEANUP_FD int early = unit_socket(AF_INET, SOCK_STREAM);
        CLEANUP_FD int late = -1;
        ino_t inode = inode_of(early);
        HoldersView view;
        Seen seen;

        (void)state;
        for (size_t i = 0; i < MANY; i++)
                assert_true((fds[i] = fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 0)) >= 0);
        late = unit_socket(AF_INET, SOCK_STREAM);
        seen = find(&inode, 1, &view);
        assert_true(has(&seen, 0, getpid(), early));
        assert_true(view.cut_short > 0);
        inode = inode_of(late);
        seen = find(&inode, 1, &view);
        assert_true(has(&seen, 0, getpid(), late));
        for (size_t i = 0; i < MANY; i++)
                (void)close(fds[i]);
}

int
main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(a_link_is_a_socket_only_in_one_form),
                cmocka_unit_test(our_own_sockets_are_found_each_once),
                cmocka_unit_test(a_child_that_inherited_a_socket_is_a_holder_too),
                cmocka_unit_test(a_socket_that_nobody_has_is_not_found),
                cmocka_unit_test(
                        a_socket_among_very_many_files_is_found_and_one_less_is_said_to_be_skipped),
        };

        return unit_run(tests);
}
