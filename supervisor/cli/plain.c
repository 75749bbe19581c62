/* SPDX-License-Identifier: MIT */
/* plain.c - texts from elsewhere, made harmless for a terminal, and what columns they take. */
#include "cli/plain.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/printable.h"

/*
 * A copy with question marks for what is not printable: names of processes and the like must not
 * steer the terminal. To be freed; NULL without memory.
 */
char *
plain_copy(const char *text)
{
        char *copy = strdup(text);

        if (copy)
                printable_make(copy);
        return copy;
}

/* The word as a shell would take it, quoted where it has to be. To be freed; NULL without memory. */
char *
plain_quote(const char *word)
{
        static const char harmless[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                       "0123456789_-+=./:,@%";
        CLEANUP_FREE char *plain = plain_copy(word);
        char *quoted = malloc(plain ? 4 * strlen(plain) + 3 : 1);
        char *out = quoted;

        if (!plain || !quoted) {
                free(quoted);
                return NULL;
        }
        if (*plain && strspn(plain, harmless) == strlen(plain)) {
                (void)stpcpy(quoted, plain);
                return quoted;
        }
        *out++ = '\'';
        for (const char *p = plain; *p; p++)
                if (*p == '\'')
                        out = stpcpy(out, "'\\''");
                else
                        *out++ = *p;
        *out++ = '\'';
        *out = '\0';
        return quoted;
}

/* How many columns the first n bytes of UTF-8 take. */
size_t
plain_columns(const char *text, size_t n)
{
        size_t count = 0;

        for (size_t i = 0; i < n; i++)
                count += ((unsigned char)text[i] & 0xC0U) != 0x80U;
        return count;
}
