/* SPDX-License-Identifier: MIT */
/*
 * fuzz.h - what the fuzz targets have in common.
 *
 * A target is a file with LLVMFuzzerTestOneInput(): with --enable-fuzzing it is linked with
 * libFuzzer, otherwise with driver.c, which makes its own inputs from the corpus. What an input
 * must never do is said with fuzz_must().
 */
#ifndef SUP_TESTS_FUZZ_FUZZ_H
#define SUP_TESTS_FUZZ_FUZZ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define fuzz_must(condition)                                                                       \
        do {                                                                                       \
                if (!(condition)) {                                                                \
                        (void)fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__,           \
                                      #condition);                                                 \
                        abort();                                                                   \
                }                                                                                  \
        } while (0)

/*
 * A copy with nothing behind it, so that ASan notices a byte too far; a NUL is added for texts.
 * To be freed.
 */
static inline void *
fuzz_copy(const uint8_t *data, size_t size, bool as_text)
{
        size_t n = size + (as_text ? 1 : 0);
        char *copy = malloc(n ? n : 1);

        fuzz_must(copy);
        if (size)
                memcpy(copy, data, size);
        if (as_text)
                copy[size] = '\0';
        return copy;
}

#endif
