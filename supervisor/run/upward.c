/* SPDX-License-Identifier: MIT */
/*
 * upward.c - what the service manager above us is told (sd_notify(3)).
 *
 * Gist: after every round of events the state is looked at once, and what has changed since the last
 * time is told in one message: READY=1, RELOADING=1, STOPPING=1 as policy/announce.c says, and
 * STATUS= with one line for a person. While a start or a reload goes on more time is asked for. The event loop sends WATCHDOG=1 itself, so that a loop which
 * is stuck is noticed. Without a service manager ($NOTIFY_SOCKET) none of this costs anything.
 */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

#include "base/parse.h"
#include "run/state.h"
#include "run/upward.h"

/* What the end takes beyond the patience with the workers: SIGKILL, and clearing away. */
#define END_USEC (15 * USEC_PER_SEC)

static unsigned
count_serving(const Supervisor *s)
{
        unsigned n = 0;

        for (size_t i = 0; i < s->n_workers; i++)
                n += s->workers[i]->role == ROLE_ACTIVE && s->workers[i]->state == LIFE_READY;
        return n;
}

/* The addresses of the held sockets, as many as there is room for. */
static void
add_addresses(FILE *f, const HeldTable *held)
{
        enum { N_SHOWN = 3 };
        char text[ADDRESS_TEXT_MAX];

        for (size_t i = 0; i < held->n_items && i < N_SHOWN; i++)
                (void)fprintf(
                        f, "%s%s", i == 0 ? " on " : ", ",
                        address_format_plain(&held->items[i]->key.address, text, sizeof(text)));
        if (held->n_items > N_SHOWN)
                (void)fprintf(f, " and %zu more", held->n_items - N_SHOWN);
}

/* Those that are waiting to be started again. */
static void
add_troubles(FILE *f, const Supervisor *s)
{
        char how[64];

        for (size_t i = 0; i < s->n_workers; i++) {
                const Worker *w = s->workers[i];

                if (w->state != LIFE_IDLE || !w->deadline_usec)
                        continue;
                (void)fprintf(f, "; worker %u %s, failure %u in a row, and will be started again",
                              w->index, report_end(w, how, sizeof(how)), w->restart.n_failures);
                return;
        }
}

/* One line for `systemctl status`. */
static void
format_status(const Supervisor *s, bool reloading, char *ret_text, size_t size)
{
        unsigned n = count_serving(s);
        FILE *f = fmemopen(ret_text, size, "w");

        ret_text[0] = '\0';
        if (!f)
                return;
        if (s->stopping) {
                (void)fprintf(f, "stopping");
        } else {
                (void)fprintf(f, "%s%u of %u worker%s serve%s", reloading ? "reloading; " : "", n,
                              s->n_wanted, s->n_wanted == 1 ? "" : "s", n == 1 ? "s" : "");
                add_addresses(f, &s->held);
                (void)fprintf(f, "; generation %u", s->current->number);
                add_troubles(f, s);
        }
        (void)fclose(f);
        ret_text[size - 1] = '\0';
        for (char *p = ret_text; *p; p++) /* a unix path may have anything in it */
                if (iscntrl((unsigned char)*p))
                        *p = '?';
}

/* The line that tells of a new state, with what belongs to it. */
static void
format_state(const Supervisor *s, Announced state, char *ret_text, size_t size)
{
        unsigned long long usec = s->config->stop_timeout_usec + END_USEC;

        ret_text[0] = '\0';
        switch (state) {
        case ANNOUNCED_STARTING:
                break;
        case ANNOUNCED_READY:
                (void)snprintf(ret_text, size, "READY=1\nMAINPID=%d\n", (int)getpid());
                break;
        case ANNOUNCED_RELOADING:
                (void)snprintf(ret_text, size,
                               "RELOADING=1\nMONOTONIC_USEC=%llu\nEXTEND_TIMEOUT_USEC=%llu\n",
                               (unsigned long long)now_usec(), ANNOUNCE_EXTENSION_USEC);
                break;
        case ANNOUNCED_STOPPING:
                (void)snprintf(ret_text, size, "STOPPING=1\nEXTEND_TIMEOUT_USEC=%llu\n", usec);
                break;
        }
}

