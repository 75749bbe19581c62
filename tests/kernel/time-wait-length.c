/* SPDX-License-Identifier: MIT */
/*
 * time-wait-length.c - TIME_WAIT lasts 60 s on Linux, and the kernel's own count of it runs out a
 * little before the port is free. Hence `sup why` says "N s, up to 2 s more".
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
        close(server.client_fd);
        end = leftover_watch((Leftover){.what = "client closed", .begin = begin});
        FACT(end.time_wait && end.free_after > 59 && end.free_after < 63,
             "killed, client closed: a bind without SO_REUSEADDR works after %.1f s",
             end.free_after);
        FACT(end.free_after - end.told_after >= 0 && end.free_after - end.told_after <= 2,
             "the kernel's count had run out %.1f s before", end.free_after - end.told_after);
        return fact_end();
}
