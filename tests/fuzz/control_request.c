/* SPDX-License-Identifier: MIT */
/* control_request.c - a line as a request: what is refused has a sentence, what is taken is sound. */
#include <string.h>

#include "base/cleanup.h"
#include "control/protocol.h"
#include "control/vocabulary.h"
#include "fuzz.h"

/* What was taken once is taken again when it is written down anew. */
static void
take_again(const ProtocolRequest *request)
{
        CLEANUP(protocol_request_deinit) ProtocolRequest again;
        CLEANUP_FREE char *line = json_dumps(request->root, JSON_COMPACT);
        CLEANUP_FREE char *reason = NULL;

        fuzz_must(line);
        fuzz_must(protocol_parse_request(line, strlen(line), &again, &reason) == 0);
        fuzz_must(json_equal(request->root, again.root));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        CLEANUP(protocol_request_deinit) ProtocolRequest request;
        CLEANUP_FREE char *reason = NULL;
        json_t *answer;
        int r;

        r = protocol_parse_request((const char *)data, size, &request, &reason);
        fuzz_must((r < 0) == (reason != NULL));
        answer = protocol_final(request.id, NULL, reason);
        fuzz_must(answer && json_object_get(answer, "ok"));
        fuzz_must(!reason || json_is_string(json_object_get(answer, "error")));
        json_decref(answer);
        if (r == 0)
                take_again(&request);
        return 0;
}
