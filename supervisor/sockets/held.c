/* SPDX-License-Identifier: MIT */
/*
 * held.c - the sockets that `sup` holds open, and who has claimed them.
 *
 * Gist: a held socket outlives its workers. It was named by --listen, or captured when a worker
 * bound it; either way one descriptor of it stays here. A claim says that a worker's process got it
 * for an address; whether the process still has it is asked of /proc when it matters.
 */
#include "sockets/held.h"

#include <errno.h>
#include <linux/sock_diag.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "linux/sockdiag.h"

#ifndef SO_NETNS_COOKIE
#define SO_NETNS_COOKIE 71 /* socket(7), Linux 5.14 */
#endif

#define LISTEN_ANEW_MAX 8

/* The name of a path in its directory; the path need not be terminated. Returns its length. */
static size_t
split_path(const Address *a, const char **ret_name)
{
        size_t length = strnlen(a->un.sun_path, sizeof(a->un.sun_path));
        const char *slash = memrchr(a->un.sun_path, '/', length);

        *ret_name = slash ? slash + 1 : a->un.sun_path;
        return length - (size_t)(*ret_name - a->un.sun_path);
}

/* Note which directory a path is in. One that cannot be found is no error: bind() will say so. */
static void
find_directory(HeldKey *key)
{
        const char *path = key->address.un.sun_path;
        char directory[sizeof(key->address.un.sun_path) + 1];
        const char *name;
        struct stat st;

        (void)split_path(&key->address, &name);
        (void)snprintf(directory, sizeof(directory), "%.*s", (int)(name - path), path);
        if (stat(directory, &st) < 0)
                return;
        key->dir_dev = st.st_dev;
        key->dir_ino = st.st_ino;
}

/* Where a socket stands, or will stand once it is bound to the address. Returns 0 or -errno. */
int
held_key_init(HeldKey *key, int fd, const Address *address)
{
        HeldKey k = {.address = *address};
        socklen_t size = sizeof(k.netns);

        if (getsockopt(fd, SOL_SOCKET, SO_NETNS_COOKIE, &k.netns, &size) < 0)
                k.netns = 0;
        size = sizeof(k.device);
        if (address_has_port(address) &&
            getsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, k.device, &size) < 0)
                return -errno;
        if (address_is_path(address))
                find_directory(&k);
        *key = k;
        return 0;
}

static bool
is_same_path(const HeldKey *a, const HeldKey *b)
{
        const char *name_a;
        const char *name_b;
        size_t length = split_path(&a->address, &name_a);

        return a->address.type == b->address.type && a->dir_ino && a->dir_ino == b->dir_ino &&
               a->dir_dev == b->dir_dev && split_path(&b->address, &name_b) == length &&
               memcmp(name_a, name_b, length) == 0;
}

/* Whether both are the same place, but for the device that a socket may be tied to. */
static bool
is_same_address(const HeldKey *a, const HeldKey *b)
{
        if (a->netns != b->netns)
                return false;
        if (address_is_path(&a->address) && address_is_path(&b->address) && is_same_path(a, b))
                return true;
        return address_equal(&a->address, &b->address);
}

/* Whether both are the same place. */
bool
held_key_equal(const HeldKey *a, const HeldKey *b)
{
        return is_same_address(a, b) && strcmp(a->device, b->device) == 0;
}

/*
 * Hold a bound socket. consume_fd belongs to the held socket afterwards, or is closed on failure.
 * Returns 0 or a negative errno.
 */
int
held_new(Held **ret, int consume_fd, HeldOrigin origin, const HeldKey *key, const char *name)
{
        struct stat st;
        Held *h;

        if (fstat(consume_fd, &st) < 0) {
                int r = -errno;

                fd_close(consume_fd);
                return r;
        }
        h = calloc(1, sizeof(*h));
        if (h)
                h->name = strdup(name);
        if (!h || !h->name) {
                free(h);
                fd_close(consume_fd);
                return -ENOMEM;
        }
        h->fd = consume_fd;
        h->backlog = SOMAXCONN;
        h->place = -1;
        h->dev = st.st_dev;
        h->ino = st.st_ino;
        h->origin = origin;
        h->key = *key;
        *ret = h;
        return 0;
}

