/* SPDX-License-Identifier: MIT */
/*
 * requests.c - what is asked for on the control socket, and the answers.
 *
 * Gist: each verb is a function that starts something, or answers at once. Those who wait for a
 * reload are passed on with it; those who wait for one worker stand in a list that is looked
 * through after every round of events.
 */
#include "run/requests.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/parse.h"
#include "base/span.h"
#include "base/why.h"
#include "control/path.h"
#include "control/server.h"
#include "run/status.h"
#include "run/upgrade.h"
#include "sockets/steer.h"

static void
refuse(ControlRequest *request, const char *sentence)
{
        control_request_finish(request, NULL, sentence);
}

/* The number of an argument, or a default. */
static long long
number_of(const json_t *arguments, const char *name, long long otherwise)
{
        const json_t *value = json_object_get(arguments, name);

        return value ? (long long)json_number_value(value) : otherwise;
}

static Worker *
find_worker(const Supervisor *s, unsigned index)
{
        for (size_t i = 0; i < s->n_workers; i++)
                if (s->workers[i]->index == index && s->workers[i]->role == ROLE_ACTIVE)
                        return s->workers[i];
        return NULL;
}

/* The active worker that a request is about; NULL: there is none, and that was said. */
static Worker *
worker_of(const Supervisor *s, ControlRequest *request, const json_t *arguments)
{
        unsigned index = (unsigned)number_of(arguments, "worker", 0);
        Worker *w = find_worker(s, index);
        CLEANUP_FREE char *sentence = NULL;

        if (!w) {
                (void)why(&sentence, 0, "there is no worker %u; see sup status", index);
                refuse(request, sentence);
        }
        return w;
}

static int
await(Supervisor *s, const Waiting *waiting)
{
        Waiting *all = reallocarray(s->waiting, s->n_waiting + 1, sizeof(*all));

        if (!all)
                return -ENOMEM;
        s->waiting = all;
        s->waiting[s->n_waiting++] = *waiting;
        return 0;
}

static void
on_status(Supervisor *s, ControlRequest *request, const json_t *arguments)
{
        (void)arguments;
        control_request_finish(request, status_whole(s), NULL);
}

/* Fill in what a reload was asked to be like. Returns 0 or a negative errno with a sentence. */
static int
fill_reload(Reload *r, const json_t *arguments, char **ret_why)
{
        const json_t *command = json_object_get(arguments, "command");
        const char *drain = json_string_value(json_object_get(arguments, "drain"));
        const char *mode = json_string_value(json_object_get(arguments, "reload"));
        const char *check = json_string_value(json_object_get(arguments, "check"));
        double percent = json_number_value(json_object_get(arguments, "canary_percent"));

        for (size_t i = 0; i < json_array_size(command); i++)
                if (strv_add(&r->command, strdup(json_string_value(json_array_get(command, i)))) <
                    0)
                        return -ENOMEM;
        if (drain)
                r->drain = strcmp(drain, "signal") == 0 ? DRAIN_SIGNAL : DRAIN_CONNECTIONS;
        if (mode)
                r->mode = strcmp(mode, "serial") == 0 ? RELOAD_SERIAL : RELOAD_OVERLAP;
        r->bake_usec = (uint64_t)number_of(arguments, "bake_usec", 0);
        if (percent > 0) {
                r->canary_share = (unsigned)(percent * STEER_WHOLE / 100);
                r->canary_share += r->canary_share == 0;
                if (r->bake_usec == 0)
                        return why(ret_why, -EINVAL,
                                   "a canary needs a time to prove itself: --bake");
        }
        if (check && !(r->check = strdup(check)))
                return -ENOMEM;
        if (r->mode == RELOAD_SERIAL && (drain || percent > 0 || r->bake_usec || check) &&
            (r->drain == DRAIN_CONNECTIONS || percent > 0 || r->bake_usec || check))
                return why(ret_why, -EINVAL,
                           "a serial reload stops the old worker first: it goes with none of "
                           "--drain=connections, --canary, --bake and --check");
        return 0;
}

