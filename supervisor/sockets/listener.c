/* SPDX-License-Identifier: MIT */
/*
 * listener.c - opens what --listen names, and takes over what a service manager opened.
 *
 * Gist: socket, options, bind and, at once, listen: between bind and listen another process could
 * slip in with SO_REUSEADDR (tests/kernel shows it). Every TCP listener has SO_REUSEADDR; a UDP one
 * only on request, since there it lets others steal. A unix path is born with its final mode, takes
 * the place of a stale one, and never that of a living one.
 */
#include "sockets/listener.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/log.h"
#include "base/why.h"
#include "sockets/conflict.h"
#include "sockets/steer.h"

static int
set_option(int fd, int level, int option, int value)
{
        return setsockopt(fd, level, option, &value, sizeof(value)) < 0 ? -errno : 0;
}

static int
set_options(int fd, const ListenSpec *spec, const Address *a, char **ret_why)
{
        bool inet = address_has_port(a);
        int r = 0;

        if (inet && (a->type == SOCK_STREAM || spec->reuseaddr))
                r = set_option(fd, SOL_SOCKET, SO_REUSEADDR, 1);
        if (r == 0 && inet && spec->reuseport)
                r = set_option(fd, SOL_SOCKET, SO_REUSEPORT, 1);
        if (r == 0 && a->any.sa_family == AF_INET6)
                r = set_option(fd, IPPROTO_IPV6, IPV6_V6ONLY, a->v6only);
        if (r == 0 && inet && spec->freebind)
                r = a->any.sa_family == AF_INET6 ? set_option(fd, IPPROTO_IPV6, IPV6_FREEBIND, 1)
                                                 : set_option(fd, IPPROTO_IP, IP_FREEBIND, 1);
        if (r < 0)
                return why(ret_why, r, "cannot prepare the socket for '%s': %s", spec->text,
                           strerrordesc_np(-r));
        if (spec->device[0] && setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, spec->device,
                                          (socklen_t)strlen(spec->device)) < 0) {
                r = -errno;
                return why(ret_why, r, "cannot tie '%s' to the device %s: %s", spec->text,
                           spec->device, strerrordesc_np(-r));
        }
        return 0;
}

/*
 * bind() a unix path so that its file never has another mode than the wanted one: the kernel takes
 * it from the socket's own inode and the umask (net/unix/af_unix.c, unix_bind_bsd).
 */
static int
bind_path(int fd, const ListenSpec *spec, const Address *a)
{
        mode_t mask = umask(0);
        int r = 0;

        if (fchmod(fd, spec->mode) < 0 || bind(fd, &a->any, a->length) < 0)
                r = -errno;
        if (r == -EADDRINUSE && unix_path_is_stale(a->un.sun_path, a->type) &&
            unlink(a->un.sun_path) == 0)
                r = bind(fd, &a->any, a->length) < 0 ? -errno : 0;
        (void)umask(mask);
        if (r == 0 && (spec->uid != (uid_t)-1 || spec->gid != (gid_t)-1) &&
            lchown(a->un.sun_path, spec->uid, spec->gid) < 0) {
                r = -errno;
                (void)unlink(a->un.sun_path);
        }
        return r;
}

/* A listener that we have already and that the kernel does not let be beside the address, or NULL. */
static const Held *
find_overlap(const HeldTable *table, const Address *a)
{
        for (size_t i = 0; i < table->n_items; i++) {
                const Address *mine = &table->items[i]->key.address;

                if (address_equal(mine, a) || address_excludes(mine, a))
                        return table->items[i];
        }
        return NULL;
}

static int
explain_overlap(const Address *a, const Address *mine, int r, char **ret_why)
{
        char text[ADDRESS_TEXT_MAX];
        char other[ADDRESS_TEXT_MAX];

        (void)address_format(a, text, sizeof(text));
        (void)address_format(mine, other, sizeof(other));
        if (a->any.sa_family != mine->any.sa_family)
                return why(ret_why, r,
                           "cannot listen on %s beside %s, which sup listens on already: [::] is "
                           "for IPv4 too; name one of them, or [::]:%u,v6only",
                           text, other, address_port(a));
        return why(ret_why, r,
                   "cannot listen on %s beside %s, which sup listens on already: name one of them",
                   text, other);
}

static int
explain_failure(const ListenSpec *spec, const Address *a, const HeldTable *table, int r,
                char **ret_why)
{
        const Held *overlap = r == -EADDRINUSE ? find_overlap(table, a) : NULL;
        ProbeSocket asker = {
                .reuseaddr = a->type == SOCK_STREAM || spec->reuseaddr,
                .reuseport = spec->reuseport,
                .freebind = spec->freebind,
                .uid = geteuid(),
        };
        char text[ADDRESS_TEXT_MAX];
        char *reason;

        if (overlap)
                return explain_overlap(a, &overlap->key.address, r, ret_why);
        if (r == -EMFILE || r == -ENFILE) {
                struct rlimit limit = {0};

                (void)getrlimit(RLIMIT_NOFILE, &limit);
                return why(ret_why, r,
                           "cannot listen on %s: too many open files, the limit is %llu (see "
                           "ulimit -n)",
                           address_format(a, text, sizeof(text)),
                           (unsigned long long)limit.rlim_cur);
        }
        (void)snprintf(asker.device, sizeof(asker.device), "%s", spec->device);
        reason = conflict_explain(a, &asker, -r);
        r = why(ret_why, r, "cannot listen on %s: %s", address_format(a, text, sizeof(text)),
                reason ? reason : "out of memory");
        free(reason);
        return r;
}

