/* SPDX-License-Identifier: MIT */
/*
 * capture.c - answers the trapped bind() and listen() calls of workers.
 *
 * Theory of operation:
 *
 *   bind, nobody holds the address   SO_REUSEADDR is set on the server's own socket, and the call
 *                                    goes on with the server's own rights.
 *   listen on such a socket          we listen first, on our duplicate: it either fails just as the
 *                                    server's own call is about to, or the socket is held from now
 *                                    on; then the call goes on.
 *   bind, the address is held        the held socket takes the place of the server's descriptor,
 *                                    with its flags and options, and bind() is answered with 0.
 *   bind, a sibling is about to      it waits until the other worker listens, and is then given the
 *   listen there                     same socket: between bind and listen nobody else gets through.
 *   bind, a sibling is about to      it waits for that: the name that both bind is one.
 *   rename what it bound
 *   listen, a sibling has removed    it waits for that one, which is about to bind the path, and is
 *   the path in between              then given its socket.
 *   listen, the address is held      the same: two workers may have come as far as bind() each.
 *
 * Every answer is idempotent, since a signal can void a call after its answer took effect: a bind
 * on what already is the held socket is answered with 0.
 *
 * Whatever cannot be done is left to the kernel: the call goes on untouched.
 */
#include "sockets/capture.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/log.h"
#include "linux/notify.h"
#include "linux/pidfd.h"
#include "linux/proc.h"
#include "sockets/blind.h"
#include "sockets/capture_names.h"
#include "sockets/copies.h"
#include "sockets/first_bind.h"
#include "sockets/options.h"
#include "sockets/trap.h"

/*
 * Prepare c, which is all zero or was loaded; the table stays the caller's. fd_floor: held sockets
 * get numbers from there on.
 */
void
capture_init(Capture *c, HeldTable *held, int fd_floor, const CaptureHost *host)
{
        c->held = held;
        c->host = *host;
        c->fd_floor = fd_floor;
}

static bool
is_connection_type(const Address *a)
{
        return a->type == SOCK_STREAM || a->type == SOCK_SEQPACKET;
}

/* Say once that we may not look at our own workers' sockets: this one's, or any. */
static void
tell_no_access(Capture *c, pid_t tid, int error)
{
        if (c->told_no_access || (error != -EPERM && error != -EACCES && error != -ENOSYS))
                return;
        c->told_no_access = true;
        if (geteuid() != 0 && proc_is_hidden(tid))
                log_warning("the server may not be looked into (it is undumpable, or another "
                            "user's): what it binds is closed when it ends; let it take a listener "
                            "of -l from LISTEN_FDS, or run sup as root");
        else
                log_warning("cannot capture what the server binds: %s; only listeners named with "
                            "-l are handed over (in a container: --cap-add SYS_PTRACE, or name the "
                            "address with -l)",
                            strerrordesc_np(-error));
}

/*
 * Whether a living process of this worker has the held socket for this address, or for one that a
 * server cannot have beside it. For two that it can have, such as 0.0.0.0 and [::] with V6ONLY, it
 * gets the same socket twice.
 */
static bool
is_taken(const Capture *c, const Trap *trap, const Held *h, const Address *asked)
{
        bool shares = !is_connection_type(asked) || options_has(trap->fd, SO_REUSEPORT);

        for (size_t i = 0; i < h->n_claims; i++) {
                const HeldClaim *claim = &h->claims[i];

                if (claim->owner == trap->owner &&
                    (address_equal(&claim->asked, asked) ||
                     (!shares && address_excludes(&claim->asked, asked))) &&
                    c->host.still_has(c->host.userdata, trap->owner, h, claim) == 1)
                        return true;
        }
        return false;
}

/*
 * The held socket that a worker gets for an address, the best match first; of several on one
 * address (SO_REUSEPORT), the one that fewest have: none may be left with a queue that nobody reads.
 * NULL: nobody holds it, or this worker has it already (*ret_taken).
 */
