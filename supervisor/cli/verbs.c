/* SPDX-License-Identifier: MIT */
/*
 * verbs.c - what `sup` can be told to do besides supervising: one table.
 *
 * Gist: a verb parses what follows it, talks to the instance, and prints the result: a sentence, a
 * table, or the JSON object as it came.
 */
#include "cli/verbs.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "cli/conversation.h"
#include "cli/progress.h"
#include "cli/status.h"
#include "cli/upgrade.h"
#include "cli/why.h"

/* How the progress of a verb is shown. */
typedef struct Display {
        Progress progress;
        const char *name;
        bool silent;
        bool terminal;
} Display;

/* The width of the terminal, less the column that would wrap. */
static int
columns_of_terminal(void)
{
        struct winsize size = {0};

        if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) < 0 || size.ws_col < 2)
                return 79;
        return size.ws_col - 1;
}

/* How many bytes of UTF-8 fit into the columns. */
static int
bytes_within(const char *text, int columns)
{
        int n = 0;

        for (; text[n]; n++)
                if (((unsigned char)text[n] & 0xC0U) != 0x80U && columns-- == 0)
                        break;
        return n;
}

/* What comes next stands on a line of its own. May be called twice. */
static void
end_progress(Display *d)
{
        if (d->terminal && !d->silent && d->progress.n_phases > 0) {
                (void)putchar('\n');
                (void)fflush(stdout);
        }
        d->silent = true;
}

/* On a terminal one line that is written anew, elsewhere a line for each phase. */
static void
show_progress(void *userdata, const json_t *body)
{
        Display *d = userdata;
        char phases[PROGRESS_TEXT_MAX];
        CLEANUP_FREE char *line = NULL;
        bool is_new;

        if (!body) {
                end_progress(d);
                return;
        }
        is_new = progress_take(&d->progress, body);
        if (d->silent || d->progress.n_phases == 0 || (!d->terminal && !is_new))
                return;
        if (d->terminal)
                (void)progress_line(&d->progress, phases, sizeof(phases));
        else
                (void)progress_phase_line(&d->progress.phases[d->progress.n_phases - 1], phases,
                                          sizeof(phases));
        if (asprintf(&line, "%s: %s", d->name, phases) < 0) {
                line = NULL;
                return;
        }
        if (d->terminal)
                (void)printf("\r%.*s\033[K", bytes_within(line, columns_of_terminal()), line);
        else
                (void)puts(line);
        (void)fflush(stdout);
}

static void
print_json(const json_t *body)
{
        (void)json_dumpf(body, stdout, JSON_COMPACT);
        (void)putchar('\n');
}

/* What a verb came to, in a sentence. */
static void
print_done(const Conversation *c, const VerbOptions *o, const json_t *result)
{
        const json_t *worker = json_object_get(o->arguments, "worker");
        const json_t *workers = json_object_get(result, "workers");
        const char *signal = json_string_value(json_object_get(o->arguments, "signal"));
        char who[32] = "";

        if (worker)
                (void)snprintf(who, sizeof(who), "worker %lld of ",
                               (long long)json_integer_value(worker));
        if (json_object_get(result, "generation")) {
                (void)printf("%s is %sed: ", c->name, o->verb); /* reload, restart */
                progress_print_summary(stdout, result);
        } else if (strcmp(o->verb, "scale") == 0 && json_is_integer(workers))
                (void)printf("%s has %lld worker%s\n", c->name,
                             (long long)json_integer_value(workers),
                             json_integer_value(workers) == 1 ? "" : "s");
        else if (strcmp(o->verb, "signal") == 0)
                (void)printf("signal %s is sent to %s%s\n", signal,
                             worker ? who : "the workers of ", c->name);
        else if (strcmp(o->verb, "drain") == 0)
                (void)printf("%s%s is retired; worker %lld serves in its stead\n", who, c->name,
                             (long long)json_integer_value(json_object_get(result, "worker")));
        else if (strcmp(o->verb, "stop") == 0)
                (void)printf("%s is stopped\n", c->name);
        else if (strcmp(o->verb, "restart") == 0)
                (void)printf("%s%s is restarted\n", who, c->name);
        else
                (void)printf("%s: %s is done\n", c->name, o->verb);
}

