/* SPDX-License-Identifier: MIT */
/* strv.h - a growing NULL-terminated vector of strings that owns them: argv and environ. */
#ifndef SUP_BASE_STRV_H
#define SUP_BASE_STRV_H

#include <stddef.h>

typedef struct Strv {
        char **items; /* NULL-terminated once something was added */
        size_t n_items;
        size_t n_allocated;
} Strv;

int strv_add(Strv *v, char *consume_text);
int strv_addf(Strv *v, const char *format, ...) __attribute__((format(printf, 2, 3)));
void strv_deinit(Strv *v);
void strv_deinit_p(Strv *v);

#endif
