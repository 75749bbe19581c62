/* SPDX-License-Identifier: MIT */
/*
 * echo-naive.c - the classic iterative TCP echo server, as every textbook has it first.
 *
 * Usage: echo-naive [PORT]          (9877 unless said)
 *
 * One client at a time, and no SO_REUSEADDR. So when it is killed with a client connected, its
 * next start fails with "Address already in use" (errno 98) for a minute: the old connection is in
 * TIME_WAIT or FIN_WAIT2 on the server's port. examples/classic-trouble.sh shows it, and shows
 * `sup -- echo-naive`, where it does not happen although this file stays as it is.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* Say what failed, errno's number included, and end. */
static _Noreturn void
fail(const char *what)
{
        int error = errno;

        fprintf(stderr, "echo-naive: %s: %s (errno %d)\n", what, strerror(error), error);
        exit(1);
}

/* Send back what the client sends, until it closes. A client that goes away is its own affair. */
static void
serve_client(int fd)
{
        char buffer[4096];
        ssize_t n;

        while ((n = read(fd, buffer, sizeof(buffer))) > 0)
                for (ssize_t done = 0, sent; done < n; done += sent) {
                        sent = send(fd, buffer + done, (size_t)(n - done), MSG_NOSIGNAL);
                        if (sent < 0)
                                return;
                }
}

int
main(int argc, char **argv)
{
        struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = INADDR_ANY};
        unsigned long port = argc > 1 ? strtoul(argv[1], NULL, 10) : 9877;
        int listener_fd;

        if (argc > 2 || port == 0 || port > 65535) {
                fprintf(stderr, "usage: echo-naive [PORT]\n");
                return 2;
        }
        address.sin_port = htons((uint16_t)port);

        listener_fd = socket(AF_INET, SOCK_STREAM, 0);
        if (listener_fd < 0)
                fail("socket");
        if (bind(listener_fd, (struct sockaddr *)&address, sizeof(address)) < 0)
                fail("bind");
        if (listen(listener_fd, SOMAXCONN) < 0)
                fail("listen");

        for (;;) {
                int fd = accept(listener_fd, NULL, NULL);

                if (fd < 0 && errno != EINTR && errno != ECONNABORTED)
                        fail("accept");
                if (fd < 0)
                        continue;
                serve_client(fd);
                close(fd);
        }
}
