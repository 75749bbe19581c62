/* SPDX-License-Identifier: MIT */
/* conflict.c - why an address cannot be bound, for the log: one sentence. Asked after a bind failed. */
#include "sockets/conflict.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "sockets/explain.h"
#include "sockets/look.h"
#include "sockets/verdict.h"

/* What is in the way, until when, and the first thing to do. */
static char *
in_one_line(const Facts *f, const Verdict *v)
{
        char *text = NULL;
        size_t size;
        FILE *out = open_memstream(&text, &size);

        if (!out)
                return NULL;
        explain_finding(out, f, &v->findings[0]);
        if (v->n_findings > 1)
                (void)fprintf(out, " (and %zu more)", v->n_findings - 1);
        if (v->wait_msec) {
                (void)fputs("; ", out);
                explain_wait(out, v);
        }
        if (v->n_remedies) {
                (void)fputs("; ", out);
                explain_remedy(out, f, v, v->remedies[0]);
        }
        (void)fclose(out);
        return text;
}

/* Whether we have it ourselves: nobody is to be told to end us. */
static bool
is_our_own(const Facts *f)
{
        for (size_t i = 0; i < f->n_holders; i++)
                if (f->holders[i].process.pid == getpid())
                        return true;
        return false;
}

/*
 * What is in the way of binding the address with such a socket: a sentence without the address, to
 * be freed by the caller; NULL when nothing is, or we are, or memory is short.
 */
char *
conflict_find(const Address *address, const ProbeSocket *asker)
{
        CLEANUP(facts_deinit) Facts facts;
        Verdict verdict;

        if (look_at(address, asker, LOOK_ALONE, &facts) < 0)
                return NULL;
        verdict_judge(&facts, &verdict);
        return verdict.is_free || is_our_own(&facts) ? NULL : in_one_line(&facts, &verdict);
}

/*
 * The reason why bind() or listen() gave `error` (a positive errno): the same, or, if nothing is in
 * the way any more, what the error says.
 */
char *
conflict_explain(const Address *address, const ProbeSocket *asker, int error)
{
        char *text = conflict_find(address, asker);

        return text ? text : strdup(strerrordesc_np(error));
}
