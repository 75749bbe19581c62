/* SPDX-License-Identifier: MIT */
/*
 * old-connection-states.c - SO_REUSEADDR on both sides helps over an old connection in every state,
 * also where the client has vanished or does not read: FIN_WAIT1, LAST_ACK and CLOSING. Without it
 * on the old one it helps over none. Hence `sup why` need not tell these states apart to know
 * whether the option is the remedy.
 */
#include "blind.h"
#include "look.h"

/* Leave an orphan in that state on the port. Returns the client. */
static int
leave(int state, bool reuse)
{
        int listener_fd = fact_listener(reuse);
        int client_fd = fact_connect();
        int fd = accept(listener_fd, NULL, NULL);

        MUST(client_fd >= 0 && fd >= 0);
        close(listener_fd);
        if (state == TCP_LAST_ACK)
                shutdown(client_fd, SHUT_WR);
        blind_set(client_fd); /* from now on it hears nothing, and so acknowledges nothing */
        close(fd);
        if (state == TCP_CLOSING)
                shutdown(client_fd, SHUT_WR);
        return client_fd;
}

int
main(void)
{
        static const int states[] = {TCP_FIN_WAIT1, TCP_LAST_ACK, TCP_CLOSING};

        for (int i = 0; i < 6; i++) {
                int state = states[i / 2];
                bool reuse = i % 2;
                int client_fd;
                int error;

                fact_begin();
                client_fd = leave(state, reuse);
                MUST(look_wait(FACT_PORT, state) == state);
                error = fact_try(false);
                FACT(error == EADDRINUSE, "%s, old server %s the option, new server without: %s",
                     look_name(state), reuse ? "with" : "without", fact_say(error));
                error = fact_try(true);
                FACT(error == (reuse ? 0 : EADDRINUSE), "  new server with: %s", fact_say(error));
                close(client_fd);
        }
        return fact_end();
}
