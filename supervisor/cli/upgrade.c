/* SPDX-License-Identifier: MIT */
/*
 * upgrade.c - the verb `upgrade`: sup re-executes itself.
 *
 * Gist: the exec ends the connection, so no answer says that it went well. The socket itself is
 * kept: a new connection waits in its queue until the new program looks. Its status tells how
 * often it was upgraded; when that has grown, all is well.
 */
#include "cli/upgrade.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/parse.h"
#include "cli/plain.h"
#include "cli/verbs.h"

#define UPGRADE_USEC (60 * USEC_PER_SEC)
#define RETRY_USEC (100 * USEC_PER_MSEC) /* when it is not there yet */

static json_int_t
upgrades_of(const ProtocolAnswer *status)
{
        return json_integer_value(json_object_get(status->body, "upgrades"));
}

/* Connect anew and ask for the status, without a word about failures. Returns 1 with an answer. */
static int
ask_again(Conversation *c, uint64_t timeout_usec, ProtocolAnswer *ret)
{
        int r = conversation_reconnect(c);

        if (r == 0)
                r = control_client_send(c->client, ++c->last_id, "status", NULL);
        return r < 0 ? r : control_client_receive(c->client, timeout_usec, ret);
}

/* Wait until the new program says that it is one. */
static int
wait_for_growth(Conversation *c, json_int_t before, ProtocolAnswer *ret)
{
        uint64_t deadline_usec = clock_usec() + UPGRADE_USEC;
        const struct timespec pause = {.tv_nsec = RETRY_USEC * 1000};

        for (uint64_t now = clock_usec(); now < deadline_usec; now = clock_usec()) {
                int r = ask_again(c, deadline_usec - now, ret);

                if (r == 1 && ret->kind == PROTOCOL_DONE && upgrades_of(ret) > before)
                        return VERB_DONE;
                if (r == 1)
                        protocol_answer_deinit(ret);
                (void)nanosleep(&pause, NULL);
        }
        log_error("%s has hung up for the upgrade, and did not come back within a minute", c->name);
        return VERB_FAILED;
}

/*
 * Ask for the upgrade. Returns VERB_DONE when the answer may come or the connection has ended, or
 * another exit status after a sentence.
 */
static int
ask_for_it(Conversation *c, bool *ret_hung_up)
{
        CLEANUP(protocol_answer_deinit) ProtocolAnswer answer = {0};
        int r = control_client_send(c->client, ++c->last_id, "upgrade", NULL);

        while (r >= 0) {
                protocol_answer_deinit(&answer);
                r = control_client_receive(c->client, UPGRADE_USEC, &answer);
                if (r > 0 && answer.kind == PROTOCOL_PROGRESS)
                        continue;
                *ret_hung_up = r == 0;
                if (r == 0 || (r > 0 && answer.kind == PROTOCOL_DONE))
                        return VERB_DONE;
                break;
        }
        log_error("%s is not upgraded: %s", c->name, r > 0 ? answer.error : strerrordesc_np(-r));
        return VERB_FAILED;
}

static void
print_result(const Conversation *c, const VerbOptions *o, const json_t *status)
{
        const char *version = json_string_value(json_object_get(status, "version"));
        CLEANUP_FREE char *plain = version ? plain_copy(version) : NULL;

        if (o->json) {
                (void)json_dumpf(status, stdout, JSON_COMPACT);
                (void)putchar('\n');
                return;
        }
        (void)printf("%s is upgraded to sup %s, pid %lld\n", c->name, plain ? plain : "?",
                     (long long)json_integer_value(json_object_get(status, "pid")));
}

/* Upgrade, wait for the new program, and print what it says. Returns the exit status. */
int
upgrade_run(Conversation *c, const VerbOptions *o)
{
        CLEANUP(protocol_answer_deinit) ProtocolAnswer before = {0};
        CLEANUP(protocol_answer_deinit) ProtocolAnswer after = {0};
        bool hung_up = false;
        int status = conversation_ask(c, "status", NULL, NULL, NULL, &before);

        if (status == VERB_DONE)
                status = ask_for_it(c, &hung_up);
        if (status == VERB_DONE)
                status = wait_for_growth(c, upgrades_of(&before), &after);
        if (status == VERB_DONE)
                print_result(c, o, after.body);
        return status;
}
