/* SPDX-License-Identifier: MIT */
/*
 * shutdown-stops-all.c - shutdown() by one holder of a listener stops it for all of them, and so does
 * connect() to no address; listen() by any of them opens it again. Hence a held socket is looked at
 * (SO_ACCEPTCONN) when a worker has gone, and is revived. After a second shutdown() listen() alone
 * opens a port whose connections are at their end from the start; connect() to no address before it
 * takes that back, and the socket stays bound.
 */
#include "fact.h"

/* What the misled worker does, and how it is called. */
static int
stop_listening(int fd, bool connects)
{
        struct sockaddr nowhere = {.sa_family = AF_UNSPEC};

        return connects ? connect(fd, &nowhere, sizeof(nowhere)) : shutdown(fd, SHUT_RDWR);
}

/* A socket that was shut down twice listens again. Returns what its server's accept()ed socket reads. */
static ssize_t
read_after_two(bool disconnects)
{
        int listener_fd = fact_listener(true);
        char byte;
        ssize_t n;
        int client_fd;
        int fd;

        MUST(shutdown(listener_fd, SHUT_RDWR) == 0);
        MUST(shutdown(listener_fd, SHUT_RDWR) < 0 && errno == ENOTCONN);
        if (disconnects)
                MUST(stop_listening(listener_fd, true) == 0);
        MUST((errno = fact_listen(listener_fd)) == 0);
        client_fd = fact_connect();
        MUST(client_fd >= 0);
        fd = accept4(listener_fd, NULL, NULL, SOCK_CLOEXEC);
        MUST(fd >= 0);
        n = recv(fd, &byte, 1, MSG_DONTWAIT);
        if (n < 0)
                n = -errno;
        close(client_fd);
        close(fd);
        close(listener_fd);
        return n;
}

int
main(void)
{
        ssize_t n;

        for (int connects = 0; connects < 2; connects++) {
                const char *call = connects ? "connect(AF_UNSPEC)" : "shutdown()";
                int listener_fd;
                int error;
                int fd;
                pid_t pid;

                fact_begin();
                listener_fd = fact_listener(true);
                MUST(fact_get(listener_fd, SO_ACCEPTCONN) == 1);
                pid = fact_fork();
                if (pid == 0)
                        _exit(stop_listening(listener_fd, connects) < 0);
                MUST(fact_wait(pid) == 0);

                FACT(fact_get(listener_fd, SO_ACCEPTCONN) == 0,
                     "after a worker's %s our own copy listens no more: SO_ACCEPTCONN is %d", call,
                     fact_get(listener_fd, SO_ACCEPTCONN));
                error = -fact_connect();
                FACT(error == ECONNREFUSED, "and clients get: %s", strerror(error));

                error = fact_listen(listener_fd);
                FACT(error == 0 && fact_get(listener_fd, SO_ACCEPTCONN) == 1,
                     "listen() again: %s, SO_ACCEPTCONN is %d", fact_say(error),
                     fact_get(listener_fd, SO_ACCEPTCONN));
                fd = fact_connect();
                FACT(fd >= 0, "and a client: %s", fact_say(fd < 0 ? -fd : 0));
        }
        fact_begin();
        n = read_after_two(false);
        FACT(n == 0,
             "shutdown() twice, listen(): an accepted socket is at its end at once (read %zd)", n);
        n = read_after_two(true);
        FACT(n == -EAGAIN,
             "shutdown() twice, connect(AF_UNSPEC), listen(): it waits for what its client sends "
             "(%s)",
             fact_say((int)-n));
        return fact_end();
}
