/* SPDX-License-Identifier: MIT */
/* remedy.c - a verdict in sentences: what follows, what was not seen, and what to do. */
#include <errno.h>
#include <string.h>

#include "base/cleanup.h"
#include "sockets/explain.h"

/* Something that does not show, and follows from what does. */
void
explain_inference(FILE *out, const Facts *f, const Verdict *v, Inference inference)
{
        (void)v;
        switch (inference) {
        case INFER_OLD_LACKED_REUSEADDR:
                (void)fputs(
                        "what is left had no SO_REUSEADDR, so that setting it now does not help "
                        "this time",
                        out);
                break;
        case INFER_OLD_HAD_REUSEADDR:
                (void)fputs("what is left had SO_REUSEADDR: a bind() that has it too works at once",
                            out);
                break;
        case INFER_LEFT_BY_SERVER:
                (void)fputs(
                        "a server that has ended started this process and left it the listener; "
                        "it should have opened it with SOCK_CLOEXEC",
                        out);
                break;
        case INFER_ACCEPTED:
                (void)fputs("the connections were accepted by a server whose listener is closed",
                            out);
                break;
        case INFER_OUTGOING:
                (void)fprintf(
                        out,
                        "it is the local port of an outgoing connection: it is from the range "
                        "%u-%u, nobody listens on it, and the other end's port is not from "
                        "there",
                        f->range_first, f->range_last);
                break;
        case INFER_LISTENER_LACKS_REUSEPORT:
                (void)fputs(
                        "the listener has no SO_REUSEPORT: only if both have it they share a port",
                        out);
                break;
        case INFER_ENDED_JUST_NOW:
                (void)fputs("a process that was ending had the address; who starts a server anew "
                            "after kill() has to wait for its end with waitpid()",
                            out);
                break;
        case INFER_FIRST_TO_LISTEN:
                (void)fputs(
                        "another socket with SO_REUSEADDR is bound there and does not listen: of "
                        "the two, the first to call listen() gets the port",
                        out);
                break;
        case INFER_HELD_BY_ENDING:
                (void)fputs(
                        "the process that ends has it: it is of the same user, and only root can "
                        "read the files of a process that has no memory any more",
                        out);
                break;
        case INFER_CANNOT_TELL_SHARING:
                (void)fputs("whether the other socket shares its port cannot be told: trying it "
                            "would take datagrams away from it",
                            out);
                break;
        }
}

/* Something that would have been looked at. */
void
explain_unseen(FILE *out, const Facts *f, const Verdict *v, Unseen unseen)
{
        (void)v;
        switch (unseen) {
        case UNSEEN_HOLDER:
                (void)fprintf(
                        out,
                        "which process has the socket: of %u processes of other users the open "
                        "files may not be read; root may",
                        f->view.n_unreadable);
                break;
        case UNSEEN_HOLDER_AS_ROOT:
                (void)fputs(
                        "which process has the socket: one of another pid namespace, or none: a "
                        "message that nobody has read yet can carry it",
                        out);
                break;
        case UNSEEN_OWNER_OF_LEFTOVER:
                (void)fputs("whose server it was: the kernel keeps neither user nor process of a "
                            "connection that nobody has",
                            out);
                break;
        case UNSEEN_BOUND:
                (void)fputs(
                        "sockets that are bound and do not listen: this kernel does not show them",
                        out);
                break;
        case UNSEEN_CUT_SHORT:
                (void)fprintf(out,
                              "all open files of pid %d, which has very many: it may have the "
                              "socket as well",
                              (int)f->view.cut_short);
                break;
        }
}

static const Finding *
find_cause(const Verdict *v, Cause cause)
{
        for (size_t i = 0; i < v->n_findings; i++)
                if (v->findings[i].cause == cause)
                        return &v->findings[i];
        return &v->findings[0];
}

static const Finding *
find_held(const Verdict *v)
{
        for (size_t i = 0; i < v->n_findings; i++)
                if (v->findings[i].holder)
                        return &v->findings[i];
        return NULL;
}

static bool
is_service(const char *unit)
{
        size_t n = strlen(unit);

        return n > 8 && strcmp(unit + n - 8, ".service") == 0 && strncmp(unit, "user@", 5) != 0;
}