static Held *
find_held(const Capture *c, const Trap *trap, const HeldKey *key, bool *ret_taken)
{
        unsigned generation = c->host.generation_of(c->host.userdata, trap->owner);
        Held *best = NULL;
        HeldMatch best_match = HELD_MATCH_NONE;

        *ret_taken = false;
        for (size_t i = 0; i < c->held->n_items; i++) {
                Held *h = c->held->items[i];
                HeldMatch match = held_match(h, key);

                if (match > best_match || match == HELD_MATCH_NONE || !held_is_for(h, generation) ||
                    (h->path && h->path->is_lost) || held_is_unbound(h) ||
                    (match == best_match && h->n_claims >= best->n_claims))
                        continue;
                if (is_taken(c, trap, h, &key->address)) {
                        *ret_taken = true;
                        continue;
                }
                best = h;
                best_match = match;
        }
        return best;
}

/* Where a user says the address of a listener. */
static const char *
where_said(const Held *h)
{
        bool is_datagram = h->key.address.type == SOCK_DGRAM;

        if (h->from_manager)
                return is_datagram ? "ListenDatagram=" : "ListenStream=";
        return is_datagram ? "-l udp:" : "-l ";
}

/* A program that knows IPv4 only has no room for the addresses that a dual-stack socket reports. */
static void
tell_other_family(const Held *h, const Address *asked)
{
        char text[ADDRESS_TEXT_MAX];

        if (asked->any.sa_family != AF_INET || h->key.address.any.sa_family != AF_INET6)
                return;
        log_warning("the server binds IPv4 and gets %s: it may not understand the addresses of its "
                    "clients; %s0.0.0.0:%u suits it better",
                    address_format(&h->key.address, text, sizeof(text)), where_said(h),
                    address_port(&h->key.address));
}

/* Give the caller a held socket. Returns 0 or a negative errno: the call goes on. */
static int
hand_over(const Capture *c, const Trap *trap, Held *h, const Address *asked)
{
        int r = trap_replace_socket(trap, h, asked);

        if (r == 0)
                c->host.on_claimed(c->host.userdata, trap->owner);
        else if (h->path && h->origin == HELD_CAPTURED)
                unix_path_drop_bound(h->path, asked->un.sun_path);
        return r;
}

/*
 * Returns 0 when bind() is to be answered with success, CAPTURE_WAIT when it is to wait for another
 * worker that is about to listen there, anything else: it goes on.
 */
static int
handle_bind(Capture *c, Trap *trap, bool may_wait)
{
        HeldKey key;
        Held *h;
        pid_t pid;
        bool taken;
        int r;

        if (held_table_find_socket(c->held, trap->fd))
                return 0;
        if (address_is_bound(trap->fd))
                return 1;
        r = trap_read_bind(trap, &key);
        if (r < 0)
                return r;
        pid = address_is_path(&key.address) ? proc_thread_group(trap->call.tid) : 0;
        h = find_held(c, trap, &key, &taken);
        if (!h && !taken)
                h = capture_names_find(c, trap, &key);
        if (!h && address_is_automatic(&key.address))
                return 1; /* unless as=0 has a port for it */
        if (h && !is_connection_type(&key.address) &&
            !c->host.may_listen(c->host.userdata, trap->owner))
                return CAPTURE_PARK; /* there is no listen() to wait in */
        if (h && may_wait && h->path && unix_path_is_between(h->path, key.address.un.sun_path, pid))
                return CAPTURE_WAIT;
        if (h && copies_can_be_replaced(c, trap, h) &&
            capture_names_prepare(c, trap, h, &key) == 0) {
                tell_other_family(h, &key.address);
                return hand_over(c, trap, h, &key.address);
        }
        if (may_wait && is_connection_type(&key.address) && !taken &&
            !options_has(trap->fd, SO_REUSEPORT) &&
            pending_has_other(&c->pending, trap->owner, pid, &key))
                return CAPTURE_WAIT;
        capture_names_make_way(c, trap, &key);
        if (!is_connection_type(&key.address))
                return 1;
        if (!taken)
                first_bind_prepare(c, trap, &key);
        if (!pid)
                pid = proc_thread_group(trap->call.tid);
        (void)pending_add(&c->pending, trap->owner, pid, trap->fd, &key);
        return 1;
}

/* The last address that a worker bound, or tried to bind, without listening; or NULL. */
const Address *
capture_last_tried(const Capture *c, uint64_t owner)
{
        const PendingSocket *last = pending_find_last(&c->pending, owner);

        return last ? &last->key.address : NULL;
}

/*
 * What the caller's socket was bound to in the end: not all that it tried need have worked. Nothing
 * else of it is remembered afterwards.
 */
