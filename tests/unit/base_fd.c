/* SPDX-License-Identifier: MIT */
/* base_fd.c - small rules for file descriptors. */
#include "child.h"
#include "unit.h"

#include <errno.h>
#include <seccomp.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "base/fd.h"

static int
open_null(int flags)
{
        int fd = open("/dev/null", flags);

        assert_true(fd >= 0);
        return fd;
}

static bool
is_open(int fd)
{
        return fcntl(fd, F_GETFD) >= 0;
}

static bool
is_cloexec(int fd)
{
        return fcntl(fd, F_GETFD) & FD_CLOEXEC;
}

static void
closing_keeps_errno_and_takes_no_descriptor_for_one(void **state)
{
        int fd = open_null(O_RDWR | O_CLOEXEC);

        (void)state;
        errno = ENOTTY;
        fd_close(-1);
        fd_close(fd);
        fd_close(fd); /* EBADF, which nobody wants to hear about */
        assert_int_equal(errno, ENOTTY);
        assert_false(is_open(fd));
}

static void
a_descriptor_ends_with_its_scope(void **state)
{
        int seen;

        (void)state;
        {
                CLEANUP_FD int fd = open_null(O_RDWR | O_CLOEXEC);

                seen = fd;
                assert_true(is_open(seen));
        }
        assert_false(is_open(seen));
}

static void
a_stolen_descriptor_outlives_its_scope(void **state)
{
        int seen;

        (void)state;
        {
                CLEANUP_FD int fd = open_null(O_RDWR | O_CLOEXEC);

                seen = fd_steal(&fd);
                assert_int_equal(fd, -1);
        }
        assert_true(is_open(seen));
        fd_close(seen);
}

static void
a_descriptor_below_the_floor_is_moved_to_the_lowest_number_above_it(void **state)
{
        int low = open_null(O_RDWR);
        int other = open_null(O_RDWR | O_CLOEXEC);
        struct stat st;
        int high;

        (void)state;
        assert_int_equal(fstat(low, &st), 0);
        assert_int_equal(dup3(other, 200, O_CLOEXEC), 200);
        high = fd_move_above(low, 200);
        assert_int_equal(high, 201);
        assert_true(is_cloexec(high));
        assert_false(is_open(low));
        assert_true(fd_same_file(high, st.st_dev, st.st_ino));
        fd_close(high);
        fd_close(200);
        fd_close(other);
}

static void
a_descriptor_at_the_floor_or_above_stays_where_it_is(void **state)
{
        int fd = open_null(O_RDWR | O_CLOEXEC);

        (void)state;
        assert_int_equal(fd_move_above(fd, fd), fd);
        assert_int_equal(fd_move_above(fd, 0), fd);
        assert_true(is_open(fd));
        fd_close(fd);
}

static void
move_beyond_the_limit_of_open_files(void)
{
        struct rlimit limit;
        int fd = open("/dev/null", O_RDWR | O_CLOEXEC);

        CHILD_MUST(getrlimit(RLIMIT_NOFILE, &limit) == 0);
        limit.rlim_cur = 100;
        CHILD_MUST(setrlimit(RLIMIT_NOFILE, &limit) == 0);
        CHILD_MUST(fd_move_above(fd, 100) == -EMFILE); /* the kernel says EINVAL to that */
        CHILD_MUST(!is_open(fd));
        fd = open("/dev/null", O_RDWR | O_CLOEXEC);
        CHILD_MUST(dup2(fd, 99) == 99);
        CHILD_MUST(fd_move_above(fd, 99) == -EMFILE);
        CHILD_MUST(!is_open(fd));
        fd_close(99);
}

static void
no_room_above_the_floor_is_too_many_open_files_and_consumes_it_all_the_same(void **state)
{
        (void)state;
        assert_int_equal(child_run(move_beyond_the_limit_of_open_files), 0);
        assert_int_equal(fd_move_above(-1, 10), -EBADF);
}

static void
nonblocking_is_set_and_cleared_and_belongs_to_all_duplicates(void **state)
{
        int fds[2];

        (void)state;
        assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
        assert_int_equal(fd_set_nonblock(fds[0], true), 0);
        assert_true(fcntl(fds[0], F_GETFL) & O_NONBLOCK);
        assert_int_equal(fd_set_nonblock(fds[0], true), 0);
        assert_int_equal(fd_set_nonblock(fds[0], false), 0);
        assert_false(fcntl(fds[0], F_GETFL) & O_NONBLOCK);
        assert_int_equal(fcntl(fds[0], F_GETFL) & O_ACCMODE, O_RDWR);
        fd_close(fds[0]);
        fd_close(fds[1]);
        assert_int_equal(fd_set_nonblock(fds[0], true), -EBADF);
}