/* Open and bind one address. Returns the descriptor or a negative errno with a sentence. */
static int
open_address(const ListenSpec *spec, const Address *a, const HeldTable *table, int fd_floor,
             char **ret_why)
{
        CLEANUP_FD int fd = socket(a->any.sa_family, a->type | SOCK_CLOEXEC, 0);
        int r;

        if (fd < 0)
                return explain_failure(spec, a, table, -errno, ret_why);
        fd = fd_move_above(fd_steal(&fd), fd_floor);
        if (fd < 0)
                return explain_failure(spec, a, table, fd, ret_why);
        r = set_options(fd, spec, a, ret_why);
        if (r < 0)
                return r;
        if (address_is_path(a))
                r = bind_path(fd, spec, a);
        else
                r = bind(fd, &a->any, a->length) < 0 ? -errno : 0;
        if (r == 0 && spec->steerable && a->type == SOCK_STREAM && address_has_port(a))
                r = steer_listen(fd, spec->backlog);
        else if (r == 0 && a->type != SOCK_DGRAM && listen(fd, spec->backlog) < 0)
                r = -errno;
        return r < 0 ? explain_failure(spec, a, table, r, ret_why) : fd_steal(&fd);
}

static bool
is_datagram(int fd)
{
        int type = 0;
        socklen_t size = sizeof(type);

        return getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &size) == 0 && type == SOCK_DGRAM;
}

/* Take over an open, bound socket: fd:N. Its queue is made as long as that of the others. */
static int
take_number(const ListenSpec *spec, int fd_floor, char **ret_why)
{
        struct stat st;
        int fd;

        if (fstat(spec->inherited_fd, &st) < 0)
                return why(ret_why, -EBADF, "descriptor %d is not open", spec->inherited_fd);
        if (!S_ISSOCK(st.st_mode))
                return why(ret_why, -ENOTSOCK, "descriptor %d is not a socket", spec->inherited_fd);
        if (!is_datagram(spec->inherited_fd) && listen(spec->inherited_fd, SOMAXCONN) < 0)
                return why(ret_why, -errno, "descriptor %d is a socket that cannot listen: %s",
                           spec->inherited_fd, strerrordesc_np(errno));
        fd = fcntl(spec->inherited_fd, F_DUPFD_CLOEXEC, fd_floor);
        return fd >= 0 ? fd
                       : why(ret_why, -errno, "cannot take over descriptor %d: %s",
                             spec->inherited_fd, strerrordesc_np(errno));
}

/* Put an open socket into the table as a named one. */
static int
hold(int consume_fd, const char *name, HeldTable *table, Held **ret, char **ret_why)
{
        Address bound;
        HeldKey key;
        Held *h = NULL;
        int r = address_from_socket(consume_fd, &bound);

        if (r == 0)
                r = held_key_init(&key, consume_fd, &bound);
        if (r < 0) {
                fd_close(consume_fd);
                (void)why(ret_why, r, "cannot use the socket '%s': %s", name, strerrordesc_np(-r));
                return r;
        }
        r = held_new(&h, consume_fd, HELD_NAMED, &key, name);
        if (r < 0)
                return r;
        h->backlog = SOMAXCONN;
        h->nonblock = (fcntl(h->fd, F_GETFL) & O_NONBLOCK) != 0;
        r = held_table_add(table, h);
        if (r < 0)
                return r;
        *ret = h;
        return 0;
}

/*
 * Keep the name of a unix socket that somebody else made: it is there when we end. Another user's
 * socket may not be linked (fs.protected_hardlinks, proc(5)).
 */
static void
keep_foreign_path(Held *h)
{
        int r;

        if (!address_is_path(&h->key.address))
                return;
        r = unix_path_new(&h->path, h->key.address.un.sun_path);
        if (h->path)
                h->path->is_foreign = true;
        else if (r == -EPERM)
                log_warning(
                        "cannot keep the name %s if the server removes it: the socket is another "
                        "user's; set SocketUser= in the .socket unit",
                        h->key.address.un.sun_path);
}

