/* SPDX-License-Identifier: MIT */
/* progress.h - how far a reload is, as one line that grows, and what it came to. */
#ifndef SUP_CLI_PROGRESS_H
#define SUP_CLI_PROGRESS_H

#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>

#define PROGRESS_PHASES_MAX 8
#define PROGRESS_TEXT_MAX 512

/* One phase, as it was reported first and last; -1: not said. */
typedef struct ProgressPhase {
        char name[32];
        json_int_t workers_ready;
        json_int_t workers;
        json_int_t connections_first;
        json_int_t connections;
} ProgressPhase;

typedef struct Progress {
        ProgressPhase phases[PROGRESS_PHASES_MAX]; /* in the order in which they came */
        size_t n_phases;
} Progress;

bool progress_take(Progress *p, const json_t *body);
const char *progress_line(const Progress *p, char *ret_text, size_t size);
const char *progress_phase_line(const ProgressPhase *phase, char *ret_text, size_t size);
void progress_print_summary(FILE *f, const json_t *summary);

#endif
