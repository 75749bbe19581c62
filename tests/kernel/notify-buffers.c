/* SPDX-License-Identifier: MIT */
/*
 * notify-buffers.c - the kernel tells how large its notifications are, which may be more than the
 * headers knew, and takes only a buffer of zeros. Hence sup asks for the sizes and clears the buffer
 * before every receive.
 */
#include "trap.h"

static int
bind_once(void)
{
        return fact_bind(fact_socket());
}

int
main(void)
{
        struct seccomp_notif_sizes sizes = {0};
        struct seccomp_notif call = {.pid = 1}; /* left from the one before, say */
        Trap trap;
        int error;

        fact_begin();
        MUST(syscall(SYS_seccomp, SECCOMP_GET_NOTIF_SIZES, 0, &sizes) == 0);
        FACT(sizes.seccomp_notif >= sizeof(struct seccomp_notif) &&
                     sizes.seccomp_notif_resp >= sizeof(struct seccomp_notif_resp),
             "the kernel's sizes: %u and %u, the headers': %zu and %zu", sizes.seccomp_notif,
             sizes.seccomp_notif_resp, sizeof(struct seccomp_notif),
             sizeof(struct seccomp_notif_resp));

        trap = trap_start(bind_once, 0);
        MUST(trap_poll(&trap, 3000) & POLLIN);
        error = ioctl(trap.notify_fd, SECCOMP_IOCTL_NOTIF_RECV, &call) < 0 ? errno : 0;
        FACT(error == EINVAL, "a receive into a used buffer: %s", fact_say(error));
        call = trap_receive(&trap);
        FACT(call.data.nr == SYS_bind, "into a cleared one: system call %d", call.data.nr);
        MUST(trap_let_go(&trap, &call) == 0);
        MUST(fact_wait(trap.pid) == 0);
        return fact_end();
}
