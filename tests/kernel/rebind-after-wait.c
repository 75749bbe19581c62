/* SPDX-License-Identifier: MIT */
/*
 * rebind-after-wait.c - a killed process holds its listener until it has been waited for, or rather
 * until it is a zombie: kill() alone says nothing. Hence sup acts on the end of a process, never on
 * having sent a signal.
 */
#include "fact.h"

enum { ROUNDS = 100 };

/* How often an immediate bind fails after the kill. */
static int
count_failures(bool wait_first)
{
        int n_failures = 0;

        for (int i = 0; i < ROUNDS; i++) {
                int pipe_fds[2];
                char byte;
                pid_t pid;
                int fd;

                MUST(pipe(pipe_fds) == 0);
                pid = fact_fork();
                if (pid == 0) {
                        fact_listener(true);
                        MUST(write(pipe_fds[1], "x", 1) == 1);
                        pause();
                }
                MUST(read(pipe_fds[0], &byte, 1) == 1);
                kill(pid, SIGKILL);
                if (wait_first)
                        fact_wait(pid);
                fd = fact_socket();
                fact_set(fd, SO_REUSEADDR);
                n_failures += fact_bind(fd) != 0;
                close(fd);
                if (!wait_first)
                        fact_wait(pid);
                close(pipe_fds[0]);
                close(pipe_fds[1]);
        }
        return n_failures;
}

int
main(void)
{
        int n_failures;

        fact_begin();
        n_failures = count_failures(true);
        FACT(n_failures == 0, "kill, wait, bind: %d of %d times in use", n_failures, ROUNDS);
        n_failures = count_failures(false);
        printf("for comparison, kill, bind: %d of %d times in use\n", n_failures, ROUNDS);
        return fact_end();
}
