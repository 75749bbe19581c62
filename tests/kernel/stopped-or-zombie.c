/* SPDX-License-Identifier: MIT */
/*
 * stopped-or-zombie.c - a stopped server (Ctrl-Z, SIGSTOP) keeps its port, and the kernel goes on to
 * take clients into its queue, where nobody answers them; a zombie has nothing any more. Hence `sup
 * why` says when the holder is stopped, and a supervisor may bind before it has reaped.
 */
#include "server.h"

int
main(void)
{
        siginfo_t info;
        Server server;
        int error;
        int fd;

        fact_begin();
        server = server_start(true, SERVER_NEVER_ACCEPTS);
        MUST(kill(server.pid, SIGSTOP) == 0);
        MUST(waitid(P_PID, (id_t)server.pid, &info, WSTOPPED | WNOWAIT) == 0);
        error = fact_try(true);
        FACT(error == EADDRINUSE, "stopped, a new server: %s", fact_say(error));
        fd = fact_connect();
        FACT(fd >= 0, "a client of the stopped one: %s",
             fd < 0 ? strerror(-fd) : "is connected, and waits");

        MUST(kill(server.pid, SIGKILL) == 0);
        MUST(waitid(P_PID, (id_t)server.pid, &info, WEXITED | WNOWAIT) == 0);
        error = fact_try(true);
        FACT(error == 0, "killed and not reaped yet, a new server: %s", fact_say(error));
        fact_wait(server.pid);
        return fact_end();
}
