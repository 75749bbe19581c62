/* SPDX-License-Identifier: MIT */
/*
 * time-wait-sysctls.c - the two settings that the web recommends against TIME_WAIT do nothing about
 * a server's port: tcp_tw_reuse is for connect(), and tcp_fin_timeout shortens FIN_WAIT2 only.
 * Hence `sup why` names neither as a remedy for TIME_WAIT.
 */
#include "look.h"

/* Leave a dead server's connection on the port. Returns the client, -1 if it closes. */
static int
leave(bool client_closes)
{
        int listener_fd = fact_listener(false);
        int client_fd = fact_connect();

        MUST(client_fd >= 0);
        close(accept(listener_fd, NULL, NULL));
        close(listener_fd);
        if (!client_closes)
                return client_fd;
        close(client_fd);
        return -1;
}

int
main(void)
{
        struct inet_diag_msg found;
        double begin;
        int error;

        fact_begin();
        fact_sysctl("tcp_tw_reuse", "1");
        fact_sysctl("tcp_fin_timeout", "1");
        leave(true);
        MUST(look_wait(FACT_PORT, TCP_TIME_WAIT) == TCP_TIME_WAIT);
        error = fact_try(false);
        FACT(error == EADDRINUSE, "tcp_tw_reuse = 1, a bind over TIME_WAIT: %s", fact_say(error));
        MUST(look_count(1U << TCP_TIME_WAIT, FACT_PORT, &found) == 1);
        FACT(found.idiag_expires > 55000, "tcp_fin_timeout = 1, TIME_WAIT still has %u ms to go",
             found.idiag_expires);

        fact_begin();
        fact_sysctl("tcp_fin_timeout", "1");
        MUST(leave(false) >= 0);
        begin = fact_seconds();
        MUST(fact_try(false) == EADDRINUSE);
        while (fact_try(false) != 0 && fact_seconds() - begin < 5)
                fact_pause_ms(10);
        FACT(fact_seconds() - begin < 5, "tcp_fin_timeout = 1, FIN_WAIT2 was gone after %.1f s",
             fact_seconds() - begin);
        return fact_end();
}
