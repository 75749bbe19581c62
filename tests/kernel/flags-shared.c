/* SPDX-License-Identifier: MIT */
/*
 * flags-shared.c - O_NONBLOCK belongs to the socket and not to the descriptor: one holder that sets
 * it sets it for all, and another worker's accept() that waited for clients fails. Hence sup never
 * changes it on a held socket while a worker lives.
 */
#include "fact.h"

int
main(void)
{
        int listener_fd;
        pid_t pid;
        int flags;
        int fd;

        fact_begin();
        listener_fd = fact_listener(true);
        MUST(!(fcntl(listener_fd, F_GETFL) & O_NONBLOCK));
        pid = fact_fork();
        if (pid == 0)
                _exit(fcntl(listener_fd, F_SETFL, O_NONBLOCK) < 0);
        MUST(fact_wait(pid) == 0);
        flags = fcntl(listener_fd, F_GETFL);
        FACT(flags & O_NONBLOCK, "another process has set O_NONBLOCK, our own copy: %s",
             flags & O_NONBLOCK ? "has it" : "has it not");
        fd = accept(listener_fd, NULL, NULL);
        FACT(fd < 0 && errno == EAGAIN, "our accept(): %s", fact_say(fd < 0 ? errno : 0));
        return fact_end();
}
