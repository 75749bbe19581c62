/* SPDX-License-Identifier: MIT */
/* why_json.c - the answer of `sup why` for programs. */
#include <errno.h>
#include <jansson.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "cli/why.h"
#include "sockets/explain.h"

typedef void (*Writer)(FILE *out, const Facts *f, const Verdict *v, unsigned what);

/* What an explain function writes, as a JSON string. */
static json_t *
text_of(Writer write, const Facts *f, const Verdict *v, unsigned what)
{
        CLEANUP_FREE char *text = NULL;
        size_t size;
        FILE *out = open_memstream(&text, &size);

        if (!out)
                return NULL;
        write(out, f, v, what);
        (void)fclose(out);
        return json_string(text);
}

static void
write_verdict(FILE *out, const Facts *f, const Verdict *v, unsigned what)
{
        (void)what;
        explain_verdict(out, f, v);
}

static void
write_finding(FILE *out, const Facts *f, const Verdict *v, unsigned what)
{
        explain_finding(out, f, &v->findings[what]);
}

static void
write_inference(FILE *out, const Facts *f, const Verdict *v, unsigned what)
{
        explain_inference(out, f, v, (Inference)what);
}

static void
write_unseen(FILE *out, const Facts *f, const Verdict *v, unsigned what)
{
        explain_unseen(out, f, v, (Unseen)what);
}

static void
write_remedy(FILE *out, const Facts *f, const Verdict *v, unsigned what)
{
        explain_remedy(out, f, v, v->remedies[what]);
}

static void
set(json_t *object, const char *key, json_t *consume_value)
{
        (void)json_object_set_new(object, key, consume_value);
}

static void
set_text(json_t *object, const char *key, const char *text)
{
        if (text[0])
                set(object, key, json_string(text));
}

static void
set_place(json_t *object, const CgroupPlace *place)
{
        set_text(object, "unit", place->unit);
        set_text(object, "container", place->container);
}

static void
set_option(json_t *object, const char *key, int value)
{
        if (value >= 0)
                set(object, key, json_boolean(value));
}

static json_t *
describe_holder(const FactHolder *h)
{
        const Process *p = &h->process;
        json_t *object = json_object();
        char state[2] = {p->state, '\0'};
        char text[64];

        set(object, "pid", json_integer(p->pid));
        set(object, "ppid", json_integer(p->parent));
        set(object, "fd", json_integer(h->fd));
        set_text(object, "name", p->comm);
        set_text(object, "command", p->command);
        set_text(object, "state", state);
        set(object, "ending", json_boolean(p->is_ending || p->dumps_core));
        if (p->has_uid) {
                set(object, "uid", json_integer(p->uid));
                set_text(object, "user", why_user_name(p->uid, text, sizeof(text)));
        }
        if (p->started_usec)
                set(object, "since_usec", json_integer((json_int_t)p->started_usec));
        set_place(object, &p->place);
        return object;
}

static json_t *
describe_socket(const Facts *f, const FactSocket *s)
{
        json_t *object = json_object();
        json_t *holders = json_array();
        char text[ADDRESS_TEXT_MAX];

        set(object, "local",
            json_string(s->s.family == AF_UNIX
                                ? address_format_plain(&f->address, text, sizeof(text))
                                : explain_local(&s->s, text, sizeof(text))));
        if (s->s.peer_port)
                set(object, "peer", json_string(explain_peer(&s->s, text, sizeof(text))));
        set_text(object, "state", explain_state(&s->s));
        set(object, "count", json_integer((json_int_t)s->n_alike));
        if (s->s.state == TCP_LISTEN) {
                set(object, "queue", json_integer(s->s.rqueue));
                set(object, "queue_limit", json_integer(s->s.wqueue));
        }
        if (s->s.inode)
                set(object, "inode", json_integer((json_int_t)s->s.inode));
        else if (s->s.expires_msec)
                set(object, "expires_msec", json_integer(s->s.expires_msec));
        if (s->s.has_uid)
                set(object, "uid", json_integer(s->s.uid));
        set_option(object, "reuseaddr", s->reuseaddr);
        set_option(object, "reuseport", s->reuseport);
        set_place(object, &s->place);
        for (size_t i = 0; i < f->n_holders; i++)
                if (&f->sockets[f->holders[i].socket] == s)
                        (void)json_array_append_new(holders, describe_holder(&f->holders[i]));
        set(object, "holders", holders);
        return object;
}

