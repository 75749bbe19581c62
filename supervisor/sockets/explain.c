/* SPDX-License-Identifier: MIT */
/*
 * explain.c - a verdict in sentences: what is in the way.
 *
 * Gist: a clause for each cause, without a full stop, that goes on from "ADDRESS is not free: ". What
 * is written here is known; inferences have sentences of their own. No user is looked up by name:
 * the supervisor calls this, and a name service may be slow.
 */
#include "sockets/explain.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <string.h>

#include "base/cleanup.h"
#include "sockets/overlap.h"

static const char *const state_names[] = {
        [TCP_ESTABLISHED] = "ESTABLISHED",
        [TCP_SYN_SENT] = "SYN_SENT",
        [TCP_SYN_RECV] = "SYN_RECV",
        [TCP_FIN_WAIT1] = "FIN_WAIT1",
        [TCP_FIN_WAIT2] = "FIN_WAIT2",
        [TCP_TIME_WAIT] = "TIME_WAIT",
        [TCP_CLOSE] = "CLOSE",
        [TCP_CLOSE_WAIT] = "CLOSE_WAIT",
        [TCP_LAST_ACK] = "LAST_ACK",
        [TCP_LISTEN] = "LISTEN",
        [TCP_CLOSING] = "CLOSING",
        [SOCKDIAG_BOUND] = "bound",
};

/* The state as ss(8) and netstat(8) call it; a static string. */
const char *
explain_state(const SockdiagSocket *s)
{
        if (s->protocol == IPPROTO_UDP)
                return s->state == TCP_ESTABLISHED ? "connected" : "bound";
        if (s->state < ELEMENTSOF(state_names) && state_names[s->state])
                return state_names[s->state];
        return "unknown";
}

static const char *
format_end(int family, const struct in6_addr *address, uint16_t port, char *ret_text, size_t size)
{
        Address a = {.type = SOCK_STREAM};

        if (family == AF_INET) {
                a.in = (struct sockaddr_in){.sin_family = AF_INET,
                                            .sin_port = htons(port),
                                            .sin_addr.s_addr = address->s6_addr32[0]};
        } else {
                a.in6 = (struct sockaddr_in6){
                        .sin6_family = AF_INET6, .sin6_port = htons(port), .sin6_addr = *address};
        }
        return address_format_plain(&a, ret_text, size);
}

/* The local end of a TCP or UDP socket. Returns ret_text. */
const char *
explain_local(const SockdiagSocket *s, char *ret_text, size_t size)
{
        return format_end(s->family, &s->address, s->port, ret_text, size);
}

/* The other end. Returns ret_text. */
const char *
explain_peer(const SockdiagSocket *s, char *ret_text, size_t size)
{
        return format_end(s->family, &s->peer, s->peer_port, ret_text, size);
}

/* "python3 (pid 17)", or what little is known. */
static void
write_holder(FILE *out, const Facts *f, const Finding *finding)
{
        const FactSocket *s = finding->socket;

        if (finding->holder)
                (void)fprintf(out, "%s (pid %d)", finding->holder->process.comm,
                              (int)finding->holder->process.pid);
        else if (s && s->s.has_uid)
                (void)fprintf(out, "a process of uid %u", (unsigned)s->s.uid);
        else
                (void)fputs("a process", out);
        if (!finding->holder && f->is_root)
                (void)fputs(" that is not seen from here", out);
}

static void
write_local(FILE *out, const Facts *f, const Finding *finding)
{
        char text[ADDRESS_TEXT_MAX];

        if (finding->socket->s.family == AF_UNIX)
                (void)fputs(address_format_plain(&f->address, text, sizeof(text)), out);
        else
                (void)fputs(explain_local(&finding->socket->s, text, sizeof(text)), out);
}

