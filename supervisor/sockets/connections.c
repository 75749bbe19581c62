/* SPDX-License-Identifier: MIT */
/*
 * connections.c - the connections that processes have open on held sockets.
 *
 * Gist: the sockets that the processes have open (/proc), and of those the ones that the kernel's
 * tables show with the local address of a held socket. Connections that a server made to others
 * are not among them; nor is what only the kernel still has (a FIN that is being sent).
 */
#include "sockets/connections.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/parse.h"
#include "linux/procfd.h"
#include "linux/sockdiag.h"

/* Everything but LISTEN, TIME_WAIT and CLOSE. */
#define CONNECTED                                                                                  \
        (1U << TCP_ESTABLISHED | 1U << TCP_SYN_RECV | 1U << TCP_FIN_WAIT1 | 1U << TCP_FIN_WAIT2 |  \
         1U << TCP_CLOSE_WAIT | 1U << TCP_LAST_ACK | 1U << TCP_CLOSING)

static int
compare_inodes(const void *a, const void *b)
{
        ino_t x = *(const ino_t *)a;
        ino_t y = *(const ino_t *)b;

        return x < y ? -1 : x > y;
}

static bool
has_inode(const ConnectionSet *set, ino_t inode)
{
        return set->n > 0 &&
               bsearch(&inode, set->inodes, set->n, sizeof(ino_t), compare_inodes) != NULL;
}

static int
add_inode(ConnectionSet *set, ino_t inode)
{
        ino_t *inodes = set->inodes;

        if ((set->n & (set->n - 1)) == 0) { /* a power of two: full */
                inodes = reallocarray(set->inodes, set->n ? set->n * 2 : 1, sizeof(*inodes));
                if (!inodes)
                        return -ENOMEM;
                set->inodes = inodes;
        }
        inodes[set->n++] = inode;
        return 0;
}

/* Sort, and leave out what stands there twice: processes share their sockets. */
static void
sort_set(ConnectionSet *set)
{
        size_t kept = 0;

        if (set->n == 0)
                return;
        qsort(set->inodes, set->n, sizeof(ino_t), compare_inodes);
        for (size_t i = 0; i < set->n; i++)
                if (i == 0 || set->inodes[i] != set->inodes[kept - 1])
                        set->inodes[kept++] = set->inodes[i];
        set->n = kept;
}

static int
on_socket(int fd, ino_t inode, void *userdata)
{
        (void)fd;
        return add_inode(userdata, inode);
}

typedef struct Search {
        const HeldTable *held;
        unsigned generation;
        const ConnectionSet *sockets; /* of the processes */
        uint64_t idle_usec;
        ConnectionSet *found;
        int result;
} Search;

static bool
is_served_here(const Search *search, const SockdiagSocket *s)
{
        for (size_t i = 0; i < search->held->n_items; i++) {
                const Held *h = search->held->items[i];

                if (held_is_for(h, search->generation) && address_has_port(&h->key.address) &&
                    address_port(&h->key.address) == s->port)
                        return true;
        }
        return false;
}

static void
on_tcp(const SockdiagSocket *s, void *userdata)
{
        Search *search = userdata;

        if (search->result < 0 || s->inode == 0 || !is_served_here(search, s) ||
            !has_inode(search->sockets, s->inode))
                return;
        search->result = add_inode(search->found, s->inode);
        if (search->result == 0 && search->idle_usec &&
            s->idle_msec * USEC_PER_MSEC >= search->idle_usec)
                search->found->n_idle++;
}

/* A connection of a unix socket bears the name of the socket that accepted it. */
static void
on_unix(const SockdiagUnix *u, void *userdata)
{
        Search *search = userdata;

        if (search->result < 0 || !u->n_name || u->state == TCP_LISTEN ||
            !has_inode(search->sockets, u->inode))
                return;
        for (size_t i = 0; i < search->held->n_items; i++) {
                const Held *h = search->held->items[i];

                if (h->key.address.any.sa_family == AF_UNIX && h->ino != u->inode &&
                    held_is_for(h, search->generation) &&
                    held_has_unix_name(h, u->name, u->n_name)) {
                        search->result = add_inode(search->found, u->inode);
                        return;
                }
        }
}

