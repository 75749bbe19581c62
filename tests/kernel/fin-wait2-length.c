/* SPDX-License-Identifier: MIT */
/*
 * fin-wait2-length.c - a client that neither closes nor speaks leaves FIN_WAIT2 on the port of a dead
 * server, for 60 s (tcp_fin_timeout), with no TIME_WAIT after it.
 */
#include "leftover.h"
#include "server.h"

int
main(void)
{
        LeftoverEnd end;
        double begin;
        Server server;

        fact_begin_slow(90);
        server = server_start(false, SERVER_READS);
        begin = fact_seconds();
        server_end(&server, SIGKILL);
        end = leftover_watch((Leftover){.what = "client silent", .begin = begin});
        FACT(!end.time_wait && end.free_after > 59 && end.free_after < 63,
             "killed, client open and silent: a bind without SO_REUSEADDR works after %.1f s, %s",
             end.free_after, end.time_wait ? "after a TIME_WAIT" : "without a TIME_WAIT");
        return fact_end();
}
