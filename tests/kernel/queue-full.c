/* SPDX-License-Identifier: MIT */
/*
 * queue-full.c - when a listener's queue is full, further clients are not refused: their SYN is
 * dropped, and they try again after a second. Hence a held listener has the longest queue that the
 * kernel grants, and a full one costs time, not clients.
 */
#include "look.h"

#include <poll.h>

enum { BACKLOG = 3 }; /* the kernel lets one more in */

int
main(void)
{
        struct sockaddr_in address = fact_address();
        struct pollfd late = {.events = POLLOUT};
        int listener_fd;
        double begin;
        int events;

        fact_begin();
        listener_fd = fact_listener(true);
        MUST(listen(listener_fd, BACKLOG) == 0);
        for (int i = 0; i < BACKLOG + 1; i++)
                MUST(fact_connect() >= 0);

        begin = fact_seconds();
        late.fd = fact_socket();
        MUST(fcntl(late.fd, F_SETFL, O_NONBLOCK) == 0);
        MUST(connect(late.fd, (struct sockaddr *)&address, sizeof(address)) < 0);
        events = poll(&late, 1, 100);
        FACT(events == 0 && look_state(look_port(late.fd)) == TCP_SYN_SENT,
             "with %d in a queue for %d, the next client is in %s", BACKLOG + 1, BACKLOG,
             look_name(look_state(look_port(late.fd))));
        close(accept(listener_fd, NULL, NULL));
        MUST(poll(&late, 1, 5000) == 1);
        FACT(fact_get(late.fd, SO_ERROR) == 0,
             "one was accepted meanwhile, and it is connected after %.1f s",
             fact_seconds() - begin);
        return fact_end();
}
