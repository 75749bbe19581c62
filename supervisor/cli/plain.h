/* SPDX-License-Identifier: MIT */
/* plain.h - texts from elsewhere, made harmless for a terminal, and what columns they take. */
#ifndef SUP_CLI_PLAIN_H
#define SUP_CLI_PLAIN_H

#include <stddef.h>

char *plain_copy(const char *text);
char *plain_quote(const char *word);
size_t plain_columns(const char *text, size_t n);

#endif