static void
on_reload(Supervisor *s, ControlRequest *request, const json_t *arguments)
{
        CLEANUP_FREE char *sentence = NULL;
        Reload r;
        int result;

        reload_init(&r, s->config);
        result = fill_reload(&r, arguments, &sentence);
        r.waiters = result < 0 ? NULL : calloc(1, sizeof(ControlRequest *));
        if (!r.waiters) {
                refuse(request, sentence ? sentence : "out of memory");
                reload_deinit(&r);
                return;
        }
        r.waiters[r.n_waiters++] = request;
        rollout_request(s, &r);
}

/* One worker, or all of them one by one, are stopped and started anew. */
static void
on_restart(Supervisor *s, ControlRequest *request, const json_t *arguments)
{
        Worker *w;
        Waiting waiting = {.request = request};

        if (!json_object_get(arguments, "worker")) {
                json_t *serial = json_pack("{s:s, s:s}", "reload", "serial", "drain", "signal");

                on_reload(s, request, serial);
                json_decref(serial);
                return;
        }
        w = worker_of(s, request, arguments);
        if (!w)
                return;
        waiting.index = w->index;
        waiting.incarnation = w->incarnation;
        if (await(s, &waiting) < 0) {
                refuse(request, "out of memory");
                return;
        }
        w->renew = true;
        worker_event(w, LIFE_EVENT_STOP);
}

/* A worker is retired as soon as another one serves in its stead. */
static void
on_drain(Supervisor *s, ControlRequest *request, const json_t *arguments)
{
        Worker *old = worker_of(s, request, arguments);
        Worker *w;
        Waiting waiting = {.request = request};

        if (!old)
                return;
        w = s->rollout.state == ROLLOUT_IDLE
                    ? workers_add(s, old->generation, ROLE_CANDIDATE, workers_free_index(s))
                    : NULL;
        if (!w) {
                refuse(request, "a reload is under way; try again when it is done");
                return;
        }
        waiting.index = w->index;
        waiting.old_index = old->index;
        if (await(s, &waiting) < 0) {
                w->role = ROLE_RETIRING;
                refuse(request, "out of memory");
                return;
        }
        worker_event(w, LIFE_EVENT_START);
}

static void
on_stop(Supervisor *s, ControlRequest *request, const json_t *arguments)
{
        (void)arguments;
        if (s->stop_request)
                refuse(request, "sup is being stopped already");
        else
                s->stop_request = request;
        log_event(&(LogEvent){.level = LOG_INFO, .event = "stopping"},
                  "stopping, as was asked for on the control socket");
        supervisor_stop(s, false, 0);
}

static void
on_scale(Supervisor *s, ControlRequest *request, const json_t *arguments)
{
        long long wanted =
                number_of(arguments, "workers", s->n_wanted) + number_of(arguments, "change", 0);

        if (wanted < 1)
                refuse(request, "one worker is the least; sup stop ends all of them");
        else if (wanted > CONFIG_WORKERS_MAX)
                refuse(request, "there can be 10000 workers at the most");
        else {
                supervisor_scale(s, (unsigned)wanted);
                control_request_finish(request, json_pack("{s:i}", "workers", (int)wanted), NULL);
        }
}

static void
on_signal(Supervisor *s, ControlRequest *request, const json_t *arguments)
{
        bool all = !json_object_get(arguments, "worker");
        const Worker *only = all ? NULL : worker_of(s, request, arguments);
        int signo = 0;
        int n = 0;

        if (!all && !only)
                return;
        (void)parse_signal(json_string_value(json_object_get(arguments, "signal")), &signo);
        for (size_t i = 0; i < s->n_workers; i++) {
                const Worker *w = s->workers[i];

                if (w->pid && w->role != ROLE_STANDBY && (all || w == only))
                        n += kill(w->pid, signo) == 0;
        }
        control_request_finish(request, json_pack("{s:i}", "workers", n), NULL);
}

static void
on_ready(Supervisor *s, ControlRequest *request, const json_t *arguments)
{
        (void)arguments;
        control_request_finish(request, json_pack("{s:b}", "ready", status_is_serving(s)),
                               status_is_serving(s) ? NULL
                               : s->stopping        ? "sup is being stopped"
                                                    : "no worker serves yet");
}

static void
on_upgrade(Supervisor *s, ControlRequest *request, const json_t *arguments)
{
        (void)arguments;
        upgrade_request(s, request);
}

