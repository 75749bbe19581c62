/* SPDX-License-Identifier: MIT */
/* lines.h - bytes that arrive in any pieces, taken out line by line. Knows nothing of sockets. */
#ifndef SUP_CONTROL_LINES_H
#define SUP_CONTROL_LINES_H

#include <stddef.h>

typedef struct Lines {
        char *data;
        size_t n_allocated;
        size_t begin;   /* of what was not taken yet */
        size_t scanned; /* up to here there is no newline */
        size_t end;
} Lines;

void lines_deinit(Lines *l);
int lines_room(Lines *l, size_t n, char **ret);
void lines_added(Lines *l, size_t n);
int lines_next(Lines *l, size_t max, char **ret_line, size_t *ret_length);

#endif
