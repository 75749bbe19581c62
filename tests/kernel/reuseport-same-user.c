/* SPDX-License-Identifier: MIT */
/*
 * reuseport-same-user.c - SO_REUSEPORT lets two sockets listen on one address if both have it and
 * both belong to the same user. Root is not exempt, SO_REUSEADDR on one of them does not help, and
 * only a leftover in TIME_WAIT does not ask for the user. Hence `sup why` names the user to whom a
 * group belongs.
 */
#include "look.h"

enum { SOMEBODY = 4711 };

/* In a process of that user: the errno of bind() and listen() with that option. */
static int
try_as(uid_t uid, int option)
{
        pid_t pid = fact_fork();

        if (pid == 0) {
                int fd;
                int error;

                MUST(setuid(uid) == 0);
                fd = fact_socket();
                fact_set(fd, option);
                error = fact_bind(fd);
                _exit(error ? error : fact_listen(fd));
        }
        return fact_wait(pid);
}

/* A listener of that user in our hands. */
static int
listener_of(uid_t uid)
{
        int fd;

        MUST(seteuid(uid) == 0);
        fd = fact_socket();
        MUST(seteuid(0) == 0);
        fact_set(fd, SO_REUSEPORT);
        MUST((errno = fact_bind(fd)) == 0 && (errno = fact_listen(fd)) == 0);
        return fd;
}

int
main(void)
{
        int listener_fd;
        int client_fd;
        int error;

        fact_begin();
        fact_need_two_users();
        listener_fd = listener_of(FACT_NOBODY);
        error = try_as(FACT_NOBODY, SO_REUSEPORT);
        FACT(error == 0, "a second SO_REUSEPORT listener of the same user: %s", fact_say(error));
        error = try_as(SOMEBODY, SO_REUSEPORT);
        FACT(error == EADDRINUSE, "of another user: %s", fact_say(error));
        error = try_as(0, SO_REUSEPORT);
        FACT(error == EADDRINUSE, "of root: %s", fact_say(error));
        error = try_as(FACT_NOBODY, SO_REUSEADDR);
        FACT(error == EADDRINUSE, "of the same user, with SO_REUSEADDR instead: %s",
             fact_say(error));

        client_fd = fact_connect();
        MUST(client_fd >= 0);
        close(accept(listener_fd, NULL, NULL));
        close(client_fd);
        close(listener_fd);
        MUST(look_wait(FACT_PORT, TCP_TIME_WAIT) == TCP_TIME_WAIT);
        error = try_as(SOMEBODY, SO_REUSEPORT);
        FACT(error == 0, "another user over the group's TIME_WAIT: %s", fact_say(error));
        error = try_as(FACT_NOBODY, SO_REUSEADDR);
        FACT(error == EADDRINUSE, "with SO_REUSEADDR over it, which the old one lacked: %s",
             fact_say(error));
        return fact_end();
}