/* Close it and remove its path. Takes NULL. Returns NULL. */
Held *
held_free(Held *h)
{
        if (h) {
                if (h->path)
                        unix_path_remove(h->path);
                unix_path_free(h->path);
                fd_close(h->fd);
                free(h->name);
                free(h->as);
                free(h->claims);
                free(h);
        }
        return NULL;
}

/* Note a claim; the same process and address are noted once. Returns 0 or -ENOMEM. */
int
held_claim(Held *h, const HeldClaim *claim)
{
        HeldClaim *claims;

        h->was_claimed = true;
        for (size_t i = 0; i < h->n_claims; i++)
                if (h->claims[i].owner == claim->owner &&
                    address_equal(&h->claims[i].asked, &claim->asked)) {
                        h->claims[i] = *claim;
                        return 0;
                }
        claims = reallocarray(h->claims, h->n_claims + 1, sizeof(*claims));
        if (!claims)
                return -ENOMEM;
        h->claims = claims;
        h->claims[h->n_claims++] = *claim;
        return 0;
}

/*
 * Forget what this incarnation of a worker has claimed. It has ended: a name that it got a captured
 * socket under, and has not renamed, must not stay.
 */
void
held_drop_claims(Held *h, uint64_t owner)
{
        size_t kept = 0;

        for (size_t i = 0; i < h->n_claims; i++) {
                const HeldClaim *claim = &h->claims[i];

                if (claim->owner != owner)
                        h->claims[kept++] = *claim;
                else if (h->path && h->origin == HELD_CAPTURED && address_is_path(&claim->asked))
                        unix_path_forget_bound(h->path, claim->asked.un.sun_path);
        }
        h->n_claims = kept;
}

/* How many connections wait to be accepted; 0 also where that cannot be told. */
unsigned
held_queue_length(const Held *h)
{
        SockdiagUnix found;
        unsigned length = 0;

        if (address_has_port(&h->key.address) && h->key.address.type == SOCK_STREAM) {
                struct tcp_info info = {0};
                socklen_t size = sizeof(info);

                /* On a listener: the accept queue's length (net/ipv4/tcp.c, tcp_get_info) */
                if (getsockopt(h->fd, IPPROTO_TCP, TCP_INFO, &info, &size) == 0)
                        length = info.tcpi_unacked;
        } else if (h->key.address.any.sa_family == AF_UNIX &&
                   sockdiag_find_unix(h->ino, false, &found) == 0) {
                length = found.rqueue;
        }
        return length;
}

/* How many connections its queue takes; 0 where that cannot be told. */
unsigned
held_queue_limit(const Held *h)
{
        struct tcp_info info = {0};
        socklen_t size = sizeof(info);

        if (!address_has_port(&h->key.address) || h->key.address.type != SOCK_STREAM)
                return 0;
        /* On a listener: the limit (net/ipv4/tcp.c, tcp_get_info) */
        if (getsockopt(h->fd, IPPROTO_TCP, TCP_INFO, &info, &size) < 0)
                return 0;
        return info.tcpi_sacked;
}

/*
 * Whether drops are usual: with TCP_DEFER_ACCEPT each client's bare acknowledgement is one
 * (net/ipv4/tcp_minisocks.c, tcp_check_req).
 */
static bool
defers_accept(const Held *h)
{
        int value = 0;
        socklen_t size = sizeof(value);

        return address_has_port(&h->key.address) && h->key.address.type == SOCK_STREAM &&
               getsockopt(h->fd, IPPROTO_TCP, TCP_DEFER_ACCEPT, &value, &size) == 0 && value > 0;
}

/*
 * How many connections or datagrams were dropped since the last time that this was asked, because
 * its queue was full: sk_drops, as SO_MEMINFO tells it (linux/sock_diag.h, Linux 4.12). Where there
 * are other drops, only those count that are found while it is full.
 */
