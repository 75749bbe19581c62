/* SPDX-License-Identifier: MIT */
/* explain.h - a verdict in sentences, for the screen, for JSON and for the log. */
#ifndef SUP_SOCKETS_EXPLAIN_H
#define SUP_SOCKETS_EXPLAIN_H

#include <stdio.h>

#include "sockets/verdict.h"

void explain_verdict(FILE *out, const Facts *f, const Verdict *v);
void explain_finding(FILE *out, const Facts *f, const Finding *finding);
void explain_wait(FILE *out, const Verdict *v);
void explain_inference(FILE *out, const Facts *f, const Verdict *v, Inference inference);
void explain_unseen(FILE *out, const Facts *f, const Verdict *v, Unseen unseen);
void explain_remedy(FILE *out, const Facts *f, const Verdict *v, Remedy remedy);

const char *explain_state(const SockdiagSocket *s);
const char *explain_local(const SockdiagSocket *s, char *ret_text, size_t size);
const char *explain_peer(const SockdiagSocket *s, char *ret_text, size_t size);

#endif
