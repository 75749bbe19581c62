/* SPDX-License-Identifier: MIT */
/*
 * overlap.c - whether a bound socket may stand in the way of an address. Pure.
 *
 * Gist: the rule of net/ipv4/inet_connection_sock.c (inet_rcv_saddr_equal), without the options and
 * the user, which only a probe can settle. An IPv4 address is thought of as ::ffff:a.b.c.d; a socket
 * of another specific IPv6 address never stands in the way of IPv4, unless it is a connection of a
 * dual-stack listener, which stands in the way of 0.0.0.0 (the kernel has 127.0.0.6 for it).
 */
#include "sockets/overlap.h"

#include <netinet/tcp.h>

/* Both families in one form. */
typedef struct Place {
        struct in6_addr address; /* IPv4: mapped; any of either family: :: */
        bool is_any;
        bool is_v4; /* IPv4, or mapped */
        bool v6only;
} Place;

static Place
place_of(int family, const struct in6_addr *address, bool v6only)
{
        Place p = {.address = *address, .is_v4 = family == AF_INET, .v6only = v6only};

        if (p.is_v4) {
                p.is_any = address->s6_addr32[0] == 0;
                p.address = (struct in6_addr){
                        .s6_addr32 = {0, 0, htonl(0xffff), address->s6_addr32[0]}};
                return p;
        }
        p.is_any = IN6_IS_ADDR_UNSPECIFIED(address);
        p.is_v4 = IN6_IS_ADDR_V4MAPPED(address);
        if (p.is_v4 && address->s6_addr32[3] == 0) /* ::ffff:0.0.0.0 */
                p.is_any = true;
        return p;
}

static Place
place_asked(const Address *asked)
{
        struct in6_addr v4 = {.s6_addr32 = {0}};

        if (asked->any.sa_family == AF_INET6)
                return place_of(AF_INET6, &asked->in6.sin6_addr, asked->v6only);
        v4.s6_addr32[0] = asked->in.sin_addr.s_addr;
        return place_of(AF_INET, &v4, false);
}

/* A listener says whether it is for IPv6 only; what is bound to one IPv6 address always is. */
static Place
place_of_socket(const SockdiagSocket *s)
{
        Place p = place_of(s->family, &s->address, s->v6only == 1);

        if (!p.is_any && !p.is_v4)
                p.v6only = true;
        return p;
}

/* Whether a wildcard takes in the other place. */
static bool
takes_in(const Place *any, const Place *other)
{
        if (!any->is_any)
                return false;
        if (any->is_v4)
                return other->is_v4 || (other->is_any && !other->v6only);
        return !any->v6only || !other->is_v4;
}

static bool
is_connection(const SockdiagSocket *s)
{
        return s->state != TCP_LISTEN && s->state != SOCKDIAG_BOUND && s->state != TCP_CLOSE;
}

/*
 * Whether the socket overlaps with the address, on this device (an interface's index, 0: all).
 */
bool
overlap_is_in_the_way(const Address *asked, unsigned device, const SockdiagSocket *s)
{
        Place wanted = place_asked(asked);
        Place there = place_of_socket(s);

        if (s->port != address_port(asked) || (device && s->device && device != s->device))
                return false;
        if (takes_in(&wanted, &there) || takes_in(&there, &wanted))
                return true;
        if (wanted.is_any && wanted.is_v4 && !there.is_v4 && is_connection(s))
                return true;
        return !wanted.is_any && !there.is_any &&
               IN6_ARE_ADDR_EQUAL(&wanted.address, &there.address);
}

/* Whether the socket is bound to all local addresses of its family. */
bool
overlap_is_any(const SockdiagSocket *s)
{
        return place_of_socket(s).is_any;
}

/* Whether it is an IPv6 wildcard that takes IPv4 as well. */
bool
overlap_takes_both(const SockdiagSocket *s)
{
        Place p = place_of_socket(s);

        return s->family == AF_INET6 && p.is_any && !p.is_v4 && s->v6only == 0;
}
