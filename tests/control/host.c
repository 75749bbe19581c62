/* SPDX-License-Identifier: MIT */
/*
 * host.c - a host of the control socket that only pretends: for the stories about server and client.
 *
 * Usage: host PATH [upgraded FD N]
 *
 * What it is asked is written to stdout, a line each. What it does depends on the arguments of
 * reload: the first word of the command, if there is one, is one of those below.
 *
 *   flood N    reports progress N times, without a pause
 *   long N     one report of N bytes
 *   never      does not answer before another reload with `release`
 *   broken     fails
 *
 * `upgrade` re-executes it, with the listening socket and the count of upgrades; under the name
 * "stubborn" it refuses.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fd.h"
#include "base/log.h"
#include "base/parse.h"
#include "base/strv.h"
#include "control/server.h"

#define STEP_USEC (20 * USEC_PER_MSEC)

/* A reload that goes on. */
typedef struct Reload {
        struct Host *host;
        ControlRequest *request;
        sd_event_source *timer;
        size_t step;
} Reload;

typedef struct Host {
        sd_event *event;
        ControlServer *server;
        json_int_t generation;
        json_int_t upgrades;
        json_int_t workers;
        bool ready;
        ControlRequest *never[4096];
        size_t n_never;
} Host;

static void
say(const char *what, const json_t *arguments)
{
        CLEANUP_FREE char *text = json_dumps(arguments, JSON_COMPACT | JSON_SORT_KEYS);

        (void)printf("%s %s\n", what, text ? text : "");
        (void)fflush(stdout);
}

static json_t *
summary(const Host *h)
{
        return json_pack("{sI si si si si si si}", "generation", h->generation, "duration_usec",
                         1300000, "longest_wait_usec", 2100, "deepest_queue", 3, "overflows", 0,
                         "finished", 9, "cut", 0);
}

static json_t *
worker(const Host *h, int index, const char *role, const char *state, int uptime_usec,
       const char *last_end)
{
        return json_pack("{si ss sI si ss si si ss?}", "worker", index, "role", role, "generation",
                         h->generation, "pid", 100 + index, "state", state, "uptime_usec",
                         uptime_usec, "restarts", last_end ? 12 : 0, "last_end", last_end);
}

static json_t *
listener(const Host *h)
{
        return json_pack("{ss ss ss sI si si}", "name", "web", "address", "0.0.0.0:8080", "origin",
                         "captured", "generation", h->generation, "queue", 7, "queue_limit", 4096);
}

static json_t *
status(const Host *h)
{
        json_int_t uptime_usec = 11100000000;

        return json_pack("{ss si ss sI ss sI s[ss] sI s[oo] s[o] so}", "name", "fake", "pid",
                         (int)getpid(), "version", "0.1.0", "generation", h->generation, "state",
                         "serving", "uptime_usec", uptime_usec, "command", "./server",
                         "--title=two words", "upgrades", h->upgrades, "workers",
                         worker(h, 1, "active", "ready", 2500000, "killed by signal 9 (KILL)"),
                         worker(h, 2, "standby", "par\033ked", 0, NULL), "listeners", listener(h),
                         "last_reload", h->generation > 1 ? summary(h) : json_null());
}

static int
on_step(sd_event_source *source, uint64_t usec, void *userdata)
{
        static const struct {
                const char *phase;
                int ready;
                int connections;
        } steps[] = {
                {"starting", 0, 12}, {"starting", 1, 12}, {"ready", 2, 12},
                {"draining", 2, 12}, {"draining", 2, 3},  {"done", 2, 0},
        };
        Reload *reload = userdata;

        (void)usec;
        if (reload->step < ELEMENTSOF(steps)) {
                control_request_progress(reload->request,
                                         json_pack("{ss si si si}", "phase",
                                                   steps[reload->step].phase, "workers_ready",
                                                   steps[reload->step].ready, "workers", 2,
                                                   "connections", steps[reload->step].connections));
                reload->step++;
                (void)sd_event_source_set_time_relative(source, STEP_USEC);
                (void)sd_event_source_set_enabled(source, SD_EVENT_ONESHOT);
                return 0;
        }
        reload->host->generation++;
        if (!control_request_is_waiting(reload->request))
                say("unheard", NULL);
        control_request_finish(reload->request, summary(reload->host), NULL);
        sd_event_source_disable_unref(reload->timer);
        free(reload);
        return 0;
}

static void
begin_reload(Host *h, ControlRequest *request)
{
        Reload *reload = calloc(1, sizeof(*reload));

        if (!reload || sd_event_add_time_relative(h->event, &reload->timer, CLOCK_MONOTONIC,
                                                  STEP_USEC, 1, on_step, reload) < 0)
                abort();
        reload->host = h;
        reload->request = request;
}

static void
release(Host *h)
{
        for (size_t i = 0; i < h->n_never; i++)
                control_request_finish(h->never[i], NULL, NULL);
        h->n_never = 0;
}