static void
on_request(void *userdata, ControlRequest *request, const char *verb, const json_t *arguments)
{
        static const struct {
                const char *verb;
                void (*function)(Supervisor *s, ControlRequest *request, const json_t *arguments);
        } verbs[] = {
                {"status", on_status}, {"reload", on_reload}, {"restart", on_restart},
                {"stop", on_stop},     {"scale", on_scale},   {"signal", on_signal},
                {"drain", on_drain},   {"ready", on_ready},   {"upgrade", on_upgrade},
        };

        for (size_t i = 0; i < ELEMENTSOF(verbs); i++)
                if (strcmp(verbs[i].verb, verb) == 0) {
                        verbs[i].function(userdata, request, arguments);
                        return;
                }
        refuse(request, "this version of sup does not know that verb");
}

/* Tell all who wait for a reload that it will not be. */
void
requests_refuse(Reload *reload, const char *sentence)
{
        for (size_t i = 0; i < reload->n_waiters; i++)
                refuse(reload->waiters[i], sentence);
        reload->n_waiters = 0;
}

/* An old generation is gone: the reload that retired it is done with. */
void
requests_reloaded(Supervisor *s, const Generation *retired)
{
        const Measure *m = &retired->measure;
        char took[32];
        char wait[32];
        char before[64] = "";

        s->last_reload = *m;
        s->last_reload_generation = retired->replaced_by;
        s->last_reload_usec = now_usec() - m->begin_usec;
        if (m->waiting_before)
                (void)snprintf(before, sizeof(before), " since it began (%u had come before)",
                               m->waiting_before);
        log_event(&(LogEvent){.level = LOG_INFO,
                              .event = "reloaded",
                              .generation = retired->replaced_by},
                  "reloaded in %s: generation %u is gone; connections waited for %s at most%s, %u "
                  "at a time, %llu found the queue full; old ones: %u finished, %u cut",
                  span_format(s->last_reload_usec, took, sizeof(took)), retired->number,
                  span_format(m->longest_wait_usec, wait, sizeof(wait)), before, m->deepest_queue,
                  (unsigned long long)m->overflows, m->finished, m->cut);
        for (size_t i = 0; i < retired->n_waiters; i++)
                control_request_finish(retired->waiters[i], status_reload(s), NULL);
}

/* An old generation is gone since everything ends: tell those who wait for it. */
void
requests_leave(Generation *g)
{
        for (size_t i = 0; i < g->n_waiters; i++)
                refuse(g->waiters[i], "sup is being stopped");
        g->n_waiters = 0;
}

static const char *
phase_of(const Supervisor *s)
{
        if (s->rollout.state != ROLLOUT_BAKING)
                return "starting";
        return s->rollout.check_pid ? "checking" : "baking";
}

static void
tell_progress(ControlRequest *const *waiters, size_t n_waiters, const char *phase, unsigned n_ready,
              unsigned n_workers, size_t n_connections)
{
        for (size_t i = 0; i < n_waiters; i++)
                control_request_progress(waiters[i], json_pack("{s:s, s:i, s:i, s:i}", "phase",
                                                               phase, "workers_ready", (int)n_ready,
                                                               "workers", (int)n_workers,
                                                               "connections", (int)n_connections));
}

/* The worker that somebody waits for; not one on trial in a reload, whose turn may never come. */
static Worker *
find_awaited(const Supervisor *s, const Waiting *waiting)
{
        Worker *found = NULL;

        for (size_t i = 0; i < s->n_workers; i++) {
                Worker *w = s->workers[i];
                bool on_trial = w->role == ROLE_CANDIDATE && w->generation == s->rollout.generation;

                if (w->index == waiting->index && w->role != ROLE_RETIRING && !on_trial)
                        found = w;
        }
        return found;
}