uint32_t
held_new_overflows(Held *h)
{
        uint32_t info[SK_MEMINFO_VARS] = {0};
        socklen_t size = sizeof(info);
        uint32_t seen = h->drops_seen;

        if (getsockopt(h->fd, SOL_SOCKET, SO_MEMINFO, info, &size) < 0)
                return 0;
        h->drops_seen = info[SK_MEMINFO_DROPS];
        if (h->drops_seen != seen && defers_accept(h) &&
            held_queue_length(h) <= held_queue_limit(h))
                return 0;
        return h->drops_seen - seen;
}

/* Whether workers of a generation get this socket. */
bool
held_is_for(const Held *h, unsigned generation)
{
        return h->generation == 0 || h->generation == generation;
}

/* Whether the server has bound both to one address, SO_REUSEPORT: each is a socket of its own. */
bool
held_are_group(const Held *a, const Held *b)
{
        return a != b && a->origin == HELD_CAPTURED && b->origin == HELD_CAPTURED &&
               address_has_port(&a->key.address) && held_key_equal(&a->key, &b->key) &&
               (!a->generation || !b->generation || a->generation == b->generation);
}

static bool
accepts_connections(const Held *h)
{
        int accepts = 0;
        socklen_t size = sizeof(accepts);

        return getsockopt(h->fd, SOL_SOCKET, SO_ACCEPTCONN, &accepts, &size) == 0 && accepts;
}

typedef struct Marked {
        ino_t ino;
        bool found;
} Marked;

static void
on_listener(const SockdiagSocket *socket, void *userdata)
{
        Marked *m = userdata;

        m->found = m->found || (socket->inode == m->ino && socket->is_shut_down);
}

/* Whether a TCP socket listens, but its connections are at their end from the start. */
static bool
is_marked(const Held *h)
{
        SockdiagQuery query = {.protocol = IPPROTO_TCP,
                               .states = 1U << TCP_LISTEN,
                               .port = address_port(&h->key.address)};
        Marked m = {.ino = h->ino};

        (void)sockdiag_dump_inet(&query, on_listener, &m);
        return m.found;
}

/*
 * Let a TCP socket listen that does not. If it was shut down twice, it has to be disconnected before;
 * it stays bound, and has no queue that could be lost (tests/kernel/shutdown-stops-all). The second
 * time may come between the two calls.
 */
static int
listen_anew(const Held *h, int backlog)
{
        struct sockaddr nowhere = {.sa_family = AF_UNSPEC};
        unsigned n = 0;

        do {
                (void)connect(h->fd, &nowhere, sizeof(nowhere));
                if (listen(h->fd, backlog) < 0)
                        return -errno;
        } while (is_marked(h) && ++n < LISTEN_ANEW_MAX);
        return 0;
}

/* Set the limit of the queue; also revives a TCP socket that was shut down. Returns 0 or -errno. */
int
held_listen(const Held *h, int backlog)
{
        if (h->key.address.type == SOCK_DGRAM)
                return 0;
        if (address_has_port(&h->key.address) && !accepts_connections(h))
                return listen_anew(h, backlog);
        return listen(h->fd, backlog) < 0 ? -errno : 0;
}

/*
 * A server calls listen() on a held socket. The queue is not made smaller by that: it is what clients
 * wait in while there is no server. Returns 0: its call has been done; or a negative errno.
 */
int
held_listen_again(const Held *h)
{
        return held_is_listening(h) ? 0 : held_listen(h, h->backlog);
}

/*
 * Whether it takes connections: shutdown(2) by any holder ends that for all. Of a unix socket only
 * poll(2) tells (tests/kernel/shutdown-unix).
 */
bool
held_is_listening(const Held *h)
{
        struct pollfd p = {.fd = h->fd, .events = POLLRDHUP};

        if (h->key.address.type == SOCK_DGRAM)
                return true;
        if (h->key.address.any.sa_family == AF_UNIX && poll(&p, 1, 0) == 1)
                return false;
        return accepts_connections(h);
}

