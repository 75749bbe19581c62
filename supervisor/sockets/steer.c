/* SPDX-License-Identifier: MIT */
/*
 * steer.c - sockets of several generations on one address, and who of them gets what is new.
 *
 * Theory of operation: TCP and UDP sockets on one address form a group in the kernel, if all of
 * them have SO_REUSEPORT; the option may be set on a socket that listens already. A program of a few
 * instructions (SO_ATTACH_REUSEPORT_CBPF, socket(7)) then chooses the member of the group for each
 * new connection or datagram, so one system call moves all that is new from one generation to the
 * next, and back. What a socket has in its queue stays there and is served by those who have it.
 *
 * Members stand in the group in the order in which they came, and when one is closed the last takes
 * its place (net/core/sock_reuseport.c); `place` follows that. So it is when one is shut down, and when it
 * listens again it is the last. A process of the same user that joins
 * with SO_REUSEPORT of its own gets nothing, since the program does not choose it. The option has to
 * stay on: the kernel looks at the group only of sockets that have it (net/ipv4/inet_hashtables.c).
 *
 * A unix socket is bound to a name of its own beside the public one, and rename(2) moves the public
 * name from one to the other (unix_path.c).
 */
#include "sockets/steer.h"

#include <errno.h>
#include <linux/filter.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/log.h"
#include "base/why.h"
#include "sockets/options.h"

static int
set_option(int fd, int level, int option, int value)
{
        return setsockopt(fd, level, option, &value, sizeof(value)) < 0 ? -errno : 0;
}

/* Copy an integer option; what one of the two does not have is left. */
static void
copy_option(int from_fd, int to_fd, int level, int option)
{
        int value = 0;
        socklen_t size = sizeof(value);

        if (getsockopt(from_fd, level, option, &value, &size) == 0 && value)
                (void)set_option(to_fd, level, option, value);
}

/* Let new connections go to `place`, but a share of them to `other`. 0 or a negative errno. */
static int
attach(int fd, unsigned place, unsigned other, unsigned share)
{
        struct sock_filter code[] = {
                BPF_STMT(BPF_LD | BPF_W | BPF_ABS, (uint32_t)(SKF_AD_OFF + SKF_AD_RANDOM)),
                BPF_STMT(BPF_ALU | BPF_MOD | BPF_K, STEER_WHOLE),
                BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, share, 1, 0),
                BPF_STMT(BPF_RET | BPF_K, other),
                BPF_STMT(BPF_RET | BPF_K, place),
        };
        struct sock_fprog program;

        memset(&program, 0, sizeof(program)); /* the kernel is handed the padding as well */
        program.len = sizeof(code) / sizeof(code[0]);
        program.filter = code;
        return setsockopt(fd, SOL_SOCKET, SO_ATTACH_REUSEPORT_CBPF, &program, sizeof(program)) < 0
                       ? -errno
                       : 0;
}

/*
 * listen() such that the socket is in a group of its own from the start, with a program: when the
 * second member comes, there is not a moment in which the kernel chooses by itself. The socket was
 * bound without SO_REUSEPORT, so that a port in use is noticed as ever.
 * Returns 0 or a negative errno of listen().
 */
int
steer_listen(int fd, int backlog)
{
        int r;

        (void)set_option(fd, SOL_SOCKET, SO_REUSEPORT, 1);
        r = listen(fd, backlog) < 0 ? -errno : 0;
        if (r == 0)
                (void)attach(fd, 0, 0, 0);
        return r;
}

/* Whether the server has bound another socket of its own to the address of this one. */
static bool
is_one_of_several(const HeldTable *t, const Held *h)
{
        for (size_t i = 0; i < t->n_items; i++)
                if (held_are_group(t->items[i], h))
                        return true;
        return false;
}

/* The server has bound a second socket to the address of one: the kernel chooses, as it asked for. */
void
steer_leave(const HeldTable *t, const Held *h)
{
        if (is_one_of_several(t, h))
                (void)set_option(h->fd, SOL_SOCKET, SO_DETACH_REUSEPORT_BPF, 0);
}

