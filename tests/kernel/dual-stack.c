/* SPDX-License-Identifier: MIT */
/*
 * dual-stack.c - a listener on [::] takes IPv4 as well, unless IPV6_V6ONLY is set, and so it is in
 * the way of 0.0.0.0; so are its old IPv4 connections, which are of family IPv6 in the kernel's
 * tables. Hence `sup why` looks at both families whatever it is asked for.
 */
#include "look.h"

#include <arpa/inet.h>

/* A listener on [::] and the port. */
static int
listener6(int only_ipv6)
{
        struct sockaddr_in6 address = {.sin6_family = AF_INET6, .sin6_port = htons(FACT_PORT)};
        int fd = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);

        if (fd < 0)
                fact_skip("no IPv6 here");
        MUST(setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &only_ipv6, sizeof(only_ipv6)) == 0);
        MUST(bind(fd, (struct sockaddr *)&address, sizeof(address)) == 0);
        MUST(fact_listen(fd) == 0);
        return fd;
}

/* What a server on 0.0.0.0 meets. */
static int
try_any(void)
{
        struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(FACT_PORT)};
        int fd = fact_socket();
        int error = bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0 ? errno : 0;

        close(fd);
        return error;
}

int
main(void)
{
        struct inet_diag_msg found;
        char text[INET6_ADDRSTRLEN];
        int client_fd;
        int error;
        int fd;

        fact_begin();
        fd = listener6(1);
        error = try_any();
        FACT(error == 0, "[::] with IPV6_V6ONLY listens, 0.0.0.0: %s", fact_say(error));
        close(fd);

        fd = listener6(0);
        error = try_any();
        FACT(error == EADDRINUSE, "[::] without it listens, 0.0.0.0: %s", fact_say(error));
        client_fd = fact_connect();
        FACT(client_fd >= 0, "and an IPv4 client: %s", fact_say(client_fd < 0 ? -client_fd : 0));

        close(accept(fd, NULL, NULL));
        close(client_fd);
        close(fd);
        MUST(look_wait(FACT_PORT, TCP_TIME_WAIT) == TCP_TIME_WAIT);
        MUST(look_count(1U << TCP_TIME_WAIT, FACT_PORT, &found) == 1);
        inet_ntop(AF_INET6, found.id.idiag_src, text, sizeof(text));
        FACT(found.idiag_family == AF_INET6, "its TIME_WAIT is of family %s: %s",
             found.idiag_family == AF_INET6 ? "IPv6" : "IPv4", text);
        error = try_any();
        FACT(error == EADDRINUSE, "and 0.0.0.0 meets it: %s", fact_say(error));
        return fact_end();
}
