/* SPDX-License-Identifier: MIT */
/*
 * load.c - counts the HTTP requests that a server on 127.0.0.1 answers in a given time.
 *
 * Usage: load PORT SECONDS CLIENTS REQUESTS
 *
 * Each client is a thread that sends one GET after the other and opens a new connection after that
 * many REQUESTS, or when the server closes. A response needs a Content-Length. Prints
 * "REQUESTS-PER-SECOND ERRORS"; exit status 1 when nothing at all was answered.
 */
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { MAX_CLIENTS = 256 };

typedef struct Client {
        pthread_t thread;
        unsigned long n_answers;
        unsigned long n_errors;
} Client;

static uint16_t port;
static long requests_per_connection;
static double deadline;

static double
now(void)
{
        struct timespec t;

        clock_gettime(CLOCK_MONOTONIC, &t);
        return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static int
connect_to_server(void)
{
        struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port)};
        struct timeval patience = {.tv_sec = 5};
        int fd = socket(AF_INET, SOCK_STREAM, 0);
        int on = 1;

        if (fd < 0)
                return -1;
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
        setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
        if (connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0) {
                close(fd);
                return -1;
        }
        return fd;
}

/* Receive one whole response. Returns 1, 0 when the server closed before its first byte, or -1. */
static int
read_response(int fd)
{
        char buffer[16384];
        size_t length = 0;
        size_t wanted = 0;

        while (!wanted || length < wanted) {
                const char *end;
                const char *field;
                ssize_t n = recv(fd, buffer + length, sizeof(buffer) - 1 - length, 0);

                if (n <= 0)
                        return n == 0 && length == 0 ? 0 : -1;
                length += (size_t)n;
                buffer[length] = '\0';
                end = strstr(buffer, "\r\n\r\n");
                field = strcasestr(buffer, "\r\nContent-Length:");
                if (end && (!field || field > end))
                        return -1;
                if (end)
                        wanted = (size_t)(end - buffer) + 4 + strtoul(field + 17, NULL, 10);
                if (wanted >= sizeof(buffer) || (!end && length == sizeof(buffer) - 1))
                        return -1;
        }
        return 1;
}

static void
use_connection(Client *client, int fd)
{
        static const char request[] = "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n";

        for (long i = 0; i < requests_per_connection && now() < deadline; i++) {
                ssize_t sent = send(fd, request, sizeof(request) - 1, MSG_NOSIGNAL);
                int r = sent > 0 ? read_response(fd) : 0;

                if (r > 0)
                        client->n_answers++;
                else if (r < 0 || i == 0)
                        client->n_errors++;
                if (r <= 0)
                        return; /* closed after an answer: a server without keep-alive */
        }
}

static void *
run_client(void *p)
{
        Client *client = p;

        while (now() < deadline) {
                int fd = connect_to_server();

                if (fd < 0) {
                        client->n_errors++;
                        usleep(1000);
                        continue;
                }
                use_connection(client, fd);
                close(fd);
        }
        return NULL;
}

int
main(int argc, char **argv)
{
        static Client clients[MAX_CLIENTS];
        unsigned long n_answers = 0;
        unsigned long n_errors = 0;
        long n_clients = argc > 3 ? strtol(argv[3], NULL, 10) : 0;
        double start = now();
        bool started = true;

        if (argc != 5 || n_clients < 1 || n_clients > MAX_CLIENTS) {
                fprintf(stderr, "usage: load PORT SECONDS CLIENTS REQUESTS\n");
                return 2;
        }
        port = (uint16_t)strtoul(argv[1], NULL, 10);
        deadline = start + strtod(argv[2], NULL);
        requests_per_connection = strtol(argv[4], NULL, 10);

        for (long i = 0; i < n_clients && started; i++) {
                started = pthread_create(&clients[i].thread, NULL, run_client, &clients[i]) == 0;
                if (!started)
                        n_clients = i;
        }
        for (long i = 0; i < n_clients; i++) {
                pthread_join(clients[i].thread, NULL);
                n_answers += clients[i].n_answers;
                n_errors += clients[i].n_errors;
        }
        printf("%.1f %lu\n", (double)n_answers / (now() - start), n_errors);
        return n_answers == 0;
}