static void
write_about_holder(FILE *out, const Facts *f, const Finding *finding)
{
        static const char *const verbs[CAUSE_N] = {
                [CAUSE_LISTENER] = " listens on ",
                [CAUSE_INHERITED] = " has the listener on ",
                [CAUSE_STOPPED] = ", which is stopped, listens on ",
                [CAUSE_ENDING] = " is ending and has not let go of ",
                [CAUSE_DATAGRAM] = " is bound to ",
                [CAUSE_BOUND] = " has bound, without listening, ",
                [CAUSE_SELF_CONNECT] = " is connected to itself on ",
        };
        bool dumps = finding->holder && finding->holder->process.dumps_core;

        write_holder(out, f, finding);
        (void)fputs(finding->cause == CAUSE_ENDING && dumps
                            ? " writes its core dump and has not let go of "
                            : verbs[finding->cause],
                    out);
        write_local(out, f, finding);
        if (finding->cause == CAUSE_INHERITED)
                (void)fputs(", and does not take connections from it", out);
        if (f->netns.name[0])
                (void)fprintf(out, ", in the network namespace %s", f->netns.name);
        else if (f->netns.pid)
                (void)fprintf(out, ", in the network namespace of pid %d", (int)f->netns.pid);
        if (finding->takes_both)
                (void)fputs(", which takes IPv4 as well", out);
        if (finding->foreign_group)
                (void)fprintf(out, "; the SO_REUSEPORT group belongs to uid %u",
                              (unsigned)finding->socket->s.uid);
}

static void
write_about_connection(FILE *out, const Facts *f, const Finding *finding)
{
        char peer[ADDRESS_TEXT_MAX];

        (void)explain_peer(&finding->socket->s, peer, sizeof(peer));
        write_holder(out, f, finding);
        if (finding->cause == CAUSE_OUTGOING)
                (void)fprintf(out, " uses the port for its own connection to %s", peer);
        else if (finding->n_sockets == 1)
                (void)fprintf(out, " still has a connection on it, with %s (%s)", peer,
                              explain_state(&finding->socket->s));
        else
                (void)fprintf(out, " still has %zu connections on it, one with %s (%s)",
                              finding->n_sockets, peer, explain_state(&finding->socket->s));
}

/* What connections have left behind that no process has. */
static void
write_leftovers(FILE *out, const Facts *f, const Finding *finding)
{
        static const char *const one[CAUSE_N] = {
                [CAUSE_TIME_WAIT] = "is in TIME_WAIT",
                [CAUSE_FIN_WAIT2] = "has not been closed by the client yet",
                [CAUSE_UNFINISHED] =
                        "cannot end, since the client does not take the rest, or is gone",
        };
        static const char *const many[CAUSE_N] = {
                [CAUSE_TIME_WAIT] = "are in TIME_WAIT",
                [CAUSE_FIN_WAIT2] = "have not been closed by the clients yet",
                [CAUSE_UNFINISHED] =
                        "cannot end, since the clients do not take the rest, or are gone",
        };
        char peer[ADDRESS_TEXT_MAX];

        (void)f;
        (void)explain_peer(&finding->socket->s, peer, sizeof(peer));
        if (finding->n_sockets == 1)
                (void)fprintf(out, "a connection with %s %s", peer, one[finding->cause]);
        else
                (void)fprintf(out, "%zu connections, one with %s, %s", finding->n_sockets, peer,
                              many[finding->cause]);
        if (finding->cause != CAUSE_TIME_WAIT)
                (void)fprintf(out, " (%s)", explain_state(&finding->socket->s));
}

static void
write_about_path(FILE *out, const Facts *f, const Finding *finding)
{
        static const char *const things[] = {
                [FACT_PATH_NONE] = "nothing",
                [FACT_PATH_SOCKET] = "a socket",
                [FACT_PATH_DIRECTORY] = "a directory",
                [FACT_PATH_LINK] = "a symbolic link",
                [FACT_PATH_DANGLING] = "a symbolic link that leads nowhere",
                [FACT_PATH_OTHER] = "a file that is not a socket",
        };

        (void)finding;
        (void)fprintf(out, "%s has this name", things[f->path]);
}

static void
write_about_directory(FILE *out, const Facts *f, const Finding *finding)
{
        (void)finding;
        if (f->error == ENOENT)
                (void)fprintf(out, "the directory %s does not exist", f->directory);
        else if (f->error == EACCES)
                (void)fprintf(out, "uid %u may not make files in the directory %s",
                              (unsigned)f->asker.uid, f->directory);
        else
                (void)fprintf(out, "the directory %s cannot be used: %s", f->directory,
                              strerrordesc_np(f->error));
}

static void
write_about_privileged(FILE *out, const Facts *f, const Finding *finding)
{
        (void)finding;
        (void)fprintf(out, "ports below %u need root or CAP_NET_BIND_SERVICE",
                      f->address.any.sa_family == AF_VSOCK ? 1024 : f->first_unprivileged);
}

static void
write_about_not_local(FILE *out, const Facts *f, const Finding *finding)
{
        (void)finding;
        (void)fputs(f->address.any.sa_family == AF_VSOCK
                            ? "this machine does not have that number (CID)"
                            : "no interface of this machine has that address",
                    out);
}

