/* SPDX-License-Identifier: MIT */
/*
 * reuseaddr-both-sides.c - bind() over an old connection works only if the old listener had
 * SO_REUSEADDR and the new socket has it. Hence sup sets it on every TCP listener and on every
 * socket that it captures, before the first bind.
 */
#include "fact.h"

/* Leave an orphan of a dead server on the port, client open (FIN_WAIT2) or closed (TIME_WAIT). */
static int
leave_connection(bool reuse, bool client_closes)
{
        int listener_fd = fact_listener(reuse);
        int client_fd = fact_connect();
        int accepted_fd = accept(listener_fd, NULL, NULL);

        MUST(client_fd >= 0 && accepted_fd >= 0);
        close(accepted_fd);
        close(listener_fd);
        if (client_closes) {
                close(client_fd);
                client_fd = -1;
        }
        return client_fd;
}

int
main(void)
{
        for (int combination = 0; combination < 8; combination++) {
                bool old = combination & 1;
                bool new = combination & 2;
                bool client_closes = combination & 4;
                int client_fd;
                int error;

                fact_begin(); /* a fresh namespace for each */
                client_fd = leave_connection(old, client_closes);
                error = fact_try(new);
                FACT(error == (old && new ? 0 : EADDRINUSE),
                     "%s, old server %s the option, new server %s: %s",
                     client_closes ? "TIME_WAIT" : "FIN_WAIT2", old ? "with" : "without",
                     new ? "with" : "without", error ? strerror(error) : "works at once");
                if (client_fd >= 0)
                        close(client_fd);
        }
        return fact_end();
}
