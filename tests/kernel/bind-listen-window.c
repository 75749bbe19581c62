/* SPDX-License-Identifier: MIT */
/*
 * bind-listen-window.c - a socket that is bound with SO_REUSEADDR and does not listen yet can be
 * overtaken: another user binds the same port, listens first, and our listen() fails. Hence sup
 * calls listen() directly after bind().
 */
#include "fact.h"

int
main(void)
{
        int fd;
        int error;
        int pipe_fds[2];
        pid_t pid;
        char byte;

        fact_begin();
        fact_need_two_users();
        MUST(pipe(pipe_fds) == 0);
        fd = fact_socket();
        fact_set(fd, SO_REUSEADDR);
        MUST(fact_bind(fd) == 0);

        pid = fact_fork();
        if (pid == 0) {
                int other_fd;

                MUST(setuid(FACT_NOBODY) == 0);
                other_fd = fact_socket();
                fact_set(other_fd, SO_REUSEADDR);
                error = fact_bind(other_fd);
                FACT(error == 0, "bound, not listening: another user's bind: %s", strerror(error));
                error = fact_listen(other_fd);
                FACT(error == 0, "and that user's listen: %s", strerror(error));
                MUST(write(pipe_fds[1], "x", 1) == 1);
                pause();
        }
        close(pipe_fds[1]);
        MUST(read(pipe_fds[0], &byte, 1) == 1);
        error = fact_listen(fd);
        FACT(error == EADDRINUSE, "our own listen then says: %s", strerror(error));
        kill(pid, SIGKILL);
        fact_wait(pid);
        error = fact_listen(fd);
        FACT(error == 0, "and after the other has ended: %s", strerror(error));
        return fact_end();
}
