/* SPDX-License-Identifier: MIT */
/*
 * fin-wait2-then-time-wait.c - a client that closes at the end of FIN_WAIT2's minute begins another
 * one, of TIME_WAIT. Hence `sup why` says of FIN_WAIT2 that a minute more may follow.
 */
#include "leftover.h"
#include "server.h"

enum { CLIENT_CLOSES_AT = 50 };

int
main(void)
{
        LeftoverEnd end;
        double begin;
        Server server;

        fact_begin_slow(150);
        server = server_start(false, SERVER_READS);
        begin = fact_seconds();
        server_end(&server, SIGKILL);
        end = leftover_watch((Leftover){.what = "client closes late",
                                        .begin = begin,
                                        .client_fd = server.client_fd,
                                        .client_at = CLIENT_CLOSES_AT});
        FACT(end.time_wait && end.free_after > CLIENT_CLOSES_AT + 59 &&
                     end.free_after < CLIENT_CLOSES_AT + 63,
             "killed, client closes after %d s: a bind without SO_REUSEADDR works after %.1f s",
             CLIENT_CLOSES_AT, end.free_after);
        return fact_end();
}
