/* SPDX-License-Identifier: MIT */
/* held.h - the sockets that `sup` holds open, and who has claimed them. */
#ifndef SUP_SOCKETS_HELD_H
#define SUP_SOCKETS_HELD_H

#include <net/if.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "sockets/address.h"
#include "sockets/unix_path.h"

typedef enum HeldOrigin {
        HELD_NAMED,    /* by --listen: handed over to every worker, kept whatever happens */
        HELD_CAPTURED, /* a worker bound it */
} HeldOrigin;

/* Where a socket stands: an address, in a network namespace, perhaps tied to a device. */
typedef struct HeldKey {
        Address address;
        uint64_t netns; /* cookie, 0 unknown (SO_NETNS_COOKIE, Linux 5.14) */
        char device[IFNAMSIZ];
        dev_t dir_dev; /* the directory of a unix path, since a path has many spellings; or 0 */
        ino_t dir_ino;
} HeldKey;

/* One process of a worker got the socket for an address that it asked for. */
typedef struct HeldClaim {
        uint64_t owner; /* the worker's incarnation */
        pid_t pid;      /* or one of its threads: where to look first */
        int fd;
        Address asked;
} HeldClaim;

typedef struct Held {
        int fd;
        unsigned generation; /* that it is for; 0: all (sockets/steer.c) */
        unsigned group;      /* of those that share its address; 0: it is alone */
        int place;           /* in the kernel's SO_REUSEPORT group, or -1 */
        dev_t dev;
        ino_t ino;
        ino_t dead_ino; /* of the one that it took the place of, since it was shut down; or 0 */
        HeldOrigin origin;
        bool from_manager; /* the service manager handed it over, and has it too */
        bool is_left;      /* so do workers that a dead `sup` left behind: no flag is changed */
        HeldKey key;
        char *name;
        int backlog;   /* the one that --listen set, or SOMAXCONN */
        bool nonblock; /* O_NONBLOCK of one that --listen named, as it came */
        Address *as;   /* what a server asks for when it is to get this one instead */
        size_t n_as;
        bool as_any_address;
        UnixPath *path; /* NULL: no path, or no link could be made */
        unsigned
                n_gone; /* connections in its queue whose client was gone, when a worker ended last */
        HeldClaim *claims;
        size_t n_claims;
        bool was_claimed;      /* its generation asks for it, also while no worker lives */
        bool is_counted;       /* we captured it, and have seen all workers since */
        unsigned n_missed;     /* see policy/unclaimed.h */
        uint64_t served_usec;  /* the same */
        unsigned n_missing;    /* looks in a row that saw nobody have it (run/given_up.c) */
        uint64_t missing_usec; /* since when nobody is seen to have it (run/groups.c); or 0 */
        uint32_t drops_seen;   /* held_new_overflows */
} Held;

typedef struct HeldTable {
        Held **items;
        size_t n_items;
        unsigned last_group;
        void (*on_remove)(void *userdata, const Held *h); /* before it is closed, or NULL */
        /* A TCP socket was shut down, and is to listen again, or does again; or NULL */
        void (*on_revive)(void *userdata, Held *h, bool is_listening);
        /* One that was shut down has become another socket, or cannot: a negative errno; or NULL */
        void (*on_reopened)(void *userdata, const Held *h, int r);
        void *userdata;
        bool is_watched;
        int watch_fd; /* is_watched: an epoll set */
} HeldTable;

/* How well a held socket fits a bind(); lower is better, and the server's own family best. */
typedef enum HeldMatch {
        HELD_MATCH_EXACT,
        HELD_MATCH_AS,
        HELD_MATCH_AS_OTHER_FAMILY,
        HELD_MATCH_WILDCARD, /* the server binds all addresses, --listen named one */
        HELD_MATCH_WILDCARD_OTHER_FAMILY,
        HELD_MATCH_COVERED, /* --listen named all addresses, the server binds one */
        HELD_MATCH_COVERED_OTHER_FAMILY,
        HELD_MATCH_NONE,
} HeldMatch;

int held_key_init(HeldKey *key, int fd, const Address *address);
bool held_key_equal(const HeldKey *a, const HeldKey *b);
int held_new(Held **ret, int consume_fd, HeldOrigin origin, const HeldKey *key, const char *name);
Held *held_free(Held *h);
int held_claim(Held *h, const HeldClaim *claim);
void held_drop_claims(Held *h, uint64_t owner);
unsigned held_queue_limit(const Held *h);
unsigned held_queue_length(const Held *h);
uint32_t held_new_overflows(Held *h);
bool held_is_for(const Held *h, unsigned generation);
bool held_are_group(const Held *a, const Held *b);
int held_listen(const Held *h, int backlog);
int held_listen_again(const Held *h);
int held_set_as(Held *h, const Address *as, size_t n_as, bool any_address);
bool held_is_listening(const Held *h);
Address held_public_address(const Held *h);
bool held_has_unix_name(const Held *h, const char *name, size_t n_name);
HeldMatch held_match(const Held *h, const HeldKey *key);

/* held_reopen.c */
int held_reopen(Held *h);
bool held_is_unbound(const Held *h);

int held_table_add(HeldTable *t, Held *consume_held);
void held_table_remove(HeldTable *t, Held *h);
Held *held_table_take_captured(HeldTable *t, const Address *address, const char *device);
Held *held_table_find_socket(const HeldTable *t, int fd);
Held *held_table_find_dead(const HeldTable *t, int fd);
int held_table_watch(HeldTable *t);
int held_table_revive_socket(const HeldTable *t, Held *h);
unsigned held_table_revive(const HeldTable *t);
void held_table_deinit(HeldTable *t);

#endif