/* Ask for something that takes its time, and show how it goes. */
static int
carry_out(Conversation *c, const VerbOptions *o)
{
        CLEANUP(protocol_answer_deinit) ProtocolAnswer answer = {0};
        Display d = {.name = c->name, .silent = o->json, .terminal = isatty(STDOUT_FILENO) == 1};
        int status;

        if (o->no_wait)
                return conversation_submit(c, o->verb, json_incref(o->arguments));
        status =
                conversation_ask(c, o->verb, json_incref(o->arguments), show_progress, &d, &answer);
        end_progress(&d);
        if (status != VERB_DONE)
                return status;
        if (o->json && answer.body)
                print_json(answer.body);
        else if (!o->json)
                print_done(c, o, answer.body);
        return VERB_DONE;
}

static int
ask_status(Conversation *c, const VerbOptions *o)
{
        CLEANUP(protocol_answer_deinit) ProtocolAnswer answer = {0};
        int status = conversation_ask(c, "status", NULL, NULL, NULL, &answer);

        if (status != VERB_DONE)
                return status;
        if (o->json)
                print_json(answer.body);
        else
                status_print(stdout, answer.body);
        return VERB_DONE;
}

static int
ask_ready(Conversation *c, const VerbOptions *o)
{
        CLEANUP(protocol_answer_deinit) ProtocolAnswer answer = {0};
        int status = conversation_ask(c, "ready", NULL, NULL, NULL, &answer);
        bool is_ready = json_is_true(json_object_get(answer.body, "ready"));

        if (status != VERB_DONE)
                return status;
        if (o->json)
                print_json(answer.body);
        else
                (void)printf("%s is %sready\n", c->name, is_ready ? "" : "not ");
        return is_ready ? VERB_DONE : VERB_FAILED;
}

/* Every verb of the control socket: parse, find the instance, talk. */
static int
converse(int argc, char **argv, int (*talk)(Conversation *c, const VerbOptions *o))
{
        CLEANUP(verb_options_deinit) VerbOptions options;
        CLEANUP(conversation_deinit) Conversation conversation = {0};
        CLEANUP_FREE char *reason = NULL;
        int status;

        switch (verb_options_parse(argc, argv, &options, &reason)) {
        case VERB_OPTIONS_HELP:
                verb_options_print_help(stdout, argv[0]);
                return VERB_DONE;
        case VERB_OPTIONS_WRONG:
                log_error("%s", reason ? reason : "out of memory");
                return VERB_USAGE;
        case VERB_OPTIONS_RUN:
                break;
        }
        status = conversation_open(&conversation, &options);
        return status == VERB_DONE ? talk(&conversation, &options) : status;
}

static int
run_status(int argc, char **argv)
{
        return converse(argc, argv, ask_status);
}

static int
run_ready(int argc, char **argv)
{
        return converse(argc, argv, ask_ready);
}

static int
run_upgrade(int argc, char **argv)
{
        return converse(argc, argv, upgrade_run);
}

/* reload, restart, stop, scale, signal, drain */
static int
run_action(int argc, char **argv)
{
        return converse(argc, argv, carry_out);
}

const Verb verbs_table[] = {
        {"status", run_status, "Show generations, workers, listeners and their queues",
         "[NAME] [--json]"},
        {"reload", run_action, "Start a new generation, then retire the old one",
         "[NAME] [OPTION…] [-- COMMAND [ARG…]]"},
        {"restart", run_action, "Restart all workers, or one of them", "[NAME] [WORKER]"},
        {"stop", run_action, "End the workers, and sup itself", "[NAME]"},
        {"scale", run_action, "Change the number of workers", "[NAME] N|+N|-N"},
        {"signal", run_action, "Send a signal to all workers, or to one of them",
         "[NAME] SIGNAL [WORKER]"},
        {"drain", run_action,
         "Retire a worker when another one, started for that, serves in its stead",
         "[NAME] WORKER"},
        {"ready", run_ready, "Tell whether it serves: exit status 0, else 1", "[NAME]"},
        {"upgrade", run_upgrade, "Replace the running sup by the installed one", "[NAME]"},
        {"why", why_main, "Say what keeps an address from being bound, until when, and what to do",
         "[OPTION…] ADDRESS"},
};

const size_t verbs_n = ELEMENTSOF(verbs_table);

/* The verb that a word is, or NULL. */
const Verb *
verbs_find(const char *word)
{
        for (size_t i = 0; i < verbs_n; i++)
                if (strcmp(verbs_table[i].name, word) == 0)
                        return &verbs_table[i];
        return NULL;
}
