/* SPDX-License-Identifier: MIT */
/*
 * netns-cookie.c - SO_NETNS_COOKIE tells of a socket in which network namespace it lives. Hence the
 * same address bound in another namespace is not mistaken for the held one.
 */
#include "fact.h"

#include <stdint.h>

#ifndef SO_NETNS_COOKIE
#define SO_NETNS_COOKIE 71 /* Linux 5.14 */
#endif

static uint64_t
netns_cookie(int fd)
{
        uint64_t cookie = 0;
        socklen_t length = sizeof(cookie);

        if (getsockopt(fd, SOL_SOCKET, SO_NETNS_COOKIE, &cookie, &length) < 0)
                fact_skip("this kernel has no SO_NETNS_COOKIE");
        return cookie;
}

int
main(void)
{
        uint64_t first;
        uint64_t second;
        uint64_t other;
        int old_fd;

        fact_begin();
        old_fd = fact_listener(true);
        first = netns_cookie(old_fd);
        second = netns_cookie(fact_socket());
        FACT(first == second, "two sockets of one namespace: %llu and %llu",
             (unsigned long long)first, (unsigned long long)second);

        fact_begin(); /* the next namespace */
        other = netns_cookie(fact_listener(true));
        FACT(other != first, "the same address bound in another namespace: %llu",
             (unsigned long long)other);
        FACT(netns_cookie(old_fd) == first, "a socket stays in the namespace it was made in");
        return fact_end();
}
