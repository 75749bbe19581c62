/* SPDX-License-Identifier: MIT */
/*
 * shutdown-stops-all.c - shutdown() by one holder of a listener stops it for all of them, and
 * listen() by any of them opens it again. Hence a held socket is looked at (SO_ACCEPTCONN) when a
 * worker has gone, and is revived.
 */
#include "fact.h"

int
main(void)
{
        int listener_fd;
        int error;
        int fd;
        pid_t pid;

        fact_begin();
        listener_fd = fact_listener(true);
        MUST(fact_get(listener_fd, SO_ACCEPTCONN) == 1);
        pid = fact_fork();
        if (pid == 0)
                _exit(shutdown(listener_fd, SHUT_RDWR) < 0);
        MUST(fact_wait(pid) == 0);

        FACT(fact_get(listener_fd, SO_ACCEPTCONN) == 0,
             "after a worker's shutdown() our own copy listens no more: SO_ACCEPTCONN is %d",
             fact_get(listener_fd, SO_ACCEPTCONN));
        error = -fact_connect();
        FACT(error == ECONNREFUSED, "and clients get: %s", strerror(error));

        error = fact_listen(listener_fd);
        FACT(error == 0 && fact_get(listener_fd, SO_ACCEPTCONN) == 1,
             "listen() again: %s, SO_ACCEPTCONN is %d", strerror(error),
             fact_get(listener_fd, SO_ACCEPTCONN));
        fd = fact_connect();
        FACT(fd >= 0, "and a client is taken: %s", strerror(fd < 0 ? -fd : 0));
        return fact_end();
}
