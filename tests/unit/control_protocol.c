/* SPDX-License-Identifier: MIT */
/* control_protocol.c - the words on the control socket: requests and answers, as JSON. */
#include "unit.h"

#include <errno.h>

#include "control/protocol.h"

/* The sentence why a request is refused, or NULL; to be freed. */
static char *
refusal(const char *line)
{
        CLEANUP(protocol_request_deinit) ProtocolRequest request;
        char *reason = NULL;
        int r = protocol_parse_request(line, strlen(line), &request, &reason);

        unit_expect((r < 0) == (reason != NULL), "%s gives %d\n", line, r);
        return reason;
}

static void
expect_refused(const char *line, const char *word)
{
        CLEANUP_FREE char *reason = refusal(line);

        unit_expect(reason && strstr(reason, word) && !strchr(reason, '\n'), "%.80s: %s\n", line,
                    reason ? reason : "(taken)");
}

static void
expect_taken(const char *line)
{
        CLEANUP_FREE char *reason = refusal(line);

        unit_expect(!reason, "%.80s: %s\n", line, reason);
}

static void
a_request_has_a_verb_an_id_and_arguments(void **state)
{
        static const char line[] = "{\"version\":1,\"id\":[7],\"verb\":\"scale\","
                                   "\"arguments\":{\"workers\":4}}";
        CLEANUP(protocol_request_deinit) ProtocolRequest request;
        char *reason = NULL;

        (void)state;
        assert_int_equal(protocol_parse_request(line, strlen(line), &request, &reason), 0);
        assert_string_equal(request.verb, "scale");
        assert_int_equal(json_integer_value(json_array_get(request.id, 0)), 7);
        assert_int_equal(json_integer_value(json_object_get(request.arguments, "workers")), 4);
}

static void
id_and_arguments_may_be_left_out(void **state)
{
        static const char line[] = "{\"version\":1,\"verb\":\"status\"}";
        CLEANUP(protocol_request_deinit) ProtocolRequest request;
        char *reason = NULL;

        (void)state;
        assert_int_equal(protocol_parse_request(line, strlen(line), &request, &reason), 0);
        assert_null(request.id);
        assert_true(json_is_object(request.arguments));
        assert_int_equal(json_object_size(request.arguments), 0);
}

static void
whatever_else_a_line_is_it_is_refused_in_one_sentence(void **state)
{
        (void)state;
        expect_refused("", "JSON");
        expect_refused("status", "JSON");
        expect_refused("{\"version\":1,\"verb\":\"status\"", "JSON");
        expect_refused("{\"version\":1,\"verb\":\"status\"}}", "JSON");
        expect_refused("[1]", "object");
        expect_refused("{}", "version");
        expect_refused("{\"version\":1.0,\"verb\":\"status\"}", "version");
        expect_refused("{\"version\":2,\"verb\":\"status\"}", "not 2");
        expect_refused("{\"version\":1}", "verb");
        expect_refused("{\"version\":1,\"verb\":null}", "verb");
        expect_refused("{\"version\":1,\"verb\":\"status\",\"verbs\":1}", "verbs");
        expect_refused("{\"version\":1,\"verb\":\"status\",\"version\":1}", "duplicate");
        expect_refused("{\"version\":1,\"verb\":\"\\u0000\"}", "JSON");
        expect_refused("{\"version\":1,\"id\":\"\xff\",\"verb\":\"status\"}", "JSON");
        expect_refused("{\"version\":1,\"id\":1e999,\"verb\":\"status\"}", "JSON");
        expect_refused("{\"version\":99999999999999999999,\"verb\":\"status\"}", "JSON");
}

static void
a_refused_request_still_has_its_id(void **state)
{
        static const char line[] = "{\"version\":9,\"id\":\"x\"}";
        CLEANUP(protocol_request_deinit) ProtocolRequest request;
        CLEANUP_FREE char *reason = NULL;

        (void)state;
        assert_int_equal(protocol_parse_request(line, strlen(line), &request, &reason), -EINVAL);
        assert_string_equal(json_string_value(request.id), "x");
}

/* A request whose id is so many arrays in one another; the request itself is one level. */
static char *
nested(unsigned depth)
{
        char *line = NULL;
        char open[64] = "";
        char close[64] = "";

        memset(open, '[', depth);
        memset(close, ']', depth);
        if (asprintf(&line, "{\"version\":1,\"verb\":\"status\",\"id\":%s%s}", open, close) < 0)
                abort();
        return line;
}

static void
it_may_be_sixteen_levels_deep(void **state)
{
        CLEANUP_FREE char *deep = nested(PROTOCOL_DEPTH_MAX - 1);
        CLEANUP_FREE char *too_deep = nested(PROTOCOL_DEPTH_MAX);

        (void)state;
        expect_taken(deep);
        expect_refused(too_deep, "deep");
}

static void
brackets_in_texts_are_no_levels(void **state)
{
        (void)state;
        expect_taken("{\"version\":1,\"verb\":\"status\",\"id\":\"[[[[[[[[[[[[[[[[[[[[[[[[[[[\"}");
        expect_taken("{\"version\":1,\"verb\":\"status\",\"id\":\"\\\"[[[[[[[[[[[[[[[[[[[[[[[\"}");
        expect_taken("{\"version\":1,\"verb\":\"status\",\"id\":[[],[],[],[],[],[],[],[],[],[],[],"
                     "[],[],[],[],[],[],[],[],[],[]]}");
}