static bool
write_end_of_place(FILE *out, const CgroupPlace *place)
{
        static const char *const engines[] = {"docker ", "podman "};

        for (size_t i = 0; i < ELEMENTSOF(engines); i++) {
                size_t n = strlen(engines[i]);

                if (strncmp(place->container, engines[i], n) != 0)
                        continue;
                (void)fprintf(out, "stop its container: %sstop %s", engines[i],
                              place->container + n);
                return true;
        }
        if (!is_service(place->unit) || place->container[0])
                return false;
        (void)fprintf(out, "stop its unit: systemctl stop %s", place->unit);
        return true;
}

/* The command that ends what has the socket: by its unit or container, if it is of one. */
static void
write_end(FILE *out, const Facts *f, const Verdict *v)
{
        const Finding *finding = find_held(v);
        const Process *p = finding ? &finding->holder->process : NULL;

        if (!p || write_end_of_place(out, &p->place))
                return;
        if (p->pid == 1) {
                (void)fputs("stop the unit that has it: systemctl list-sockets shows which", out);
                return;
        }
        (void)fprintf(out, "end pid %d: kill%s", (int)p->pid,
                      p->state == 'T' || p->state == 't' ? " -KILL" : "");
        (void)fprintf(out, " %d", (int)p->pid);
        for (size_t i = 0; i < f->n_holders; i++) {
                const FactHolder *h = &f->holders[i];

                if (h->is_first && h->process.pid != p->pid &&
                    &f->sockets[h->socket] == finding->socket)
                        (void)fprintf(out, " %d", (int)h->process.pid);
        }
}

static void
write_wait(FILE *out, const Facts *f, const Verdict *v)
{
        (void)f;
        if (v->wait_msec) {
                (void)fprintf(out, "wait %u s (up to %u s more)", (v->wait_msec + 999) / 1000,
                              (v->slack_msec + 500) / 1000);
                if (find_cause(v, CAUSE_FIN_WAIT2)->cause == CAUSE_FIN_WAIT2)
                        (void)fputs(", or 60 s from when the client closes", out);
        } else if (find_cause(v, CAUSE_UNFINISHED)->cause == CAUSE_UNFINISHED) {
                (void)fputs("wait: the kernel gives up on a client that is gone after some minutes",
                            out);
        } else {
                (void)fputs("wait until what is left has gone", out);
        }
        if (v->inferences & INFER_OLD_LACKED_REUSEADDR)
                (void)fputs(", and start the server with SO_REUSEADDR, or under sup, from then on",
                            out);
}

static void
write_directory(FILE *out, const Facts *f, const Verdict *v)
{
        (void)v;
        if (f->error == ENOENT)
                (void)fprintf(out, "make the directory: mkdir -p %s", f->directory);
        else
                (void)fprintf(out, "let uid %u write to %s, or choose another directory",
                              (unsigned)f->asker.uid, f->directory);
}

static void
write_continue(FILE *out, const Facts *f, const Verdict *v)
{
        const Finding *finding = find_cause(v, CAUSE_STOPPED);

        (void)f;
        (void)fputs("continue it: fg in its terminal", out);
        if (finding->holder)
                (void)fprintf(out, ", or kill -CONT %d", (int)finding->holder->process.pid);
}

static void
write_same_user(FILE *out, const Facts *f, const Verdict *v)
{
        const Finding *finding = find_cause(v, CAUSE_LISTENER);

        (void)f;
        (void)fprintf(out, "run the new server as uid %u, whose group it is; root is not exempt",
                      (unsigned)finding->socket->s.uid);
}

static void
write_below_range(FILE *out, const Facts *f, const Verdict *v)
{
        (void)v;
        (void)fprintf(out,
                      "move the server to a port outside of %u-%u, or keep its port from clients: "
                      "sysctl -w net.ipv4.ip_local_reserved_ports=%u",
                      f->range_first, f->range_last, address_port(&f->address));
}

static void
write_remove_stale(FILE *out, const Facts *f, const Verdict *v)
{
        char text[ADDRESS_TEXT_MAX];

        (void)v;
        (void)fprintf(out, "remove the file: rm %s",
                      address_format_plain(&f->address, text, sizeof(text)));
}

