/* SPDX-License-Identifier: MIT */
/* options.h - the command line. */
#ifndef SUP_CLI_OPTIONS_H
#define SUP_CLI_OPTIONS_H

#include <stddef.h>

#include "run/config.h"

typedef enum OptionsVerdict {
        OPTIONS_RUN,
        OPTIONS_HELP,
        OPTIONS_VERSION,
        OPTIONS_WRONG,
} OptionsVerdict;

/* One option, as the command line, --help and the man page know it. */
typedef struct Option {
        const char *long_name;
        char short_name;      /* or '\0' */
        const char *argument; /* how its argument is called, or NULL */
        const char *help;
        /* NULL: --config, --help, --version, which mean something on the command line only */
        int (*set)(Config *c, const char *value, char **ret_why);
} Option;

extern const Option options_table[];
extern const size_t options_n;

const Option *options_find(const char *long_name);
bool option_is_optional(const Option *o);
OptionsVerdict options_parse(int argc, char **argv, Config *c, char **ret_why);

#endif
