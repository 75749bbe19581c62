/* SPDX-License-Identifier: MIT */
/*
 * options.c - carries socket options from a server's own socket over to the held one.
 *
 * Gist: a server that sets its options before bind must find them on the socket it gets instead.
 * Only what differs is set; what the kernel does not take (SO_MARK without the right) is left.
 */
#include "sockets/options.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>

#include "base/cleanup.h"

static const struct Option {
        int level;
        int name;
        int divisor; /* the kernel reads back so many times what was set (socket(7), SO_RCVBUF) */
} options[] = {
        {SOL_SOCKET, SO_RCVBUF, 2},
        {SOL_SOCKET, SO_SNDBUF, 2},
        {SOL_SOCKET, SO_RCVLOWAT, 1},
        {SOL_SOCKET, SO_KEEPALIVE, 1},
        {SOL_SOCKET, SO_PRIORITY, 1},
        {SOL_SOCKET, SO_MARK, 1},
        {SOL_SOCKET, SO_BUSY_POLL, 1},
        {SOL_SOCKET, SO_PASSCRED, 1},
        {IPPROTO_TCP, TCP_NODELAY, 1},
        {IPPROTO_TCP, TCP_DEFER_ACCEPT, 1},
        {IPPROTO_TCP, TCP_FASTOPEN, 1},
        {IPPROTO_TCP, TCP_KEEPIDLE, 1},
        {IPPROTO_TCP, TCP_KEEPINTVL, 1},
        {IPPROTO_TCP, TCP_KEEPCNT, 1},
        {IPPROTO_TCP, TCP_USER_TIMEOUT, 1},
        {IPPROTO_TCP, TCP_NOTSENT_LOWAT, 1},
        {IPPROTO_IP, IP_TOS, 1},
        {IPPROTO_IP, IP_TTL, 1},
        {IPPROTO_IP, IP_TRANSPARENT, 1},
        {IPPROTO_IPV6, IPV6_TCLASS, 1},
        {IPPROTO_IPV6, IPV6_UNICAST_HOPS, 1},
};

/* SO_LINGER is a structure, and a listener's accepted sockets inherit it. */
static void
copy_linger(int from_fd, int to_fd)
{
        struct linger theirs;
        struct linger ours;
        socklen_t size = sizeof(theirs);

        if (getsockopt(from_fd, SOL_SOCKET, SO_LINGER, &theirs, &size) == 0 &&
            getsockopt(to_fd, SOL_SOCKET, SO_LINGER, &ours, &size) == 0 &&
            (theirs.l_onoff != ours.l_onoff || theirs.l_linger != ours.l_linger))
                (void)setsockopt(to_fd, SOL_SOCKET, SO_LINGER, &theirs, sizeof(theirs));
}

/* Copy the options in the table where the two sockets differ. Failures are ignored. */
void
options_copy(int from_fd, int to_fd)
{
        for (size_t i = 0; i < ELEMENTSOF(options); i++) {
                const struct Option *o = &options[i];
                socklen_t size = sizeof(int);
                int theirs = 0;
                int ours = 0;

                if (getsockopt(from_fd, o->level, o->name, &theirs, &size) < 0 ||
                    getsockopt(to_fd, o->level, o->name, &ours, &size) < 0 || theirs == ours)
                        continue;
                theirs /= o->divisor;
                (void)setsockopt(to_fd, o->level, o->name, &theirs, sizeof(theirs));
        }
        copy_linger(from_fd, to_fd);
}
