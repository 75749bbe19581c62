/* SPDX-License-Identifier: MIT */
/*
 * listener-not-taken-over.c - nobody can bind over a TCP socket that listens, whatever options both
 * have and whoever they are. Hence SO_REUSEADDR on a held listener is no risk (with UDP it is).
 */
#include "fact.h"

/* As that user: the errno of a bind with SO_REUSEADDR. */
static int
bind_as(uid_t uid)
{
        pid_t pid = fact_fork();

        if (pid == 0) {
                int fd;

                MUST(uid == 0 || setuid(uid) == 0);
                fd = fact_socket();
                fact_set(fd, SO_REUSEADDR);
                _exit(fact_bind(fd));
        }
        return fact_wait(pid);
}

int
main(void)
{
        int udp_fds[2];
        struct sockaddr_in address = fact_address();
        int error;

        fact_begin();
        fact_need_two_users();
        fact_listener(true);
        error = bind_as(0);
        FACT(error == EADDRINUSE, "TCP, the same user: %s", strerror(error));
        error = bind_as(FACT_NOBODY);
        FACT(error == EADDRINUSE, "TCP, another user: %s", strerror(error));

        for (int i = 0; i < 2; i++) {
                udp_fds[i] = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
                MUST(udp_fds[i] >= 0);
                fact_set(udp_fds[i], SO_REUSEADDR);
                error = bind(udp_fds[i], (struct sockaddr *)&address, sizeof(address)) ? errno : 0;
        }
        FACT(error == 0, "UDP is different, a second socket with the option: %s",
             error ? strerror(error) : "is bound, and gets the datagrams from now on");
        return fact_end();
}
