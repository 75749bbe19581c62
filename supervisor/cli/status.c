/* SPDX-License-Identifier: MIT */
/*
 * status.c - what `sup status` prints: an instance in a few lines, its workers and its listeners.
 *
 * Gist: what an older or newer instance does not say is shown as a dash.
 */
#include "cli/status.h"

#include "base/cleanup.h"
#include "base/span.h"
#include "cli/plain.h"
#include "cli/progress.h"
#include "cli/table.h"

static const char *
text_of(const json_t *object, const char *key)
{
        const char *text = json_string_value(json_object_get(object, key));

        return text ? text : "-";
}

static void
add_text(Table *t, const json_t *object, const char *key)
{
        (void)table_add(t, "%s", text_of(object, key));
}

static void
add_number(Table *t, const json_t *object, const char *key)
{
        const json_t *value = json_object_get(object, key);

        if (json_is_integer(value))
                (void)table_add(t, "%lld", (long long)json_integer_value(value));
        else
                (void)table_add(t, "-");
}

static const char *
span_of(const json_t *object, const char *key, char *ret_text, size_t size)
{
        json_int_t usec = json_integer_value(json_object_get(object, key));

        return usec > 0 ? span_format((uint64_t)usec, ret_text, size) : "-";
}

static void
print_workers(FILE *f, const json_t *workers)
{
        CLEANUP(table_deinit)
        Table t = {.n_columns = 8, .right = 1U << 3 | 1U << 4 | 1U << 6};
        static const char *const head[] = {"WORKER", "ROLE", "STATE",    "GENERATION",
                                           "PID",    "UP",   "RESTARTS", "LAST END"};
        char span[32];

        for (size_t i = 0; i < ELEMENTSOF(head); i++)
                (void)table_add(&t, "%s", head[i]);
        for (size_t i = 0; i < json_array_size(workers); i++) {
                const json_t *w = json_array_get(workers, i);

                add_number(&t, w, "worker");
                add_text(&t, w, "role");
                add_text(&t, w, "state");
                add_number(&t, w, "generation");
                add_number(&t, w, "pid");
                (void)table_add(&t, "%s", span_of(w, "uptime_usec", span, sizeof(span)));
                add_number(&t, w, "restarts");
                add_text(&t, w, "last_end");
        }
        table_print(&t, f);
}

static void
print_listeners(FILE *f, const json_t *listeners)
{
        CLEANUP(table_deinit) Table t = {.n_columns = 6, .right = 1U << 3 | 1U << 4 | 1U << 5};
        static const char *const head[] = {"LISTENER",   "ADDRESS", "ORIGIN",
                                           "GENERATION", "QUEUE",   "LIMIT"};

        for (size_t i = 0; i < ELEMENTSOF(head); i++)
                (void)table_add(&t, "%s", head[i]);
        for (size_t i = 0; i < json_array_size(listeners); i++) {
                const json_t *l = json_array_get(listeners, i);

                add_text(&t, l, "name");
                add_text(&t, l, "address");
                add_text(&t, l, "origin");
                add_number(&t, l, "generation");
                add_number(&t, l, "queue");
                add_number(&t, l, "queue_limit");
        }
        table_print(&t, f);
}

static void
print_plain(FILE *f, const char *before, const char *text)
{
        CLEANUP_FREE char *plain = plain_copy(text);

        (void)fprintf(f, "%s%s", before, plain ? plain : "");
}

static void
print_command(FILE *f, const json_t *command)
{
        for (size_t i = 0; i < json_array_size(command); i++) {
                const char *word = json_string_value(json_array_get(command, i));
                CLEANUP_FREE char *quoted = word ? plain_quote(word) : NULL;

                (void)fprintf(f, "%s%s", i == 0 ? "command: " : " ", quoted ? quoted : "?");
        }
        if (json_array_size(command) > 0)
                (void)fputc('\n', f);
}

static void
print_instance(FILE *f, const json_t *status)
{
        json_int_t upgrades = json_integer_value(json_object_get(status, "upgrades"));
        char span[32];

        print_plain(f, "", text_of(status, "name"));
        print_plain(f, ": ", text_of(status, "state"));
        (void)fprintf(f, ", generation %lld, up %s, pid %lld",
                      (long long)json_integer_value(json_object_get(status, "generation")),
                      span_of(status, "uptime_usec", span, sizeof(span)),
                      (long long)json_integer_value(json_object_get(status, "pid")));
        print_plain(f, ", sup ", text_of(status, "version"));
        if (upgrades > 0)
                (void)fprintf(f, ", upgraded %lld time%s", (long long)upgrades,
                              upgrades == 1 ? "" : "s");
        (void)fputc('\n', f);
        print_command(f, json_object_get(status, "command"));
}

/* Print the result of the verb `status`. */
void
status_print(FILE *f, const json_t *status)
{
        const json_t *last_reload = json_object_get(status, "last_reload");

        print_instance(f, status);
        if (json_is_object(last_reload)) {
                (void)fputs("last reload: ", f);
                progress_print_summary(f, last_reload);
        }
        if (json_array_size(json_object_get(status, "workers")) > 0) {
                (void)fputc('\n', f);
                print_workers(f, json_object_get(status, "workers"));
        }
        if (json_array_size(json_object_get(status, "listeners")) > 0) {
                (void)fputc('\n', f);
                print_listeners(f, json_object_get(status, "listeners"));
        }
}
