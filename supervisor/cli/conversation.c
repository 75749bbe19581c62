/* SPDX-License-Identifier: MIT */
/*
 * conversation.c - talking to a running instance: find it, ask, wait, say what went wrong.
 *
 * Gist: whatever goes wrong is said here, in one sentence, so that verbs only pass the exit status
 * on. An instance that does not answer a simple question within ten seconds is not waited for: what
 * looks after its health must not hang with it.
 */
#include "cli/conversation.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "base/parse.h"
#include "base/printable.h"
#include "cli/plain.h"
#include "cli/verbs.h"
#include "control/instances.h"
#include "control/socket_file.h"

#define ANSWER_USEC (10 * USEC_PER_SEC)

/* "a, b, c", of those that run. */
static char *
list_running(const Instances *v)
{
        char *list = strdup("");

        for (size_t i = 0; i < v->n_items && list; i++) {
                char *longer = NULL;

                if (v->items[i].state != INSTANCE_RUNS)
                        continue;
                if (asprintf(&longer, "%s%s%s", list, *list ? ", " : "", v->items[i].name) < 0)
                        longer = NULL;
                free(list);
                list = longer;
        }
        return list;
}

/* There is no such instance: say which there are. */
static int
explain_none(const char *name)
{
        CLEANUP(instances_deinit) Instances all;
        CLEANUP_FREE char *list = NULL;

        if (instances_find(&all, NULL) == 0)
                list = list_running(&all);
        if (list && *list)
                log_error("there is no instance called %s; those that run are: %s", name, list);
        else
                log_error("there is no instance called %s, and no other one either", name);
        return VERB_NO_INSTANCE;
}

static int
explain_ambiguous(const Instances *v)
{
        CLEANUP_FREE char *list = list_running(v);

        log_error("several instances run; give the name of one of them: %s", list ? list : "…");
        return VERB_USAGE;
}

/* Why an instance cannot be talked to. */
static int
explain_connect(const char *name, const char *path, int error)
{
        switch (-error) {
        case ECONNREFUSED:
                log_error("%s does not run any more: nobody listens on %s", name, path);
                return VERB_NOT_RUNNING;
        case ENOENT:
                log_error("there is no instance: %s does not exist", path);
                return VERB_NO_INSTANCE;
        case EACCES:
        case EPERM:
                log_error("%s belongs to another user: %s may not be opened", name, path);
                return VERB_FAILED;
        default:
                log_error("%s cannot be asked through %s: %s", name, path, strerrordesc_np(-error));
                return VERB_FAILED;
        }
}

/* Choose the instance that is meant. */
static int
choose(Conversation *c, const char *name)
{
        CLEANUP(instances_deinit) Instances v;
        const Instance *chosen;

        if (instances_find(&v, name) < 0) {
                log_error("out of memory");
                return VERB_FAILED;
        }
        if (!name && instances_count(&v, INSTANCE_RUNS) > 1)
                return explain_ambiguous(&v);
        chosen = instances_first(&v, INSTANCE_RUNS);
        if (!chosen)
                chosen = instances_first(&v, INSTANCE_DEAD);
        if (!chosen && name)
                chosen = instances_first(&v, INSTANCE_FOREIGN);
        if (!chosen && name)
                return explain_none(name);
        if (!chosen ||
            (!name && instances_count(&v, INSTANCE_DEAD) > 1 && chosen->state == INSTANCE_DEAD)) {
                log_error("no instance of sup runs here for this user");
                return chosen ? VERB_NOT_RUNNING : VERB_NO_INSTANCE;
        }
        c->name = plain_copy(chosen->name);
        c->path = strdup(chosen->path);
        return VERB_DONE;
}

/* The name, and the path, that --control gives. */
static int
take_control(Conversation *c, const char *path)
{
        const char *slash = strrchr(path, '/');
        const char *name = slash ? slash + 1 : path;
        const size_t suffix = strlen(SOCKET_FILE_SUFFIX);
        size_t length = strlen(name);

        if (length > suffix && strcmp(name + length - suffix, SOCKET_FILE_SUFFIX) == 0)
                length -= suffix;
        c->name = strndup(name, length);
        if (c->name)
                printable_make(c->name);
        c->path = strdup(path);
        return VERB_DONE;
}

/*
 * Connect to the instance that the options mean. *ret must be deinitialised, also on failure.
 * Returns VERB_DONE, or another exit status after a sentence.
 */
int
conversation_open(Conversation *ret, const VerbOptions *o)
{
        int status;
        int r;

        *ret = (Conversation){0};
        status = o->control ? take_control(ret, o->control) : choose(ret, o->name);
        if (status != VERB_DONE)
                return status;
        r = ret->name && ret->path ? conversation_reconnect(ret) : -ENOMEM;
        if (r < 0)
                return explain_connect(ret->name, ret->path, r);
        return VERB_DONE;
}

