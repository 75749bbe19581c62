/* SPDX-License-Identifier: MIT */
/* why.c - an error that carries its sentence. */
#include "base/why.h"

#include <stdarg.h>
#include <stdio.h>

/*
 * Return `error`, and the reason for it in *ret_why: one sentence for a person, to be freed by the
 * caller, or NULL where memory is short.
 */
int
why(char **ret_why, int error, const char *format, ...)
{
        va_list args;

        va_start(args, format);
        if (vasprintf(ret_why, format, args) < 0)
                *ret_why = NULL;
        va_end(args);
        return error;
}
