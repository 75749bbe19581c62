/* SPDX-License-Identifier: MIT */
/*
 * echo-reuseaddr.c - the iterative TCP echo server again, with the one line that it lacked.
 *
 * Usage: echo-reuseaddr [PORT]          (9877 unless said)
 *
 * With SO_REUSEADDR before bind() it starts again although old connections are still in TIME_WAIT,
 * provided that the server which left them had the option too. While it is down its port is
 * closed all the same, and clients are refused: that is what is left for sup to mend.
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

        fprintf(stderr, "echo-reuseaddr: %s: %s (errno %d)\n", what, strerror(error), error);
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
        int on = 1;

        if (argc > 2 || port == 0 || port > 65535) {
                fprintf(stderr, "usage: echo-reuseaddr [PORT]\n");
                return 2;
        }
        address.sin_port = htons((uint16_t)port);

        listener_fd = socket(AF_INET, SOCK_STREAM, 0);
        if (listener_fd < 0)
                fail("socket");
        if (setsockopt(listener_fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) < 0)
                fail("setsockopt(SO_REUSEADDR)");
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
