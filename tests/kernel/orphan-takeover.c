/* SPDX-License-Identifier: MIT */
/*
 * orphan-takeover.c - when a supervisor dies and its worker lives, nobody can bind the port, whatever
 * the options; but pidfd_getfd() takes the very socket over from the orphan, queue and all. Hence
 * the remedy for an orphan is to end it, or to adopt it.
 */
#include "fact.h"

#include <sys/syscall.h>

enum { WORKER_FD = 50 };

/* A supervisor with a worker that has the listener as WORKER_FD. Returns the orphan's pid. */
static pid_t
leave_orphan(void)
{
        int pipe_fds[2];
        pid_t supervisor;
        pid_t worker;

        MUST(pipe2(pipe_fds, O_CLOEXEC) == 0);
        supervisor = fact_fork();
        if (supervisor == 0) {
                MUST(dup2(fact_listener(true), WORKER_FD) == WORKER_FD);
                worker = fact_fork();
                if (worker == 0) {
                        prctl(PR_SET_PDEATHSIG, 0); /* it shall survive its supervisor, */
                        alarm(FACT_SECONDS);        /* but not for ever */
                        worker = getpid();
                        MUST(write(pipe_fds[1], &worker, sizeof(worker)) ==
                             (ssize_t)sizeof(worker));
                        pause();
                        _exit(1);
                }
                pause();
        }
        close(pipe_fds[1]);
        MUST(read(pipe_fds[0], &worker, sizeof(worker)) == (ssize_t)sizeof(worker));
        kill(supervisor, SIGKILL);
        MUST(fact_wait(supervisor) == -SIGKILL);
        return worker;
}

int
main(void)
{
        int client_fd;
        int error;
        int fd;
        char byte;
        pid_t worker;

        fact_begin();
        MUST(prctl(PR_SET_CHILD_SUBREAPER, 1) == 0); /* the orphan's end comes to us */
        worker = leave_orphan();
        error = fact_try(true);
        FACT(error == EADDRINUSE, "the supervisor is dead, its worker lives, a new one: %s",
             fact_say(error));
        client_fd = fact_connect();
        MUST(client_fd >= 0);

        fd = (int)syscall(SYS_pidfd_getfd, (int)syscall(SYS_pidfd_open, worker, 0), WORKER_FD, 0);
        FACT(fd >= 0 && fact_get(fd, SO_ACCEPTCONN) == 1, "pidfd_getfd() from the worker: %s",
             fact_say(fd < 0 ? errno : 0));
        MUST(fd >= 0);
        kill(worker, SIGKILL);
        MUST(fact_wait(worker) == -SIGKILL);
        fd = accept(fd, NULL, NULL);
        MUST(fd >= 0 && write(fd, "!", 1) == 1);
        FACT(read(client_fd, &byte, 1) == 1 && byte == '!',
             "the worker is dead too, and who waited in the queue is served");
        return fact_end();
}
