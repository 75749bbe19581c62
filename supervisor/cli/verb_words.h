/* SPDX-License-Identifier: MIT */
/* verb_words.h - the words behind a verb that are not options. */
#ifndef SUP_CLI_VERB_WORDS_H
#define SUP_CLI_VERB_WORDS_H

#include "cli/verb_options.h"

/* The words of a command line, sorted. All of them are borrowed from it. */
typedef struct VerbWords {
        char **words; /* up to the `--` */
        int n_words;
        char **command;     /* behind the `--`; NULL: there was none */
        const char *change; /* the +N or -N of scale, which getopt would take for an option */
} VerbWords;

int verb_words_sort(VerbWords *ret, int argc, char **argv);
void verb_words_deinit(VerbWords *w);
int verb_words_take(VerbOptions *o, const VerbWords *sorted, int first, char **ret_why);
int verb_words_set(json_t *arguments, const char *name, json_t *consume_value, char **ret_why);

#endif
