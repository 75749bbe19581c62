/* SPDX-License-Identifier: MIT */
/*
 * notify-replace.c - while a bind() waits in the trap, the socket that it is about can be replaced
 * by another one (ADDFD with SETFD) and the call answered with 0, without any bind having
 * happened. The process goes on with a socket that listens already. This is how a restarted worker
 * gets the held socket.
 */
#include "trap.h"

/* What every server does; the exit status tells what it found. */
static int
serve(void)
{
        int fd = fact_socket();
        int client_fd;
        char byte;

        if (fact_bind(fd) != 0)
                return 1;
        if (fact_get(fd, SO_ACCEPTCONN) != 1)
                return 2;
        if (!(fcntl(fd, F_GETFD) & FD_CLOEXEC))
                return 3;
        if (fact_listen(fd) != 0)
                return 4;
        client_fd = accept(fd, NULL, NULL);
        return read(client_fd, &byte, 1) == 1 ? 0 : 5;
}

int
main(void)
{
        struct seccomp_notif call;
        struct seccomp_notif_addfd replace = {.flags = SECCOMP_ADDFD_FLAG_SETFD,
                                              .newfd_flags = O_CLOEXEC};
        int held_fd;
        int client_fd;
        int r;
        Trap trap;

        fact_begin();
        held_fd = fact_listener(false); /* in use, and so a true bind() would fail */
        trap = trap_start(serve, 0);
        call = trap_receive(&trap);
        MUST(call.data.nr == SYS_bind);
        replace.id = call.id;
        replace.srcfd = (uint32_t)held_fd;
        replace.newfd = (uint32_t)call.data.args[0];
        r = ioctl(trap.notify_fd, SECCOMP_IOCTL_NOTIF_ADDFD, &replace);
        FACT(r == (int)call.data.args[0], "ADDFD with SETFD replaces fd %d: %d",
             (int)call.data.args[0], r);
        MUST(trap_answer(&trap, &call, 0, 0) == 0);

        call = trap_receive(&trap);
        FACT(call.data.nr == SYS_listen, "the bind() returned 0 and listen() comes next");
        MUST(trap_let_go(&trap, &call) == 0);
        client_fd = fact_connect();
        MUST(client_fd >= 0 && write(client_fd, "x", 1) == 1);
        r = fact_wait(trap.pid);
        FACT(r == 0, "the process has a listening, close-on-exec socket and serves with it: %d", r);
        return fact_end();
}
