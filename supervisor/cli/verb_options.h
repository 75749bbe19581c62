/* SPDX-License-Identifier: MIT */
/* verb_options.h - the words behind a verb of the control socket. */
#ifndef SUP_CLI_VERB_OPTIONS_H
#define SUP_CLI_VERB_OPTIONS_H

#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>

/* What they say. The texts are borrowed from the command line. */
typedef struct VerbOptions {
        const char *verb;
        const char *name;    /* of the instance, or NULL */
        const char *control; /* the path of its control socket, or NULL */
        bool json;
        bool no_wait;
        json_t *arguments; /* for the control socket */
} VerbOptions;

typedef enum VerbOptionsVerdict {
        VERB_OPTIONS_RUN,
        VERB_OPTIONS_HELP,
        VERB_OPTIONS_WRONG,
} VerbOptionsVerdict;

VerbOptionsVerdict verb_options_parse(int argc, char **argv, VerbOptions *ret, char **ret_why);
void verb_options_deinit(VerbOptions *o);
void verb_options_print_help(FILE *f, const char *verb);

#endif
