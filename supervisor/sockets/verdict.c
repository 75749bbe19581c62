/* SPDX-License-Identifier: MIT */
/*
 * verdict.c - what stands in the way of an address, until when, and what to do. Pure.
 *
 * Gist: facts in, findings out. Each socket is given a cause; those with one cause and one process
 * are one finding. What the kernel said to the probes tells which option would have helped, and so
 * which one the old socket lacked.
 */
#include "sockets/verdict.h"

#include <errno.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "sockets/overlap.h"

#define FIN_TIMER_MSEC 60000 /* TCP_TIMEWAIT_LEN, net/ipv4/tcp.h */

static const char *const cause_names[CAUSE_N] = {
        [CAUSE_LISTENER] = "listener",
        [CAUSE_INHERITED] = "inherited-listener",
        [CAUSE_STOPPED] = "stopped-holder",
        [CAUSE_ENDING] = "ending-holder",
        [CAUSE_DATAGRAM] = "datagram-socket",
        [CAUSE_BOUND] = "bound-not-listening",
        [CAUSE_SELF_CONNECT] = "self-connect",
        [CAUSE_OUTGOING] = "outgoing-connection",
        [CAUSE_CONNECTION] = "open-connection",
        [CAUSE_FIN_WAIT2] = "fin-wait-2",
        [CAUSE_UNFINISHED] = "unfinished-close",
        [CAUSE_TIME_WAIT] = "time-wait",
        [CAUSE_UNSEEN] = "unseen",
        [CAUSE_PATH_TAKEN] = "path-taken",
        [CAUSE_PATH_STALE] = "path-stale",
        [CAUSE_PATH_UNKNOWN] = "path-unknown",
        [CAUSE_PATH_ELSEWHERE] = "path-elsewhere",
        [CAUSE_DIRECTORY] = "directory",
        [CAUSE_PRIVILEGED_PORT] = "privileged-port",
        [CAUSE_SECURITY_MODULE] = "security-module",
        [CAUSE_BPF_HOOK] = "bpf-hook",
        [CAUSE_NOT_LOCAL] = "not-local",
        [CAUSE_TENTATIVE] = "tentative-address",
        [CAUSE_DUPLICATE_ADDRESS] = "duplicate-address",
        [CAUSE_NO_SCOPE] = "no-scope",
        [CAUSE_NO_FAMILY] = "no-family",
        [CAUSE_OTHER] = "other",
};

/* A word for programs; a static string. */
const char *
verdict_cause_name(Cause cause)
{
        return cause_names[cause];
}

/*
 * How much later than asked for a kernel timer of this length may go off, in milliseconds: its wheel
 * has 8 levels of 64 buckets, each level 8 times as coarse as the one before (kernel/time/timer.c).
 */
uint32_t
verdict_timer_slack(uint32_t timer_msec, unsigned clock_hz)
{
        uint64_t ticks = (uint64_t)timer_msec * clock_hz / 1000;
        uint64_t grain = 1;

        if (!clock_hz)
                return 0;
        while (ticks >= 63 * grain)
                grain *= 8;
        return (uint32_t)(grain * 1000 / clock_hz);
}

static bool
in_range(const Facts *f, unsigned port)
{
        return f->range_last && port >= f->range_first && port <= f->range_last;
}

/* Without a process, what is left is of a client if its port is one that clients get. */
static bool
is_of_client(const Facts *f, const SockdiagSocket *s)
{
        return s->peer_port && in_range(f, s->port) && !in_range(f, s->peer_port);
}

/* A connection that some process has open: which end of it is here? */
static Cause
judge_connection(const Facts *f, const FactSocket *s, bool *ret_certain)
{
        *ret_certain = false;
        if (s->s.port == s->s.peer_port && IN6_ARE_ADDR_EQUAL(&s->s.address, &s->s.peer)) {
                *ret_certain = true;
                return CAUSE_SELF_CONNECT;
        }
        if (s->s.state == TCP_SYN_SENT || s->peer_is_listener) {
                *ret_certain = true;
                return CAUSE_OUTGOING;
        }
        return is_of_client(f, &s->s) ? CAUSE_OUTGOING : CAUSE_CONNECTION;
}

static Cause
judge_listener(const FactHolder *h, bool *ret_certain)
{
        const Process *p = h ? &h->process : NULL;

        *ret_certain = true;
        if (p && (p->is_ending || p->dumps_core)) {
                *ret_certain = h->fd >= 0;
                return CAUSE_ENDING;
        }
        if (p && (p->state == 'T' || p->state == 't'))
                return CAUSE_STOPPED;
        if (p && p->is_orphan && !p->waits) {
                *ret_certain = false;
                return CAUSE_INHERITED;
        }
        return CAUSE_LISTENER;
}