/* Those who wait for workers one by one: has it come, or will it not? */
static bool
is_settled(Supervisor *s, const Waiting *waiting)
{
        Worker *w = find_awaited(s, waiting);
        Worker *old = waiting->old_index ? find_worker(s, waiting->old_index) : NULL;

        if (!w) {
                refuse(waiting->request, "the worker is gone");
                return true;
        }
        if (w->incarnation <= waiting->incarnation)
                return false;
        if (w->state == LIFE_READY) {
                if (waiting->old_index)
                        w->role = ROLE_ACTIVE;
                if (old)
                        worker_retire(old);
                control_request_finish(waiting->request,
                                       json_pack("{s:i}", "worker", (int)w->index), NULL);
                return true;
        }
        if (w->state != LIFE_IDLE)
                return false;
        if (waiting->old_index && w->role == ROLE_CANDIDATE)
                w->role = ROLE_RETIRING;
        refuse(waiting->request, "the new worker ended before it was ready; see the log");
        return true;
}

/* After every round of events: tell those who wait how things stand, each thing once. */
void
requests_progress(Supervisor *s)
{
        Rollout *r = &s->rollout;
        size_t kept = 0;
        unsigned n_ready = 0;
        uint64_t told;

        for (size_t i = 0; i < s->n_waiting; i++)
                if (!is_settled(s, &s->waiting[i]))
                        s->waiting[kept++] = s->waiting[i];
        s->n_waiting = kept;
        for (size_t i = 0; i < s->n_workers; i++)
                n_ready += s->workers[i]->generation == r->generation &&
                           s->workers[i]->state == LIFE_READY;
        told = (uint64_t)r->state << 48 | (uint64_t)(r->check_pid != 0) << 47 | n_ready;
        if (r->state != ROLLOUT_IDLE && told != r->told)
                tell_progress(r->reload.waiters, r->reload.n_waiters, phase_of(s), n_ready,
                              s->n_wanted, 0);
        r->told = told;
        for (size_t i = 0; i < s->n_generations; i++) {
                Generation *g = s->generations[i];

                told = g->open.n + 1;
                if (g->state == GENERATION_RETIRING && told != g->told)
                        tell_progress(g->waiters, g->n_waiters, "draining", s->n_wanted,
                                      s->n_wanted, g->open.n);
                g->told = told;
        }
}

/*
 * Open the control socket at the place that --control names. Returns 0 or a negative errno with a
 * sentence.
 */
int
requests_open_named(Supervisor *s, char **ret_why)
{
        ControlHost host = {.userdata = s, .on_request = on_request};

        if (!s->config->control || s->control)
                return 0;
        return control_server_new(&s->control, s->event, s->config->control, &host, ret_why);
}

/* Take over the open control socket of ourselves before an upgrade. Returns 0 or a negative errno. */
int
requests_adopt(Supervisor *s, int consume_fd, const char *path)
{
        ControlHost host = {.userdata = s, .on_request = on_request};

        return control_server_adopt(&s->control, s->event, consume_fd, path, &host);
}

/* Open the control socket in the usual place, if there is one; without it nothing else is lost. */
void
requests_open(Supervisor *s)
{
        ControlHost host = {.userdata = s, .on_request = on_request};
        CLEANUP_FREE char *reason = NULL;
        CLEANUP_FREE char *path = NULL;
        CLEANUP_FREE char *beside = NULL;
        int r;

        if (s->control || control_path(s->name, NULL, &path) < 0)
                return;
        r = control_server_new(&s->control, s->event, path, &host, &reason);
        if (r == -EADDRINUSE && control_path_beside(path, getpid(), &beside) == 0) {
                free(reason);
                reason = NULL;
                r = control_server_new(&s->control, s->event, beside, &host, &reason);
        }
        if (r < 0)
                log_warning("sup status, sup reload and the like cannot reach this sup: %s",
                            reason ? reason : strerrordesc_np(-r));
        else
                log_debug("the control socket is %s", control_server_path(s->control));
}

/* The end: whoever still waits is told, and the path is removed. */
void
requests_close(Supervisor *s)
{
        for (size_t i = 0; i < s->n_waiting; i++)
                refuse(s->waiting[i].request, "sup is being stopped");
        free(s->waiting);
        s->waiting = NULL;
        s->n_waiting = 0;
        for (size_t i = 0; i < s->n_generations; i++)
                requests_leave(s->generations[i]);
        if (s->stop_request)
                control_request_finish(s->stop_request, json_object(), NULL);
        s->stop_request = NULL;
        s->control = control_server_free(s->control);
}
