/* SPDX-License-Identifier: MIT */
/* explained.h - all sentences of a verdict, written to nowhere. */
#ifndef SUP_TESTS_FUZZ_EXPLAINED_H
#define SUP_TESTS_FUZZ_EXPLAINED_H

#include "fuzz.h"

#include "sockets/explain.h"

/* Where sentences go. */
static inline FILE *
explained_nowhere(void)
{
        static FILE *nowhere;

        if (!nowhere)
                nowhere = fopen("/dev/null", "we");
        fuzz_must(nowhere);
        return nowhere;
}

static inline void
explain_all(const Facts *f, const Verdict *v)
{
        FILE *out = explained_nowhere();

        explain_verdict(out, f, v);
        for (size_t i = 0; i < v->n_findings; i++)
                explain_finding(out, f, &v->findings[i]);
        for (unsigned bit = 1; bit <= v->inferences; bit <<= 1)
                if (v->inferences & bit)
                        explain_inference(out, f, v, (Inference)bit);
        for (unsigned bit = 1; bit <= v->unseen; bit <<= 1)
                if (v->unseen & bit)
                        explain_unseen(out, f, v, (Unseen)bit);
        for (size_t i = 0; i < v->n_remedies; i++)
                explain_remedy(out, f, v, v->remedies[i]);
}

#endif
