/* SPDX-License-Identifier: MIT */
/*
 * child-holds-connection.c - the first use of SO_REUSEADDR: a child still serves a connection of the
 * dead server. ESTABLISHED, and CLOSE_WAIT after the client has closed, block a new server for as
 * long as the child lives; not if the old listener had the option and the new one has it. Hence
 * `sup why` names the child, and sup sets the option on both.
 */
#include "look.h"

/* What a server left: a child that has its one connection. */
typedef struct Orphan {
        pid_t pid;
        int client_fd;
        int leash_fd; /* the child ends when this is closed */
} Orphan;

static Orphan
leave_child(bool reuse)
{
        int listener_fd = fact_listener(reuse);
        Orphan orphan = {.client_fd = fact_connect()};
        int fd = accept(listener_fd, NULL, NULL);
        int pair[2];
        char byte;

        MUST(orphan.client_fd >= 0 && fd >= 0);
        MUST(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) == 0);
        orphan.pid = fact_fork();
        if (orphan.pid == 0) {
                close(listener_fd);
                close(orphan.client_fd);
                close(pair[0]);
                MUST(write(pair[1], "x", 1) == 1);
                _exit(read(pair[1], &byte, 1) != 0);
        }
        close(fd);
        close(listener_fd);
        close(pair[1]);
        MUST(read(pair[0], &byte, 1) == 1);
        orphan.leash_fd = pair[0];
        return orphan;
}

int
main(void)
{
        for (int combination = 0; combination < 4; combination++) {
                bool old = combination & 1;
                bool new = combination & 2;
                int expected = old && new ? 0 : EADDRINUSE;
                Orphan orphan;
                int error;

                fact_begin(); /* a fresh namespace for each */
                orphan = leave_child(old);
                MUST(look_state(FACT_PORT) == TCP_ESTABLISHED);
                error = fact_try(new);
                FACT(error == expected, "ESTABLISHED, old server %s the option, new server %s: %s",
                     old ? "with" : "without", new ? "with" : "without", fact_say(error));
                close(orphan.client_fd);
                MUST(look_wait(FACT_PORT, TCP_CLOSE_WAIT) == TCP_CLOSE_WAIT);
                error = fact_try(new);
                FACT(error == expected, "  CLOSE_WAIT: %s", fact_say(error));
                close(orphan.leash_fd);
                MUST(fact_wait(orphan.pid) == 0);
                error = fact_try(new);
                FACT(error == 0, "  when the child has ended: %s", fact_say(error));
        }
        return fact_end();
}
