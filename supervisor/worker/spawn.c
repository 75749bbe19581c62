/* SPDX-License-Identifier: MIT */
/*
 * spawn.c - starts the process of a worker.
 *
 * Theory of operation: a crash is answered by an exec as soon as the kernel can, so the child
 * shares our memory until then (CLONE_VM | CLONE_VFORK) on a stack of its own; nothing is copied,
 * however large we are. It makes system calls only, in a function of its own that is never inlined
 * (the compiler must not let it advance our variables).
 *
 * It shares our table of descriptors as well (CLONE_FILES): with many workers that has thousands,
 * and to copy and close them all took longer than everything else that we do. So the seccomp
 * listener that it makes is ours at once; then it leaves the table, with a copy of those alone that
 * it needs (close_range(2), CLOSE_RANGE_UNSHARE); and what it reports is in our memory when
 * clone(2) returns.
 *
 * That cannot be everywhere: emulators (valgrind, qemu-user) make a fork of a vfork, and a sandbox
 * may refuse close_range(2). The first child finds out, since it does without: it has a copy of the
 * whole table, and reports by a socket pair, the listener as SCM_RIGHTS. exec closes its end.
 */
#include "worker/spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/close_range.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"

/* The child runs on this: execvpe(3) keeps a path and, for scripts, the arguments on it. */
#define STACK_SIZE (256UL * 1024)

#define BITS_PER_WORD (8U * (unsigned)sizeof(long))

/*
 * What runs in the child is not instrumented by AddressSanitizer: these functions end without
 * returning, on a stack that it does not know. Their red zones would stay behind for the next
 * child, and its doubts about the stack would be told on the users' stderr.
 */
#define IN_CHILD __attribute__((no_sanitize("address")))

/* What the child reports; the descriptor of a listener may come with it. */
typedef struct Report {
        SpawnStep step;
        int error; /* positive errno; 0: this step went well */
} Report;

typedef struct Child {
        const SpawnRequest *request;
        SpawnResult *result;
        int error;           /* of result->failed_step: a negative errno, or 0 */
        bool is_sharing;     /* our memory and our table of descriptors */
        unsigned first_left; /* then: of the table, what it leaves behind */
        int report_fd;       /* otherwise */
        pid_t supervisor;
} Child;

/* The first child sets it, in its own memory. Where that is ours as well, the next ones share. */
static bool can_share;

/* Note what a child reports: the child itself does if it shares our memory. */
IN_CHILD static void
note_report(Child *child, const Report *report, int listener_fd)
{
        SpawnResult *result = child->result;

        if (listener_fd >= 0) {
                result->listener_fd = listener_fd;
        } else if (report->step == SPAWN_FILTER) {
                result->filter_error = report->error;
        } else if (report->step == SPAWN_CGROUP) {
                result->cgroup_error = report->error;
        } else {
                result->failed_step = report->step;
                child->error = -report->error;
        }
}

/* Runs in the child: send a report, with a descriptor unless fd is negative. */
IN_CHILD static void
child_report(Child *child, SpawnStep step, int error, int fd)
{
        Report report = {.step = step, .error = error};
        struct iovec iov = {.iov_base = &report, .iov_len = sizeof(report)};
        union {
                char space[CMSG_SPACE(sizeof(int))];
                struct cmsghdr header;
        } control = {0};
        struct msghdr message = {.msg_iov = &iov, .msg_iovlen = 1};

        if (child->is_sharing) {
                note_report(child, &report, fd);
                return;
        }
        if (fd >= 0) {
                control.header.cmsg_level = SOL_SOCKET;
                control.header.cmsg_type = SCM_RIGHTS;
                control.header.cmsg_len = CMSG_LEN(sizeof(int));
                memcpy(CMSG_DATA(&control.header), &fd, sizeof(int));
                message.msg_control = &control;
                message.msg_controllen = sizeof(control.space);
        }
        (void)sendmsg(child->report_fd, &message, MSG_NOSIGNAL);
}

/* Runs in the child: a system call failed, so this is the end. */
IN_CHILD _Noreturn static void
child_fail(Child *child, SpawnStep step, int error)
{
        child_report(child, step, error, -1);
        _exit(127);
}

