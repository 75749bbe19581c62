/* SPDX-License-Identifier: MIT */
/*
 * bind-error-order.c - when several things stand in the way of a bind(), the kernel names an address
 * that is not local first, then a missing right, and a port in use last. Hence EADDRINUSE says that
 * all the rest is well.
 */
#include "rights.h"

#include <arpa/inet.h>

enum { PRIVILEGED_PORT = 80 };

/* What bind() says in a process with or without the right to privileged ports. */
static int
bind_to(const char *host, bool privileged)
{
        struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(PRIVILEGED_PORT)};
        pid_t pid = fact_fork();

        if (pid == 0) {
                if (!privileged)
                        rights_drop();
                MUST(inet_pton(AF_INET, host, &address.sin_addr) == 1);
                _exit(bind(fact_socket(), (struct sockaddr *)&address, sizeof(address)) < 0 ? errno
                                                                                            : 0);
        }
        return fact_wait(pid);
}

int
main(void)
{
        struct sockaddr_in address = fact_address();
        int error;

        fact_begin();
        address.sin_port = htons(PRIVILEGED_PORT);
        MUST(bind(fact_socket(), (struct sockaddr *)&address, sizeof(address)) == 0);

        error = bind_to("192.0.2.1", false);
        FACT(error == EADDRNOTAVAIL, "no right, not a local address: %s", fact_say(error));
        error = bind_to("127.0.0.1", false);
        FACT(error == EACCES, "no right, in use: %s", fact_say(error));
        error = bind_to("127.0.0.1", true);
        FACT(error == EADDRINUSE, "with the right, in use: %s", fact_say(error));
        fact_sysctl("ip_unprivileged_port_start", "80");
        error = bind_to("127.0.0.1", false);
        FACT(error == EADDRINUSE, "with ip_unprivileged_port_start at %d, in use: %s",
             PRIVILEGED_PORT, fact_say(error));
        return fact_end();
}