/* Whether there are sockets besides the held ones themselves: the kernel's tables may be long. */
static bool
has_others(const ConnectionSet *sockets, const HeldTable *held)
{
        for (size_t i = 0; i < sockets->n; i++) {
                bool is_held = false;

                for (size_t j = 0; j < held->n_items && !is_held; j++)
                        is_held = held->items[j]->ino == sockets->inodes[i];
                if (!is_held)
                        return true;
        }
        return false;
}

/* Whether a generation is served at a port, or else at unix sockets. */
static bool
is_served(const HeldTable *held, unsigned generation, bool at_port)
{
        for (size_t i = 0; i < held->n_items; i++) {
                const Held *h = held->items[i];

                if (held_is_for(h, generation) && address_has_port(&h->key.address) == at_port)
                        return true;
        }
        return false;
}

/*
 * The connections that the processes have open on the held sockets of a generation; idle ones are
 * those without data for idle_usec (0: none; TCP only). *ret must be deinitialised by the caller.
 * Returns 0 or a negative errno.
 */
int
connections_read(const PidSet *pids, const HeldTable *held, unsigned generation, uint64_t idle_usec,
                 ConnectionSet *ret)
{
        CLEANUP(connections_deinit_p) ConnectionSet sockets = {0};
        ConnectionSet found = {0};
        Search search = {.held = held,
                         .generation = generation,
                         .sockets = &sockets,
                         .idle_usec = idle_usec,
                         .found = &found};
        SockdiagQuery query = {
                .protocol = IPPROTO_TCP, .states = CONNECTED, .with_idle = idle_usec != 0};
        int r = 0;

        for (size_t i = 0; i < pids->n_pids && r >= 0; i++)
                r = procfd_read_sockets(pids->pids[i], on_socket, &sockets);
        sort_set(&sockets);
        if (r >= 0 && has_others(&sockets, held)) {
                if (is_served(held, generation, true))
                        r = sockdiag_dump_inet(&query, on_tcp, &search);
                if (r >= 0 && is_served(held, generation, false))
                        r = sockdiag_dump_unix(on_unix, &search);
                r = r < 0 ? r : search.result;
        }
        if (r < 0) {
                connections_deinit(&found);
                return r;
        }
        sort_set(&found);
        *ret = found;
        return 0;
}

typedef struct Handshakes {
        const HeldTable *held;
        unsigned generation;
        uint64_t age_usec;
        bool found;
} Handshakes;

static void
on_handshake(const SockdiagSocket *s, void *userdata)
{
        Handshakes *handshakes = userdata;

        if (s->age_msec * USEC_PER_MSEC < handshakes->age_usec)
                return;
        for (size_t i = 0; i < handshakes->held->n_items; i++) {
                const Held *h = handshakes->held->items[i];

                if (h->generation == handshakes->generation && address_has_port(&h->key.address) &&
                    address_port(&h->key.address) == s->port)
                        handshakes->found = true;
        }
}

/*
 * Whether a client is still on its way into a queue of a generation's own sockets: a handshake that
 * began longer than age_usec ago and is not finished, since an acknowledgement was lost or the
 * queue was full. Younger ones belong to those who get what is new. The kernel does not tell which
 * socket of a group it is for, hence the age.
 */
bool
connections_are_coming(const HeldTable *held, unsigned generation, uint64_t age_usec)
{
        Handshakes handshakes = {.held = held, .generation = generation, .age_usec = age_usec};
        SockdiagQuery query = {.protocol = IPPROTO_TCP, .states = 1U << TCP_SYN_RECV};

        return sockdiag_dump_inet(&query, on_handshake, &handshakes) >= 0 && handshakes.found;
}

/* Take in those of another set as well; it has then as many idle ones as that. 0 or -ENOMEM. */
int
connections_add(ConnectionSet *set, const ConnectionSet *more)
{
        int r = 0;

        for (size_t i = 0; i < more->n && r == 0; i++)
                r = add_inode(set, more->inodes[i]);
        sort_set(set);
        set->n_idle = more->n_idle;
        return r;
}

/* How many of `before` are not in `now` any more. */
size_t
connections_gone(const ConnectionSet *before, const ConnectionSet *now)
{
        size_t n = 0;

        for (size_t i = 0; i < before->n; i++)
                n += !has_inode(now, before->inodes[i]);
        return n;
}

/* Free it; it is empty afterwards. */
void
connections_deinit(ConnectionSet *set)
{
        free(set->inodes);
        *set = (ConnectionSet){0};
}

/* The same under the name that CLEANUP wants. */
void
connections_deinit_p(ConnectionSet *set)
{
        connections_deinit(set);
}