static void
mark_inherited_ones(void)
{
        int low = open("/dev/null", O_RDWR);
        int high = fcntl(low, F_DUPFD, 500);

        CHILD_MUST(low > 2 && high >= 500 && !is_cloexec(low) && !is_cloexec(high));
        fd_cloexec_inherited();
        CHILD_MUST(is_cloexec(low) && is_cloexec(high));
        for (int fd = 0; fd <= 2; fd++)
                CHILD_MUST(is_open(fd) && !is_cloexec(fd));
        fd_close(low);
        fd_close(high);
}

/* The same with a kernel that does not know close_range(2), or a container that forbids it. */
static void
mark_inherited_ones_without_close_range(void)
{
        scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ALLOW);

        CHILD_MUST(filter);
        CHILD_MUST(seccomp_rule_add(filter, SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(close_range), 0) == 0);
        CHILD_MUST(seccomp_load(filter) == 0);
        seccomp_release(filter);
        mark_inherited_ones();
}

static void
inherited_descriptors_above_2_are_marked_and_stay_open(void **state)
{
        (void)state;
        assert_int_equal(child_run(mark_inherited_ones), 0);
}

static void
they_are_marked_one_by_one_where_close_range_is_missing(void **state)
{
        (void)state;
        assert_int_equal(child_run(mark_inherited_ones_without_close_range), 0);
}

static void
close_and_open_standard(void)
{
        struct stat st;

        (void)close(STDIN_FILENO);
        (void)close(STDERR_FILENO);
        if (fd_open_standard() != 0)
                _exit(1);
        for (int fd = 0; fd <= 2; fd++)
                if (!is_open(fd) || is_cloexec(fd))
                        _exit(2);
        if (fstat(STDERR_FILENO, &st) < 0 || !S_ISCHR(st.st_mode))
                _exit(3);
}

static void
missing_standard_descriptors_become_dev_null_and_no_other_is_left_open(void **state)
{
        int next = open_null(O_RDWR | O_CLOEXEC);

        (void)state;
        fd_close(next);
        assert_int_equal(child_run(close_and_open_standard), 0);
        assert_int_equal(fd_open_standard(), 0); /* nothing is missing here */
        assert_false(is_open(next));
}

static void
a_file_is_known_by_device_and_inode(void **state)
{
        CLEANUP_FD int fd = open_null(O_RDWR | O_CLOEXEC);
        CLEANUP_FD int again = open_null(O_RDONLY | O_CLOEXEC);
        CLEANUP_FD int zero = open("/dev/zero", O_RDONLY | O_CLOEXEC);
        struct stat st;

        (void)state;
        assert_int_equal(fstat(fd, &st), 0);
        assert_true(fd_same_file(fd, st.st_dev, st.st_ino));
        assert_true(fd_same_file(again, st.st_dev, st.st_ino));
        assert_false(fd_same_file(zero, st.st_dev, st.st_ino));
        assert_false(fd_same_file(fd, st.st_dev + 1, st.st_ino));
        assert_false(fd_same_file(-1, st.st_dev, st.st_ino));
}

int
main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(closing_keeps_errno_and_takes_no_descriptor_for_one),
                cmocka_unit_test(a_descriptor_ends_with_its_scope),
                cmocka_unit_test(a_stolen_descriptor_outlives_its_scope),
                cmocka_unit_test(
                        a_descriptor_below_the_floor_is_moved_to_the_lowest_number_above_it),
                cmocka_unit_test(a_descriptor_at_the_floor_or_above_stays_where_it_is),
                cmocka_unit_test(
                        no_room_above_the_floor_is_too_many_open_files_and_consumes_it_all_the_same),
                cmocka_unit_test(nonblocking_is_set_and_cleared_and_belongs_to_all_duplicates),
                cmocka_unit_test(inherited_descriptors_above_2_are_marked_and_stay_open),
                cmocka_unit_test(they_are_marked_one_by_one_where_close_range_is_missing),
                cmocka_unit_test(
                        missing_standard_descriptors_become_dev_null_and_no_other_is_left_open),
                cmocka_unit_test(a_file_is_known_by_device_and_inode),
        };

        return unit_run(tests);
}
