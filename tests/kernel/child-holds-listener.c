/* SPDX-License-Identifier: MIT */
/*
 * child-holds-listener.c - a child that inherited a listener keeps the port after its server's death,
 * for as long as it lives, whether it only forked or became another program, and no option helps a
 * new server. Hence `sup why` names the holder, whoever it is, and a worker's children go with it.
 */
#include "fact.h"

#define SLEEP "sleep"

/* A server that starts a child which has its listener; only the child is left. Returns its pid. */
static pid_t
leave_child(bool executes)
{
        int pipe_fds[2];
        pid_t server;
        pid_t child;

        MUST(pipe2(pipe_fds, O_CLOEXEC) == 0);
        server = fact_fork();
        if (server == 0) {
                int fd = fact_listener(true);

                MUST(fcntl(fd, F_SETFD, 0) == 0); /* as without SOCK_CLOEXEC */
                child = fact_fork();
                if (child == 0) {
                        prctl(PR_SET_PDEATHSIG, 0); /* it shall survive its server, */
                        alarm(FACT_SECONDS);        /* but not for ever */
                        if (executes)
                                execlp(SLEEP, SLEEP, "9", NULL);
                        pause();
                        _exit(1);
                }
                MUST(write(pipe_fds[1], &child, sizeof(child)) == (ssize_t)sizeof(child));
                pause();
        }
        close(pipe_fds[1]);
        MUST(read(pipe_fds[0], &child, sizeof(child)) == (ssize_t)sizeof(child));
        close(pipe_fds[0]);
        kill(server, SIGKILL);
        MUST(fact_wait(server) == -SIGKILL);
        return child;
}

int
main(void)
{
        fact_begin();
        MUST(prctl(PR_SET_CHILD_SUBREAPER, 1) == 0); /* the orphan's end comes to us */
        for (int executes = 0; executes < 2; executes++) {
                const char *what = executes ? "forked and exec'd" : "forked";
                pid_t child = leave_child(executes);
                int error = fact_try(false);
                int fd;

                FACT(error == EADDRINUSE, "a child that %s has it, a new server: %s", what,
                     fact_say(error));
                error = fact_try(true);
                FACT(error == EADDRINUSE, "  with SO_REUSEADDR, as the old one: %s",
                     fact_say(error));
                fd = fact_connect();
                FACT(fd >= 0, "  and a client: %s",
                     fd < 0 ? strerror(-fd) : "is connected, to nobody");
                close(fd);
                kill(child, SIGKILL);
                MUST(fact_wait(child) == -SIGKILL);
                error = fact_try(true);
                FACT(error == 0, "  when the child has ended: %s", fact_say(error));
        }
        return fact_end();
}
