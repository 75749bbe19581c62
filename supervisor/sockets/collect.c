/* SPDX-License-Identifier: MIT */
/*
 * collect.c - the sockets that overlap with an address, from the kernel's tables.
 *
 * Gist: sockets that are connected, or were, and those that are only bound are in two tables, and the
 * kernel has to look at each of their sockets: with 100,000 of them that takes 20 ms for the one and
 * 30 ms for the other. Who is in a hurry has a second thread walk the second table.
 */
#include "sockets/collect.h"

#include <errno.h>
#include <net/if.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "sockets/overlap.h"

#define CONNECTED (0xffeU & ~(1U << TCP_LISTEN))

typedef struct Collector {
        Facts *facts;
        unsigned device;
        int error;
} Collector;

static void
on_socket(const SockdiagSocket *s, void *userdata)
{
        Collector *c = userdata;

        /* A connection that is being made stands in nobody's way: its listener does. */
        if (s->state == TCP_SYN_RECV || s->state > SOCKDIAG_BOUND ||
            !overlap_is_in_the_way(&c->facts->address, c->device, s))
                return;
        if (facts_add_socket(c->facts, s) < 0)
                c->error = -ENOMEM;
}

/* Add the sockets in these states (1 << TCP_LISTEN, …) to the facts. Returns 0 or -ENOMEM. */
int
collect_sockets(Facts *f, uint32_t states)
{
        Collector c = {.facts = f};
        SockdiagQuery query = {
                .protocol = f->address.type == SOCK_DGRAM ? IPPROTO_UDP : IPPROTO_TCP,
                .states = states,
                .port = address_port(&f->address),
        };

        if (f->asker.device[0])
                c.device = if_nametoindex(f->asker.device);
        (void)sockdiag_dump_inet(&query, on_socket, &c);
        return c.error;
}

static void *
collect_bound(void *facts)
{
        return collect_sockets(facts, 1U << SOCKDIAG_BOUND) < 0 ? facts : NULL;
}

/* Move all sockets from one collection to the end of another. */
static int
append(Facts *f, Facts *from)
{
        size_t n = f->n_sockets + from->n_sockets;
        FactSocket *sockets;

        if (from->n_sockets == 0)
                return 0;
        sockets = reallocarray(f->sockets, n, sizeof(*sockets));
        if (!sockets)
                return -ENOMEM;
        memcpy(sockets + f->n_sockets, from->sockets, from->n_sockets * sizeof(*sockets));
        f->sockets = sockets;
        f->n_sockets = n;
        return 0;
}

/* Add all TCP sockets that do not listen. Returns 0 or -ENOMEM. */
int
collect_others(Facts *f, bool with_thread)
{
        Facts bound;
        pthread_t thread = 0;
        void *failed = NULL;
        int r;

        facts_init(&bound, &f->address, &f->asker);
        with_thread = with_thread && pthread_create(&thread, NULL, collect_bound, &bound) == 0;
        r = collect_sockets(f, CONNECTED);
        if (with_thread)
                (void)pthread_join(thread, &failed);
        else
                failed = collect_bound(&bound);
        if (r == 0)
                r = failed ? -ENOMEM : append(f, &bound);
        facts_deinit(&bound);
        return r;
}
