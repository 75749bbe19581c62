/* SPDX-License-Identifier: MIT */
/* verbs.h - what `sup` can be told to do besides supervising. */
#ifndef SUP_CLI_VERBS_H
#define SUP_CLI_VERBS_H

#include <stddef.h>

/* The exit status of a verb. */
enum {
        VERB_DONE = 0,
        VERB_FAILED = 1, /* or rolled back, or not ready */
        VERB_USAGE = 2,
        VERB_NOT_RUNNING = 3, /* the socket is there, nobody listens */
        VERB_NO_INSTANCE = 4,
};

typedef struct Verb {
        const char *name;
        int (*run)(int argc, char **argv); /* argv[0] is the verb; returns the exit status */
        const char *help;
        const char *synopsis; /* what may follow the verb */
} Verb;

extern const Verb verbs_table[];
extern const size_t verbs_n;

const Verb *verbs_find(const char *word);

#endif
