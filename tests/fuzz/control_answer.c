/* SPDX-License-Identifier: MIT */
/*
 * control_answer.c - a line as an answer, shown as status, progress and summary: whatever an
 * instance says, nothing but plain lines reaches the terminal.
 */
#include <string.h>

#include "base/cleanup.h"
#include "cli/plain.h"
#include "cli/progress.h"
#include "cli/status.h"
#include "control/protocol.h"
#include "fuzz.h"

static void
must_be_plain(const char *text)
{
        CLEANUP_FREE char *plain = plain_copy(text);

        fuzz_must(plain);
        for (size_t i = 0; text[i]; i++)
                fuzz_must(text[i] == plain[i] || text[i] == '\n');
}

static void
show(const json_t *body)
{
        Progress progress = {0};
        CLEANUP_FREE char *text = NULL;
        size_t size = 0;
        char line[PROGRESS_TEXT_MAX];
        FILE *f = open_memstream(&text, &size);

        fuzz_must(f);
        status_print(f, body);
        progress_print_summary(f, body);
        (void)progress_take(&progress, body);
        (void)progress_take(&progress, json_object_get(body, "last_reload"));
        fuzz_must(fclose(f) == 0);
        must_be_plain(text);
        must_be_plain(progress_line(&progress, line, sizeof(line)));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        ProtocolAnswer answer;

        if (protocol_parse_answer((const char *)data, size, &answer) < 0)
                return 0;
        fuzz_must(answer.kind != PROTOCOL_FAILED || answer.error);
        fuzz_must(answer.kind != PROTOCOL_PROGRESS || json_is_object(answer.body));
        show(answer.body);
        protocol_answer_deinit(&answer);
        return 0;
}
