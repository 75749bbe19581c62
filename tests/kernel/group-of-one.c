/* SPDX-License-Identifier: MIT */
/*
 * group-of-one.c - a socket that had SO_REUSEPORT before bind() is a group of one and can carry a
 * steering program from the start, so that nobody who joins gets a connection unasked. One that got
 * the option when it listened already is in no group until another joins, and takes no program.
 */
#include "group.h"

enum { CLIENTS = 100 };

int
main(void)
{
        int first_fd;
        int second_fd;
        int error;
        int n;

        fact_begin();
        first_fd = group_bind();
        error = group_steer(first_fd, 0);
        FACT(error == 0, "a program on a bound socket with the option: %s", fact_say(error));
        group_listen(first_fd);
        second_fd = group_join();
        group_clients(CLIENTS);
        n = group_drain(second_fd);
        FACT(n == 0 && group_drain(first_fd) == CLIENTS,
             "one of the same user joins unasked: it gets %d of %d", n, CLIENTS);

        fact_begin();
        first_fd = fact_listener(true);
        fact_set(first_fd, SO_REUSEPORT);
        error = group_steer(first_fd, 0);
        FACT(error == EINVAL, "on one that listened before it got the option: %s", fact_say(error));
        second_fd = group_join();
        error = group_steer(first_fd, 1);
        FACT(error == 0, "the same when another has joined it: %s", fact_say(error));
        group_clients(CLIENTS);
        n = group_drain(second_fd);
        FACT(n == CLIENTS, "and index 1 is the one who joined: %d of %d", n, CLIENTS);
        return fact_end();
}
