/* SPDX-License-Identifier: MIT */
/* capture_hold.c - capture: from a worker's own socket to a held one. */
#include <errno.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include "base/fd.h"
#include "base/log.h"
#include "linux/proc.h"
#include "sockets/capture.h"
#include "sockets/steer.h"
#include "sockets/trap.h"

/* Descriptors that are left for everything else than held sockets. */
#define RESERVED_FDS 16

/*
 * A socket whose name cannot be kept is not held: its server removes the name, binds it, and would get
 * a socket that no client finds. Returns 0 or a negative errno, and says so once.
 */
static int
keep_path(Capture *c, const Trap *trap, Held *h)
{
        const char *path = h->key.address.un.sun_path;
        int r;

        if (!address_is_path(&h->key.address))
                return 0;
        r = unix_path_new_of(&h->path, path, h->ino);
        if (r == 0)
                h->path->bound_by = proc_thread_group(trap->call.tid);
        if (r < 0 && !c->told_no_name)
                log_warning(
                        "%s is not held over a restart, as its name cannot be kept (%s): name the "
                        "path that clients know with -l, and let the server take it from "
                        "LISTEN_FDS",
                        path, strerrordesc_np(-r));
        c->told_no_name = c->told_no_name || r < 0;
        return r;
}

static const char *
name_of(const Address *a, char *text, size_t size)
{
        (void)snprintf(text, size, "%u", address_port(a));
        return address_has_port(a) ? text : "captured";
}

/*
 * Keep a descriptor for good, but not one of the last: starting the next worker takes some too.
 * Returns it, above the floor, or a negative errno.
 */
static int
keep_fd(const Capture *c, int consume_fd)
{
        struct rlimit limit = {.rlim_cur = RLIM_INFINITY};
        int fd = fd_move_above(consume_fd, c->fd_floor);

        (void)getrlimit(RLIMIT_NOFILE, &limit);
        if (fd >= 0 && (rlim_t)fd + RESERVED_FDS >= limit.rlim_cur) {
                fd_close(fd);
                return -EMFILE;
        }
        return fd;
}

/* Say once that a socket could not be held. */
static void
tell_not_held(Capture *c, const HeldKey *key, int error)
{
        char text[ADDRESS_TEXT_MAX];

        if (c->told_no_files)
                return;
        c->told_no_files = true;
        log_warning("cannot hold %s and perhaps others: %s%s; what is not held is closed when the "
                    "server ends",
                    address_format(&key->address, text, sizeof(text)),
                    error == -EMFILE ? "too many open files" : strerrordesc_np(-error),
                    error == -EMFILE ? " (see ulimit -n)" : "");
}

/*
 * Whether a later worker could get the socket at all: it would otherwise be in the way of a server
 * that binds it again. Says once if not.
 */
static bool
can_hand_over(Capture *c, const Trap *trap)
{
        if (c->can_hand_over)
                return true;
        c->can_hand_over = notify_can_replace_fd(trap->listener_fd);
        if (!c->can_hand_over && !c->told_no_access) {
                c->told_no_access = true;
                log_warning("cannot capture what the server binds: this kernel cannot hand "
                            "descriptors to a running process (Linux 5.9 can); let the server take "
                            "a listener of -l from LISTEN_FDS");
        }
        return c->can_hand_over;
}

/*
 * Hold a socket that its server is about to listen on. Our own listen() comes first, on the same
 * socket: it fails as the server's would (then there is nothing to hold). The queue is as long as the
 * kernel allows, whatever small number the server has in mind: clients wait in it over a restart.
 * Returns it, which is in the table then, or NULL: the call goes on.
 */
Held *
capture_hold(Capture *c, Trap *trap, const HeldKey *key)
{
        HeldClaim claim = {.owner = trap->owner, .pid = trap->call.tid, .fd = trap->call.fd};
        char name[8];
        Held *h = NULL;
        int fd;
        int r;

        if (!can_hand_over(c, trap))
                return NULL;
        if (c->steerable && key->address.type == SOCK_STREAM && address_has_port(&key->address)
                    ? steer_listen(trap->fd, SOMAXCONN) < 0
                    : listen(trap->fd, SOMAXCONN) < 0)
                return NULL;
        fd = keep_fd(c, fd_steal(&trap->fd));
        r = fd < 0 ? fd
                   : held_new(&h, fd, HELD_CAPTURED, key,
                              name_of(&key->address, name, sizeof(name)));
        claim.asked = key->address;
        if (r == 0)
                r = held_claim(h, &claim);
        if (r < 0) {
                tell_not_held(c, key, r);
                held_free(h);
                return NULL;
        }
        h->is_counted = true;
        if (keep_path(c, trap, h) < 0) {
                held_free(h);
                return NULL;
        }
        if (held_table_add(c->held, h) < 0)
                return NULL;
        if (c->steerable)
                steer_leave(c->held, h);
        return h;
}
