/* SPDX-License-Identifier: MIT */
/* why.h - `sup why ADDRESS`: what keeps an address from being bound, until when, and what to do. */
#ifndef SUP_CLI_WHY_H
#define SUP_CLI_WHY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "linux/netns.h"
#include "sockets/listen_spec.h"
#include "sockets/verdict.h"

/* What the command line of `sup why` says. */
typedef struct WhyOptions {
        bool json;
        bool watch;
        bool listening;
        bool help;
        bool reuseaddr;
        bool reuseport;
        uid_t uid;
        const char *netns;
        const char *address;
} WhyOptions;

int why_options_parse(int argc, char **argv, WhyOptions *ret, char **ret_why);
void why_options_print_help(FILE *out);

/* One address of those that were asked for, and the answer. */
typedef struct WhyAnswer {
        char name[ADDRESS_TEXT_MAX];
        const char *protocol; /* for programs */
        Facts facts;
        Verdict verdict;
} WhyAnswer;

/* A listener on the same port in a network namespace that is not ours. */
typedef struct WhyElsewhere {
        Netns ns;
        Facts facts;
} WhyElsewhere;

#define WHY_ANSWERS_MAX LISTEN_ADDRESSES_MAX

/* All that was found out. */
typedef struct Why {
        const WhyOptions *options;
        WhyAnswer answers[WHY_ANSWERS_MAX]; /* those that are not free come first */
        size_t n_answers;
        bool is_free;
        bool any_protocol; /* a bare port: TCP and UDP */
        WhyElsewhere *elsewhere;
        size_t n_elsewhere;
} Why;

int why_main(int argc, char **argv);

void why_text_print(FILE *out, const Why *w);
int why_json_print(FILE *out, const Why *w);
int why_listening_print(FILE *out, bool json);

const char *why_user_name(uid_t uid, char *ret_text, size_t size);
const char *why_moment(uint64_t usec, char *ret_text, size_t size);

#endif
