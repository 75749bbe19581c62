/* SPDX-License-Identifier: MIT */
/* table.c - rows of aligned columns. */
#include "cli/table.h"

#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "cli/plain.h"

/* Add the next cell, from left to right and top to bottom. Returns 0 or -ENOMEM. */
int
table_add(Table *t, const char *format, ...)
{
        CLEANUP_FREE char *text = NULL;
        va_list args;
        int r;

        va_start(args, format);
        r = vasprintf(&text, format, args);
        va_end(args);
        if (r < 0) {
                text = NULL;
                return -ENOMEM;
        }
        return strv_add(&t->cells, plain_copy(text));
}

static size_t
columns_of(const char *text)
{
        return plain_columns(text, strlen(text));
}

/* Print the whole rows of the table. */
void
table_print(const Table *t, FILE *f)
{
        size_t widths[TABLE_COLUMNS_MAX] = {0};
        size_t n_cells = t->cells.n_items - t->cells.n_items % t->n_columns;

        for (size_t i = 0; i < n_cells; i++) {
                size_t *width = &widths[i % t->n_columns];
                size_t columns = columns_of(t->cells.items[i]);

                if (columns > *width)
                        *width = columns;
        }
        for (size_t i = 0; i < n_cells; i++) {
                const char *text = t->cells.items[i];
                size_t column = i % t->n_columns;
                bool last = column + 1 == t->n_columns;
                int padding = (int)(widths[column] - columns_of(text));

                if (t->right & 1U << column)
                        (void)fprintf(f, "%*s%s", padding, "", text);
                else
                        (void)fprintf(f, "%s%*s", text, last ? 0 : padding, "");
                (void)fputs(last ? "\n" : "  ", f);
        }
}

/* Free the cells. */
void
table_deinit(Table *t)
{
        strv_deinit(&t->cells);
}
