/* SPDX-License-Identifier: MIT */
/*
 * kill-leaves.c - what a killed server leaves on its port, and what its client gets. SIGKILL is no
 * sudden silence: the kernel closes the sockets, with a FIN where all was read and a RST where it
 * was not. What stays depends on who closes last, and never on the signal. Hence sup sets
 * SO_REUSEADDR however careful a server is, and `sup why` names a leftover by its state.
 */
#include "look.h"
#include "server.h"

typedef enum Client { STAYS, CLOSES, WRITES, CLOSED_FIRST } Client;

typedef struct Case {
        const char *what;
        ServerHabit habit;
        Client client;
        int client_gets; /* 0: end of file, else the errno; -1: answers that were on their way */
        int leaves;
} Case;

static const Case cases[] = {
        {"request read, client closes at end of file", SERVER_READS, CLOSES, 0, TCP_TIME_WAIT},
        {"request read, client stays and says nothing", SERVER_READS, STAYS, 0, TCP_FIN_WAIT2},
        {"request read, client writes once more", SERVER_READS, WRITES, 0, LOOK_NOTHING},
        {"request not read yet", SERVER_LEAVES_UNREAD, STAYS, ECONNRESET, LOOK_NOTHING},
        {"connection not accepted yet", SERVER_NEVER_ACCEPTS, STAYS, ECONNRESET, LOOK_NOTHING},
        {"client had closed first", SERVER_READS, CLOSED_FIRST, 0, LOOK_NOTHING},
        {"answer that the client does not read", SERVER_WRITES_MUCH, STAYS, -1, TCP_FIN_WAIT1},
};

/* What the client's next read says: 0 is the end, -1 data. */
static int
ask_client(int fd)
{
        char byte;
        ssize_t n = recv(fd, &byte, 1, MSG_PEEK);

        return n < 0 ? errno : n > 0 ? -1 : 0;
}

/* Play the case with that signal. Returns the state left on the server's port. */
static int
play(const Case *c, int signal_number, int *ret_client_gets)
{
        unsigned client_port;
        Server server;
        int state;

        fact_begin(); /* a fresh namespace for each */
        server = server_start(false, c->habit);
        client_port = look_port(server.client_fd);
        if (c->client == CLOSED_FIRST)
                shutdown(server.client_fd, SHUT_WR);
        server_end(&server, signal_number);
        *ret_client_gets = ask_client(server.client_fd);
        if (c->client == WRITES) {
                MUST(write(server.client_fd, "?", 1) == 1);
                FACT(look_wait(client_port, LOOK_NOTHING) == LOOK_NOTHING,
                     "%s: that is answered by a reset, which ends it on both sides", c->what);
        }
        if (c->client == CLOSES || c->client == CLOSED_FIRST)
                close(server.client_fd);
        state = look_wait(FACT_PORT, c->leaves);
        if (c->client == CLOSED_FIRST)
                FACT(look_wait(client_port, TCP_TIME_WAIT) == TCP_TIME_WAIT,
                     "%s: TIME_WAIT is on the client's port", c->what);
        return state;
}

int
main(void)
{
        for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
                const Case *c = &cases[i];
                int gets;
                int state = play(c, SIGKILL, &gets);
                int error = fact_try(false);

                FACT(state == c->leaves && gets == c->client_gets, "%s: client gets %s, %s stays",
                     c->what,
                     gets < 0 ? "what was sent before"
                     : gets   ? strerror(gets)
                              : "end of file",
                     look_name(state));
                FACT(error == (c->leaves ? EADDRINUSE : 0), "  and a bind without SO_REUSEADDR: %s",
                     fact_say(error));
                FACT(play(c, SIGTERM, &gets) == state && play(c, SIGINT, &gets) == state,
                     "  the same with SIGTERM and SIGINT");
        }
        return fact_end();
}