static void
expect_answer(json_t *consume_answer, const char *expected)
{
        CLEANUP_FREE char *text = json_dumps(consume_answer, JSON_COMPACT);

        json_decref(consume_answer);
        assert_non_null(text);
        assert_string_equal(text, expected);
}

static void
answers_are_spelt_like_this(void **state)
{
        json_t *id = json_integer(7);

        (void)state;
        expect_answer(protocol_progress(id, json_pack("{ss}", "phase", "done")),
                      "{\"version\":1,\"id\":7,\"progress\":{\"phase\":\"done\"}}");
        expect_answer(protocol_final(id, json_pack("{si}", "n", 1), NULL),
                      "{\"version\":1,\"id\":7,\"ok\":true,\"result\":{\"n\":1}}");
        expect_answer(protocol_final(NULL, NULL, NULL),
                      "{\"version\":1,\"id\":null,\"ok\":true,\"result\":{}}");
        expect_answer(protocol_final(id, NULL, "it failed"),
                      "{\"version\":1,\"id\":7,\"ok\":false,\"error\":\"it failed\"}");
        expect_answer(protocol_final(id, json_pack("{si}", "n", 1), "it failed"),
                      "{\"version\":1,\"id\":7,\"ok\":false,\"error\":\"it failed\","
                      "\"result\":{\"n\":1}}");
        json_decref(id);
}

static void
a_sentence_that_is_no_utf8_is_still_said(void **state)
{
        (void)state;
        expect_answer(protocol_final(NULL, NULL, "the process caf\xe9 has it"),
                      "{\"version\":1,\"id\":null,\"ok\":false,"
                      "\"error\":\"the process caf? has it\"}");
        expect_answer(json_pack("[oo]", protocol_text("caf\xc3\xa9"), protocol_text("")),
                      "[\"caf\xc3\xa9\",\"\"]");
}

/* Dump an answer and parse it again. */
static int
through_the_wire(json_t *consume_answer, ProtocolAnswer *ret)
{
        CLEANUP_FREE char *text = json_dumps(consume_answer, JSON_COMPACT);

        json_decref(consume_answer);
        assert_non_null(text);
        return protocol_parse_answer(text, strlen(text), ret);
}

static void
a_client_understands_what_a_server_says(void **state)
{
        json_t *id = json_integer(7);
        ProtocolAnswer answer;

        (void)state;
        assert_int_equal(
                through_the_wire(protocol_progress(id, json_pack("{si}", "n", 1)), &answer), 0);
        assert_int_equal(answer.kind, PROTOCOL_PROGRESS);
        assert_int_equal(answer.id, 7);
        assert_int_equal(json_integer_value(json_object_get(answer.body, "n")), 1);
        protocol_answer_deinit(&answer);

        assert_int_equal(through_the_wire(protocol_final(id, NULL, NULL), &answer), 0);
        assert_int_equal(answer.kind, PROTOCOL_DONE);
        assert_true(json_is_object(answer.body));
        protocol_answer_deinit(&answer);

        assert_int_equal(through_the_wire(protocol_final(NULL, NULL, "why"), &answer), 0);
        assert_int_equal(answer.kind, PROTOCOL_FAILED);
        assert_int_equal(answer.id, -1);
        assert_string_equal(answer.error, "why");
        assert_null(answer.body);
        protocol_answer_deinit(&answer);
        json_decref(id);
}

static void
a_client_takes_nothing_else_for_an_answer(void **state)
{
        static const char *const wrong[] = {
                "",
                "220 mail.example.org",
                "[]",
                "{}",
                "{\"version\":2,\"id\":1,\"ok\":true,\"result\":{}}",
                "{\"version\":1,\"id\":1}",
                "{\"version\":1,\"id\":1,\"progress\":7}",
                "{\"version\":1,\"id\":1,\"ok\":1}",
                "{\"version\":1,\"id\":1,\"ok\":false}",
                "{\"version\":1,\"id\":1,\"ok\":false,\"error\":7}",
        };

        (void)state;
        for (size_t i = 0; i < ELEMENTSOF(wrong); i++) {
                ProtocolAnswer answer;

                unit_expect(protocol_parse_answer(wrong[i], strlen(wrong[i]), &answer) == -EPROTO,
                            "taken: %s\n", wrong[i]);
        }
}

static void
a_server_understands_what_a_client_asks(void **state)
{
        json_t *arguments = json_pack("{ss}", "signal", "HUP");
        json_t *request = protocol_request(3, "signal", arguments);
        CLEANUP_FREE char *line = json_dumps(request, JSON_COMPACT);

        (void)state;
        json_decref(request);
        expect_taken(line);
        assert_string_equal(line, "{\"version\":1,\"id\":3,\"verb\":\"signal\","
                                  "\"arguments\":{\"signal\":\"HUP\"}}");
}

int
main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(a_request_has_a_verb_an_id_and_arguments),
                cmocka_unit_test(id_and_arguments_may_be_left_out),
                cmocka_unit_test(whatever_else_a_line_is_it_is_refused_in_one_sentence),
                cmocka_unit_test(a_refused_request_still_has_its_id),
                cmocka_unit_test(it_may_be_sixteen_levels_deep),
                cmocka_unit_test(brackets_in_texts_are_no_levels),
                cmocka_unit_test(answers_are_spelt_like_this),
                cmocka_unit_test(a_sentence_that_is_no_utf8_is_still_said),
                cmocka_unit_test(a_client_understands_what_a_server_says),
                cmocka_unit_test(a_client_takes_nothing_else_for_an_answer),
                cmocka_unit_test(a_server_understands_what_a_client_asks),
        };

        return unit_run(tests);
}
