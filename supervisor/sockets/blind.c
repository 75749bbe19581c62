/* SPDX-License-Identifier: MIT */
/*
 * blind.c - trapped calls where the caller's socket may not be duplicated (pidfd_getfd(2)), as in some
 * containers.
 *
 * Gist: nothing can be captured then. But a listener that --listen named can still be handed over,
 * since that needs no such right; the address is in the call, and what kind of socket the caller
 * has stands in /proc.
 */
#include "sockets/blind.h"

#include <string.h>

#include "linux/procfd.h"
#include "sockets/copies.h"

/* Whether a socket of this protocol, in the kernel's words, can be meant by a held one. */
static bool
may_be(const Held *h, const char *protocol)
{
        int type = h->key.address.type;

        if (strncmp(protocol, "UDP", 3) == 0)
                return type == SOCK_DGRAM;
        if (strncmp(protocol, "TCP", 3) == 0 || strncmp(protocol, "MPTCP", 5) == 0 ||
            strcmp(protocol, "UNIX-STREAM") == 0)
                return type == SOCK_STREAM;
        return true;
}

/* The one named listener that can be meant by an address, or NULL. */
static Held *
find_named(const Trap *trap, const HeldTable *table, unsigned generation,
           const struct sockaddr_storage *asked)
{
        char protocol[32] = "";
        Held *found = NULL;

        (void)procfd_protocol(trap->call.tid, trap->call.fd, protocol, sizeof(protocol));
        for (size_t i = 0; i < table->n_items; i++) {
                Held *h = table->items[i];
                HeldKey key = h->key;

                memcpy(&key.address.storage, asked, sizeof(*asked));
                key.address.length = trap->call.address_len;
                if (h->origin != HELD_NAMED || !held_is_for(h, generation) ||
                    !may_be(h, protocol) || held_match(h, &key) == HELD_MATCH_NONE)
                        continue;
                if (found)
                        return NULL;
                found = h;
        }
        return found;
}

/* The held socket that the call's descriptor is already, or NULL. */
static Held *
find_socket(const Trap *trap, const HeldTable *table)
{
        ino_t inode = procfd_inode(trap->call.tid, trap->call.fd);

        for (size_t i = 0; i < table->n_items; i++)
                if (inode == table->items[i]->ino)
                        return table->items[i];
        return NULL;
}

static int
handle_bind(Trap *trap, const HeldTable *table, unsigned generation)
{
        struct sockaddr_storage asked = {0};
        Held *h;
        int r;

        if (trap->call.address_len > sizeof(asked))
                return 1;
        r = notify_read_memory(&trap->call, trap->call.address, &asked, trap->call.address_len);
        if (r < 0)
                return r;
        h = find_named(trap, table, generation, &asked);
        if (!h || copies_find(trap) != COPIES_REPLACEABLE)
                return 1;
        return trap_replace_socket(trap, h, &h->key.address);
}

/*
 * bind() and listen() of a caller whose socket is not known, in a worker of this generation. *ret_held: the held socket that the call
 * is about already, or NULL. Returns 0 when it is to be answered with success, else it goes on.
 */
int
blind_handle(Trap *trap, const HeldTable *table, unsigned generation, Held **ret_held)
{
        *ret_held = find_socket(trap, table);
        if (trap->call.syscall == NOTIFY_LISTEN)
                return *ret_held ? held_listen_again(*ret_held) : 1;
        return *ret_held ? 0 : handle_bind(trap, table, generation);
}
