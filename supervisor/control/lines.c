/* SPDX-License-Identifier: MIT */
/* lines.c - bytes that arrive in any pieces, taken out line by line. Knows nothing of sockets. */
#include "control/lines.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Free what is kept; it is empty afterwards. */
void
lines_deinit(Lines *l)
{
        free(l->data);
        *l = (Lines){0};
}

/*
 * Make room for n bytes more. *ret is where to put them, valid until the next call of any of these
 * functions. Returns 0 or -ENOMEM.
 */
int
lines_room(Lines *l, size_t n, char **ret)
{
        size_t kept = l->end - l->begin;

        if (l->begin > 0) {
                memmove(l->data, l->data + l->begin, kept);
                l->scanned -= l->begin;
                l->end = kept;
                l->begin = 0;
        }
        if (kept + n > l->n_allocated) {
                char *grown = realloc(l->data, kept + n);

                if (!grown)
                        return -ENOMEM;
                l->data = grown;
                l->n_allocated = kept + n;
        }
        *ret = l->data + l->end;
        return 0;
}

/* Say how many of the bytes that there was room for have come. */
void
lines_added(Lines *l, size_t n)
{
        l->end += n;
}

/*
 * Take the next whole line, without its newline; it is valid until the next call. One that is
 * longer than max bytes, whole or not, is refused for good. An empty buffer costs no memory.
 *
 * Returns 1, 0 when there is none yet, or -EMSGSIZE.
 */
int
lines_next(Lines *l, size_t max, char **ret_line, size_t *ret_length)
{
        char *newline;

        if (l->begin == l->end) {
                lines_deinit(l);
                return 0;
        }
        newline = memchr(l->data + l->scanned, '\n', l->end - l->scanned);
        l->scanned = newline ? (size_t)(newline - l->data) : l->end;
        if (l->scanned - l->begin > max)
                return -EMSGSIZE;
        if (!newline)
                return 0;
        *ret_line = l->data + l->begin;
        *ret_length = l->scanned - l->begin;
        l->begin = ++l->scanned;
        return 1;
}
