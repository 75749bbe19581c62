/* SPDX-License-Identifier: MIT */
/*
 * first_bind.c - before a server binds what nobody holds for it.
 *
 * Gist: what earlier servers left must not stand in the way, and only that: connections in TIME_WAIT,
 * a stale path, a held socket that nobody has any more. What would fail without us still fails.
 */
#include "sockets/first_bind.h"

#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/log.h"
#include "linux/proc.h"
#include "sockets/options.h"

/* Whether the kernel would refuse the caller's bind() for the sake of a held socket. */
static bool
is_in_the_way(const Trap *trap, const HeldKey *key, const Held *h)
{
        bool apart = h->key.device[0] && key->device[0] && strcmp(h->key.device, key->device) != 0;

        return h->origin == HELD_CAPTURED && h->key.netns == key->netns && !apart &&
               address_excludes(&h->key.address, &key->address) &&
               !(options_has(trap->fd, SO_REUSEPORT) && options_has(h->fd, SO_REUSEPORT));
}

/*
 * A server may come back on another address of its port, 0.0.0.0 where it was 127.0.0.1. What is
 * held of its former life and nobody has any more would refuse it that for ever: it is closed.
 */
static void
close_in_the_way(Capture *c, const Trap *trap, const HeldKey *key)
{
        char asked[ADDRESS_TEXT_MAX];
        char closed[ADDRESS_TEXT_MAX];

        for (size_t i = c->held->n_items; i-- > 0;) {
                Held *h = c->held->items[i];

                if (!is_in_the_way(trap, key, h) || !c->host.is_given_up(c->host.userdata, h))
                        continue;
                (void)address_format(&h->key.address, closed, sizeof(closed));
                log_event(&(LogEvent){.level = LOG_INFO, .event = "given-up", .address = closed},
                          "closed %s: the server binds %s instead", closed,
                          address_format(&key->address, asked, sizeof(asked)));
                held_table_remove(c->held, h);
        }
}

/*
 * Whether the worker has bound the place already, and not yet listened: a second bind() has to fail
 * then as it would without us, so it must not get SO_REUSEADDR from us.
 */
static bool
is_bound_by_itself(const Capture *c, uint64_t owner, const HeldKey *key)
{
        const PendingSocket *s = NULL;

        while ((s = pending_next_own(&c->pending, owner, key, s)))
                if (c->host.has_socket(c->host.userdata, owner, s->ino) == 1)
                        return true;
        return false;
}

/* Before a server binds for the first time: nothing of an earlier one is to stand in the way. */
void
first_bind_prepare(Capture *c, const Trap *trap, const HeldKey *key)
{
        const Address *a = &key->address;
        int one = 1;

        if (is_bound_by_itself(c, trap->owner, key))
                return;
        close_in_the_way(c, trap, key);
        if (address_has_port(a))
                (void)setsockopt(trap->fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
        else if (address_is_path(a) && proc_is_ours(trap->call.tid) &&
                 unix_path_is_stale(a->un.sun_path, a->type))
                (void)unlink(a->un.sun_path);
}