static bool
is_in_group(const Held *h, const Held *of)
{
        return h->group != 0 && h->group == of->group;
}

static int
count_members(const HeldTable *t, const Held *of)
{
        int n = 0;

        for (size_t i = 0; i < t->n_items; i++)
                n += is_in_group(t->items[i], of) && t->items[i]->place >= 0;
        return n;
}

/* The member of a group that is a generation's, or NULL. */
static Held *
find_member(const HeldTable *t, const Held *of, unsigned generation)
{
        for (size_t i = 0; i < t->n_items; i++)
                if (is_in_group(t->items[i], of) && t->items[i]->generation == generation)
                        return t->items[i];
        return NULL;
}

/* The socket's owner is part of what a group has in common: that of the process that made it. */
static int
take_owner(int from_fd, int to_fd)
{
        struct stat theirs;
        struct stat ours;

        if (fstat(from_fd, &theirs) < 0 || fstat(to_fd, &ours) < 0)
                return -errno;
        if (theirs.st_uid != ours.st_uid && fchown(to_fd, theirs.st_uid, (gid_t)-1) < 0)
                return -errno;
        return 0;
}

/*
 * A socket with all that must be the same before it can be bound to the address of another one.
 * -EBUSY: that of a service manager stays a member of the group when we close ours, also with nobody
 * to serve it. -ENOTUNIQ: the server has several there, and the program chooses one.
 */
static int
open_like(const HeldTable *t, const Held *h)
{
        CLEANUP_FD int fd = -1;
        const Address *a = &h->key.address;
        int protocol = 0;
        socklen_t size = sizeof(protocol);
        int r;

        if (h->from_manager && address_has_port(a))
                return -EBUSY;
        if (is_one_of_several(t, h))
                return -ENOTUNIQ;
        if (getsockopt(h->fd, SOL_SOCKET, SO_PROTOCOL, &protocol, &size) < 0)
                return -errno;
        fd = socket(a->any.sa_family, a->type | SOCK_CLOEXEC, protocol);
        if (fd < 0)
                return -errno;
        if (!address_has_port(a))
                return fd_steal(&fd);
        copy_option(h->fd, fd, SOL_SOCKET, SO_REUSEADDR);
        copy_option(h->fd, fd, IPPROTO_IP, IP_FREEBIND);
        if (a->any.sa_family == AF_INET6) {
                copy_option(h->fd, fd, IPPROTO_IPV6, IPV6_FREEBIND);
                (void)set_option(fd, IPPROTO_IPV6, IPV6_V6ONLY, a->v6only);
        }
        if (h->key.device[0] && setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, h->key.device,
                                           (socklen_t)strlen(h->key.device)) < 0)
                return -errno;
        r = take_owner(h->fd, fd);
        if (r == 0)
                r = set_option(fd, SOL_SOCKET, SO_REUSEPORT, 1);
        return r < 0 ? r : fd_steal(&fd);
}

/* Join the address of h on the way of TCP and UDP; everything new still goes to h. */
static int
join_group(Held *h, int fd)
{
        const Address *a = &h->key.address;
        int r = set_option(h->fd, SOL_SOCKET, SO_REUSEPORT, 1);

        if (r == 0 && bind(fd, &a->any, a->length) < 0)
                r = -errno;
        if (r == 0 && a->type != SOCK_DGRAM && listen(fd, h->backlog) < 0)
                r = -errno;
        if (r == 0 && h->place < 0)
                h->place = 0;
        if (r == 0)
                r = attach(fd, (unsigned)h->place, 0, 0);
        return r;
}

/* A unix socket for another generation, which listens at its hidden name. */
static int
bind_beside(const Held *h, int fd, UnixPath *u)
{
        int r = unix_path_bind_hidden(u, h->path, fd);

        if (r == 0 && h->key.address.type != SOCK_DGRAM && listen(fd, h->backlog) < 0)
                r = -errno;
        return r;
}

