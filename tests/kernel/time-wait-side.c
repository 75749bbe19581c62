/* SPDX-License-Identifier: MIT */
/*
 * time-wait-side.c - TIME_WAIT is on the side that closes first, and only there. It has no process,
 * no inode and no user: the zeros mean "unknown", not root. Hence a port in TIME_WAIT has no holder
 * to be named, and a server whose clients close first never meets it.
 */
#include "look.h"

typedef struct Pair {
        int client_fd;
        int server_fd;
        unsigned client_port;
} Pair;

static Pair
connect_pair(void)
{
        int listener_fd = fact_listener(false);
        Pair pair = {.client_fd = fact_connect()};

        MUST(pair.client_fd >= 0);
        pair.server_fd = accept(listener_fd, NULL, NULL);
        MUST(pair.server_fd >= 0);
        close(listener_fd);
        pair.client_port = look_port(pair.client_fd);
        return pair;
}

int
main(void)
{
        struct inet_diag_msg found;
        int error;
        Pair pair;

        fact_begin();
        pair = connect_pair();
        close(pair.server_fd);
        close(pair.client_fd);
        MUST(look_wait(FACT_PORT, TCP_TIME_WAIT) == TCP_TIME_WAIT);
        error = fact_try(false);
        FACT(look_state(pair.client_port) == LOOK_NOTHING && error == EADDRINUSE,
             "server closes first: server's side %s, client's %s, a plain bind: %s",
             look_name(look_state(FACT_PORT)), look_name(look_state(pair.client_port)),
             fact_say(error));
        MUST(look_count(1U << TCP_TIME_WAIT, FACT_PORT, &found) == 1);
        FACT(found.idiag_inode == 0 && found.idiag_uid == 0 &&
                     found.idiag_timer == LOOK_TIMER_TIMEWAIT,
             "the kernel's table has for it: inode %u, uid %u, timer %u, %u ms", found.idiag_inode,
             found.idiag_uid, found.idiag_timer, found.idiag_expires);

        fact_begin();
        pair = connect_pair();
        close(pair.client_fd);
        close(pair.server_fd);
        MUST(look_wait(pair.client_port, TCP_TIME_WAIT) == TCP_TIME_WAIT);
        error = fact_try(false);
        FACT(look_state(FACT_PORT) == LOOK_NOTHING && error == 0,
             "client closes first: server's side %s, client's %s, a plain bind: %s",
             look_name(look_state(FACT_PORT)), look_name(look_state(pair.client_port)),
             fact_say(error));
        return fact_end();
}
