/* SPDX-License-Identifier: MIT */
/* parsed.h - a command line, and what sup makes of it. */
#ifndef SUP_TESTS_UNIT_PARSED_H
#define SUP_TESTS_UNIT_PARSED_H

#include <getopt.h>

#include "cli/options.h"
#include "unit.h"

typedef struct Parsed {
        Strv argv;
        Config config;
        OptionsVerdict verdict;
        char *reason;
} Parsed;

static inline Parsed
parsed_words(const char *const *words)
{
        Parsed p = {.argv = unit_strv(words)};

        config_init(&p.config);
        optind = 0; /* getopt(3): begin anew */
        p.verdict = options_parse((int)p.argv.n_items, p.argv.items, &p.config, &p.reason);
        return p;
}

static inline void
parsed_deinit(Parsed *p)
{
        config_deinit(&p->config);
        strv_deinit(&p->argv);
        free(p->reason);
}

/* The words behind `sup`. */
#define PARSED(...) parsed_words(UNIT_WORDS("sup", __VA_ARGS__))

/* A command line that is right; the caller frees it. */
#define ACCEPTED(...) parsed_accepted(PARSED(__VA_ARGS__))

static inline Parsed
parsed_accepted(Parsed p)
{
        unit_expect(p.verdict == OPTIONS_RUN, "refused: %s\n", p.reason);
        assert_null(p.reason);
        return p;
}

#define CLEANUP_PARSED CLEANUP(parsed_deinit)

/* A command line that is refused with this sentence. */
#define REFUSED(sentence, ...) parsed_refused(PARSED(__VA_ARGS__), sentence)

static inline void
parsed_refused(Parsed p, const char *sentence)
{
        unit_expect(p.verdict == OPTIONS_WRONG && p.reason && strcmp(p.reason, sentence) == 0,
                    "verdict %d: %s\ninstead of: %s\n", p.verdict,
                    p.reason ? p.reason : "(nothing)", sentence);
        parsed_deinit(&p);
}

#endif