static void
write_error(FILE *out, const Facts *f, const Finding *finding)
{
        (void)finding;
        (void)fputs(strerrordesc_np(f->error), out);
}

/* A cause has a text that never changes, or a function that writes it. */
static const struct {
        const char *text;
        void (*write)(FILE *out, const Facts *f, const Finding *finding);
} clauses[CAUSE_N] = {
        [CAUSE_LISTENER] = {.write = write_about_holder},
        [CAUSE_INHERITED] = {.write = write_about_holder},
        [CAUSE_STOPPED] = {.write = write_about_holder},
        [CAUSE_ENDING] = {.write = write_about_holder},
        [CAUSE_DATAGRAM] = {.write = write_about_holder},
        [CAUSE_BOUND] = {.write = write_about_holder},
        [CAUSE_SELF_CONNECT] = {.write = write_about_holder},
        [CAUSE_OUTGOING] = {.write = write_about_connection},
        [CAUSE_CONNECTION] = {.write = write_about_connection},
        [CAUSE_FIN_WAIT2] = {.write = write_leftovers},
        [CAUSE_UNFINISHED] = {.write = write_leftovers},
        [CAUSE_TIME_WAIT] = {.write = write_leftovers},
        [CAUSE_UNSEEN] = {.text = "another socket has it, and the kernel does not show which"},
        [CAUSE_PATH_TAKEN] = {.write = write_about_path},
        [CAUSE_PATH_STALE] =
                {.text = "nobody listens there, a server that has ended left the file"},
        [CAUSE_PATH_UNKNOWN] = {.text = "a socket is there that may not be asked whether anybody "
                                        "listens"},
        [CAUSE_PATH_ELSEWHERE] = {.text = "a process of another network namespace listens there"},
        [CAUSE_DIRECTORY] = {.write = write_about_directory},
        [CAUSE_PRIVILEGED_PORT] = {.write = write_about_privileged},
        [CAUSE_SECURITY_MODULE] = {.text = "permission denied by a security module: SELinux, "
                                           "AppArmor, or Landlock"},
        [CAUSE_BPF_HOOK] = {.text = "a BPF program of the control group, or a seccomp filter, "
                                    "forbids it"},
        [CAUSE_NOT_LOCAL] = {.write = write_about_not_local},
        [CAUSE_TENTATIVE] = {.text = "IPv6 still looks whether another machine has that address"},
        [CAUSE_DUPLICATE_ADDRESS] = {.text = "another machine has that IPv6 address as well"},
        [CAUSE_NO_SCOPE] = {.text = "a link-local address is of one interface, and none is named"},
        [CAUSE_NO_FAMILY] = {.text = "this kernel does not have that address family"},
        [CAUSE_OTHER] = {.write = write_error},
};

/* One thing that is in the way, as a clause. */
void
explain_finding(FILE *out, const Facts *f, const Finding *finding)
{
        if (clauses[finding->cause].write)
                clauses[finding->cause].write(out, f, finding);
        else
                (void)fputs(clauses[finding->cause].text, out);
}

/* How long it takes until all has gone by itself, as a clause; nothing where that is not known. */
void
explain_wait(FILE *out, const Verdict *v)
{
        if (!v->wait_msec)
                return;
        (void)fprintf(out, "free in %u s (up to %u s more)", (v->wait_msec + 999) / 1000,
                      (v->slack_msec + 500) / 1000);
        for (size_t i = 0; i < v->n_findings; i++)
                if (v->findings[i].cause == CAUSE_FIN_WAIT2) {
                        (void)fputs(", or 60 s after the client closes", out);
                        return;
                }
}

/* The whole in one sentence that begins behind the address: "is free", "is not free: …". */
void
explain_verdict(FILE *out, const Facts *f, const Verdict *v)
{
        if (v->is_free) {
                (void)fputs("is free", out);
                if (v->inferences & INFER_ENDED_JUST_NOW)
                        (void)fputs(" now: what had it a moment ago has just ended", out);
                else if (f->n_sockets && f->asker.reuseport)
                        (void)fputs(" to share", out);
                return;
        }
        (void)fputs("is not free: ", out);
        explain_finding(out, f, &v->findings[0]);
        if (v->n_findings > 1)
                (void)fprintf(out, "; and %zu more thing%s in the way", v->n_findings - 1,
                              v->n_findings == 2 ? " is" : "s are");
        if (v->wait_msec) {
                (void)fputs("; ", out);
                explain_wait(out, v);
        }
}
