/* SPDX-License-Identifier: MIT */
/*
 * options.c - carries socket options from a server's own socket over to the held one.
 *
 * Gist: a server that sets its options before bind must find them on the socket it gets instead,
 * and none that its predecessor had set. Only what differs is set; what the kernel does not take
 * (SO_MARK without the right) is left. Not here: what belongs to the address (SO_REUSEPORT,
 * IPV6_V6ONLY, SO_BINDTODEVICE), what cannot be read back (filters, keys), and TCP_MAXSEG, which reads
 * back as a guess when it was not set.
 */
#include "sockets/options.h"

#include <linux/udp.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>

#include "base/cleanup.h"

/* TCP_CONGESTION, SO_LINGER and the timeouts are the long ones. */
#define OPTION_SIZE_MAX 16

static const struct Option {
        int level;
        int name;
        bool doubled;  /* the kernel reads back twice what was set (socket(7), SO_RCVBUF) */
        bool datagram; /* of no use to a stream */
} options[] = {
        {SOL_SOCKET, SO_RCVBUF, true, false},
        {SOL_SOCKET, SO_SNDBUF, true, false},
        {SOL_SOCKET, SO_RCVLOWAT, false, false},
        {SOL_SOCKET, SO_RCVTIMEO, false, false},
        {SOL_SOCKET, SO_SNDTIMEO, false, false},
        {SOL_SOCKET, SO_KEEPALIVE, false, false},
        {SOL_SOCKET, SO_LINGER, false, false},
        {SOL_SOCKET, SO_OOBINLINE, false, false},
        {SOL_SOCKET, SO_MARK, false, false},
        {SOL_SOCKET, SO_BUSY_POLL, false, false},
        {SOL_SOCKET, SO_PASSCRED, false, false},
        {SOL_SOCKET, SO_BROADCAST, false, true},
        {SOL_SOCKET, SO_TIMESTAMP, false, true},
        {SOL_SOCKET, SO_TIMESTAMPNS, false, true},
        {SOL_SOCKET, SO_RXQ_OVFL, false, true},
        {IPPROTO_TCP, TCP_NODELAY, false, false},
        {IPPROTO_TCP, TCP_DEFER_ACCEPT, false, false},
        {IPPROTO_TCP, TCP_FASTOPEN, false, false},
        {IPPROTO_TCP, TCP_KEEPIDLE, false, false},
        {IPPROTO_TCP, TCP_KEEPINTVL, false, false},
        {IPPROTO_TCP, TCP_KEEPCNT, false, false},
        {IPPROTO_TCP, TCP_USER_TIMEOUT, false, false},
        {IPPROTO_TCP, TCP_NOTSENT_LOWAT, false, false},
        {IPPROTO_TCP, TCP_SYNCNT, false, false},
        {IPPROTO_TCP, TCP_LINGER2, false, false},
        {IPPROTO_TCP, TCP_CONGESTION, false, false},
        {IPPROTO_UDP, UDP_SEGMENT, false, true},
        {IPPROTO_UDP, UDP_GRO, false, true},
        {IPPROTO_IP, IP_TOS, false, false},
        {SOL_SOCKET, SO_PRIORITY, false, false}, /* behind IP_TOS, which changes it (ip(7)) */
        {IPPROTO_IP, IP_TTL, false, false},
        {IPPROTO_IP, IP_MTU_DISCOVER, false, false},
        {IPPROTO_IP, IP_TRANSPARENT, false, false},
        {IPPROTO_IP, IP_PKTINFO, false, true},
        {IPPROTO_IP, IP_RECVTOS, false, true},
        {IPPROTO_IP, IP_RECVTTL, false, true},
        {IPPROTO_IP, IP_RECVERR, false, true},
        {IPPROTO_IP, IP_RECVORIGDSTADDR, false, true},
        {IPPROTO_IP, IP_MULTICAST_TTL, false, true},
        {IPPROTO_IP, IP_MULTICAST_LOOP, false, true},
        {IPPROTO_IPV6, IPV6_TCLASS, false, false},
        {IPPROTO_IPV6, IPV6_UNICAST_HOPS, false, false},
        {IPPROTO_IPV6, IPV6_MTU_DISCOVER, false, false},
        {IPPROTO_IPV6, IPV6_RECVPKTINFO, false, true},
        {IPPROTO_IPV6, IPV6_RECVTCLASS, false, true},
        {IPPROTO_IPV6, IPV6_RECVHOPLIMIT, false, true},
        {IPPROTO_IPV6, IPV6_RECVERR, false, true},
        {IPPROTO_IPV6, IPV6_MULTICAST_HOPS, false, true},
        {IPPROTO_IPV6, IPV6_MULTICAST_LOOP, false, true},
};

/* Whether a boolean option of the socket level is set. */
bool
options_has(int fd, int name)
{
        int value = 0;
        socklen_t size = sizeof(value);

        return getsockopt(fd, SOL_SOCKET, name, &value, &size) == 0 && value;
}

static void
copy_option(int from_fd, int to_fd, const struct Option *o)
{
        unsigned char theirs[OPTION_SIZE_MAX] = {0};
        unsigned char ours[OPTION_SIZE_MAX] = {0};
        socklen_t n_theirs = sizeof(theirs);
        socklen_t n_ours = sizeof(ours);
        int value;

        if (getsockopt(from_fd, o->level, o->name, theirs, &n_theirs) < 0 ||
            getsockopt(to_fd, o->level, o->name, ours, &n_ours) < 0 ||
            (n_theirs == n_ours && memcmp(theirs, ours, n_ours) == 0))
                return;
        if (o->doubled) {
                memcpy(&value, theirs, sizeof(value));
                value /= 2;
                memcpy(theirs, &value, sizeof(value));
        }
        (void)setsockopt(to_fd, o->level, o->name, theirs, n_theirs);
}

/* Copy the options in the table where the two sockets differ. Failures are ignored. */
void
options_copy(int from_fd, int to_fd)
{
        int type = SOCK_STREAM;
        socklen_t size = sizeof(type);

        (void)getsockopt(to_fd, SOL_SOCKET, SO_TYPE, &type, &size);
        for (size_t i = 0; i < ELEMENTSOF(options); i++)
                if (!options[i].datagram || type == SOCK_DGRAM)
                        copy_option(from_fd, to_fd, &options[i]);
}
