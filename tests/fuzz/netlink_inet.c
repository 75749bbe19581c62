/* SPDX-License-Identifier: MIT */
/* netlink_inet.c - replies about TCP and UDP sockets, and all that is made of them. */
#include <errno.h>
#include <netinet/tcp.h>

#include "explained.h"
#include "fuzz.h"

#include "sockets/explain.h"
#include "sockets/overlap.h"

static const Address asked[] = {
        {.in = {.sin_family = AF_INET}, .length = sizeof(struct sockaddr_in), .type = SOCK_STREAM},
        {.in6 = {.sin6_family = AF_INET6},
         .length = sizeof(struct sockaddr_in6),
         .type = SOCK_DGRAM},
};

static void
on_socket(const SockdiagSocket *s, void *userdata)
{
        Facts *f = userdata;
        char text[ADDRESS_TEXT_MAX];

        fuzz_must(s->family == AF_INET || s->family == AF_INET6);
        fuzz_must(!s->is_timer || !s->has_uid);
        fuzz_must(!s->has_uid || s->inode || s->uid); /* never root from a 0 */
        fuzz_must(s->is_timer || s->expires_msec == 0);
        fuzz_must(explain_state(s));
        fuzz_must(strlen(explain_local(s, text, sizeof(text))) < sizeof(text));
        fuzz_must(strlen(explain_peer(s, text, sizeof(text))) < sizeof(text));
        for (size_t i = 0; i < sizeof(asked) / sizeof(asked[0]); i++)
                (void)overlap_is_in_the_way(&asked[i], 0, s);
        fuzz_must(facts_add_socket(f, s) == 0);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        const Address *address = &asked[size % 2];
        ProbeSocket asker = {.reuseaddr = size % 3 == 0};
        void *replies = fuzz_copy(data, size, false);
        Facts facts;
        Verdict verdict;

        facts_init(&facts, address, &asker);
        facts.error = EADDRINUSE;
        facts.range_first = 32768;
        facts.range_last = 60999;
        facts.clock_hz = 250;
        (void)sockdiag_parse_inet(replies, size,
                                  address->type == SOCK_DGRAM ? IPPROTO_UDP : IPPROTO_TCP,
                                  on_socket, &facts);
        verdict_judge(&facts, &verdict);
        fuzz_must(!verdict.is_free && verdict.n_findings > 0 && verdict.n_remedies > 0);
        explain_all(&facts, &verdict);
        facts_deinit(&facts);
        free(replies);
        return 0;
}
