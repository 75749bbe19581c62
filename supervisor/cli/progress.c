/* SPDX-License-Identifier: MIT */
/* progress.c - how far a reload is, as one line that grows, and what it came to. */
#include "cli/progress.h"

#include <string.h>

#include "base/cleanup.h"
#include "base/span.h"
#include "cli/plain.h"

static json_int_t
number_of(const json_t *object, const char *key)
{
        const json_t *value = json_object_get(object, key);

        return json_is_integer(value) && json_integer_value(value) >= 0 ? json_integer_value(value)
                                                                        : -1;
}

/*
 * Take a report of progress in. Returns whether it began another phase; one without a phase, and
 * one phase too many, are passed over.
 */
bool
progress_take(Progress *p, const json_t *body)
{
        const char *name = json_string_value(json_object_get(body, "phase"));
        CLEANUP_FREE char *plain = name ? plain_copy(name) : NULL;
        ProgressPhase *phase = p->n_phases > 0 ? &p->phases[p->n_phases - 1] : NULL;
        bool is_new =
                plain && (!phase || strncmp(phase->name, plain, sizeof(phase->name) - 1) != 0);

        if (!plain || (is_new && p->n_phases == PROGRESS_PHASES_MAX))
                return false;
        if (is_new) {
                phase = &p->phases[p->n_phases++];
                *phase = (ProgressPhase){.connections_first = number_of(body, "connections")};
                (void)snprintf(phase->name, sizeof(phase->name), "%s", plain);
        }
        phase->workers_ready = number_of(body, "workers_ready");
        phase->workers = number_of(body, "workers");
        phase->connections = number_of(body, "connections");
        if (phase->connections > phase->connections_first)
                phase->connections_first = phase->connections;
        return is_new;
}

/*
 * One phase, as it stands: `starting 1 of 4`, `draining 12 → 3 connections`, `done`.
 * Returns ret_text.
 */
const char *
progress_phase_line(const ProgressPhase *phase, char *ret_text, size_t size)
{
        if (strcmp(phase->name, "draining") == 0 && phase->connections >= 0) {
                if (phase->connections < phase->connections_first)
                        (void)snprintf(ret_text, size, "draining %lld → %lld connections",
                                       (long long)phase->connections_first,
                                       (long long)phase->connections);
                else
                        (void)snprintf(ret_text, size, "draining %lld connection%s",
                                       (long long)phase->connections,
                                       phase->connections == 1 ? "" : "s");
        } else if (strcmp(phase->name, "starting") == 0 && phase->workers > 1 &&
                   phase->workers_ready >= 0)
                (void)snprintf(ret_text, size, "starting %lld of %lld",
                               (long long)phase->workers_ready, (long long)phase->workers);
        else
                (void)snprintf(ret_text, size, "%s", phase->name);
        return ret_text;
}

/* All phases so far: `starting 4 of 4, ready, draining 12 → 3 connections`. Returns ret_text. */
const char *
progress_line(const Progress *p, char *ret_text, size_t size)
{
        size_t used = 0;

        ret_text[0] = '\0';
        for (size_t i = 0; i < p->n_phases && used < size; i++) {
                char phase[80];

                (void)snprintf(ret_text + used, size - used, "%s%s", i > 0 ? ", " : "",
                               progress_phase_line(&p->phases[i], phase, sizeof(phase)));
                used += strlen(ret_text + used);
        }
        return ret_text;
}

static void
print_span(FILE *f, const json_t *summary, const char *key, const char *before)
{
        json_int_t usec = number_of(summary, key);
        char span[32];

        if (usec >= 0)
                (void)fprintf(f, "%s%s", before, span_format((uint64_t)usec, span, sizeof(span)));
}

static void
print_number(FILE *f, const json_t *summary, const char *key, const char *before)
{
        json_int_t number = number_of(summary, key);

        if (number >= 0)
                (void)fprintf(f, "%s%lld", before, (long long)number);
}

/* Print the summary of a reload as one sentence; what it does not say is left out. */
void
progress_print_summary(FILE *f, const json_t *summary)
{
        print_number(f, summary, "generation", "generation ");
        print_span(f, summary, "duration_usec", " in ");
        print_span(f, summary, "longest_wait_usec", "; longest wait in the queue ");
        if (number_of(summary, "waiting_before") > 0) {
                print_number(f, summary, "waiting_before", " since it began (");
                (void)fputs(" had come before)", f);
        }
        print_number(f, summary, "deepest_queue", ", deepest queue ");
        print_number(f, summary, "overflows", ", overflows ");
        print_number(f, summary, "finished", "; old connections finished ");
        print_number(f, summary, "cut", ", cut ");
        (void)fputc('\n', f);
}
