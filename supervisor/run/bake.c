/* SPDX-License-Identifier: MIT */
/*
 * bake.c - the time in which a new generation has to prove itself.
 *
 * Gist: a canary gets its share of what is new, without a canary the new generation gets all of it;
 * the old one is there all the time, so going back is one system call for each address. A worker
 * that dies or misses its watchdog is rollout.c's business; here --check is run again and again, and
 * the clock is kept. With a check and no time, one check that passes is enough.
 */
#include "run/bake.h"

#include <errno.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/parse.h"
#include "base/span.h"
#include "sockets/steer.h"

#define CHECK_EVERY_USEC USEC_PER_SEC
#define CHECK_PATIENCE_USEC (30 * USEC_PER_SEC)

/* Whether a reload asks for such a time. */
bool
bake_is_wanted(const Reload *reload)
{
        return reload->canary_share || reload->bake_usec || reload->check;
}

/* Let new connections go where they belong at this moment. */
void
bake_steer(Supervisor *s)
{
        const Rollout *r = &s->rollout;

        if (r->state != ROLLOUT_BAKING)
                steer_commit(&s->held, s->current->number);
        else if (r->reload.canary_share)
                steer_split(&s->held, s->current->number, r->generation->number,
                            r->reload.canary_share);
        else
                steer_commit(&s->held, r->generation->number);
}

static void
check_later(Supervisor *s, uint64_t delay_usec, sd_event_time_handler_t handler)
{
        Rollout *r = &s->rollout;

        r->check_timer = sd_event_source_disable_unref(r->check_timer);
        (void)sd_event_add_time_relative(s->event, &r->check_timer, CLOCK_MONOTONIC, delay_usec,
                                         USEC_PER_MSEC, handler, s);
}

/* The check takes too long. */
static int
on_check_late(sd_event_source *source, uint64_t usec, void *userdata)
{
        Supervisor *s = userdata;

        (void)source;
        (void)usec;
        rollout_fail(s, "the check '%s' did not end within 30 s", s->rollout.reload.check);
        return 0;
}

/* Run `sh -c CHECK` as a child, with the signals as they are after login. Returns 0 or -errno. */
static int
spawn_check(Supervisor *s)
{
        char command[] = "sh";
        char option[] = "-c";
        char *arguments[] = {command, option, s->rollout.reload.check, NULL};
        char generation[64];
        CLEANUP(strv_deinit_p) Strv environment = {0};
        posix_spawnattr_t attributes;
        sigset_t set;
        int r = 0;

        (void)snprintf(generation, sizeof(generation), "%u", s->rollout.generation->number);
        for (char **p = environ; *p && r == 0; p++)
                r = strv_addf(&environment, "%s", *p);
        if (r == 0)
                r = strv_addf(&environment, "SUP_GENERATION=%s", generation);
        if (r == 0)
                r = strv_addf(&environment, "SUP_NAME=%s", s->name);
        if (r < 0 || posix_spawnattr_init(&attributes) != 0)
                return -ENOMEM;
        (void)posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF |
                                                            POSIX_SPAWN_SETPGROUP);
        (void)sigemptyset(&set);
        (void)posix_spawnattr_setsigmask(&attributes, &set);
        (void)sigfillset(&set);
        (void)posix_spawnattr_setsigdefault(&attributes, &set);
        r = -posix_spawn(&s->rollout.check_pid, "/bin/sh", NULL, &attributes, arguments,
                         environment.items);
        (void)posix_spawnattr_destroy(&attributes);
        return r;
}

static int
on_check(sd_event_source *source, uint64_t usec, void *userdata)
{
        Supervisor *s = userdata;
        int r;

        (void)source;
        (void)usec;
        if (s->rollout.check_pid || s->rollout.state != ROLLOUT_BAKING)
                return 0;
        r = spawn_check(s);
        if (r < 0) {
                s->rollout.check_pid = 0;
                rollout_fail(s, "the check '%s' cannot be started: %s", s->rollout.reload.check,
                             strerrordesc_np(-r));
                return 0;
        }
        check_later(s, CHECK_PATIENCE_USEC, on_check_late);
        return 0;
}

/* The time is over: if the check has passed as well, that was it. */
static int
on_baked(sd_event_source *source, uint64_t usec, void *userdata)
{
        Supervisor *s = userdata;
        Rollout *r = &s->rollout;

        (void)source;
        (void)usec;
        r->bake_timer = sd_event_source_disable_unref(r->bake_timer);
        if (!r->reload.check || (r->check_passed && !r->check_pid))
                rollout_event(s, ROLLOUT_EVENT_BAKED);
        return 0;
}

/* The check has ended. */
void
bake_check_ended(Supervisor *s, int code, int status)
{
        Rollout *r = &s->rollout;

        r->check_pid = 0;
        r->check_timer = sd_event_source_disable_unref(r->check_timer);
        if (r->state != ROLLOUT_BAKING)
                return;
        if (code != CLD_EXITED || status != 0) {
                rollout_fail(s, "the check '%s' %s %d", r->reload.check,
                             code == CLD_EXITED ? "exited with status" : "was killed by signal",
                             status);
                return;
        }
        r->check_passed = true;
        if (!r->bake_timer)
                rollout_event(s, ROLLOUT_EVENT_BAKED);
        else
                check_later(s, CHECK_EVERY_USEC, on_check);
}

/* All of the new generation serves: let it show what it is worth. */
void
bake_begin(Supervisor *s)
{
        Rollout *r = &s->rollout;
        char span[32];

        bake_steer(s);
        r->check_passed = false;
        r->bake_until_usec = now_usec() + r->reload.bake_usec;
        log_event(&(LogEvent){.level = LOG_INFO,
                              .event = "baking",
                              .generation = r->generation->number},
                  "generation %u is on trial for %s with %.4g %% of the new connections",
                  r->generation->number, span_format(r->reload.bake_usec, span, sizeof(span)),
                  r->reload.canary_share ? r->reload.canary_share * 100.0 / STEER_WHOLE : 100.0);
        (void)sd_event_add_time_relative(s->event, &r->bake_timer, CLOCK_MONOTONIC,
                                         r->reload.bake_usec, USEC_PER_MSEC, on_baked, s);
        if (r->reload.check)
                check_later(s, 0, on_check);
}

/* Nothing more is to be proved. A check that runs is ended. */
void
bake_stop(Supervisor *s)
{
        Rollout *r = &s->rollout;

        r->bake_timer = sd_event_source_disable_unref(r->bake_timer);
        r->check_timer = sd_event_source_disable_unref(r->check_timer);
        if (r->check_pid)
                (void)kill(-r->check_pid, SIGKILL);
        r->check_pid = 0;
}
