/* SPDX-License-Identifier: MIT */
/*
 * held-handshakes.c - a client that is only half connected (SYN_RECV) when the worker is killed gets
 * through as well, if somebody else holds the listener. So a crash under sup is not seen by those
 * who were about to connect.
 */
#include "blind.h"
#include "look.h"

#include <poll.h>

enum { CLIENTS = 5 };

/* A client that has sent its SYN and does not hear the answer. */
static int
start_client(void)
{
        struct sockaddr_in address = fact_address();
        int fd = fact_socket();

        blind_set(fd);
        MUST(fcntl(fd, F_SETFL, O_NONBLOCK) == 0);
        MUST(connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0 && errno == EINPROGRESS);
        return fd;
}

int
main(void)
{
        struct inet_diag_msg found;
        int client_fds[CLIENTS];
        int n_waiting;
        int n_served = 0;
        int listener_fd;
        double begin;
        pid_t worker;

        fact_begin();
        listener_fd = fact_listener(true);
        worker = fact_fork();
        if (worker == 0)
                pause();
        for (int i = 0; i < CLIENTS; i++)
                client_fds[i] = start_client();
        n_waiting = look_count(1U << LOOK_SYN_RECV, FACT_PORT, &found);
        kill(worker, SIGKILL);
        MUST(fact_wait(worker) == -SIGKILL);

        begin = fact_seconds();
        for (int i = 0; i < CLIENTS; i++)
                blind_end(client_fds[i]);
        for (int i = 0; i < CLIENTS; i++) {
                struct pollfd p = {.fd = client_fds[i], .events = POLLOUT};
                int fd;

                MUST(poll(&p, 1, 5000) == 1);
                fd = accept(listener_fd, NULL, NULL); /* as the next worker */
                n_served += fd >= 0 && fact_get(client_fds[i], SO_ERROR) == 0;
                close(fd);
        }
        FACT(n_waiting == CLIENTS && n_served == CLIENTS,
             "of %d clients in SYN_RECV at the kill %d were connected, after %.1f s", n_waiting,
             n_served, fact_seconds() - begin);
        return fact_end();
}
