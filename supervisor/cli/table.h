/* SPDX-License-Identifier: MIT */
/* table.h - rows of aligned columns. */
#ifndef SUP_CLI_TABLE_H
#define SUP_CLI_TABLE_H

#include <stdio.h>

#include "base/strv.h"

#define TABLE_COLUMNS_MAX 16

/* Cells row by row, the first row is the head. All zero but n_columns is an empty table. */
typedef struct Table {
        size_t n_columns;
        unsigned right; /* bit n: column n is aligned to the right */
        Strv cells;
} Table;

int table_add(Table *t, const char *format, ...) __attribute__((format(printf, 2, 3)));
void table_print(const Table *t, FILE *f);
void table_deinit(Table *t);

#endif
