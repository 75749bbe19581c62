/* SPDX-License-Identifier: MIT */
/*
 * held-queue.c - connections that wait in the queue of a listener survive the SIGKILL of the
 * worker as long as somebody else holds the listener, and the next worker serves them all.
 * This is what sup is made of.
 */
#include "fact.h"

enum { CLIENTS = 50 };

int
main(void)
{
        int client_fds[CLIENTS];
        int listener_fd;
        int n_served = 0;
        pid_t worker;

        fact_begin();
        listener_fd = fact_listener(true);
        worker = fact_fork();
        if (worker == 0) {
                MUST(fact_listen(listener_fd) == 0);
                pause(); /* alive, and never accepts */
        }
        for (int i = 0; i < CLIENTS; i++) {
                client_fds[i] = fact_connect();
                MUST(client_fds[i] >= 0 && write(client_fds[i], "?", 1) == 1);
                if (i % 10 == 0) /* half-closed ones too */
                        shutdown(client_fds[i], SHUT_WR);
        }
        kill(worker, SIGKILL);
        MUST(fact_wait(worker) == -SIGKILL);

        worker = fact_fork();
        if (worker == 0)
                for (;;) {
                        int fd = accept(listener_fd, NULL, NULL);
                        char byte;

                        if (fd >= 0 && read(fd, &byte, 1) == 1)
                                MUST(write(fd, "!", 1) == 1);
                        close(fd);
                }
        for (int i = 0; i < CLIENTS; i++) {
                char byte = 0;

                n_served += read(client_fds[i], &byte, 1) == 1 && byte == '!';
        }
        FACT(n_served == CLIENTS, "%d of %d queued clients were served by the next worker",
             n_served, CLIENTS);
        kill(worker, SIGKILL);
        fact_wait(worker);

        close(listener_fd);
        FACT(fact_connect() == -ECONNREFUSED, "when the last holder closes it: %s",
             strerror(ECONNREFUSED));
        return fact_end();
}