static void
write_end_client(FILE *out, const Facts *f, const Verdict *v)
{
        const Finding *finding = &v->findings[v->n_findings - 1];
        char text[ADDRESS_TEXT_MAX];

        (void)f;
        for (size_t i = v->n_findings; i-- > 0;)
                if (v->findings[i].cause == CAUSE_FIN_WAIT2 ||
                    v->findings[i].cause == CAUSE_UNFINISHED)
                        finding = &v->findings[i];
        (void)fprintf(out, "end the client at %s",
                      explain_peer(&finding->socket->s, text, sizeof(text)));
}

/* A remedy has a text that never changes, or a function that writes it. */
static const struct {
        const char *text;
        void (*write)(FILE *out, const Facts *f, const Verdict *v);
} sentences[REMEDY_N] = {
        [REMEDY_NONE] = {.text = ""},
        [REMEDY_SET_REUSEADDR] = {.text = "set SO_REUSEADDR on the server's socket before bind(): "
                                          "then it works at once"},
        [REMEDY_SET_REUSEPORT] = {.text = "set SO_REUSEPORT on the new server's socket, if the two "
                                          "are to share their clients"},
        [REMEDY_WAIT] = {.write = write_wait},
        [REMEDY_WAIT_FOR_END] = {.text = "wait for its end: who starts a server anew after kill() "
                                         "has to call waitpid() first"},
        [REMEDY_WAIT_FOR_DAD] = {.text = "wait a second or two until IPv6 has made sure of the "
                                         "address"},
        [REMEDY_CONTINUE] = {.write = write_continue},
        [REMEDY_SAME_USER] = {.write = write_same_user},
        [REMEDY_V6ONLY] = {.text = "let the other server set IPV6_V6ONLY, so that it leaves IPv4 "
                                   "alone"},
        [REMEDY_BELOW_RANGE] = {.write = write_below_range},
        [REMEDY_FREEBIND] =
                {.text = "set IP_FREEBIND (with sup: -l ADDRESS,freebind) to bind it all "
                         "the same"},
        [REMEDY_LOCAL_ADDRESS] =
                {.text = "bind an address that `ip address` shows, or all of them: "
                         "0.0.0.0 or [::]"},
        [REMEDY_LOCAL_CID] = {.text = "bind the machine's own number (CID), or whichever it has: "
                                      "vsock::PORT"},
        [REMEDY_ADD_SCOPE] = {.text = "name the interface: [fe80::1%eth0]:80"},
        [REMEDY_CAPABILITY] =
                {.text = "give the server CAP_NET_BIND_SERVICE, for example by "
                         "AmbientCapabilities= and CapabilityBoundingSet= in its unit"},
        [REMEDY_ASK_POLICY] =
                {.text = "look for the rule that denies it: SELinux logs it (ausearch "
                         "-m avc); Landlock was set by a program that started this one"},
        [REMEDY_ASK_HOOK] = {.text = "look for the program: bpftool cgroup tree"},
        [REMEDY_REMOVE_STALE] = {.write = write_remove_stale},
        [REMEDY_OTHER_NAME] = {.text = "give the new server another name to listen on"},
        [REMEDY_DIRECTORY] = {.write = write_directory},
        [REMEDY_BE_ROOT] = {.text = "run sup why as root to see whose it is"},
        [REMEDY_FIND_ELSEWHERE] =
                {.text = "look for it in the other namespaces: run sup why as root "
                         "outside of all containers"},
        [REMEDY_FIND_VSOCK] = {.text = "look for it with ss --vsock --all --processes, where the "
                                       "kernel has vsock_diag"},
        [REMEDY_LOAD_VSOCK] = {.text = "load the module of vsock: modprobe vsock"},
        [REMEDY_END] = {.write = write_end},
        [REMEDY_END_CLIENT] = {.write = write_end_client},
        [REMEDY_OTHER_PORT] = {.text = "give the new server another port"},
};

/* What to do, as one imperative sentence without a full stop. */
void
explain_remedy(FILE *out, const Facts *f, const Verdict *v, Remedy remedy)
{
        if (sentences[remedy].write)
                sentences[remedy].write(out, f, v);
        else
                (void)fputs(sentences[remedy].text, out);
}