/*
 * Runs in the child: dispositions as they are after login. The raw call, since the C library keeps
 * two signals for itself and would not touch them.
 */
IN_CHILD static void
child_reset_signals(const SpawnContext *context)
{
        static const unsigned long action_default[4]; /* struct sigaction of the kernel, all zero */
        uint64_t ignored = context->ignored | 1ULL << (SIGPIPE - 1);

        for (int signo = 1; ignored; signo++, ignored >>= 1)
                if (ignored & 1)
                        (void)syscall(SYS_rt_sigaction, signo, action_default, NULL,
                                      sizeof(uint64_t));
}

/*
 * Runs in the child: the limits, as long as it may raise them. That of open files only if it is to be
 * raised: until the last descriptor is in place it counts ours, of which there are two for each worker.
 */
IN_CHILD static void
child_set_limits(Child *child, const SpawnContext *context)
{
        for (size_t i = 0; i < context->n_limits; i++) {
                struct rlimit value = context->limits[i].value;
                struct rlimit now = {0};

                if (context->limits[i].resource == RLIMIT_NOFILE) {
                        (void)getrlimit(RLIMIT_NOFILE, &now);
                        if (value.rlim_max <= now.rlim_max)
                                continue;
                        value.rlim_cur = value.rlim_max;
                }
                if (setrlimit((__rlimit_resource_t)context->limits[i].resource, &value) < 0)
                        child_fail(child, SPAWN_LIMIT, errno);
        }
}

/* Runs in the child: that of open files, the last one that there is. To lower it takes no right. */
IN_CHILD static void
child_limit_files(Child *child, const SpawnContext *context)
{
        size_t i = context->n_limits;

        while (i > 0 && context->limits[i - 1].resource != RLIMIT_NOFILE)
                i--;
        if (i > 0 && setrlimit(RLIMIT_NOFILE, &context->limits[i - 1].value) < 0)
                child_fail(child, SPAWN_LIMIT, errno);
}

/*
 * Runs in the child: the raw calls, since the C library's would look after its threads, and those
 * are not ours to change. The parent-death signal is set again later: these calls clear it.
 */
IN_CHILD static void
child_set_user(Child *child, const SpawnContext *context)
{
        if ((context->has_user || context->has_group) &&
            syscall(SYS_setgroups, context->n_groups, context->groups) < 0)
                child_fail(child, SPAWN_GROUP, errno);
        if (context->has_group &&
            syscall(SYS_setresgid, context->gid, context->gid, context->gid) < 0)
                child_fail(child, SPAWN_GROUP, errno);
        if (context->has_user &&
            syscall(SYS_setresuid, context->uid, context->uid, context->uid) < 0)
                child_fail(child, SPAWN_USER, errno);
}

/* Runs in the child: install the filter and send its listener home. */
IN_CHILD static void
child_install_filter(Child *child)
{
        int fd = notify_filter_install(child->request->filter);

        if (fd >= 0)
                child_report(child, SPAWN_FILTER, 0, fd);
        else if (child->request->filter_required)
                child_fail(child, SPAWN_FILTER, -fd);
        else
                child_report(child, SPAWN_FILTER, -fd, -1);
}

/* Runs in the child: from here on its table of descriptors is its own. */
IN_CHILD static void
child_leave_table(Child *child)
{
        if (!child->is_sharing)
                can_share = syscall(SYS_close_range, ~0U, ~0U, CLOSE_RANGE_UNSHARE) == 0;
        else if (syscall(SYS_close_range, child->first_left, ~0U, CLOSE_RANGE_UNSHARE) < 0)
                child_fail(child, SPAWN_FDS, errno);
}

/* Runs in the child, which has a table of descriptors of its own: a number from the floor on. */
static int
child_move_fd(Child *child, int fd, int floor)
{
        int moved = fcntl(fd, F_DUPFD_CLOEXEC, floor);

        if (moved < 0)
                child_fail(child, SPAWN_FDS, errno);
        return moved;
}

