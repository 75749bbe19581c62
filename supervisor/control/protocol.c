/* SPDX-License-Identifier: MIT */
/*
 * protocol.c - the words on the control socket: requests and answers, as JSON. Pure.
 *
 * Gist: what does not fit is refused with a sentence, a member that nobody knows included: a
 * misspelt one must not be taken for one that was left out. sup-control(7) is this page for users.
 */
#include "control/protocol.h"

#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/printable.h"
#include "base/why.h"
#include "control/vocabulary.h"

/* jansson goes 2048 levels deep, and calls itself for each; nothing here needs more than three. */
static bool
is_too_deep(const char *line, size_t length)
{
        unsigned depth = 0;
        bool in_string = false;

        for (size_t i = 0; i < length; i++) {
                char ch = line[i];

                if (in_string && ch == '\\')
                        i++;
                else if (ch == '"')
                        in_string = !in_string;
                else if (in_string)
                        continue;
                else if ((ch == '[' || ch == '{') && ++depth > PROTOCOL_DEPTH_MAX)
                        return true;
                else if ((ch == ']' || ch == '}') && depth > 0)
                        depth--;
        }
        return false;
}

static int
parse_object(const char *line, size_t length, json_t **ret, char **ret_why)
{
        json_error_t error;
        json_t *root;

        if (is_too_deep(line, length))
                return why(ret_why, -EINVAL, "the line is nested more than %d deep",
                           PROTOCOL_DEPTH_MAX);
        root = json_loadb(line, length, JSON_REJECT_DUPLICATES, &error);
        if (!root)
                return why(ret_why, -EINVAL, "the line is not a JSON object: %s", error.text);
        *ret = root;
        return 0;
}

static int
check_members(json_t *root, char **ret_why)
{
        static const char *const known[] = {"version", "id", "verb", "arguments"};
        const char *key;
        json_t *value;

        json_object_foreach(root, key, value)
        {
                bool found = false;

                for (size_t i = 0; i < ELEMENTSOF(known); i++)
                        found = found || strcmp(key, known[i]) == 0;
                if (!found)
                        return why(ret_why, -EINVAL, "a request has no member '%.64s'", key);
        }
        return 0;
}

static int
check_version(const json_t *root, char **ret_why)
{
        const json_t *version = json_object_get(root, "version");

        if (!json_is_integer(version))
                return why(ret_why, -EINVAL, "the request does not say \"version\":%d",
                           PROTOCOL_VERSION);
        if (json_integer_value(version) != PROTOCOL_VERSION)
                return why(ret_why, -EINVAL,
                           "this sup speaks version %d of the control protocol, not %lld",
                           PROTOCOL_VERSION, (long long)json_integer_value(version));
        return 0;
}

/*
 * Parse a request. *ret must be deinitialised, also on failure: the answer may need its id.
 * Returns 0 or a negative errno with a sentence.
 */
int
protocol_parse_request(const char *line, size_t length, ProtocolRequest *ret, char **ret_why)
{
        int r;

        *ret = (ProtocolRequest){0};
        r = parse_object(line, length, &ret->root, ret_why);
        if (r < 0)
                return r;
        if (!json_is_object(ret->root))
                return why(ret_why, -EINVAL, "the line is not a JSON object, but another value");
        ret->id = json_object_get(ret->root, "id");
        ret->verb = json_string_value(json_object_get(ret->root, "verb"));
        ret->arguments = json_object_get(ret->root, "arguments");
        r = check_version(ret->root, ret_why);
        if (r == 0)
                r = check_members(ret->root, ret_why);
        if (r < 0)
                return r;
        if (!ret->verb)
                return why(ret_why, -EINVAL,
                           "the request has no verb, such as \"verb\":\"status\"");
        if (!ret->arguments) {
                json_t *none = json_object();

                if (json_object_set_new(ret->root, "arguments", none) < 0)
                        return -ENOMEM;
                ret->arguments = none;
        }
        return vocabulary_check(ret->verb, ret->arguments, ret_why);
}

/* Free it. It may be empty. */
void
protocol_request_deinit(ProtocolRequest *r)
{
        json_decref(r->root);
        *r = (ProtocolRequest){0};
}

static json_t *
new_line(json_t *id)
{
        json_t *line = json_object();

        (void)json_object_set_new(line, "version", json_integer(PROTOCOL_VERSION));
        (void)json_object_set_new(line, "id", id ? json_incref(id) : json_null());
        return line;
}

/* An answer that is not the last. The id is borrowed and may be NULL. Returns NULL without memory. */
json_t *
protocol_progress(json_t *id, json_t *consume_body)
{
        json_t *line = new_line(id);

        (void)json_object_set_new(line, "progress", consume_body ? consume_body : json_object());
        return line;
}

/*
 * The last answer. The id is borrowed and may be NULL; error is a sentence, or NULL: all went well.
 * Returns NULL without memory.
 */
json_t *
protocol_final(json_t *id, json_t *consume_body, const char *error)
{
        json_t *line = new_line(id);

        (void)json_object_set_new(line, "ok", json_boolean(!error));
        if (error)
                (void)json_object_set_new(line, "error", protocol_text(error));
        if (consume_body || !error)
                (void)json_object_set_new(line, "result",
                                          consume_body ? consume_body : json_object());
        return line;
}

/* A request, as a client sends it. The arguments may be NULL. Returns NULL without memory. */
json_t *
protocol_request(json_int_t id, const char *verb, json_t *consume_arguments)
{
        json_t *line = json_object();

        (void)json_object_set_new(line, "version", json_integer(PROTOCOL_VERSION));
        (void)json_object_set_new(line, "id", json_integer(id));
        (void)json_object_set_new(line, "verb", json_string(verb));
        (void)json_object_set_new(line, "arguments",
                                  consume_arguments ? consume_arguments : json_object());
        return line;
}

/*
 * Parse an answer, as a client gets it. It must be deinitialised on success.
 * Returns 0, or -EPROTO when that is no answer of this version.
 */
int
protocol_parse_answer(const char *line, size_t length, ProtocolAnswer *ret)
{
        json_t *root = json_loadb(line, length, 0, NULL);
        const json_t *ok = json_object_get(root, "ok");
        json_t *progress = json_object_get(root, "progress");
        const json_t *id = json_object_get(root, "id");
        const char *error = json_string_value(json_object_get(root, "error"));

        if (json_integer_value(json_object_get(root, "version")) != PROTOCOL_VERSION ||
            !(json_is_object(progress) || json_is_true(ok) || (json_is_false(ok) && error))) {
                json_decref(root);
                return -EPROTO;
        }
        *ret = (ProtocolAnswer){
                .root = root,
                .id = json_is_integer(id) ? json_integer_value(id) : -1,
                .kind = progress           ? PROTOCOL_PROGRESS
                        : json_is_true(ok) ? PROTOCOL_DONE
                                           : PROTOCOL_FAILED,
                .body = progress ? progress : json_object_get(root, "result"),
                .error = error,
        };
        return 0;
}

/* Free it. It may be empty. */
void
protocol_answer_deinit(ProtocolAnswer *a)
{
        json_decref(a->root);
        *a = (ProtocolAnswer){0};
}

/*
 * A JSON string of any bytes: names of processes and files need not be UTF-8. Those that are not
 * get question marks. Returns NULL without memory.
 */
json_t *
protocol_text(const char *text)
{
        json_t *string = json_string(text);
        CLEANUP_FREE char *copy = NULL;

        if (string)
                return string;
        copy = strdup(text);
        if (!copy)
                return NULL;
        printable_make(copy);
        return json_string(copy);
}