/* What the newcomer has in common with the socket that serves now. */
static int
hold_like(HeldTable *t, Held *h, unsigned generation, int consume_fd, UnixPath *consume_path)
{
        Held *sibling = NULL;
        int place = count_members(t, h);
        int r = held_new(&sibling, consume_fd, h->origin, &h->key, h->name);

        if (r < 0) {
                unix_path_free(consume_path);
                return r;
        }
        sibling->generation = generation;
        sibling->group = h->group;
        sibling->place = consume_path ? -1 : place;
        sibling->path = consume_path;
        sibling->backlog = h->backlog;
        sibling->nonblock = h->nonblock;
        sibling->as_any_address = h->as_any_address;
        if (h->n_as) {
                sibling->as = reallocarray(NULL, h->n_as, sizeof(*h->as));
                if (!sibling->as) {
                        held_free(sibling);
                        return -ENOMEM;
                }
                memcpy(sibling->as, h->as, h->n_as * sizeof(*h->as));
                sibling->n_as = h->n_as;
        }
        return held_table_add(t, sibling);
}

/* A socket for another generation on the address of h. Nothing new goes to it yet. */
static int
add_sibling(HeldTable *t, Held *h, unsigned generation, int fd_floor)
{
        CLEANUP_FD int fd = open_like(t, h);
        UnixPath *path = NULL;
        int r;

        if (fd < 0)
                return fd;
        fd = fd_move_above(fd_steal(&fd), fd_floor);
        if (fd < 0)
                return fd;
        if (h->group == 0)
                h->group = ++t->last_group;
        if (address_has_port(&h->key.address)) {
                r = join_group(h, fd);
        } else {
                r = h->path ? unix_path_new_hidden(&path, h->path, generation) : -EOPNOTSUPP;
                if (r == 0)
                        r = bind_beside(h, fd, path);
        }
        if (r < 0) {
                unix_path_free(path);
                return r;
        }
        return hold_like(t, h, generation, fd_steal(&fd), path);
}

static int
explain(const Held *h, int r, char **ret_why)
{
        char text[ADDRESS_TEXT_MAX];
        struct stat st;

        (void)address_format(&h->key.address, text, sizeof(text));
        if (r == -EOPNOTSUPP)
                return why(ret_why, r,
                           "%s cannot have a second socket beside it; reload without "
                           "--drain=connections",
                           text);
        if (r == -EBUSY)
                return why(ret_why, r,
                           "%s was opened by the service manager, which keeps it, and connections "
                           "would go on to come to it: reload without --drain=connections, or let "
                           "sup open it, with -l",
                           text);
        if (r == -ENOTUNIQ)
                return why(ret_why, r,
                           "the server has several sockets of its own on %s (SO_REUSEPORT), and "
                           "each would need a second one beside it: reload without "
                           "--drain=connections, or let the server have one socket there",
                           text);
        if (r == -EPERM && address_has_port(&h->key.address) && fstat(h->fd, &st) == 0 &&
            st.st_uid != geteuid())
                return why(ret_why, r,
                           "%s was opened by uid %u, and only root can open a second socket "
                           "beside it: reload without --drain=connections, or let sup open it, "
                           "with -l",
                           text, (unsigned)st.st_uid);
        return why(ret_why, r, "cannot open a second socket on %s for the new generation: %s", text,
                   strerrordesc_np(-r));
}

/*
 * Give generation `to` a socket of its own beside every one that `from` has; everything new still
 * goes to `from`. by_chance: it is going to be split, which only TCP and UDP can.
 * Returns 0, or a negative errno with a sentence: what was opened so far is `to`'s.
 */
int
steer_prepare(HeldTable *t, unsigned from, unsigned to, bool by_chance, int fd_floor,
              char **ret_why)
{
        size_t n = t->n_items; /* what is added here comes behind */

        for (size_t i = 0; i < n; i++) {
                Held *h = t->items[i];
                char text[ADDRESS_TEXT_MAX];
                int r;

                if (!held_is_for(h, from))
                        continue;
                if (by_chance && !address_has_port(&h->key.address))
                        return why(ret_why, -EOPNOTSUPP,
                                   "a canary needs TCP or UDP, connections to %s cannot be split",
                                   address_format(&h->key.address, text, sizeof(text)));
                h->generation = from;
                r = add_sibling(t, h, to, fd_floor);
                if (r < 0)
                        return explain(h, r, ret_why);
        }
        return 0;
}

