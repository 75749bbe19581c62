/* SPDX-License-Identifier: MIT */
/* conversation.h - talking to a running instance: find it, ask, wait, say what went wrong. */
#ifndef SUP_CLI_CONVERSATION_H
#define SUP_CLI_CONVERSATION_H

#include "cli/verb_options.h"
#include "control/client.h"

typedef struct Conversation {
        char *name; /* of the instance, for sentences */
        char *path;
        ControlClient *client;
        json_int_t last_id;
} Conversation;

/* Called for each report of progress. */
typedef void (*ConversationProgress)(void *userdata, const json_t *body);

int conversation_open(Conversation *ret, const VerbOptions *o);
int conversation_reconnect(Conversation *c);
void conversation_deinit(Conversation *c);
int conversation_ask(Conversation *c, const char *verb, json_t *consume_arguments,
                     ConversationProgress on_progress, void *userdata, ProtocolAnswer *ret);
int conversation_submit(Conversation *c, const char *verb, json_t *consume_arguments);

#endif
