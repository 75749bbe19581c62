/* SPDX-License-Identifier: MIT */
/*
 * why_text.c - the answer of `sup why` on a screen.
 *
 * Gist: the verdict in the first line; then each thing in the way with all that is known of it; then
 * what is inferred, what was not seen, and what to do. The widths suit a terminal of 100 columns.
 */
#include <netinet/tcp.h>
#include <string.h>

#include "base/cleanup.h"
#include "cli/why.h"
#include "sockets/explain.h"

#define HOLDERS_SHOWN 4
#define SOCKETS_SHOWN 8

static void
print_place(FILE *out, const CgroupPlace *place)
{
        if (place->unit[0])
                (void)fprintf(out, ", unit %s", place->unit);
        if (place->container[0])
                (void)fprintf(out, ", container %s", place->container);
}

static void
print_holder(FILE *out, const FactHolder *h)
{
        const Process *p = &h->process;
        char text[64];

        (void)fprintf(out, "    pid %d: %s\n", (int)p->pid, p->command);
        (void)fputs("        ", out);
        if (p->has_uid)
                (void)fprintf(out, "user %s, ", why_user_name(p->uid, text, sizeof(text)));
        if (p->is_ending || p->dumps_core)
                (void)fputs(p->dumps_core ? "dumping core" : "ending", out);
        else
                (void)fputs(p->state == 'T' || p->state == 't' ? "stopped" : "running", out);
        if (p->started_usec)
                (void)fprintf(out, ", started %s", why_moment(p->started_usec, text, sizeof(text)));
        print_place(out, &p->place);
        (void)fputc('\n', out);
}

static void
print_holders(FILE *out, const Facts *f, const FactSocket *s)
{
        size_t n = 0;
        char text[64];

        for (size_t i = 0; i < f->n_holders; i++)
                if (&f->sockets[f->holders[i].socket] == s && n++ < HOLDERS_SHOWN)
                        print_holder(out, &f->holders[i]);
        if (s->n_holders > HOLDERS_SHOWN)
                (void)fprintf(out, "    and %zu more processes\n", s->n_holders - HOLDERS_SHOWN);
        if (n || (!s->s.inode && !s->s.has_uid))
                return;
        (void)fprintf(out, "    no process%s; socket of user %s", s->s.inode ? " seen" : "",
                      s->s.has_uid ? why_user_name(s->s.uid, text, sizeof(text)) : "unknown");
        print_place(out, &s->place);
        (void)fputc('\n', out);
}

static const char *
option_text(int value)
{
        return value ? "set" : "not set";
}

static void
print_socket(FILE *out, const Facts *f, const FactSocket *s)
{
        char text[ADDRESS_TEXT_MAX];

        if (s->s.family == AF_UNIX)
                (void)fprintf(out, "  %s", address_format_plain(&f->address, text, sizeof(text)));
        else
                (void)fprintf(out, "  %s", explain_local(&s->s, text, sizeof(text)));
        (void)fprintf(out, "  %s", explain_state(&s->s));
        if (s->s.state == TCP_LISTEN)
                (void)fprintf(out, ", %u of %u in its queue", s->s.rqueue, s->s.wqueue);
        if (s->s.peer_port)
                (void)fprintf(out, ", other end %s", explain_peer(&s->s, text, sizeof(text)));
        if (!s->s.inode && s->s.expires_msec)
                (void)fprintf(out, ", %u s left", (s->s.expires_msec + 999) / 1000);
        if (s->n_alike > 1)
                (void)fprintf(out, "; and %zu more like it", s->n_alike - 1);
        (void)fputc('\n', out);
        print_holders(out, f, s);
        if (s->reuseaddr >= 0)
                (void)fprintf(out, "    SO_REUSEADDR is %s, SO_REUSEPORT is %s\n",
                              option_text(s->reuseaddr), option_text(s->reuseport));
}

static void
print_details(FILE *out, const Facts *f, const Verdict *v)
{
        for (size_t i = 0; i < f->n_sockets && i < SOCKETS_SHOWN; i++)
                print_socket(out, f, &f->sockets[i]);
        if (f->n_sockets > SOCKETS_SHOWN)
                (void)fprintf(out, "  and %zu more sockets\n", f->n_sockets - SOCKETS_SHOWN);
        for (size_t i = 1; i < v->n_findings; i++) {
                (void)fputs("  also: ", out);
                explain_finding(out, f, &v->findings[i]);
                (void)fputc('\n', out);
        }
}

static void
print_answer(FILE *out, const WhyAnswer *answer)
{
        const Facts *f = &answer->facts;
        const Verdict *v = &answer->verdict;

        (void)fprintf(out, "%s ", answer->name);
        explain_verdict(out, f, v);
        (void)fputs(".\n", out);
        print_details(out, f, v);
        for (unsigned bit = 1; bit <= v->inferences; bit <<= 1)
                if (v->inferences & bit) {
                        (void)fputs("  inferred: ", out);
                        explain_inference(out, f, v, (Inference)bit);
                        (void)fputc('\n', out);
                }
        for (unsigned bit = 1; bit <= v->unseen; bit <<= 1)
                if (v->unseen & bit) {
                        (void)fputs("  not seen: ", out);
                        explain_unseen(out, f, v, (Unseen)bit);
                        (void)fputc('\n', out);
                }
        for (size_t i = 0; i < v->n_remedies; i++) {
                (void)fputs(i == 0 ? "  to do: " : "     or: ", out);
                explain_remedy(out, f, v, v->remedies[i]);
                (void)fputc('\n', out);
        }
}

static void
print_elsewhere(FILE *out, const WhyElsewhere *e)
{
        const FactSocket *s = &e->facts.sockets[0];
        const FactHolder *h = facts_first_holder(&e->facts, s);
        char text[ADDRESS_TEXT_MAX];

        (void)fputs("  elsewhere: in the network namespace ", out);
        if (e->ns.name[0])
                (void)fprintf(out, "%s, ", e->ns.name);
        else
                (void)fprintf(out, "of pid %d, ", (int)e->ns.pid);
        if (h)
                (void)fprintf(out, "%s (pid %d", h->process.comm, (int)h->process.pid);
        else
                (void)fputs("(a process that is not seen from here", out);
        if (h)
                print_place(out, &h->process.place);
        (void)fprintf(out, ") has %s; that is not in the way here\n",
                      explain_local(&s->s, text, sizeof(text)));
}

/* Print the answer to all that was asked. */
void
why_text_print(FILE *out, const Why *w)
{
        if (w->is_free && w->any_protocol && !w->answers[0].verdict.inferences)
                (void)fprintf(out, "%u is free, for TCP and for UDP.\n",
                              address_port(&w->answers[0].facts.address));
        else
                for (size_t i = 0; i < w->n_answers; i++)
                        print_answer(out, &w->answers[i]);
        for (size_t i = 0; i < w->n_elsewhere; i++)
                print_elsewhere(out, &w->elsewhere[i]);
}
