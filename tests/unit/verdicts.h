/* SPDX-License-Identifier: MIT */
/* verdicts.h - facts about an address that is in use, short to write, and their verdict. */
#ifndef SUP_TESTS_UNIT_VERDICTS_H
#define SUP_TESTS_UNIT_VERDICTS_H

#include <errno.h>
#include <netinet/tcp.h>

#include "addresses.h"
#include "sockets/verdict.h"
#include "unit.h"

enum {
        PORT = 9877,
        CLIENT_PORT = 40000, /* one that outgoing connections get */
        US = 1000,
        OTHER = 33,
        PID = 17,
};

/* Facts without anything on the heap, and what is made of them. */
typedef struct Story {
        Facts facts;
        FactSocket sockets[4];
        FactHolder holders[4];
        Verdict verdict;
} Story;

/* Somebody (uid US, no root) wanted to bind the address, and it is in use. */
static inline void
begin(Story *story, Address address)
{
        ProbeSocket asker = {.uid = US};

        *story = (Story){.verdict = {.is_free = false}};
        facts_init(&story->facts, &address, &asker);
        story->facts.error = EADDRINUSE;
        story->facts.error_reuseaddr = EADDRINUSE;
        story->facts.error_reuseport = EADDRINUSE;
        story->facts.is_root = false;
        story->facts.first_unprivileged = 1024;
        story->facts.range_first = 32768;
        story->facts.range_last = 60999;
        story->facts.clock_hz = 250;
        story->facts.sockets = story->sockets;
        story->facts.holders = story->holders;
}

static inline void
begin_tcp(Story *story)
{
        begin(story, ipv4("0.0.0.0", PORT));
}

/* A TCP socket of 127.0.0.1 is in the way; with a process, or at least an inode, unless left over. */
static inline FactSocket *
add_socket(Story *story, unsigned state)
{
        FactSocket *s = &story->sockets[story->facts.n_sockets++];

        *s = (FactSocket){.s = {.family = AF_INET,
                                .protocol = IPPROTO_TCP,
                                .state = state,
                                .port = address_port(&story->facts.address),
                                .address.s6_addr32[0] = htonl(INADDR_LOOPBACK),
                                .v6only = -1,
                                .inode = 4711,
                                .has_uid = true,
                                .uid = US},
                          .n_alike = 1,
                          .reuseaddr = -1,
                          .reuseport = -1};
        return s;
}

static inline FactSocket *
add_leftover(Story *story, unsigned state, uint32_t expires_msec)
{
        FactSocket *s = add_socket(story, state);

        s->s.inode = 0;
        s->s.has_uid = false;
        s->s.uid = 0;
        s->s.expires_msec = expires_msec;
        s->s.peer_port = CLIENT_PORT;
        s->s.peer.s6_addr32[0] = htonl(INADDR_LOOPBACK);
        return s;
}

static inline Process *
add_holder(Story *story, FactSocket *s, pid_t pid)
{
        FactHolder *h = &story->holders[story->facts.n_holders++];

        *h = (FactHolder){.socket = (size_t)(s - story->sockets),
                          .fd = 3,
                          .is_first = true,
                          .process = {.pid = pid, .state = 'S', .comm = "server"}};
        s->n_holders++;
        return &h->process;
}

static inline const Finding *
judge(Story *story, Cause cause)
{
        verdict_judge(&story->facts, &story->verdict);
        assert_false(story->verdict.is_free);
        unit_expect(story->verdict.n_findings > 0, "nothing found instead of %s\n",
                    verdict_cause_name(cause));
        unit_expect(story->verdict.findings[0].cause == cause, "%s instead of %s\n",
                    verdict_cause_name(story->verdict.findings[0].cause),
                    verdict_cause_name(cause));
        return &story->verdict.findings[0];
}

static inline bool
advises(const Story *story, Remedy remedy)
{
        for (size_t i = 0; i < story->verdict.n_remedies; i++)
                if (story->verdict.remedies[i] == remedy)
                        return true;
        return false;
}

#endif
