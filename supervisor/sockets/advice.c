/* SPDX-License-Identifier: MIT */
/*
 * advice.c - what to do about what stands in the way. Pure; a part of the verdict.
 *
 * Gist: for each cause its remedies, the least invasive first: an option before a wait, a wait before
 * the end of a process. What the kernel said to the probes decides whether an option is one of them.
 */
#include <sys/socket.h>

#include "base/cleanup.h"
#include "sockets/verdict.h"

static void
advise(Verdict *v, Remedy remedy)
{
        for (size_t i = 0; i < v->n_remedies; i++)
                if (v->remedies[i] == remedy)
                        return;
        if (v->n_remedies < VERDICT_REMEDIES_MAX)
                v->remedies[v->n_remedies++] = remedy;
}

/* Somebody has it: who, and how do they let go of it? */
static void
advise_about_holder(Verdict *v, const Facts *f, const Finding *finding)
{
        if (finding->holder)
                advise(v, REMEDY_END);
        else
                advise(v, f->is_root ? REMEDY_FIND_ELSEWHERE : REMEDY_BE_ROOT);
}

static void
advise_about_socket(Verdict *v, const Facts *f, const Finding *finding)
{
        advise_about_holder(v, f, finding);
        advise(v, f->address.any.sa_family == AF_UNIX ? REMEDY_OTHER_NAME : REMEDY_OTHER_PORT);
}

static void
advise_about_listener(Verdict *v, const Facts *f, const Finding *finding)
{
        if (finding->foreign_group)
                advise(v, REMEDY_SAME_USER);
        else if (finding->takes_both)
                advise(v, REMEDY_V6ONLY);
        advise_about_socket(v, f, finding);
        if (f->error_reuseport == 0)
                advise(v, REMEDY_SET_REUSEPORT);
}

static void
advise_about_stopped(Verdict *v, const Facts *f, const Finding *finding)
{
        advise(v, REMEDY_CONTINUE);
        advise_about_holder(v, f, finding);
}

static void
advise_about_outgoing(Verdict *v, const Facts *f, const Finding *finding)
{
        advise(v, REMEDY_BELOW_RANGE);
        advise_about_holder(v, f, finding);
}

static void
advise_about_self_connect(Verdict *v, const Facts *f, const Finding *finding)
{
        advise_about_holder(v, f, finding);
        advise(v, REMEDY_BELOW_RANGE);
}

static void
advise_about_connection(Verdict *v, const Facts *f, const Finding *finding)
{
        if (f->error_reuseaddr == 0)
                advise(v, REMEDY_SET_REUSEADDR);
        advise_about_holder(v, f, finding);
}

static void
advise_about_leftover(Verdict *v, const Facts *f, const Finding *finding)
{
        if (f->error_reuseaddr == 0)
                advise(v, REMEDY_SET_REUSEADDR);
        if (finding->is_client)
                advise(v, REMEDY_BELOW_RANGE);
        if (finding->cause != CAUSE_TIME_WAIT)
                advise(v, REMEDY_END_CLIENT);
        advise(v, REMEDY_WAIT);
}

static bool
is_vsock(const Facts *f)
{
        return f->address.any.sa_family == AF_VSOCK;
}

/* No table that we read has sockets of vsock. */
static void
advise_about_unseen(Verdict *v, const Facts *f, const Finding *finding)
{
        (void)finding;
        advise(v, is_vsock(f) ? REMEDY_FIND_VSOCK : REMEDY_FIND_ELSEWHERE);
        advise(v, REMEDY_OTHER_PORT);
}

static void
advise_about_not_local(Verdict *v, const Facts *f, const Finding *finding)
{
        (void)finding;
        if (is_vsock(f)) {
                advise(v, REMEDY_LOCAL_CID);
                return;
        }
        advise(v, REMEDY_LOCAL_ADDRESS);
        advise(v, REMEDY_FREEBIND);
}

static void
advise_about_family(Verdict *v, const Facts *f, const Finding *finding)
{
        (void)finding;
        advise(v, is_vsock(f) ? REMEDY_LOAD_VSOCK : REMEDY_LOCAL_ADDRESS);
}

/* A cause has its remedies, or a function that chooses them. */
static const struct {
        Remedy remedies[2];
        void (*advise)(Verdict *v, const Facts *f, const Finding *finding);
} advice[CAUSE_N] = {
        [CAUSE_LISTENER] = {.advise = advise_about_listener},
        [CAUSE_INHERITED] = {.advise = advise_about_socket},
        [CAUSE_STOPPED] = {.advise = advise_about_stopped},
        [CAUSE_ENDING] = {.remedies = {REMEDY_WAIT_FOR_END}},
        [CAUSE_DATAGRAM] = {.advise = advise_about_socket},
        [CAUSE_BOUND] = {.advise = advise_about_socket},
        [CAUSE_SELF_CONNECT] = {.advise = advise_about_self_connect},
        [CAUSE_OUTGOING] = {.advise = advise_about_outgoing},
        [CAUSE_CONNECTION] = {.advise = advise_about_connection},
        [CAUSE_FIN_WAIT2] = {.advise = advise_about_leftover},
        [CAUSE_UNFINISHED] = {.advise = advise_about_leftover},
        [CAUSE_TIME_WAIT] = {.advise = advise_about_leftover},
        [CAUSE_UNSEEN] = {.advise = advise_about_unseen},
        [CAUSE_PATH_TAKEN] = {.remedies = {REMEDY_OTHER_NAME}},
        [CAUSE_PATH_STALE] = {.remedies = {REMEDY_REMOVE_STALE}},
        [CAUSE_PATH_UNKNOWN] = {.remedies = {REMEDY_BE_ROOT, REMEDY_OTHER_NAME}},
        [CAUSE_PATH_ELSEWHERE] = {.remedies = {REMEDY_FIND_ELSEWHERE, REMEDY_OTHER_NAME}},
        [CAUSE_DIRECTORY] = {.remedies = {REMEDY_DIRECTORY}},
        [CAUSE_PRIVILEGED_PORT] = {.remedies = {REMEDY_CAPABILITY, REMEDY_OTHER_PORT}},
        [CAUSE_SECURITY_MODULE] = {.remedies = {REMEDY_ASK_POLICY}},
        [CAUSE_BPF_HOOK] = {.remedies = {REMEDY_ASK_HOOK}},
        [CAUSE_NOT_LOCAL] = {.advise = advise_about_not_local},
        [CAUSE_TENTATIVE] = {.remedies = {REMEDY_WAIT_FOR_DAD, REMEDY_FREEBIND}},
        [CAUSE_DUPLICATE_ADDRESS] = {.remedies = {REMEDY_LOCAL_ADDRESS}},
        [CAUSE_NO_SCOPE] = {.remedies = {REMEDY_ADD_SCOPE}},
        [CAUSE_NO_FAMILY] = {.advise = advise_about_family},
};

/* Add what is to be done about the findings, which are there. */
void
verdict_advise(Verdict *v, const Facts *f)
{
        for (size_t i = 0; i < v->n_findings; i++) {
                const Finding *finding = &v->findings[i];

                if (advice[finding->cause].advise)
                        advice[finding->cause].advise(v, f, finding);
                for (size_t j = 0; j < ELEMENTSOF(advice[0].remedies); j++)
                        if (advice[finding->cause].remedies[j] != REMEDY_NONE)
                                advise(v, advice[finding->cause].remedies[j]);
        }
}