static Cause
judge_socket(const Facts *f, const FactSocket *s, const FactHolder *h, bool *ret_certain)
{
        *ret_certain = true;
        if (s->s.state == TCP_LISTEN)
                return judge_listener(h, ret_certain);
        if (h && (h->process.is_ending || h->process.dumps_core)) {
                *ret_certain = h->fd >= 0;
                return CAUSE_ENDING;
        }
        if (f->address.type == SOCK_DGRAM)
                return CAUSE_DATAGRAM;
        if (s->s.state == SOCKDIAG_BOUND)
                return CAUSE_BOUND;
        if (s->s.state == TCP_TIME_WAIT)
                return CAUSE_TIME_WAIT;
        if (s->s.inode)
                return judge_connection(f, s, ret_certain);
        if (s->s.state == TCP_FIN_WAIT2)
                return CAUSE_FIN_WAIT2;
        return CAUSE_UNFINISHED;
}

/* The finding that the socket belongs to, new or old; NULL when there are too many. */
static Finding *
find_place(Verdict *v, Cause cause, const FactHolder *h)
{
        Finding *finding;

        for (size_t i = 0; i < v->n_findings; i++) {
                finding = &v->findings[i];
                if (finding->cause == cause &&
                    (h ? finding->holder && finding->holder->process.pid == h->process.pid
                       : !finding->holder))
                        return finding;
        }
        if (v->n_findings == VERDICT_FINDINGS_MAX)
                return NULL;
        finding = &v->findings[v->n_findings++];
        *finding = (Finding){.cause = cause, .holder = h};
        return finding;
}

static void
add_socket(Verdict *v, const Facts *f, const FactSocket *s)
{
        const FactHolder *h = facts_first_holder(f, s);
        bool is_certain;
        Cause cause = judge_socket(f, s, h, &is_certain);
        Finding *finding = find_place(v, cause, h);
        uint32_t wait_msec = s->s.inode ? 0 : s->s.expires_msec;

        if (!finding)
                return;
        finding->is_certain = is_certain;
        finding->n_sockets += s->n_alike;
        if (!finding->socket || wait_msec > finding->wait_msec)
                finding->socket = s;
        if (wait_msec > finding->wait_msec)
                finding->wait_msec = wait_msec;
        finding->is_client = finding->is_client || (!s->s.inode && is_of_client(f, &s->s));
        finding->takes_both = finding->takes_both ||
                              (f->address.any.sa_family == AF_INET && overlap_takes_both(&s->s));
        finding->foreign_group =
                finding->foreign_group || (s->s.state == TCP_LISTEN && f->asker.reuseport &&
                                           (s->reuseport == 1 || f->error_as_owner == 0) &&
                                           s->s.has_uid && s->s.uid != f->asker.uid);
}

static int
compare_findings(const void *a, const void *b)
{
        const Finding *x = a;
        const Finding *y = b;

        return (int)x->cause - (int)y->cause;
}

static void
add_cause(Verdict *v, Cause cause)
{
        v->findings[v->n_findings++] = (Finding){.cause = cause, .is_certain = true};
}

static void
judge_path(Verdict *v, const Facts *f)
{
        if (f->path == FACT_PATH_NONE)
                add_cause(v, CAUSE_DIRECTORY);
        else if (f->path != FACT_PATH_SOCKET)
                add_cause(v, CAUSE_PATH_TAKEN);
        else if (f->connect_error == ECONNREFUSED)
                add_cause(v, CAUSE_PATH_STALE);
        else if (f->connect_error == 0 || f->connect_error == EPROTOTYPE)
                add_cause(v, CAUSE_PATH_ELSEWHERE);
        else
                add_cause(v, CAUSE_PATH_UNKNOWN);
}

static void
judge_not_local(Verdict *v, const Facts *f)
{
        switch (f->local) {
        case IFADDR_TENTATIVE:
                add_cause(v, CAUSE_TENTATIVE);
                break;
        case IFADDR_DUPLICATE:
                add_cause(v, CAUSE_DUPLICATE_ADDRESS);
                break;
        case IFADDR_UNKNOWN:
        case IFADDR_NONE:
        case IFADDR_READY:
                add_cause(v, CAUSE_NOT_LOCAL);
                break;
        }
}

/* What an error means where no socket explains it. */
static void
judge_error(Verdict *v, const Facts *f)
{
        unsigned port = address_port(&f->address);
        bool is_path = address_is_path(&f->address);

        if (is_path) {
                judge_path(v, f);
                return;
        }
        switch (f->error) {
        case EADDRINUSE:
                add_cause(v, CAUSE_UNSEEN);
                break;
        case EACCES:
                add_cause(v, (port && port < f->first_unprivileged) ||
                                             address_is_reserved_vsock(&f->address)
                                     ? CAUSE_PRIVILEGED_PORT
                                     : CAUSE_SECURITY_MODULE);
                break;
        case EPERM:
                add_cause(v, CAUSE_BPF_HOOK);
                break;
        case EADDRNOTAVAIL:
                judge_not_local(v, f);
                break;
        case EAFNOSUPPORT:
                add_cause(v, CAUSE_NO_FAMILY);
                break;
        case EINVAL:
                add_cause(v, f->address.any.sa_family == AF_INET6 &&
                                             IN6_IS_ADDR_LINKLOCAL(&f->address.in6.sin6_addr) &&
                                             !f->address.in6.sin6_scope_id
                                     ? CAUSE_NO_SCOPE
                                     : CAUSE_OTHER);
                break;
        default:
                add_cause(v, CAUSE_OTHER);
                break;
        }
}

