/* SPDX-License-Identifier: MIT */
/* printable.h - text from elsewhere that is to disturb neither a terminal nor the next line. */
#ifndef SUP_BASE_PRINTABLE_H
#define SUP_BASE_PRINTABLE_H

void printable_make(char *text);

#endif
