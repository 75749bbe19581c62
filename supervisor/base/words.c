/* SPDX-License-Identifier: MIT */
/*
 * words.c - a command in one line of text, taken apart into its words.
 *
 * Gist: blanks separate, and what is quoted is kept: 'as it is', "with \" and \\", and one character
 * behind a backslash; the rules of a shell (POSIX XCU 2.2). Nothing is expanded: no variables, no
 * patterns, no pipes.
 */
#include "base/words.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "base/cleanup.h"

static bool
is_blank(char c)
{
        return c == ' ' || c == '\t' || c == '\n';
}

/* Whether a backslash between double quotes takes away the meaning of this character. */
static bool
is_escaped(char c)
{
        return c == '"' || c == '\\' || c == '$' || c == '`';
}

/* Copy one word without its quotes. Returns where it ends, or NULL: a quote is not closed. */
static const char *
copy_word(const char *p, char *word)
{
        char quote = '\0';

        for (; *p && (quote || !is_blank(*p)); p++) {
                if (*p == quote) {
                        quote = '\0';
                } else if (!quote && (*p == '\'' || *p == '"')) {
                        quote = *p;
                } else if (*p == '\\' && (!quote || (quote == '"' && is_escaped(p[1])))) {
                        if (!*++p)
                                return NULL;
                        *word++ = *p;
                } else {
                        *word++ = *p;
                }
        }
        *word = '\0';
        return quote ? NULL : p;
}

/*
 * Append the words of a text. ret must be deinitialised, also on failure.
 * Returns 0, -EINVAL when a quote or a backslash has no end, or -ENOMEM.
 */
int
words_split(Strv *ret, const char *text)
{
        CLEANUP_FREE char *word = malloc(strlen(text) + 1);
        int r = 0;

        if (!word)
                return -ENOMEM;
        for (;;) {
                while (is_blank(*text))
                        text++;
                if (!*text || r < 0)
                        return r;
                text = copy_word(text, word);
                if (!text)
                        return -EINVAL;
                r = strv_add(ret, strdup(word));
        }
}
