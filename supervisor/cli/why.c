/* SPDX-License-Identifier: MIT */
/*
 * why.c - `sup why ADDRESS`: asks, judges, and answers on the screen or in JSON.
 *
 * Gist: an address may stand for several (a bare port for TCP and UDP, a host name for what it
 * resolves to); each is looked at by itself, and all have to be free.
 */
#include "cli/why.h"

#include <ctype.h>
#include <errno.h>
#include <poll.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fd.h"
#include "base/log.h"
#include "base/parse.h"
#include "base/why.h"
#include "sockets/explain.h"
#include "sockets/look.h"

enum {
        EXIT_FREE = 0,
        EXIT_NOT_FREE = 1,
        EXIT_WRONG = 2,
};

#define WATCHED_MAX 16
#define TICK_MSEC 1000

/* The user's name, or the number where it has none. Returns ret_text. */
const char *
why_user_name(uid_t uid, char *ret_text, size_t size)
{
        const struct passwd *entry = getpwuid(uid);

        if (entry)
                (void)snprintf(ret_text, size, "%s", entry->pw_name);
        else
                (void)snprintf(ret_text, size, "uid %u", (unsigned)uid);
        return ret_text;
}

/* A moment in local time, as `2025-11-25 02:06:11`. Returns ret_text. */
const char *
why_moment(uint64_t usec, char *ret_text, size_t size)
{
        time_t seconds = (time_t)(usec / USEC_PER_SEC);
        struct tm tm;

        if (!localtime_r(&seconds, &tm) || !strftime(ret_text, size, "%Y-%m-%d %H:%M:%S", &tm))
                (void)snprintf(ret_text, size, "an unknown time");
        return ret_text;
}

/* Whether it is only a port, and so stands for UDP as well. */
static bool
is_bare_port(const ListenSpec *spec)
{
        size_t n = strcspn(spec->text, ",");
        const char *equals = memchr(spec->text, '=', n);
        const char *begin = equals ? equals + 1 : spec->text;

        return spec->any_address && isdigit((unsigned char)*begin) &&
               strspn(begin, "0123456789") == n - (size_t)(begin - spec->text);
}

static const char *
protocol_of(const Address *a)
{
        if (a->any.sa_family == AF_UNIX)
                return a->type == SOCK_DGRAM       ? "unix-datagram"
                       : a->type == SOCK_SEQPACKET ? "unix-seqpacket"
                                                   : "unix";
        if (!address_has_port(a))
                return "vsock";
        return a->type == SOCK_DGRAM ? "udp" : "tcp";
}

/* Look at one address and add the answer. Returns 0 or a negative errno. */
static int
answer_address(Why *w, const ListenSpec *spec, const Address *address)
{
        const WhyOptions *o = w->options;
        WhyAnswer *answer = &w->answers[w->n_answers];
        ProbeSocket asker = {
                .reuseaddr = o->reuseaddr || spec->reuseaddr,
                .reuseport = o->reuseport || spec->reuseport,
                .freebind = spec->freebind,
                .uid = o->uid,
        };
        Address v4;
        int r;

        memcpy(asker.device, spec->device, sizeof(asker.device));
        r = look_at(address, &asker, LOOK_WITH_THREAD, &answer->facts);
        if (r == 0 && spec->any_address &&
            (answer->facts.error == EAFNOSUPPORT || answer->facts.error == EADDRNOTAVAIL)) {
                v4 = (Address){.in = {.sin_family = AF_INET}, .length = sizeof(v4.in)};
                v4.type = address->type;
                address_set_port(&v4, address_port(address)); /* no IPv6 here */
                facts_deinit(&answer->facts);
                r = look_at(&v4, &asker, LOOK_WITH_THREAD, &answer->facts);
        }
        w->n_answers++;
        if (r < 0)
                return r;
        verdict_judge(&answer->facts, &answer->verdict);
        answer->protocol = protocol_of(&answer->facts.address);
        if (spec->any_address)
                (void)snprintf(answer->name, sizeof(answer->name), "%u (%s)", address_port(address),
                               answer->protocol);
        else
                (void)address_format(&answer->facts.address, answer->name, sizeof(answer->name));
        w->is_free = w->is_free && answer->verdict.is_free;
        return 0;
}

static void
why_deinit(Why *w)
{
        for (size_t i = 0; i < w->n_answers; i++)
                facts_deinit(&w->answers[i].facts);
        for (size_t i = 0; i < w->n_elsewhere; i++)
                facts_deinit(&w->elsewhere[i].facts);
        free(w->elsewhere);
        *w = (Why){.options = w->options};
}

static void
look_there(void *userdata)
{
        (void)look_for_listeners(userdata);
}

/* As root: whether somebody listens on the port in a network namespace that is not ours. */
static void
look_elsewhere(Why *w, const Facts *asked)
{
        CLEANUP(netns_set_deinit) NetnsSet others;

        (void)netns_find_others(&others);
        for (size_t i = 0; i < others.n_items; i++) {
                WhyElsewhere e = {.ns = others.items[i]};
                WhyElsewhere *grown = NULL;

                facts_init(&e.facts, &asked->address, &asked->asker);
                if (netns_visit(&e.ns, look_there, &e.facts) == 0 && e.facts.n_sockets)
                        grown = reallocarray(w->elsewhere, w->n_elsewhere + 1, sizeof(*grown));
                if (!grown) {
                        facts_deinit(&e.facts);
                        continue;
                }
                w->elsewhere = grown;
                w->elsewhere[w->n_elsewhere++] = e;
        }
}