/*
 * Whether steer_prepare() could work, as far as that can be told beforehand.
 * Returns 0, or a negative errno with the sentence that it would have.
 */
int
steer_check(const HeldTable *t, char **ret_why)
{
        for (size_t i = 0; i < t->n_items; i++) {
                const Held *h = t->items[i];
                bool is_possible = address_has_port(&h->key.address) || h->path;
                CLEANUP_FD int fd = is_possible ? open_like(t, h) : -EOPNOTSUPP;

                if (fd < 0)
                        return explain(h, fd, ret_why);
        }
        return 0;
}

/* What is a generation's own is for all from now on. */
void
steer_share(HeldTable *t, unsigned generation)
{
        for (size_t i = 0; i < t->n_items; i++)
                if (t->items[i]->generation == generation)
                        t->items[i]->generation = 0;
}

static void
complain(const Held *h, int r)
{
        char text[ADDRESS_TEXT_MAX];

        if (r < 0)
                log_error("cannot steer the connections to %s: %s",
                          address_format(&h->key.address, text, sizeof(text)), strerrordesc_np(-r));
}

/* Let everything new go to this one. */
static void
steer_to(const HeldTable *t, Held *h)
{
        if (h->place >= 0) {
                complain(h, attach(h->fd, (unsigned)h->place, 0, 0));
                return;
        }
        if (!h->path)
                return;
        for (size_t i = 0; i < t->n_items; i++)
                if (is_in_group(t->items[i], h) && t->items[i]->path)
                        t->items[i]->path->is_hidden = true;
        complain(h, unix_path_publish(h->path));
}

/* Let a share (of STEER_WHOLE) of new connections go to generation `to`, the others to `from`. */
void
steer_split(HeldTable *t, unsigned from, unsigned to, unsigned share)
{
        for (size_t i = 0; i < t->n_items; i++) {
                const Held *h = t->items[i];
                const Held *newcomer = h->generation == from ? find_member(t, h, to) : NULL;

                if (newcomer && h->place >= 0)
                        complain(h, attach(h->fd, (unsigned)h->place, (unsigned)newcomer->place,
                                           share));
        }
}

/*
 * Let everything new go to a generation. A captured address that it has not asked for stays with
 * those who had it, until it does (steer_claimed).
 */
void
steer_commit(HeldTable *t, unsigned generation)
{
        for (size_t i = 0; i < t->n_items; i++) {
                Held *h = t->items[i];

                if (h->generation == generation && h->group &&
                    (h->origin == HELD_NAMED || h->was_claimed))
                        steer_to(t, h);
        }
}

/* A worker listens on h; current: the generation that gets everything new. */
void
steer_claimed(HeldTable *t, Held *h, unsigned current)
{
        if (h->group && h->generation == current && h->n_claims == 1)
                steer_to(t, h);
}

/* Follow what the kernel makes of its group: the last one changes places with it. */
static void
put_last(HeldTable *t, Held *h)
{
        Held *last = h;
        int place = h->place;

        for (size_t i = 0; place >= 0 && i < t->n_items; i++)
                if (is_in_group(t->items[i], h) && t->items[i]->place > last->place)
                        last = t->items[i];
        h->place = last->place;
        last->place = place;
}

/*
 * A TCP socket of ours was shut down and is to listen again (is_listening: does again). The programs
 * choose by place: the caller has to steer anew, both times.
 */
void
steer_revived(HeldTable *t, Held *h, bool is_listening)
{
        if (!is_listening)
                put_last(t, h);
        else if (!h->group && options_has(h->fd, SO_REUSEPORT) && !is_one_of_several(t, h))
                (void)attach(h->fd, 0, 0, 0); /* as in steer_listen() */
}

/* Close one. The programs choose by place: the caller has to steer anew afterwards. */
void
steer_remove(HeldTable *t, Held *h)
{
        put_last(t, h);
        held_table_remove(t, h);
}