static json_t *
describe_finding(const Facts *f, const Verdict *v, size_t i)
{
        const Finding *finding = &v->findings[i];
        json_t *object = json_object();

        set_text(object, "cause", verdict_cause_name(finding->cause));
        set(object, "certain", json_boolean(finding->is_certain));
        set(object, "text", text_of(write_finding, f, v, (unsigned)i));
        if (finding->n_sockets)
                set(object, "sockets", json_integer((json_int_t)finding->n_sockets));
        if (finding->holder)
                set(object, "pid", json_integer(finding->holder->process.pid));
        if (finding->wait_msec)
                set(object, "wait_msec", json_integer(finding->wait_msec));
        return object;
}

static json_t *
texts_of_bits(Writer write, const Facts *f, const Verdict *v, unsigned bits)
{
        json_t *array = json_array();

        for (unsigned bit = 1; bit <= bits; bit <<= 1)
                if (bits & bit)
                        (void)json_array_append_new(array, text_of(write, f, v, bit));
        return array;
}

static json_t *
describe_answer(const WhyAnswer *answer)
{
        const Facts *f = &answer->facts;
        const Verdict *v = &answer->verdict;
        json_t *object = json_object();
        json_t *findings = json_array();
        json_t *sockets = json_array();
        json_t *remedies = json_array();
        char text[ADDRESS_TEXT_MAX];

        set(object, "address", json_string(address_format_plain(&f->address, text, sizeof(text))));
        set_text(object, "protocol", answer->protocol);
        set(object, "free", json_boolean(v->is_free));
        set(object, "verdict", text_of(write_verdict, f, v, 0));
        if (v->error)
                set_text(object, "error", strerrorname_np(v->error));
        if (v->wait_msec) {
                set(object, "wait_msec", json_integer(v->wait_msec));
                set(object, "slack_msec", json_integer(v->slack_msec));
        }
        for (size_t i = 0; i < v->n_findings; i++)
                (void)json_array_append_new(findings, describe_finding(f, v, i));
        for (size_t i = 0; i < f->n_sockets; i++)
                (void)json_array_append_new(sockets, describe_socket(f, &f->sockets[i]));
        for (size_t i = 0; i < v->n_remedies; i++)
                (void)json_array_append_new(remedies, text_of(write_remedy, f, v, (unsigned)i));
        set(object, "causes", findings);
        set(object, "sockets", sockets);
        set(object, "inferred", texts_of_bits(write_inference, f, v, v->inferences));
        set(object, "unseen", texts_of_bits(write_unseen, f, v, v->unseen));
        set(object, "remedies", remedies);
        return object;
}

static json_t *
describe_elsewhere(const WhyElsewhere *e)
{
        json_t *object = json_object();
        json_t *sockets = json_array();

        set_text(object, "netns", e->ns.name);
        if (e->ns.pid)
                set(object, "netns_pid", json_integer(e->ns.pid));
        for (size_t i = 0; i < e->facts.n_sockets; i++)
                (void)json_array_append_new(sockets,
                                            describe_socket(&e->facts, &e->facts.sockets[i]));
        set(object, "sockets", sockets);
        return object;
}

/* Print the answer to all that was asked as one object. Returns 0 or -ENOMEM. */
int
why_json_print(FILE *out, const Why *w)
{
        json_t *object = json_object();
        json_t *answers = json_array();
        json_t *elsewhere = json_array();
        int r;

        set_text(object, "asked", w->options->address);
        set(object, "free", json_boolean(w->is_free));
        for (size_t i = 0; i < w->n_answers; i++)
                (void)json_array_append_new(answers, describe_answer(&w->answers[i]));
        for (size_t i = 0; i < w->n_elsewhere; i++)
                (void)json_array_append_new(elsewhere, describe_elsewhere(&w->elsewhere[i]));
        set(object, "answers", answers);
        set(object, "elsewhere", elsewhere);
        r = json_dumpf(object, out, JSON_INDENT(2)) < 0 ? -ENOMEM : 0;
        json_decref(object);
        (void)fputc('\n', out);
        return r;
}