/* What is not free comes first. The verdicts point into arrays of the facts, which stay. */
static void
sort_answers(Why *w)
{
        for (size_t i = 1; i < w->n_answers; i++)
                for (size_t j = i;
                     j > 0 && !w->answers[j].verdict.is_free && w->answers[j - 1].verdict.is_free;
                     j--) {
                        WhyAnswer swap = w->answers[j];

                        w->answers[j] = w->answers[j - 1];
                        w->answers[j - 1] = swap;
                }
}

/* Look at all that the address stands for. Returns 0 or a negative errno. */
static int
find_out(Why *w, const ListenSpec *spec)
{
        int r = 0;

        w->is_free = true;
        w->any_protocol = is_bare_port(spec);
        for (unsigned i = 0; i < spec->n_addresses && r == 0; i++)
                r = answer_address(w, spec, &spec->addresses[i]);
        if (r == 0 && w->any_protocol) {
                Address udp = spec->addresses[0];

                udp.type = SOCK_DGRAM;
                r = answer_address(w, spec, &udp);
        }
        sort_answers(w);
        if (r == 0 && w->is_free && !w->options->netns && geteuid() == 0 &&
            address_has_port(&spec->addresses[0]))
                look_elsewhere(w, &w->answers[0].facts);
        return r;
}

/* Wait for the end of a process that is in the way, or for a tick of the countdown. */
static void
wait_for_change(const Why *w)
{
        struct pollfd fds[WATCHED_MAX];
        nfds_t n = 0;

        for (size_t i = 0; i < w->n_answers; i++) {
                const Facts *f = &w->answers[i].facts;

                for (size_t j = 0; j < f->n_holders && n < WATCHED_MAX; j++) {
                        int fd = (int)syscall(SYS_pidfd_open, f->holders[j].process.pid, 0);

                        if (fd >= 0)
                                fds[n++] = (struct pollfd){.fd = fd, .events = POLLIN};
                }
        }
        (void)poll(fds, n, TICK_MSEC);
        while (n > 0)
                fd_close(fds[--n].fd);
}

/* One line that changes as things change; on a terminal in its place. */
static void
tell_progress(const Why *w, char **last)
{
        CLEANUP_FREE char *line = NULL;
        bool in_place = isatty(STDOUT_FILENO);
        size_t size;
        FILE *out = open_memstream(&line, &size);

        if (!out)
                return;
        (void)fprintf(out, "%s ", w->answers[0].name);
        explain_verdict(out, &w->answers[0].facts, &w->answers[0].verdict);
        (void)fputc('.', out);
        (void)fclose(out);
        if (*last && strcmp(*last, line) == 0)
                return;
        (void)printf(in_place ? "\r\033[K%s" : "%s\n", line);
        (void)fflush(stdout);
        free(*last);
        *last = strdup(line);
}

/* Ask until the address is free. */
static int
watch(const WhyOptions *o, const ListenSpec *spec)
{
        CLEANUP_FREE char *last = NULL;

        for (;;) {
                CLEANUP(why_deinit) Why w = {.options = o};
                int r = find_out(&w, spec);

                if (r < 0)
                        return r;
                tell_progress(&w, &last);
                if (w.is_free) {
                        if (isatty(STDOUT_FILENO))
                                (void)putchar('\n');
                        return EXIT_FREE;
                }
                wait_for_change(&w);
        }
}

static int
answer(const WhyOptions *o, const ListenSpec *spec)
{
        CLEANUP(why_deinit) Why w = {.options = o};
        int r = find_out(&w, spec);

        if (r == 0 && o->json)
                r = why_json_print(stdout, &w);
        else if (r == 0)
                why_text_print(stdout, &w);
        if (r < 0)
                return r;
        return w.is_free ? EXIT_FREE : EXIT_NOT_FREE;
}

/* Parse the address as --listen does. Returns 0 or a negative errno with a sentence. */
static int
parse_address(ListenSpec *spec, const char *text, char **ret_why)
{
        int r = listen_spec_init(spec, text, ret_why);

        if (r == 0 && spec->n_addresses == 0)
                return why(ret_why, -EINVAL,
                           "%s is a socket that is open already; sup why takes an "
                           "address",
                           text);
        if (r == 0 && address_is_automatic(&spec->addresses[0]))
                return why(ret_why, -EINVAL, "%s lets the kernel choose, which never fails", text);
        return r;
}

static int
fail(int r, const char *reason)
{
        log_error("why: %s", reason ? reason : strerrordesc_np(-r));
        return EXIT_WRONG;
}

/* The verb. Returns the exit status. */
int
why_main(int argc, char **argv)
{
        CLEANUP(listen_spec_deinit) ListenSpec spec = {.inherited_fd = -1};
        CLEANUP_FREE char *reason = NULL;
        WhyOptions o;
        int r = why_options_parse(argc, argv, &o, &reason);

        if (r < 0)
                return fail(r, reason);
        if (o.help) {
                why_options_print_help(stdout);
                return EXIT_FREE;
        }
        if (o.netns && (r = netns_enter(o.netns)) < 0) {
                (void)why(&reason, r, "cannot enter the network namespace %s: %s", o.netns,
                          strerrordesc_np(-r));
                return fail(r, reason);
        }
        if (o.listening) {
                r = why_listening_print(stdout, o.json);
                return r < 0 ? fail(r, NULL) : EXIT_FREE;
        }
        r = parse_address(&spec, o.address, &reason);
        if (r == 0)
                r = o.watch ? watch(&o, &spec) : answer(&o, &spec);
        return r < 0 ? fail(r, reason) : r;
}