static bool
has_cause(const Verdict *v, Cause cause)
{
        for (size_t i = 0; i < v->n_findings; i++)
                if (v->findings[i].cause == cause)
                        return true;
        return false;
}

static bool
is_leftover(Cause cause)
{
        return cause == CAUSE_FIN_WAIT2 || cause == CAUSE_UNFINISHED || cause == CAUSE_TIME_WAIT;
}

/* All that is in the way was left by connections, and nobody has it. */
static bool
only_leftovers(const Verdict *v)
{
        for (size_t i = 0; i < v->n_findings; i++)
                if (!is_leftover(v->findings[i].cause))
                        return false;
        return v->n_findings > 0;
}

static void
judge_waiting(Verdict *v, const Facts *f)
{
        uint32_t longest = 0;

        for (size_t i = 0; i < v->n_findings; i++) {
                const Finding *finding = &v->findings[i];

                if ((finding->cause != CAUSE_TIME_WAIT && finding->cause != CAUSE_FIN_WAIT2) ||
                    !finding->wait_msec)
                        return;
                if (finding->wait_msec > longest)
                        longest = finding->wait_msec;
        }
        v->wait_msec = longest;
        v->slack_msec = longest ? verdict_timer_slack(FIN_TIMER_MSEC, f->clock_hz) : 0;
}

static void
judge_inferences(Verdict *v, const Facts *f)
{
        if (f->was_gone)
                v->inferences |= INFER_ENDED_JUST_NOW;
        if (v->is_free && has_cause(v, CAUSE_BOUND))
                v->inferences |= INFER_FIRST_TO_LISTEN;
        for (size_t i = 0; i < v->n_findings && !v->is_free; i++) {
                const Finding *finding = &v->findings[i];

                if (finding->cause == CAUSE_INHERITED)
                        v->inferences |= INFER_LEFT_BY_SERVER;
                if (finding->cause == CAUSE_ENDING && !finding->is_certain)
                        v->inferences |= INFER_HELD_BY_ENDING;
                if (finding->cause == CAUSE_CONNECTION)
                        v->inferences |= INFER_ACCEPTED;
                if (finding->cause == CAUSE_OUTGOING && !finding->is_certain)
                        v->inferences |= INFER_OUTGOING;
                if (is_leftover(finding->cause) && f->error_reuseaddr == 0)
                        v->inferences |= INFER_OLD_HAD_REUSEADDR;
                else if (is_leftover(finding->cause) && only_leftovers(v) &&
                         (f->asker.reuseaddr || f->error_reuseaddr == EADDRINUSE))
                        v->inferences |= INFER_OLD_LACKED_REUSEADDR;
                if (finding->cause == CAUSE_LISTENER && f->asker.reuseport &&
                    !finding->foreign_group && finding->socket->reuseport != 1)
                        v->inferences |= INFER_LISTENER_LACKS_REUSEPORT;
                if (finding->cause == CAUSE_DATAGRAM &&
                    ((f->asker.reuseaddr && finding->socket->reuseaddr < 0) ||
                     (f->asker.reuseport && finding->socket->reuseport < 0)))
                        v->inferences |= INFER_CANNOT_TELL_SHARING;
        }
}

static void
judge_unseen(Verdict *v, const Facts *f)
{
        for (size_t i = 0; i < v->n_findings; i++) {
                const Finding *finding = &v->findings[i];

                if (!finding->socket)
                        continue;
                if (finding->socket->s.inode && !finding->holder)
                        v->unseen |= f->is_root ? UNSEEN_HOLDER_AS_ROOT : UNSEEN_HOLDER;
                if (is_leftover(finding->cause) && !finding->socket->s.has_uid)
                        v->unseen |= UNSEEN_OWNER_OF_LEFTOVER;
        }
        if (f->hides_bound && !v->is_free)
                v->unseen |= UNSEEN_BOUND;
        if (f->view.cut_short && !v->is_free)
                v->unseen |= UNSEEN_CUT_SHORT;
}

/* Decide. The verdict points into the facts, which must outlive it. */
void
verdict_judge(const Facts *f, Verdict *ret)
{
        Verdict v = {.is_free = f->error == 0, .error = f->error};

        if (v.is_free || f->error == EADDRINUSE)
                for (size_t i = 0; i < f->n_sockets; i++)
                        add_socket(&v, f, &f->sockets[i]);
        if (!v.is_free && v.n_findings == 0)
                judge_error(&v, f);
        qsort(v.findings, v.n_findings, sizeof(v.findings[0]), compare_findings);
        judge_inferences(&v, f);
        judge_unseen(&v, f);
        if (!v.is_free) {
                judge_waiting(&v, f);
                verdict_advise(&v, f);
        }
        *ret = v;
}
