/* SPDX-License-Identifier: MIT */
/*
 * trap.h - a child whose bind() and listen() wait for our answer (seccomp_unotify(2)).
 *
 * Written against the kernel alone, with a filter by hand, so that it proves the kernel and not the
 * program sup or a library. Include fact.h's manners: MUST for what has to work first.
 */
#ifndef SUP_TESTS_KERNEL_TRAP_H
#define SUP_TESTS_KERNEL_TRAP_H

#include "fact.h"

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <stddef.h>
#include <sys/syscall.h>

#ifndef SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV
#define SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV (1UL << 5) /* Linux 5.19 */
#endif

typedef struct Trap {
        pid_t pid;
        int pidfd;
        int notify_fd;
} Trap;

/* Install the filter on the caller. Returns the notify fd or minus the errno. */
static inline int
trap_install(unsigned flags)
{
        struct sock_filter code[] = {
                BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
                BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_bind, 1, 0),
                BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_listen, 0, 1),
                BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_USER_NOTIF),
                BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
        };
        struct sock_fprog program = {.len = 5, .filter = code};
        long fd = syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER,
                          flags | SECCOMP_FILTER_FLAG_NEW_LISTENER, &program);

        return fd < 0 ? -errno : (int)fd;
}

/* Start a child that runs body behind the trap; body's result is its exit status. */
static inline Trap
trap_start(int (*body)(void), unsigned flags)
{
        Trap trap;
        int up[2];
        int down[2];
        int fd;

        MUST(pipe2(up, O_CLOEXEC) == 0 && pipe2(down, O_CLOEXEC) == 0);
        trap.pid = fact_fork();
        if (trap.pid == 0) {
                char go;

                close(up[0]);
                close(down[1]);
                fd = trap_install(flags);
                MUST(write(up[1], &fd, sizeof(fd)) == (ssize_t)sizeof(fd));
                if (fd < 0)
                        _exit(FACT_SKIP);
                MUST(read(down[0], &go, 1) == 0); /* until we have our copy of the fd */
                close(fd);
                fd = body();
                fflush(stdout);
                _exit(fd);
        }
        close(up[1]);
        MUST(read(up[0], &fd, sizeof(fd)) == (ssize_t)sizeof(fd));
        if (fd < 0)
                fact_skip("this kernel does not take the filter");
        trap.pidfd = (int)syscall(SYS_pidfd_open, trap.pid, 0);
        MUST(trap.pidfd >= 0);
        trap.notify_fd = (int)syscall(SYS_pidfd_getfd, trap.pidfd, fd, 0);
        MUST(trap.notify_fd >= 0);
        close(up[0]);
        close(down[0]);
        close(down[1]);
        return trap;
}

/* What the notify fd has to say within that time: poll's events, 0 when nothing. */
static inline int
trap_poll(const Trap *trap, int ms)
{
        struct pollfd p = {.fd = trap->notify_fd, .events = POLLIN};

        return poll(&p, 1, ms) > 0 ? p.revents : 0;
}

static inline struct seccomp_notif
trap_receive(const Trap *trap)
{
        struct seccomp_notif call = {0};

        MUST(trap_poll(trap, 3000) & POLLIN);
        MUST(ioctl(trap->notify_fd, SECCOMP_IOCTL_NOTIF_RECV, &call) == 0);
        return call;
}

/* Answer with 0 or an errno, or with SECCOMP_USER_NOTIF_FLAG_CONTINUE. Returns 0 or the errno. */
static inline int
trap_answer(const Trap *trap, const struct seccomp_notif *call, int error, unsigned flags)
{
        struct seccomp_notif_resp answer = {.id = call->id, .error = -error, .flags = flags};

        return ioctl(trap->notify_fd, SECCOMP_IOCTL_NOTIF_SEND, &answer) < 0 ? errno : 0;
}

static inline int
trap_let_go(const Trap *trap, const struct seccomp_notif *call)
{
        return trap_answer(trap, call, 0, SECCOMP_USER_NOTIF_FLAG_CONTINUE);
}

/* Our duplicate of the socket that the call is about. */
static inline int
trap_get_fd(const Trap *trap, const struct seccomp_notif *call)
{
        int fd = (int)syscall(SYS_pidfd_getfd, trap->pidfd, (int)call->data.args[0], 0);

        MUST(fd >= 0);
        return fd;
}

#endif
