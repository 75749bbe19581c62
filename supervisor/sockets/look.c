/* SPDX-License-Identifier: MIT */
/*
 * look.c - gathers what can be known about an address that somebody wants to bind.
 *
 * Theory of operation: the cheap questions come first, and what one answers is not asked again.
 *
 *   1. who listens on the port       a table of its own: no time at all
 *   2. nobody: does a bind() work?   then it is free, and that is all
 *   3. what else has the port        walks all connections of the machine: tens of milliseconds
 *   4. which processes are they of   reads /proc, and only if a socket has an inode
 *   5. would an option help?         the kernel is asked again, as root with the asker's uid
 *
 * Sockets do not tell their options, so a rule alone could not say whether one is in the way: what
 * blocks is decided by the kernel (2, 5), who blocks is what the tables show (1, 3).
 */
#include "sockets/look.h"

#include <errno.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "sockets/collect.h"

#define SECOND_LOOK_USEC 10000
#define NSEC_PER_SEC 1000000000L

static void
read_numbers(const char *path, unsigned *ret_first, unsigned *ret_second)
{
        CLEANUP_FILE FILE *file = fopen(path, "re");

        if (!file || fscanf(file, "%u", ret_first) != 1) /* NOLINT(cert-err34-c): the kernel's */
                return;
        if (ret_second && fscanf(file, "%u", ret_second) != 1) /* NOLINT(cert-err34-c): as above */
                *ret_second = *ret_first;
}

/* What the network namespace has set, and the grain of the kernel's timers. */
static void
read_settings(Facts *f)
{
        struct timespec tick;

        f->first_unprivileged = 1024;
        read_numbers("/proc/sys/net/ipv4/ip_unprivileged_port_start", &f->first_unprivileged, NULL);
        read_numbers("/proc/sys/net/ipv4/ip_local_port_range", &f->range_first, &f->range_last);
        if (clock_getres(CLOCK_MONOTONIC_COARSE, &tick) == 0 && tick.tv_sec == 0 &&
            tick.tv_nsec > 0)
                f->clock_hz = (unsigned)(NSEC_PER_SEC / tick.tv_nsec);
}

/* Ask the kernel, with options added to the asker's own. Returns an errno, 0, or FACTS_NOT_TRIED. */
static int
try_bind(const Facts *f, bool reuseaddr, bool reuseport, uid_t uid)
{
        ProbeSocket kind = f->asker;
        int r;

        kind.reuseaddr = kind.reuseaddr || reuseaddr;
        kind.reuseport = kind.reuseport || reuseport;
        kind.uid = uid;
        r = probe_bind(&f->address, &kind);
        return r < 0 ? FACTS_NOT_TRIED : r;
}

/* UDP: whether all that are in the way have the option too, and, where it matters, our uid. */
static bool
all_share(const Facts *f)
{
        for (size_t i = 0; i < f->n_sockets; i++) {
                const FactSocket *s = &f->sockets[i];
                bool shares = (f->asker.reuseaddr && s->reuseaddr == 1) ||
                              (f->asker.reuseport && s->reuseport == 1 && s->s.has_uid &&
                               s->s.uid == f->asker.uid);

                if (!shares)
                        return false;
        }
        return true;
}

/*
 * What bind() says to the asker. Ports that need a right are not tried with ours for another user:
 * the kernel looks at the rights of the caller, not at the uid of the socket.
 */
static int
ask_kernel(const Facts *f)
{
        ProbeSocket plain = f->asker;
        unsigned port = address_port(&f->address);
        bool is_udp = f->address.type == SOCK_DGRAM;
        int r;

        if (is_udp)
                plain.reuseaddr = plain.reuseport = false;
        r = probe_bind(&f->address, &plain);
        if (r < 0)
                return -r; /* the socket could not even be made */
        if (r != EADDRNOTAVAIL && address_has_port(&f->address) && f->asker.uid != 0 &&
            f->asker.uid != geteuid() && port && port < f->first_unprivileged)
                return EACCES;
        return r == EADDRINUSE && is_udp && f->n_sockets && all_share(f) ? 0 : r;
}

static bool
is_local_peer(const SockdiagSocket *s)
{
        if (IN6_ARE_ADDR_EQUAL(&s->address, &s->peer))
                return true;
        return s->family == AF_INET ? ntohl(s->peer.s6_addr32[0]) >> 24 == IN_LOOPBACKNET
                                    : IN6_IS_ADDR_LOOPBACK(&s->peer);
}

static void
on_any(const SockdiagSocket *s, void *userdata)
{
        (void)s;
        *(bool *)userdata = true;
}

