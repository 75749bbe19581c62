/* SPDX-License-Identifier: MIT */
/* verdict.c - facts of all kinds, also such as no kernel tells: each has a verdict, and sentences. */
#include <errno.h>
#include <netinet/tcp.h>

#include "explained.h"
#include "fuzz.h"

#include "sockets/overlap.h"

typedef struct Bytes {
        const uint8_t *data;
        size_t size;
} Bytes;

static unsigned
take(Bytes *b, unsigned n)
{
        unsigned value = b->size ? b->data[0] : 0;

        if (b->size) {
                b->data++;
                b->size--;
        }
        return value % n;
}

static void
take_memory(Bytes *b, void *ret, size_t size)
{
        for (size_t i = 0; i < size; i++)
                ((uint8_t *)ret)[i] = (uint8_t)take(b, 256);
}

static int
take_error(Bytes *b)
{
        static const int errors[] = {0,     EADDRINUSE,   EADDRINUSE,    EADDRINUSE,      EACCES,
                                     EPERM, EINVAL,       EADDRNOTAVAIL, EAFNOSUPPORT,    ENOENT,
                                     EROFS, ECONNREFUSED, EPROTOTYPE,    FACTS_NOT_TRIED, EIO};

        return errors[take(b, sizeof(errors) / sizeof(errors[0]))];
}

static void
take_address(Bytes *b, Address *ret)
{
        static const int types[] = {SOCK_STREAM, SOCK_DGRAM, SOCK_SEQPACKET};
        unsigned family = take(b, 4);
        int type = types[take(b, 3)];

        *ret = (Address){.type = type};
        if (family == 0) {
                ret->in.sin_family = AF_INET;
                ret->length = sizeof(ret->in);
                take_memory(b, &ret->in.sin_addr, 4);
        } else if (family == 1) {
                ret->in6.sin6_family = AF_INET6;
                ret->length = sizeof(ret->in6);
                ret->v6only = take(b, 2);
                take_memory(b, &ret->in6.sin6_addr, 16);
        } else {
                ret->un = (struct sockaddr_un){.sun_family = AF_UNIX, .sun_path = "/x"};
                ret->un.sun_path[0] = family == 2 ? '/' : '\0';
                ret->length = sizeof(sa_family_t) + 3;
        }
        address_set_port(ret, (uint16_t)(take(b, 2) ? 80 : 40000));
}

static void
take_socket(Bytes *b, Facts *f)
{
        SockdiagSocket s = {
                .family = f->address.any.sa_family == AF_UNIX ? AF_UNIX
                          : take(b, 2)                        ? AF_INET
                                                              : AF_INET6,
                .protocol = f->address.type == SOCK_DGRAM ? IPPROTO_UDP : IPPROTO_TCP,
                .state = take(b, 16),
                .port = address_port(&f->address),
                .peer_port = (uint16_t)(take(b, 256) * 256),
                .v6only = (int)take(b, 3) - 1,
                .inode = take(b, 3),
                .uid = take(b, 3),
                .has_uid = take(b, 2),
                .expires_msec = take(b, 256) * 300,
        };

        take_memory(b, &s.address, 4);
        fuzz_must(facts_add_socket(f, &s) == 0);
        f->sockets[f->n_sockets - 1].reuseaddr = (int)take(b, 3) - 1;
        f->sockets[f->n_sockets - 1].reuseport = (int)take(b, 3) - 1;
        f->sockets[f->n_sockets - 1].peer_is_listener = take(b, 2);
}

static void
take_holders(Bytes *b, Facts *f)
{
        f->holders = calloc(8, sizeof(*f->holders));
        fuzz_must(f->holders);
        for (unsigned n = take(b, 8); n > 0 && f->n_sockets; n--) {
                FactHolder *h = &f->holders[f->n_holders++];

                h->socket = take(b, (unsigned)f->n_sockets);
                h->fd = (int)take(b, 5) - 1;
                h->is_first = take(b, 2);
                h->process.pid = (pid_t)take(b, 200) + 1;
                h->process.state = "RSDTtZ"[take(b, 6)];
                h->process.is_ending = take(b, 2);
                h->process.dumps_core = take(b, 2);
                h->process.is_orphan = take(b, 2);
                h->process.waits = take(b, 2);
                (void)snprintf(h->process.place.unit, sizeof(h->process.place.unit), "%s",
                               take(b, 2) ? "x.service" : "");
                (void)snprintf(h->process.place.container, sizeof(h->process.place.container), "%s",
                               take(b, 2) ? "docker 0123456789ab" : "");
                f->sockets[h->socket].n_holders++;
        }
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        Bytes b = {data, size};
        Address address;
        ProbeSocket asker = {
                .reuseaddr = take(&b, 2), .reuseport = take(&b, 2), .uid = take(&b, 3)};
        Facts f;
        Verdict v;

        take_address(&b, &address);
        facts_init(&f, &address, &asker);
        f.error = take_error(&b);
        if (f.error == FACTS_NOT_TRIED)
                f.error = EIO;
        f.error_reuseaddr = take_error(&b);
        f.error_reuseport = take_error(&b);
        f.error_as_owner = take_error(&b);
        f.connect_error = take_error(&b);
        f.is_root = take(&b, 2);
        f.hides_bound = take(&b, 2);
        f.was_gone = take(&b, 2);
        f.view.cut_short = (pid_t)take(&b, 2);
        f.first_unprivileged = take(&b, 2) * 1024;
        f.range_first = 32768;
        f.range_last = take(&b, 2) * 60999;
        f.clock_hz = take(&b, 256) * 5;
        f.local = (IfaddrState)take(&b, IFADDR_READY + 1);
        f.path = (FactPath)take(&b, FACT_PATH_OTHER + 1);
        for (unsigned n = take(&b, 6); n > 0; n--)
                take_socket(&b, &f);
        take_holders(&b, &f);

        verdict_judge(&f, &v);
        fuzz_must(v.is_free == (f.error == 0));
        fuzz_must(v.is_free || v.n_findings > 0);
        fuzz_must(!v.is_free || v.n_remedies == 0);
        for (size_t i = 0; i < v.n_findings; i++) {
                const Finding *finding = &v.findings[i];

                fuzz_must(verdict_cause_name(finding->cause));
                if (finding->holder)
                        fuzz_must(&f.sockets[finding->holder->socket] == finding->socket ||
                                  finding->n_sockets > 1);
        }
        explain_all(&f, &v);
        facts_deinit(&f);
        return 0;
}
