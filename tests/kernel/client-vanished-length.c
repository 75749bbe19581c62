/* SPDX-License-Identifier: MIT */
/*
 * client-vanished-length.c - when the client's host is gone nobody acknowledges the dead server's FIN:
 * the kernel sends it again in ever longer pauses before it gives up. FIN_WAIT1 if the server was to
 * close first, LAST_ACK if the client had closed before it vanished.
 */
#include "blind.h"
#include "leftover.h"
#include "server.h"

static int
watch(const char *what, bool client_closed)
{
        LeftoverEnd end;
        double begin;
        Server server;

        fact_begin_slow(300);
        server = server_start(false, SERVER_READS);
        if (client_closed)
                shutdown(server.client_fd, SHUT_WR);
        blind_set(server.client_fd);
        begin = fact_seconds();
        server_end(&server, SIGKILL);
        end = leftover_watch((Leftover){.what = what, .begin = begin});
        FACT(!end.time_wait && end.free_after > 60,
             "killed, %s: a bind without SO_REUSEADDR works after %.0f s", what, end.free_after);
        return fact_end();
}

int
main(void)
{
        pid_t pid = fact_fork(); /* both at the same time */
        int status;

        if (pid == 0) {
                status = watch("client closed, then gone", true);
                fflush(stdout);
                _exit(status);
        }
        status = watch("client gone", false);
        return fact_wait(pid) == 0 ? status : 1;
}
