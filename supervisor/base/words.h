/* SPDX-License-Identifier: MIT */
/* words.h - a command in one line of text, taken apart into its words. */
#ifndef SUP_BASE_WORDS_H
#define SUP_BASE_WORDS_H

#include "base/strv.h"

int words_split(Strv *ret, const char *text);

#endif
