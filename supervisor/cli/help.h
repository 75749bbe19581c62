/* SPDX-License-Identifier: MIT */
/* help.h - what --help prints. */
#ifndef SUP_CLI_HELP_H
#define SUP_CLI_HELP_H

#include <stdio.h>

void help_print(FILE *f);
void help_print_option(FILE *f, char short_name, const char *long_name, const char *argument,
                       const char *help);

#endif
