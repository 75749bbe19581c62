/* SPDX-License-Identifier: MIT */
/*
 * probe.c - asks the kernel itself whether an address can be bound, with a socket to throw away.
 *
 * Gist: bind() only, never listen(), and closed at once: no client ever sees the socket. Two things
 * are never tried: a unix path, since bind() would leave a file there, and UDP with an option that
 * shares the port, since datagrams would come to us (the last binder gets them).
 */
#include "sockets/probe.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/fd.h"

static bool
set(int fd, int level, int option, int value)
{
        return setsockopt(fd, level, option, &value, sizeof(value)) == 0;
}

/* SO_REUSEPORT groups are of one user: that of the socket's inode (net/core/sock.c, sk_uid). */
static bool
is_prepared(int fd, const Address *a, const ProbeSocket *kind)
{
        bool is_v6 = a->any.sa_family == AF_INET6;

        if (kind->uid != geteuid() && fchown(fd, kind->uid, (gid_t)-1) < 0)
                return false;
        if (!address_has_port(a))
                return true;
        return (!kind->reuseaddr || set(fd, SOL_SOCKET, SO_REUSEADDR, 1)) &&
               (!kind->reuseport || set(fd, SOL_SOCKET, SO_REUSEPORT, 1)) &&
               (!is_v6 || set(fd, IPPROTO_IPV6, IPV6_V6ONLY, a->v6only)) &&
               (!kind->freebind || set(fd, is_v6 ? IPPROTO_IPV6 : IPPROTO_IP,
                                       is_v6 ? IPV6_FREEBIND : IP_FREEBIND, 1)) &&
               (!kind->device[0] || setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, kind->device,
                                               (socklen_t)strlen(kind->device)) == 0);
}

/*
 * Bind such a socket to the address and close it.
 * Returns 0 when it worked, the errno with which it failed, or a negative errno when it could not
 * be tried.
 */
int
probe_bind(const Address *address, const ProbeSocket *kind)
{
        CLEANUP_FD int fd = -1;

        if (address_is_path(address) ||
            (address->type == SOCK_DGRAM && (kind->reuseaddr || kind->reuseport)))
                return -EOPNOTSUPP;
        fd = socket(address->any.sa_family, address->type | SOCK_CLOEXEC, 0);
        if (fd < 0)
                return errno == EAFNOSUPPORT ? EAFNOSUPPORT : -errno;
        if (!is_prepared(fd, address, kind))
                return -errno;
        return bind(fd, &address->any, address->length) < 0 ? errno : 0;
}

/*
 * Connect to a unix socket that no process of this network namespace seems to have, and hang up.
 * Returns 0 (somebody listens), ECONNREFUSED (nobody), another errno, or a negative errno when it
 * could not be tried.
 */
int
probe_connect(const Address *address)
{
        CLEANUP_FD int fd =
                socket(address->any.sa_family, address->type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

        if (fd < 0)
                return -errno;
        if (connect(fd, &address->any, address->length) == 0 || errno == EAGAIN)
                return 0; /* EAGAIN: its queue is full (unix(7)) */
        return errno;
}