/* Hold a socket that the service manager has as well. Its queue is as long as it was made there. */
static int
hold_inherited(InheritedSocket *s, const char *name, HeldTable *table, int fd_floor, Held **ret,
               char **ret_why)
{
        int fd = fd_move_above(fd_steal(&s->fd), fd_floor);
        int r;

        if (fd < 0)
                return why(ret_why, fd, "cannot take over the socket '%s': %s", name,
                           strerrordesc_np(-fd));
        r = hold(fd, name, table, ret, ret_why);
        if (r < 0)
                return r;
        (*ret)->from_manager = true;
        keep_foreign_path(*ret);
        r = held_table_revive_socket(table, *ret);
        return r < 0 ? why(ret_why, r,
                           "cannot listen on the socket '%s' of the service manager: %s", name,
                           strerrordesc_np(-r))
                     : 0;
}

/* A socket that was taken back is the one that is asked for. Returns 0 or a negative errno. */
static int
hold_again(Held *consume_held, const ListenSpec *spec, HeldTable *table, Held **ret)
{
        char *name = strdup(spec->name);
        int r;

        if (!name) {
                held_free(consume_held);
                return -ENOMEM;
        }
        free(consume_held->name);
        consume_held->name = name;
        consume_held->origin = HELD_NAMED;
        consume_held->backlog = spec->backlog;
        (void)held_listen(consume_held, spec->backlog);
        r = held_table_add(table, consume_held);
        if (r == 0) {
                (void)held_table_revive_socket(table, consume_held);
                *ret = consume_held;
        }
        return r;
}

/*
 * The socket of one address: that of the service manager, if it has one there; the one that was taken
 * back; or a new one.
 */
static int
hold_address(const ListenSpec *spec, const Address *a, const Inherited *inherited, HeldTable *table,
             int fd_floor, Held **ret, char **ret_why)
{
        InheritedSocket *there = inherited_find_address(inherited, a, spec->device);
        Held *back;
        int fd;
        int r;

        if (there)
                return hold_inherited(there, spec->name, table, fd_floor, ret, ret_why);
        back = held_table_take_captured(table, a, spec->device);
        if (back)
                return hold_again(back, spec, table, ret);
        fd = open_address(spec, a, table, fd_floor, ret_why);
        r = fd < 0 ? fd : hold(fd, spec->name, table, ret, ret_why);
        if (r < 0)
                return r;
        (*ret)->backlog = spec->backlog;
        if (address_is_path(&(*ret)->key.address))
                (void)unix_path_new(&(*ret)->path, (*ret)->key.address.un.sun_path);
        return 0;
}

static int
hold_number(const ListenSpec *spec, const Inherited *inherited, HeldTable *table, int fd_floor,
            Held **ret, char **ret_why)
{
        InheritedSocket *there = inherited_find_number(inherited, spec->inherited_fd);
        int fd;
        int r;

        if (there)
                return hold_inherited(there, spec->name, table, fd_floor, ret, ret_why);
        fd = take_number(spec, fd_floor, ret_why);
        r = fd < 0 ? fd : hold(fd, spec->name, table, ret, ret_why);
        if (r == 0)
                keep_foreign_path(*ret);
        return r;
}

static int
set_as(Held *h, const ListenSpec *spec)
{
        return spec->as.n_addresses ? held_set_as(h, spec->as.addresses, spec->as.n_addresses,
                                                  spec->as.any_address)
                                    : 0;
}

/*
 * Open all addresses of a spec and add them to the table; a socket of the service manager that is
 * bound there is taken instead. fd_floor is the lowest descriptor number that they may get, above
 * those that workers see them under.
 * Returns 0 or a negative errno with a sentence; what was added before stays in the table.
 */
int
listener_open(const ListenSpec *spec, const Inherited *inherited, HeldTable *table, int fd_floor,
              char **ret_why)
{
        Held *h = NULL;
        int r = 0;

        if (spec->inherited_fd >= 0) {
                r = hold_number(spec, inherited, table, fd_floor, &h, ret_why);
                return r < 0 ? r : set_as(h, spec);
        }
        for (unsigned i = 0; i < spec->n_addresses && r >= 0; i++) {
                Address a = spec->addresses[i];

                r = hold_address(spec, &a, inherited, table, fd_floor, &h, ret_why);
                if (spec->any_address && (r == -EAFNOSUPPORT || r == -EADDRNOTAVAIL)) {
                        Address v4 = {.in = {.sin_family = AF_INET}, .length = sizeof(a.in)};

                        free(*ret_why);
                        *ret_why = NULL;
                        v4.type = a.type;
                        address_set_port(&v4, address_port(&a));
                        r = hold_address(spec, &v4, inherited, table, fd_floor, &h, ret_why);
                }
                if (r >= 0)
                        r = set_as(h, spec);
        }
        return r;
}

/*
 * Add what the service manager handed over and no --listen asked for, under the names that it has
 * there. Returns 0 or a negative errno with a sentence.
 */
int
listener_take_over(const Inherited *inherited, HeldTable *table, int fd_floor, char **ret_why)
{
        Held *h;
        int r = 0;

        for (size_t i = 0; i < inherited->n_items && r == 0; i++)
                if (inherited->items[i].fd >= 0)
                        r = hold_inherited(&inherited->items[i], inherited->items[i].name, table,
                                           fd_floor, &h, ret_why);
        return r;
}