/* Runs in the child: listeners at 3, 4, …, all close-on-exec flags cleared by dup2(2). */
IN_CHILD static void
child_place_fds(Child *child)
{
        const SpawnRequest *request = child->request;
        int first_free = ENVIRONMENT_FIRST_FD + (int)request->n_fds;
        int ready_fd = request->ready_fd;

        for (size_t i = 0; i < request->n_fds; i++)
                if (request->fds[i] < first_free)
                        request->fds[i] = child_move_fd(child, request->fds[i], first_free);
        if (request->ready_fd >= 0 && request->ready_fd < first_free)
                ready_fd = child_move_fd(child, ready_fd, first_free);
        if (request->stdin_fd >= 0 && dup2(request->stdin_fd, STDIN_FILENO) < 0)
                child_fail(child, SPAWN_FDS, errno);
        for (size_t i = 0; i < request->n_fds; i++)
                if (dup2(request->fds[i], ENVIRONMENT_FIRST_FD + (int)i) < 0)
                        child_fail(child, SPAWN_FDS, errno);
        if (ready_fd >= 0 && dup2(ready_fd, request->ready_number) < 0)
                child_fail(child, SPAWN_FDS, errno);
}

/* Runs in the child: digits from the left, the rest ends the string. */
IN_CHILD static void
child_write_number(char *slot, unsigned long long number)
{
        char digits[ENVIRONMENT_PIDFD_DIGITS];
        size_t n = 0;

        do {
                digits[n++] = (char)('0' + number % 10);
                number /= 10;
        } while (number && n < sizeof(digits));
        while (n > 0)
                *slot++ = digits[--n];
        *slot = '\0';
}

/* Runs in the child: who it is, for the variables that say so. */
IN_CHILD static void
child_write_identity(const Environment *environment)
{
        struct stat st;
        int fd;

        for (size_t i = 0; i < environment->n_pid_slots; i++)
                child_write_number(environment->pid_slots[i], (unsigned long long)getpid());
        if (!environment->pidfd_slot)
                return;
        fd = (int)syscall(SYS_pidfd_open, getpid(), 0);
        if (fd >= 0 && fstat(fd, &st) == 0)
                child_write_number(environment->pidfd_slot, st.st_ino);
        fd_close(fd);
}

IN_CHILD __attribute__((noinline)) static int
child_main(void *argument)
{
        Child *child = argument;
        const SpawnRequest *request = child->request;
        const SpawnContext *context = request->context;
        sigset_t none;

        child_reset_signals(context);
        if (request->cgroup_fd >= 0 && write(request->cgroup_fd, "0", 1) < 0)
                child_report(child, SPAWN_CGROUP, errno, -1);
        if (context->own_group)
                (void)setpgid(0, 0);
        child_set_limits(child, context);
        if (request->filter)
                child_install_filter(child);
        child_set_user(child, context);
        if (!context->outlives_us && prctl(PR_SET_PDEATHSIG, SIGKILL) == 0 &&
            getppid() != child->supervisor)
                _exit(127);
        if (context->chdir && chdir(context->chdir) < 0)
                child_fail(child, SPAWN_CHDIR, errno);
        if (context->has_umask)
                (void)umask(context->umask);
        child_leave_table(child);
        child_place_fds(child);
        child_write_identity(request->environment);
        child_limit_files(child, context);
        (void)sigemptyset(&none);
        (void)sigprocmask(SIG_SETMASK, &none, NULL);
        (void)execvpe(request->arguments[0], request->arguments,
                      request->environment->variables.items);
        child_fail(child, SPAWN_EXEC, errno);
}

/* Read one report. Returns 1, 0 at the end, or a negative errno. */
static int
receive_report(int fd, Report *ret, int *ret_fd)
{
        struct iovec iov = {.iov_base = ret, .iov_len = sizeof(*ret)};
        union {
                char space[CMSG_SPACE(sizeof(int))];
                struct cmsghdr header;
        } control;
        struct msghdr message = {
                .msg_iov = &iov,
                .msg_iovlen = 1,
                .msg_control = &control,
                .msg_controllen = sizeof(control.space),
        };
        ssize_t n;

        *ret_fd = -1;
        do {
                n = recvmsg(fd, &message, MSG_CMSG_CLOEXEC);
        } while (n < 0 && errno == EINTR);
        if (n <= 0)
                return n < 0 ? -errno : 0;
        if (message.msg_controllen >= CMSG_LEN(sizeof(int)) &&
            control.header.cmsg_type == SCM_RIGHTS)
                memcpy(ret_fd, CMSG_DATA(&control.header), sizeof(int));
        return 1;
}