static bool
take_bound(Capture *c, const Trap *trap, PendingSocket *ret)
{
        PendingSocket tried;
        Address bound;
        bool found = false;

        while (pending_take(&c->pending, trap->fd, &tried))
                if (!found && address_from_socket(trap->fd, &bound) == 0 &&
                    (!address_has_port(&bound) || address_equal(&bound, &tried.key.address))) {
                        *ret = tried;
                        found = true;
                }
        return found;
}

/*
 * The caller's socket was shut down since it got it: it gets the one that is held in its place. Returns
 * that one, or NULL.
 */
static Held *
exchange_dead(const Capture *c, Trap *trap)
{
        Held *h = held_table_find_dead(c->held, trap->fd);

        if (!h || held_is_unbound(h) || !copies_can_be_replaced(c, trap, h) ||
            trap_replace_socket(trap, h, &h->key.address) < 0)
                return NULL;
        return h;
}

/*
 * Whether another worker has taken the path away that the caller's socket was bound to, and does not
 * listen there yet: servers remove what they find there before they bind it. That one goes first.
 */
static bool
is_overtaken(const Capture *c, const Trap *trap)
{
        PendingSocket *s = pending_find_socket(&c->pending, trap->fd);
        bool taken;

        if (!s || !address_is_path(&s->key.address) ||
            !c->host.has_siblings(c->host.userdata, trap->owner))
                return false;
        s->is_nameless = !unix_path_has_name(s->key.address.un.sun_path, s->ino);
        return s->is_nameless && !find_held(c, trap, &s->key, &taken);
}

/*
 * Returns 0 when listen() is to be answered with success, CAPTURE_WAIT when it is to wait for another
 * worker that is about to listen there, CAPTURE_PARK when it waits until the worker is promoted,
 * anything else: it goes on.
 */
static int
handle_listen(Capture *c, Trap *trap, bool may_wait)
{
        Held *h = held_table_find_socket(c->held, trap->fd);
        PendingSocket bound;
        bool taken;
        int r;

        if (!h)
                h = exchange_dead(c, trap);
        if ((h || pending_find_socket(&c->pending, trap->fd)) &&
            !c->host.may_listen(c->host.userdata, trap->owner))
                return CAPTURE_PARK;
        if (h) {
                if (h->path)
                        h->path->is_between = false;
                r = held_listen_again(h);
                c->host.on_listening(c->host.userdata, trap->owner, h, trap->call.tid, NULL);
                return r;
        }
        if (may_wait && is_overtaken(c, trap))
                return CAPTURE_WAIT;
        if (!take_bound(c, trap, &bound))
                return 1;
        h = options_has(trap->fd, SO_REUSEPORT) ? NULL : find_held(c, trap, &bound.key, &taken);
        if (h && copies_can_be_replaced(c, trap, h)) {
                r = trap_replace_socket(trap, h, &bound.key.address);
                if (r == 0)
                        c->host.on_listening(c->host.userdata, trap->owner, h, trap->call.tid,
                                             NULL);
                return r;
        }
        h = capture_hold(c, trap, &bound.key);
        if (h)
                c->host.on_listening(c->host.userdata, trap->owner, h, trap->call.tid, &bound);
        return h ? 0 : 1;
}

static bool
is_waiting(int r)
{
        return r == CAPTURE_WAIT || r == CAPTURE_PARK;
}

/* Whether a call waits for another worker, which must not take for ever. */
static bool
is_anybody_waiting(const Capture *c)
{
        for (size_t i = 0; i < c->n_parked; i++)
                if (c->parked[i].why == CAPTURE_WAIT)
                        return true;
        return false;
}

