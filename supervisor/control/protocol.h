/* SPDX-License-Identifier: MIT */
/* protocol.h - the words on the control socket: requests and answers, as JSON. Pure. */
#ifndef SUP_CONTROL_PROTOCOL_H
#define SUP_CONTROL_PROTOCOL_H

#include <jansson.h>
#include <stddef.h>

enum {
        PROTOCOL_VERSION = 1,
        PROTOCOL_LINE_MAX = 64 * 1024, /* of a request, in bytes */
        PROTOCOL_DEPTH_MAX = 16,       /* of arrays and objects in one another */
};

/* A request. The root owns the rest. */
typedef struct ProtocolRequest {
        json_t *root;
        json_t *id;        /* whatever the client chose, or NULL */
        const char *verb;  /* one of the vocabulary */
        json_t *arguments; /* an object that suits the verb */
} ProtocolRequest;

typedef enum ProtocolKind {
        PROTOCOL_PROGRESS,
        PROTOCOL_DONE,
        PROTOCOL_FAILED,
} ProtocolKind;

/* An answer. The root owns the rest. */
typedef struct ProtocolAnswer {
        json_t *root;
        json_int_t id; /* -1 where there is none */
        ProtocolKind kind;
        json_t *body;      /* of progress or result; or NULL */
        const char *error; /* of PROTOCOL_FAILED */
} ProtocolAnswer;

int protocol_parse_request(const char *line, size_t length, ProtocolRequest *ret, char **ret_why);
void protocol_request_deinit(ProtocolRequest *r);
json_t *protocol_progress(json_t *id, json_t *consume_body);
json_t *protocol_final(json_t *id, json_t *consume_body, const char *error);

json_t *protocol_request(json_int_t id, const char *verb, json_t *consume_arguments);
int protocol_parse_answer(const char *line, size_t length, ProtocolAnswer *ret);
void protocol_answer_deinit(ProtocolAnswer *a);

json_t *protocol_text(const char *text);

#endif