/* Take in all reports of a child that does not share, until it has exec'ed or given up. */
static int
collect_reports(Child *child, int fd)
{
        Report report;
        int listener_fd;
        int r;

        while ((r = receive_report(fd, &report, &listener_fd)) > 0)
                note_report(child, &report, listener_fd);
        return r;
}

/*
 * The first of our descriptors that a child need not copy. Whole words of the kernel's bitmap: until
 * Linux 6.10 it left bits behind in a word that it copied in part, and the program in the child would
 * not have got these numbers (copy_fd_bitmaps in fs/file.c; CVE-2024-45025).
 */
static unsigned
find_first_left(const SpawnRequest *request)
{
        int highest = STDERR_FILENO;

        for (size_t i = 0; i < request->n_fds; i++)
                if (request->fds[i] > highest)
                        highest = request->fds[i];
        if (request->stdin_fd > highest)
                highest = request->stdin_fd;
        if (request->ready_fd > highest)
                highest = request->ready_fd;
        return ((unsigned)highest / BITS_PER_WORD + 1) * BITS_PER_WORD;
}

/* Start a child that has a table of its own, and perhaps memory of its own. */
static int
clone_apart(Child *child, char *stack_top)
{
        const SpawnRequest *request = child->request;
        CLEANUP_FD int parent_fd = -1;
        int pair[2];
        int r;

        if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
                return -errno;
        parent_fd = pair[0];
        /* Above the numbers that the child gives to its listeners. */
        child->report_fd = fd_move_above(
                pair[1], request->ready_number >= ENVIRONMENT_FIRST_FD + (int)request->n_fds
                                 ? request->ready_number + 1
                                 : ENVIRONMENT_FIRST_FD + (int)request->n_fds);
        if (child->report_fd < 0)
                return child->report_fd;
        child->result->pid = clone(child_main, stack_top, CLONE_VM | CLONE_VFORK | SIGCHLD, child);
        r = child->result->pid < 0 ? -errno : 0;
        fd_close(child->report_fd);
        return r < 0 ? r : collect_reports(child, parent_fd);
}

/* Start a child that shares both. */
static int
clone_sharing(Child *child, char *stack_top)
{
        child->first_left = find_first_left(child->request);
        child->result->pid =
                clone(child_main, stack_top, CLONE_VM | CLONE_VFORK | CLONE_FILES | SIGCHLD, child);
        return child->result->pid < 0 ? -errno : 0;
}

/*
 * Start a worker. It returns when the new program runs or is known not to.
 *
 * ret->listener_fd is the caller's on success. Returns 0, or a negative errno with
 * ret->failed_step; a child that failed has been reaped then.
 */
int
spawn_worker(const SpawnRequest *request, SpawnResult *ret)
{
        static char stack[STACK_SIZE] __attribute__((aligned(16)));
        Child child = {
                .request = request,
                .result = ret,
                .is_sharing = can_share,
                .supervisor = getpid(),
        };
        int r;

        *ret = (SpawnResult){.listener_fd = -1, .failed_step = SPAWN_CLONE};
        r = child.is_sharing ? clone_sharing(&child, stack + STACK_SIZE)
                             : clone_apart(&child, stack + STACK_SIZE);
        /* The child shared our memory: a change of user in it made us undumpable (prctl(2)). */
        if (request->context->has_user)
                (void)prctl(PR_SET_DUMPABLE, 1);
        if (r == 0)
                r = child.error;
        if (r == 0 && request->filter_required && ret->listener_fd < 0) {
                r = -ret->filter_error;
                ret->failed_step = SPAWN_FILTER;
        }
        if (r < 0) {
                fd_close(ret->listener_fd);
                ret->listener_fd = -1;
                if (ret->pid > 0)
                        (void)waitpid(ret->pid, NULL, 0);
        }
        return r;
}
