/* SPDX-License-Identifier: MIT */
/* strv.c - a growing NULL-terminated vector of strings that owns them: argv and environ. */
#include "base/strv.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

/*
 * Append a string. consume_text belongs to the vector afterwards and is freed when this fails; NULL
 * counts as a failed allocation. Returns 0 or -ENOMEM.
 */
int
strv_add(Strv *v, char *consume_text)
{
        if (!consume_text)
                return -ENOMEM;
        if (v->n_items + 1 >= v->n_allocated) {
                size_t n = v->n_allocated ? v->n_allocated * 2 : 16;
                char **items = reallocarray(v->items, n, sizeof(*items));

                if (!items) {
                        free(consume_text);
                        return -ENOMEM;
                }
                v->items = items;
                v->n_allocated = n;
        }
        v->items[v->n_items++] = consume_text;
        v->items[v->n_items] = NULL;
        return 0;
}

/* Append a formatted string. Returns 0 or -ENOMEM. */
int
strv_addf(Strv *v, const char *format, ...)
{
        char *text = NULL;
        va_list args;
        int r;

        va_start(args, format);
        r = vasprintf(&text, format, args);
        va_end(args);
        return r < 0 ? -ENOMEM : strv_add(v, text);
}

/* Free all strings and the vector itself; it is empty afterwards. */
void
strv_deinit(Strv *v)
{
        for (size_t i = 0; i < v->n_items; i++)
                free(v->items[i]);
        free(v->items);
        *v = (Strv){0};
}

/* The same under the name that CLEANUP wants. */
void
strv_deinit_p(Strv *v)
{
        strv_deinit(v);
}
