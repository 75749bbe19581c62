/* SPDX-License-Identifier: MIT */
/*
 * fin-wait1-length.c - a client that does not read keeps a dead server's port for minutes: the kernel
 * still has data for it, and asks in ever longer pauses whether it takes more. Hence `sup why` gives
 * no time for FIN_WAIT1, and the remedy is to end the client, or SO_REUSEADDR.
 */
#include "leftover.h"
#include "server.h"

int
main(void)
{
        LeftoverEnd end;
        double begin;
        Server server;

        fact_begin_slow(600);
        server = server_start(false, SERVER_WRITES_MUCH);
        begin = fact_seconds();
        server_end(&server, SIGKILL);
        end = leftover_watch((Leftover){.what = "client does not read", .begin = begin});
        FACT(!end.time_wait && end.free_after > 120,
             "killed, client does not read: a bind without SO_REUSEADDR works after %.0f s",
             end.free_after);
        return fact_end();
}