/* Which end of a connection is the client's is in no table; a listener at the other end tells. */
static void
look_at_peers(Facts *f)
{
        for (size_t i = 0; i < f->n_sockets; i++) {
                FactSocket *s = &f->sockets[i];
                SockdiagQuery query = {.protocol = IPPROTO_TCP,
                                       .states = 1U << TCP_LISTEN,
                                       .port = s->s.peer_port};

                if (s->s.protocol == IPPROTO_TCP && s->s.inode && s->s.peer_port &&
                    is_local_peer(&s->s))
                        (void)sockdiag_dump_inet(&query, on_any, &s->peer_is_listener);
        }
}

/* Would an option help? For TCP the kernel says so; it is asked only for what the asker lacks. */
static void
try_options(Facts *f)
{
        const SockdiagSocket *first = f->n_sockets ? &f->sockets[0].s : NULL;

        if (f->error != EADDRINUSE || f->address.type == SOCK_DGRAM)
                return;
        if (!f->asker.reuseaddr)
                f->error_reuseaddr = try_bind(f, true, false, f->asker.uid);
        f->error_reuseport = f->asker.reuseport ? f->error : try_bind(f, false, true, f->asker.uid);
        if (f->error_reuseport == EADDRINUSE && f->is_root && first && first->has_uid &&
            first->uid != f->asker.uid)
                f->error_as_owner = try_bind(f, false, true, first->uid);
}

static int
look_at_port(Facts *f, LookMode mode)
{
        bool is_tcp = f->address.type != SOCK_DGRAM;
        int r;

        read_settings(f);
        r = collect_sockets(f, is_tcp ? 1U << TCP_LISTEN : UINT32_MAX);
        if (r == 0 && f->n_sockets == 0) {
                f->error = ask_kernel(f);
                if (is_tcp && f->error == EADDRINUSE)
                        r = collect_others(f, mode == LOOK_WITH_THREAD);
                else if (is_tcp && f->error == 0 && f->asker.reuseaddr)
                        r = collect_sockets(
                                f, 1U << SOCKDIAG_BOUND); /* who may be the first to listen */
                if (f->n_sockets == 0 && is_tcp && f->error == EADDRINUSE)
                        f->hides_bound = !sockdiag_shows_bound();
        }
        if (r == 0 && f->n_sockets)
                r = facts_find_holders(f);
        if (f->n_sockets)
                f->error = ask_kernel(f);
        if (f->error == EADDRINUSE)
                look_at_peers(f);
        try_options(f);
        if (f->error == EADDRNOTAVAIL && f->address.any.sa_family == AF_INET6)
                f->local = ifaddr_state(&f->address.in6.sin6_addr);
        return r;
}

/* Whether we ought to see who has a socket, and do not: its process may just be ending. */
static bool
misses_holder(const Facts *f)
{
        for (size_t i = 0; i < f->n_sockets; i++) {
                const FactSocket *s = &f->sockets[i];

                if (s->s.inode && s->n_holders == 0 &&
                    (f->is_root || (s->s.has_uid && s->s.uid == geteuid())))
                        return true;
        }
        return false;
}

static int
look_once(const Address *address, const ProbeSocket *asker, LookMode mode, Facts *ret)
{
        facts_init(ret, address, asker);
        if (address_has_port(address))
                return look_at_port(ret, mode);
        if (address->any.sa_family == AF_UNIX)
                return look_at_unix(ret);
        ret->error = ask_kernel(ret);
        return 0;
}

/*
 * Only who listens there, or, for UDP, who has the port; nothing is tried. For other network
 * namespaces. Returns 0 or a negative errno; ret was initialised by the caller.
 */
int
look_for_listeners(Facts *f)
{
        int r = collect_sockets(f, f->address.type == SOCK_DGRAM ? UINT32_MAX : 1U << TCP_LISTEN);

        return r == 0 && f->n_sockets ? facts_find_holders(f) : r;
}

/*
 * Gather what can be known about binding the address with such a socket. Nothing is changed, and no
 * client sees anything. Returns 0 or a negative errno; ret is to be deinitialised in any case.
 */
int
look_at(const Address *address, const ProbeSocket *asker, LookMode mode, Facts *ret)
{
        int r = look_once(address, asker, mode, ret);

        if (r < 0 || !misses_holder(ret))
                return r;
        (void)usleep(SECOND_LOOK_USEC);
        for (size_t i = 0; i < ret->n_sockets; i++) {
                FactSocket before = ret->sockets[i];
                Facts again;

                if (!before.s.inode || before.n_holders)
                        continue;
                r = look_once(address, asker, mode, &again);
                again.was_gone = true;
                for (size_t j = 0; j < again.n_sockets; j++)
                        if (again.sockets[j].s.inode == before.s.inode)
                                again.was_gone = false;
                facts_deinit(ret);
                *ret = again;
                break;
        }
        return r;
}
