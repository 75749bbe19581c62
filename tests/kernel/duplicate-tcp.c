/* SPDX-License-Identifier: MIT */
/*
 * duplicate-tcp.c - the fourth use of SO_REUSEADDR: with TCP two sockets can be bound to the very
 * same address, but only one can listen; the other gets EADDRINUSE from listen(), not from bind().
 * Hence a refused listen() is diagnosed like a refused bind().
 */
#include "fact.h"

int
main(void)
{
        int fds[2];
        int error;

        fact_begin();
        for (int i = 0; i < 2; i++) {
                fds[i] = fact_socket();
                fact_set(fds[i], SO_REUSEADDR);
                error = fact_bind(fds[i]);
                FACT(error == 0, "bind() of socket %d: %s", i + 1, fact_say(error));
        }
        error = fact_listen(fds[1]);
        FACT(error == 0, "listen() of socket 2: %s", fact_say(error));
        error = fact_listen(fds[0]);
        FACT(error == EADDRINUSE, "listen() of socket 1: %s", fact_say(error));

        fact_sysctl("ip_local_port_range", "30000 30000");
        fds[0] = fact_socket();
        fds[1] = fact_socket();
        error = fact_listen(fds[0]);
        FACT(error == 0, "listen() without a bind takes the one ephemeral port there is: %s",
             fact_say(error));
        error = fact_listen(fds[1]);
        FACT(error == EADDRINUSE, "and the next one, without any address: %s", fact_say(error));
        return fact_end();
}
