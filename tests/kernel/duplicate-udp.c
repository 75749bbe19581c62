/* SPDX-License-Identifier: MIT */
/*
 * duplicate-udp.c - the fourth use of SO_REUSEADDR, with UDP, for which it was made: several sockets
 * on one address, and everybody gets a copy of a multicast datagram. But a unicast one goes to the
 * last who bound, whoever he is: another user steals it. Hence sup sets the option on a UDP socket
 * only if asked to.
 */
#include "fact.h"

#include <arpa/inet.h>

#define GROUP "239.1.2.3"

static int
udp_socket(const char *host)
{
        struct sockaddr_in address = fact_address();
        int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

        MUST(fd >= 0 && inet_pton(AF_INET, host, &address.sin_addr) == 1);
        fact_set(fd, SO_REUSEADDR);
        MUST(bind(fd, (struct sockaddr *)&address, sizeof(address)) == 0);
        return fd;
}

static void
join_group(int fd)
{
        struct ip_mreq membership;

        MUST(inet_pton(AF_INET, GROUP, &membership.imr_multiaddr) == 1);
        membership.imr_interface.s_addr = htonl(INADDR_LOOPBACK);
        MUST(setsockopt(fd, IPPROTO_IP, IP_ADD_MEMBERSHIP, &membership, sizeof(membership)) == 0);
}

static void
send_to(const char *host, int n_times)
{
        struct in_addr loopback = {.s_addr = htonl(INADDR_LOOPBACK)};
        struct sockaddr_in address = fact_address();
        int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

        MUST(fd >= 0 && inet_pton(AF_INET, host, &address.sin_addr) == 1);
        MUST(setsockopt(fd, IPPROTO_IP, IP_MULTICAST_IF, &loopback, sizeof(loopback)) == 0);
        for (int i = 0; i < n_times; i++)
                MUST(sendto(fd, "!", 1, 0, (struct sockaddr *)&address, sizeof(address)) == 1);
        close(fd);
}

/* How many datagrams wait in it. */
static int
drain(int fd)
{
        int n = 0;
        char byte;

        while (recv(fd, &byte, 1, MSG_DONTWAIT) == 1)
                n++;
        return n;
}

int
main(void)
{
        enum { DATAGRAMS = 100 };
        int first_fd;
        int second_fd;
        int n_first;
        int n_second;

        fact_begin();
        first_fd = udp_socket("127.0.0.1");
        if (!fact_only_user)
                MUST(seteuid(FACT_NOBODY) == 0);
        second_fd = udp_socket("127.0.0.1");
        if (!fact_only_user)
                MUST(seteuid(0) == 0);
        send_to("127.0.0.1", DATAGRAMS);
        n_first = drain(first_fd);
        n_second = drain(second_fd);
        FACT(n_first == 0 && n_second == DATAGRAMS,
             "of %d datagrams the first socket gets %d, the second, of %s, %d", DATAGRAMS, n_first,
             fact_only_user ? "the same user" : "another user", n_second);
        close(second_fd);
        send_to("127.0.0.1", DATAGRAMS);
        n_first = drain(first_fd);
        FACT(n_first == DATAGRAMS, "when the second is closed: %d", n_first);

        first_fd = udp_socket(GROUP);
        second_fd = udp_socket(GROUP);
        join_group(first_fd);
        join_group(second_fd);
        send_to(GROUP, DATAGRAMS);
        n_first = drain(first_fd);
        n_second = drain(second_fd);
        FACT(n_first == DATAGRAMS && n_second == DATAGRAMS,
             "of %d datagrams to a multicast group both get %d and %d", DATAGRAMS, n_first,
             n_second);
        return fact_end();
}