/* Decide about one call, and answer it unless it has to wait. */
static int
handle(Capture *c, int listener_fd, uint64_t owner, const NotifyCall *call, bool may_wait)
{
        Trap trap = {.listener_fd = listener_fd, .owner = owner, .call = *call, .fd = -1};
        Held *h = NULL;
        int r = 1;

        if (call->syscall >= NOTIFY_UNLINK) {
                r = capture_names_handle(c, &trap);
        } else if (call->syscall != NOTIFY_OTHER) {
                trap.fd = pidfd_get_fd(call->tid, call->fd);
                if (trap.fd < 0) {
                        tell_no_access(c, call->tid, trap.fd);
                        r = blind_handle(&trap, c->held,
                                         c->host.generation_of(c->host.userdata, owner), &h);
                        if (call->syscall == NOTIFY_BIND && r == 0 && !h)
                                c->host.on_claimed(c->host.userdata, owner);
                        if (call->syscall == NOTIFY_LISTEN && h &&
                            !c->host.may_listen(c->host.userdata, owner))
                                r = CAPTURE_PARK;
                        else if (call->syscall == NOTIFY_LISTEN && h)
                                c->host.on_listening(c->host.userdata, owner, h, call->tid, NULL);
                } else if (call->syscall == NOTIFY_BIND) {
                        r = handle_bind(c, &trap, may_wait);
                } else {
                        r = handle_listen(c, &trap, may_wait);
                }
        }
        if (r == 0)
                (void)notify_answer(listener_fd, call, 0);
        else if (!is_waiting(r))
                (void)notify_let_go(listener_fd, call);
        fd_close(trap.fd);
        return r;
}

/* Keep a call for later. Returns 0 or -ENOMEM. */
static int
park(Capture *c, int listener_fd, uint64_t owner, const NotifyCall *call, int why)
{
        CaptureParked *parked = reallocarray(c->parked, c->n_parked + 1, sizeof(*parked));

        if (!parked)
                return -ENOMEM;
        c->parked = parked;
        c->parked[c->n_parked++] = (CaptureParked){
                .why = why, .listener_fd = listener_fd, .owner = owner, .call = *call};
        return 0;
}

/*
 * Look once more at the calls that wait, after something has changed; with expired, they have
 * waited long enough and go on as they would without us.
 */
void
capture_retry(Capture *c, bool expired)
{
        CaptureParked *parked = c->parked;
        size_t n = c->n_parked;

        c->parked = NULL;
        c->n_parked = 0;
        for (size_t i = 0; i < n; i++) {
                const CaptureParked *p = &parked[i];
                int r = handle(c, p->listener_fd, p->owner, &p->call, !expired);

                if (is_waiting(r) && park(c, p->listener_fd, p->owner, &p->call, r) < 0)
                        (void)notify_let_go(p->listener_fd, &p->call);
        }
        free(parked);
}

/* A worker is gone: forget what it bound, and what of it still waits. */
void
capture_forget(Capture *c, uint64_t owner)
{
        size_t kept = 0;

        for (size_t i = 0; i < c->n_parked; i++)
                if (c->parked[i].owner != owner)
                        c->parked[kept++] = c->parked[i];
        c->n_parked = kept;
        pending_forget(&c->pending, owner);
        capture_retry(c, false);
}

/* Free what it remembers. The table of held sockets is not touched. */
void
capture_deinit(Capture *c)
{
        pending_deinit(&c->pending);
        free(c->parked);
        c->parked = NULL;
        c->n_parked = 0;
}

/*
 * Take one call from a worker's listener fd and answer it. owner: the worker's incarnation.
 * Returns 0, also when the caller is gone meanwhile; CAPTURE_WAIT when a call waits for another
 * worker, and capture_retry is due in a while; CAPTURE_PARK when it waits until its worker may
 * listen, and capture_retry is due then; or a negative errno of the listener itself.
 */
int
capture_dispatch(Capture *c, int listener_fd, uint64_t owner)
{
        NotifyCall call;
        int r = notify_receive(listener_fd, &call);

        if (r < 0)
                return r == -ENOENT || r == -EINTR ? 0 : r;
        c->host.catch_up(c->host.userdata);
        if (call.syscall == NOTIFY_BIND || call.syscall == NOTIFY_LISTEN)
                c->host.on_call(c->host.userdata, owner, call.tid);
        r = handle(c, listener_fd, owner, &call, true);
        if (is_waiting(r) && park(c, listener_fd, owner, &call, r) < 0)
                (void)notify_let_go(listener_fd, &call);
        else if ((call.syscall == NOTIFY_LISTEN && c->n_parked) ||
                 (call.syscall == NOTIFY_RENAME && is_anybody_waiting(c)))
                capture_retry(c, false);
        if (r == CAPTURE_PARK)
                return r;
        return is_anybody_waiting(c) ? CAPTURE_WAIT : 0;
}