/* Connect anew, after the other side has hung up. Returns 0 or a negative errno; says nothing. */
int
conversation_reconnect(Conversation *c)
{
        c->client = control_client_free(c->client);
        return control_client_new(&c->client, c->path);
}

/* Hang up. */
void
conversation_deinit(Conversation *c)
{
        c->client = control_client_free(c->client);
        free(c->name);
        free(c->path);
        *c = (Conversation){0};
}

static int
explain_send(const Conversation *c, int error)
{
        if (error == -EMSGSIZE)
                log_error("the command is too long for the control socket, which takes %d bytes",
                          PROTOCOL_LINE_MAX);
        else
                log_error("%s cannot be asked: %s", c->name, strerrordesc_np(-error));
        return VERB_FAILED;
}

static int
explain_receive(const Conversation *c, int result)
{
        if (result == 0)
                log_error("%s has hung up before it answered", c->name);
        else if (result == -ETIMEDOUT)
                log_error("%s does not answer: it is busy or stopped", c->name);
        else if (result == -EPROTO)
                log_error("%s answers in a way that this version of sup does not understand",
                          c->name);
        else
                log_error("%s cannot be heard: %s", c->name, strerrordesc_np(-result));
        return VERB_FAILED;
}

/* Simple questions are answered at once. */
static uint64_t
time_for(const char *verb)
{
        bool simple = strcmp(verb, "status") == 0 || strcmp(verb, "ready") == 0;

        return simple ? ANSWER_USEC : CONTROL_FOR_EVER;
}

/* Whether nobody listens any more. */
static bool
is_gone(const Conversation *c)
{
        ControlClient *client = NULL;
        int r = control_client_new(&client, c->path);

        control_client_free(client);
        return r == -ECONNREFUSED || r == -ENOENT;
}

static int
explain_failed(const ProtocolAnswer *answer)
{
        log_error("%s", answer->error);
        return VERB_FAILED;
}

/*
 * Ask for a verb and wait for the last answer. `stop` is done as well when the instance has gone
 * without one: there is no body then. *ret must be deinitialised, also on failure.
 * Returns VERB_DONE, or another exit status after a sentence.
 */
int
conversation_ask(Conversation *c, const char *verb, json_t *consume_arguments,
                 ConversationProgress on_progress, void *userdata, ProtocolAnswer *ret)
{
        bool may_repeat = strcmp(verb, "status") == 0 || strcmp(verb, "ready") == 0;
        int r = control_client_send(c->client, ++c->last_id, verb, consume_arguments);

        *ret = (ProtocolAnswer){0};
        if (r < 0)
                return explain_send(c, r);
        for (;;) {
                protocol_answer_deinit(ret);
                r = control_client_receive(c->client, time_for(verb), ret);
                if (r == 0 && strcmp(verb, "stop") == 0 && is_gone(c))
                        return VERB_DONE;
                /* An upgrade ends connections; what changes nothing can be asked again. */
                if (r == 0 && may_repeat && conversation_reconnect(c) == 0) {
                        may_repeat = false;
                        r = control_client_send(c->client, ++c->last_id, verb, NULL);
                        if (r < 0)
                                return explain_send(c, r);
                        continue;
                }
                if (on_progress && (r <= 0 || ret->kind == PROTOCOL_FAILED))
                        on_progress(userdata, NULL); /* a sentence follows, on a line of its own */
                if (r <= 0)
                        return explain_receive(c, r);
                if (ret->kind == PROTOCOL_FAILED)
                        return explain_failed(ret);
                if (ret->id == c->last_id && ret->kind == PROTOCOL_DONE)
                        return VERB_DONE;
                if (ret->id == c->last_id && on_progress)
                        on_progress(userdata, ret->body);
        }
}

/*
 * Ask for a verb and wait only until the instance has accepted it: requests are taken in order, so
 * the answer to a simple question behind it says that it was not refused.
 * Returns VERB_DONE, or another exit status after a sentence.
 */
int
conversation_submit(Conversation *c, const char *verb, json_t *consume_arguments)
{
        json_int_t asked = ++c->last_id;
        int r = control_client_send(c->client, asked, verb, consume_arguments);

        if (r >= 0)
                r = control_client_send(c->client, ++c->last_id, "ready", NULL);
        if (r < 0)
                return explain_send(c, r);
        for (;;) {
                CLEANUP(protocol_answer_deinit) ProtocolAnswer answer = {0};

                r = control_client_receive(c->client, ANSWER_USEC, &answer);
                if (r == 0 && strcmp(verb, "stop") == 0)
                        return VERB_DONE;
                if (r <= 0)
                        return explain_receive(c, r);
                if (answer.id == asked && answer.kind == PROTOCOL_FAILED)
                        return explain_failed(&answer);
                if (answer.id == c->last_id || answer.id == asked)
                        return VERB_DONE;
        }
}
