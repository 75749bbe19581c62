/* SPDX-License-Identifier: MIT */
/*
 * group-after-listen.c - SO_REUSEPORT may be set on a socket that listens already: then a second one
 * can listen on the same address, and the kernel gives each about half of the clients. Hence sup can
 * put a generation of its own beside one that knows nothing of it.
 */
#include "group.h"

enum { CLIENTS = 1000 };

int
main(void)
{
        int n_first;
        int n_second;
        int first_fd;
        int second_fd;
        int error;

        fact_begin();
        first_fd = fact_listener(true);
        MUST(fcntl(first_fd, F_SETFL, O_NONBLOCK) == 0);
        second_fd = fact_socket();
        fact_set(second_fd, SO_REUSEPORT);
        error = fact_bind(second_fd);
        FACT(error == EADDRINUSE, "beside a plain listener: %s", fact_say(error));
        fact_set(first_fd, SO_REUSEPORT);
        error = fact_bind(second_fd);
        FACT(error == 0, "after SO_REUSEPORT was set on the one that listens: %s", fact_say(error));
        group_listen(second_fd);
        group_clients(CLIENTS);
        n_first = group_drain(first_fd);
        n_second = group_drain(second_fd);
        FACT(n_first + n_second == CLIENTS && n_first > CLIENTS / 4 && n_second > CLIENTS / 4,
             "of %d clients %d and %d", CLIENTS, n_first, n_second);
        return fact_end();
}
