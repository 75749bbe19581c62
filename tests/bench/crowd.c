/* SPDX-License-Identifier: MIT */
/*
 * crowd.c - a machine with very many TCP sockets, in a network namespace of its own.
 *
 * Usage: crowd CONNECTIONS TIME_WAITS
 *
 * Opens so many connections to itself, both ends of which stay open (two sockets each), and leaves so
 * many more in TIME_WAIT on the ports from 9001 on; listens on the ports from 8001 on. Says "ready"
 * when all are there, and ends with its standard input. Needs root.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#define LISTENED_PORT 8001
#define LEFT_PORT 9001
#define EACH 8000 /* connections to one port: of one process, which may not have too many files */

static void
must(int ok, const char *what)
{
        if (ok >= 0)
                return;
        (void)fprintf(stderr, "crowd: %s: %s\n", what, strerror(errno));
        exit(EXIT_FAILURE);
}

static int
open_listener(uint16_t port)
{
        struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons(port)};
        int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

        a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        must(fd, "socket");
        must(bind(fd, (const struct sockaddr *)&a, sizeof(a)), "bind");
        must(listen(fd, SOMAXCONN), "listen");
        return fd;
}

/* A connection: the client's end is returned, the server's in ret_accepted. */
static int
open_connection(int listener_fd, uint16_t port, int *ret_accepted)
{
        struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons(port)};
        int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

        a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        must(fd, "socket");
        must(connect(fd, (const struct sockaddr *)&a, sizeof(a)), "connect");
        *ret_accepted = accept4(listener_fd, NULL, NULL, SOCK_CLOEXEC);
        must(*ret_accepted, "accept");
        return fd;
}

/* The server's end is closed first, and so it is the one that stays in TIME_WAIT. */
static void
leave_time_waits(long count, uint16_t port)
{
        int listener_fd = open_listener(port);

        for (long i = 0; i < count; i++) {
                char byte;
                int accepted;
                int fd = open_connection(listener_fd, port, &accepted);

                (void)close(accepted);
                must((int)read(fd, &byte, 1), "read");
                (void)close(fd);
        }
        (void)close(listener_fd);
}

/* A process that has both ends of so many connections, and lives as long as we do. */
static void
fork_holder(long count, uint16_t port)
{
        int ready[2];
        char byte;
        pid_t pid;

        must(pipe2(ready, O_CLOEXEC), "pipe");
        pid = fork();
        must(pid, "fork");
        if (pid == 0) {
                int listener_fd = open_listener(port);

                (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
                for (long i = 0; i < count; i++) {
                        int accepted;

                        (void)open_connection(listener_fd, port, &accepted);
                }
                must((int)write(ready[1], "x", 1), "write");
                for (;;)
                        (void)pause();
        }
        (void)close(ready[1]);
        if (read(ready[0], &byte, 1) != 1)
                exit(EXIT_FAILURE);
        (void)close(ready[0]);
}

static void
enter_namespace(void)
{
        struct ifreq request = {.ifr_name = "lo", .ifr_flags = IFF_UP};
        int fd;

        must(unshare(CLONE_NEWNET), "unshare");
        fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
        must(fd, "socket");
        must(ioctl(fd, SIOCSIFFLAGS, &request), "cannot set up lo");
        (void)close(fd);
}

int
main(int argc, char **argv)
{
        long n_connections = argc == 3 ? strtol(argv[1], NULL, 10) : 0;
        long n_left = argc == 3 ? strtol(argv[2], NULL, 10) : 0;
        struct rlimit limit;
        uint16_t port = LISTENED_PORT;
        char byte;

        must(getrlimit(RLIMIT_NOFILE, &limit), "getrlimit");
        limit.rlim_cur = limit.rlim_max;
        must(setrlimit(RLIMIT_NOFILE, &limit), "setrlimit");
        enter_namespace();
        for (; n_connections > 0; n_connections -= EACH, port++)
                fork_holder(n_connections < EACH ? n_connections : EACH, port);
        for (port = LEFT_PORT; n_left > 0; n_left -= EACH, port++)
                leave_time_waits(n_left < EACH ? n_left : EACH, port);
        (void)puts("ready");
        (void)fflush(stdout);
        (void)!read(STDIN_FILENO, &byte, 1);
        return EXIT_SUCCESS;
}
