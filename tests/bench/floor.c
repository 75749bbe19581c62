/* SPDX-License-Identifier: MIT */
/*
 * floor.c - the least that a supervisor can do, so that sup's cost is seen as a ratio to it.
 *
 * Usage: floor WORKERS COMMAND [ARG…]
 *
 * Holds a listening socket, starts the workers with it as fd 3, and starts a new one for each that
 * dies: waitpid, vfork, exec, and nothing else. No log, no policy, no clean-up.
 */
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

/* A function of its own: inlined, the child of vfork could advance the caller's variables. */
static __attribute__((noinline)) void
start_worker(char **command)
{
        pid_t pid = vfork();

        if (pid == 0) {
                execv(command[0], command);
                _exit(127);
        }
        if (pid < 0)
                perror("floor: vfork");
}

int
main(int argc, char **argv)
{
        struct sockaddr_in address = {.sin_family = AF_INET};
        int listener_fd = socket(AF_INET, SOCK_STREAM, 0);

        if (argc < 3)
                return 2;
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        if (listener_fd < 0 ||
            bind(listener_fd, (struct sockaddr *)&address, sizeof(address)) < 0 ||
            listen(listener_fd, SOMAXCONN) < 0) {
                perror("floor: listen");
                return 1;
        }
        for (long n = strtol(argv[1], NULL, 10); n > 0; n--)
                start_worker(argv + 2);
        while (wait(NULL) > 0)
                start_worker(argv + 2);
        return 0;
}
