/* SPDX-License-Identifier: MIT */
/*
 * worker.c - a worker that reports when its main() was reached, and then does nothing.
 *
 * Usage: worker FIFO [PORT]
 *
 * Writes one record, CLOCK_MONOTONIC in ns and its pid as two native 64-bit numbers, to the
 * FIFO. With a PORT it then listens there, on 127.0.0.1, the way an unmodified server does.
 */
#include <fcntl.h>
#include <netinet/in.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

static int
listen_on_port(uint16_t port)
{
        struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port)};
        int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        if (fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0 ||
            listen(fd, SOMAXCONN) < 0) {
                perror("worker: listen");
                return -1;
        }
        return 0;
}

int
main(int argc, char **argv)
{
        struct timespec now;
        int64_t record[2];
        int fifo_fd;

        clock_gettime(CLOCK_MONOTONIC, &now);
        if (argc < 2)
                return 2;
        record[0] = (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
        record[1] = getpid();
        fifo_fd = open(argv[1], O_WRONLY | O_CLOEXEC);
        if (fifo_fd < 0 || write(fifo_fd, record, sizeof(record)) != (ssize_t)sizeof(record)) {
                perror("worker: FIFO");
                return 1;
        }
        close(fifo_fd);
        if (argc > 2 && listen_on_port((uint16_t)strtoul(argv[2], NULL, 10)) < 0)
                return 1;
        for (;;)
                pause();
}