/* The address by which clients know it: a server may have renamed its unix socket. */
Address
held_public_address(const Held *h)
{
        Address a = h->key.address;

        if (h->path && address_is_path(&a) && strlen(h->path->path) < sizeof(a.un.sun_path)) {
                memset(a.un.sun_path, 0, sizeof(a.un.sun_path));
                memcpy(a.un.sun_path, h->path->path, strlen(h->path->path));
                a.length = sizeof(a.un);
        }
        return a;
}

/* Whether a unix socket was bound to this name, as sock_diag(7) and its connections bear it. */
bool
held_has_unix_name(const Held *h, const char *name, size_t n_name)
{
        size_t head = offsetof(struct sockaddr_un, sun_path);
        Address bound;
        size_t n;

        if (address_from_socket(h->fd, &bound) < 0 || bound.length <= head)
                return false;
        n = bound.length - head;
        if (address_is_path(&bound)) {
                n = strnlen(bound.un.sun_path, n);
                n_name = strnlen(name, n_name);
        }
        return n == n_name && memcmp(bound.un.sun_path, name, n) == 0;
}

/*
 * The server that binds one of these addresses is to get the socket; they take the place of others
 * that were set before. Returns 0 or -ENOMEM.
 */
int
held_set_as(Held *h, const Address *as, size_t n_as, bool any_address)
{
        Address *copy = calloc(n_as, sizeof(*copy));

        if (!copy)
                return -ENOMEM;
        memcpy(copy, as, n_as * sizeof(*copy));
        free(h->as);
        h->as = copy;
        h->n_as = n_as;
        h->as_any_address = any_address;
        return 0;
}

static bool
as_matches(const Held *h, const Address *asked)
{
        for (size_t i = 0; i < h->n_as; i++) {
                Address as = h->as[i];

                as.type = h->key.address.type;
                as.v6only = asked->v6only;
                if (address_equal(&as, asked) ||
                    (h->as_any_address && as.type == asked->type && address_has_port(asked) &&
                     address_port(asked) == address_port(&as)))
                        return true;
        }
        return false;
}

/* Whether one is for IPv4 and the other for all of IPv6 alone: a server binds both of them. */
static bool
are_apart(const Address *mine, const Address *asked)
{
        const Address *in6 = mine->any.sa_family == AF_INET6 ? mine : asked;

        return mine->any.sa_family != asked->any.sa_family && in6->v6only &&
               address_is_wildcard(in6);
}

/* How well a listener that --listen named fits an address that is not just the same. */
static HeldMatch
match_named(const Held *h, const Address *asked)
{
        const Address *mine = &h->key.address;

        if (as_matches(h, asked))
                return HELD_MATCH_AS;
        if (h->n_as || mine->type != asked->type || !address_has_port(mine) ||
            !address_has_port(asked) || address_port(mine) != address_port(asked))
                return HELD_MATCH_NONE;
        if (are_apart(mine, asked))
                return HELD_MATCH_NONE;
        if (address_is_wildcard(asked))
                return HELD_MATCH_WILDCARD;
        return address_covers(mine, asked) ? HELD_MATCH_COVERED : HELD_MATCH_NONE;
}

/* How well a held socket fits what a bind() asks for. A pure function of its arguments. */
HeldMatch
held_match(const Held *h, const HeldKey *key)
{
        const Address *mine = &h->key.address;
        Address asked = address_unmapped(&key->address);
        HeldMatch match;

        if (h->key.netns != key->netns)
                return HELD_MATCH_NONE;
        if (h->origin != HELD_NAMED)
                return held_key_equal(&h->key, key) ? HELD_MATCH_EXACT : HELD_MATCH_NONE;
        if (is_same_address(&h->key, key) || address_equal(mine, &asked))
                return HELD_MATCH_EXACT;
        match = match_named(h, &asked);
        if (match != HELD_MATCH_NONE && mine->any.sa_family != asked.any.sa_family)
                match = (HeldMatch)(match + 1); /* …_OTHER_FAMILY */
        return match;
}