static void
do_reload(Host *h, ControlRequest *request, const json_t *arguments)
{
        const json_t *command = json_object_get(arguments, "command");
        const char *word = json_string_value(json_array_get(command, 0));
        const char *number = json_string_value(json_array_get(command, 1));
        uint64_t n = 0;

        /* NOLINTNEXTLINE(bugprone-branch-clone): what is not meant for us is a command to run */
        if (!word || (number && parse_unsigned(number, 1 << 30, &n) < 0)) {
                begin_reload(h, request);
        } else if (strcmp(word, "flood") == 0) {
                for (uint64_t i = 0; i < n; i++)
                        control_request_progress(request, json_pack("{ss}", "phase", "ready"));
                control_request_finish(request, NULL, NULL);
        } else if (strcmp(word, "long") == 0) {
                char *text = malloc(n + 1);

                if (!text)
                        abort();
                memset(text, 'x', n);
                text[n] = '\0';
                control_request_finish(request, json_pack("{ss}", "text", text), NULL);
                free(text);
        } else if (strcmp(word, "never") == 0) {
                h->never[h->n_never++] = request;
        } else if (strcmp(word, "release") == 0) {
                release(h);
                control_request_finish(request, NULL, NULL);
        } else if (strcmp(word, "broken") == 0) {
                control_request_finish(
                        request, NULL,
                        "the new generation exited with status 3; the old one stays");
        } else {
                begin_reload(h, request);
        }
}

static void
do_upgrade(Host *h, ControlRequest *request)
{
        const char *path = control_server_path(h->server);
        CLEANUP(strv_deinit_p) Strv argv = {0};

        if (strstr(path, "stubborn")) {
                control_request_finish(request, NULL, "the new program has the wrong format");
                return;
        }
        (void)fcntl(control_server_fd(h->server), F_SETFD, 0);
        if (strv_addf(&argv, "host") == 0 && strv_addf(&argv, "%s", path) == 0 &&
            strv_addf(&argv, "upgraded") == 0 &&
            strv_addf(&argv, "%d", control_server_fd(h->server)) == 0 &&
            strv_addf(&argv, "%lld", (long long)h->upgrades + 1) == 0)
                (void)execv("/proc/self/exe", argv.items);
        abort();
}

static void
on_request(void *userdata, ControlRequest *request, const char *verb, const json_t *arguments)
{
        Host *h = userdata;
        json_int_t worker = json_integer_value(json_object_get(arguments, "worker"));

        say(verb, arguments);
        if (worker > 2) {
                control_request_finish(request, NULL, "there is no such worker");
        } else if (strcmp(verb, "status") == 0) {
                control_request_finish(request, status(h), NULL);
        } else if (strcmp(verb, "ready") == 0) {
                control_request_finish(request, json_pack("{sb}", "ready", h->ready), NULL);
        } else if (strcmp(verb, "scale") == 0) {
                json_int_t n = json_integer_value(json_object_get(arguments, "workers"));

                h->workers =
                        n ? n
                          : h->workers + json_integer_value(json_object_get(arguments, "change"));
                control_request_finish(request, json_pack("{sI}", "workers", h->workers), NULL);
        } else if (strcmp(verb, "reload") == 0) {
                do_reload(h, request, arguments);
        } else if (strcmp(verb, "upgrade") == 0) {
                do_upgrade(h, request);
        } else if (strcmp(verb, "stop") == 0) {
                control_request_finish(request, NULL, NULL);
                (void)sd_event_exit(h->event, 0);
        } else if (strcmp(verb, "drain") == 0) {
                control_request_finish(request, json_pack("{si}", "worker", 3), NULL);
        } else {
                h->ready = strcmp(verb, "signal") != 0; /* so that a story can change it */
                control_request_finish(request, NULL, NULL);
        }
}

/* The loop has begun, and everything that it needs is open. */
static int
on_begin(sd_event_source *source, void *userdata)
{
        (void)source;
        (void)userdata;
        (void)printf("listening\n");
        (void)fflush(stdout);
        return 0;
}

static int
serve(Host *h, int argc, char **argv)
{
        ControlHost host = {.userdata = h, .on_request = on_request};
        CLEANUP_FREE char *reason = NULL;
        int r;

        if (argc > 4) {
                h->upgrades = strtoll(argv[4], NULL, 10);
                r = control_server_adopt(&h->server, h->event, (int)strtol(argv[3], NULL, 10),
                                         argv[1], &host);
        } else {
                r = control_server_new(&h->server, h->event, argv[1], &host, &reason);
        }
        if (r < 0) {
                log_error("%s", reason ? reason : strerrordesc_np(-r));
                return 1;
        }
        r = sd_event_add_defer(h->event, NULL, on_begin, NULL);
        return r < 0 ? r : sd_event_loop(h->event);
}

int
main(int argc, char **argv)
{
        Host h = {.generation = 1, .workers = 2, .ready = true};
        sigset_t mask;
        int status;

        if (argc < 2)
                return 2;
        log_init();
        log_set_level(LOG_DEBUG);
        (void)sigemptyset(&mask);
        (void)sigaddset(&mask, SIGTERM);
        (void)sigprocmask(SIG_BLOCK, &mask, NULL);
        if (sd_event_new(&h.event) < 0 ||
            sd_event_add_signal(h.event, NULL, SIGTERM, NULL, NULL) < 0)
                return 1;
        status = serve(&h, argc, argv);
        release(&h);
        control_server_free(h.server);
        sd_event_unref(h.event);
        return status;
}
