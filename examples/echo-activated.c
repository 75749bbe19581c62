/* SPDX-License-Identifier: MIT */
/*
 * echo-activated.c - the iterative TCP echo server that is given its listening socket.
 *
 * Usage: sup -l 9877 -- echo-activated
 *
 * It calls neither socket() nor bind(): whoever started it (sup, systemd, systemd-socket-activate)
 * opened the port and hands it over as sd_listen_fds(3) says. It needs no privilege for
 * the port, cannot meet "Address already in use", and the port stays open while it restarts.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

/* Say what failed, errno's number included, and end. */
static _Noreturn void
fail(const char *what)
{
        int error = errno;

        fprintf(stderr, "echo-activated: %s: %s (errno %d)\n", what, strerror(error), error);
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
main(void)
{
        int listener_fd = SD_LISTEN_FDS_START;
        int n_listeners = sd_listen_fds(1);

        if (n_listeners != 1 || sd_is_socket(listener_fd, AF_UNSPEC, SOCK_STREAM, 1) <= 0) {
                fprintf(stderr, "echo-activated: I need exactly one listening stream socket from "
                                "whoever starts me: try sup -l 9877 -- echo-activated\n");
                return 1;
        }

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