/*
 * Until when the start may take, 0: nobody said that. Of workers only the first word counts, since one
 * that is started again and again could say it for ever.
 */
static uint64_t
start_until(const Supervisor *s)
{
        uint64_t until_usec =
                s->config->start_timeout_usec ? s->started_usec + s->config->start_timeout_usec : 0;

        for (size_t i = 0; i < s->n_workers; i++) {
                const Worker *w = s->workers[i];

                if (w->role == ROLE_ACTIVE && w->state == LIFE_STARTING && w->n_restarts == 0 &&
                    w->extended_until_usec > until_usec)
                        until_usec = w->extended_until_usec;
        }
        return until_usec;
}

static int on_extend(sd_event_source *source, uint64_t usec, void *userdata);

/* Ask for more time if that is due. is_asked: the message of a new state has done so. */
static void
extend(Supervisor *s, bool is_asked)
{
        Upward *u = &s->upward;
        uint64_t now = now_usec();
        uint64_t left_usec = u->start_until_usec > now ? u->start_until_usec - now : 0;
        uint64_t usec = announce_extension(u->told, left_usec);

        u->extend = sd_event_source_disable_unref(u->extend);
        if (usec && !is_asked)
                (void)sd_notifyf(0, "EXTEND_TIMEOUT_USEC=%llu", (unsigned long long)usec);
        if (usec == ANNOUNCE_EXTENSION_USEC) /* else it is all that there is to ask for */
                (void)sd_event_add_time_relative(s->event, &u->extend, CLOCK_MONOTONIC, usec / 2, 0,
                                                 on_extend, s);
}

/* It still goes on. */
static int
on_extend(sd_event_source *source, uint64_t usec, void *userdata)
{
        (void)source;
        (void)usec;
        extend(userdata, false);
        return 0;
}

/* A start for which more time is granted by now than the last time. */
static void
extend_start(Supervisor *s)
{
        Upward *u = &s->upward;
        uint64_t until_usec = start_until(s);

        if (u->told != ANNOUNCED_STARTING || until_usec <= u->start_until_usec)
                return;
        u->start_until_usec = until_usec;
        extend(s, false);
}

/* One message: a new state if there is one, and the status line. */
static void
tell(Supervisor *s, Announced state, const char *status)
{
        Upward *u = &s->upward;
        char line[128] = "";

        if (state != u->told)
                format_state(s, state, line, sizeof(line));
        (void)sd_notifyf(0, "%sSTATUS=%s", line, status);
        if (state == u->told)
                return;
        u->told = state;
        extend(s, true);
}

/* After every round of events: tell what is new. */
void
upward_look(Supervisor *s)
{
        Upward *u = &s->upward;
        AnnounceInput input = {
                .serves = count_serving(s) >= s->n_wanted,
                .reloading = s->rollout.state != ROLLOUT_IDLE,
                .reloaded = s->last_generation != u->seen,
                .stopping = s->stopping,
        };
        char status[UPWARD_STATUS_MAX];
        Announced state;

        if (!u->is_there)
                return;
        format_status(s, input.reloading, status, sizeof(status));
        u->seen = s->last_generation;
        while ((state = announce_next(u->told, &input)) != u->told ||
               strcmp(status, u->status) != 0) {
                memcpy(u->status, status, sizeof(status));
                tell(s, state, status);
                input.reloaded = false;
        }
        extend_start(s);
}

/*
 * Begin to tell the service manager how we are, if there is one. To be called once, when the event
 * loop is there. Returns 0 or a negative errno.
 */
int
upward_init(Supervisor *s)
{
        int r;

        if (!getenv("NOTIFY_SOCKET"))
                return 0;
        s->upward.is_there = true;
        r = sd_event_set_watchdog(s->event, 1);
        return r < 0 ? r : 0;
}

/* Why we could not even start, for `systemctl status`. */
void
upward_tell_failure(const char *reason)
{
        (void)sd_notifyf(0, "STATUS=%s", reason);
}

/* Tell nothing more. */
void
upward_deinit(Supervisor *s)
{
        s->upward.extend = sd_event_source_disable_unref(s->upward.extend);
}
