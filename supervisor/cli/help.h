/* SPDX-License-Identifier: MIT */
/* help.h - what --help prints. */
#ifndef SUP_CLI_HELP_H
#define SUP_CLI_HELP_H

#include <stdio.h>

void help_print(FILE *f);

#endif
