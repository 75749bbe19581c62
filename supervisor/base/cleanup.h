/* SPDX-License-Identifier: MIT */
/*
 * cleanup.h - resources that end with their scope.
 *
 * Gist: CLEANUP(fn) calls fn with the address of the variable when the scope is left.
 */
#ifndef SUP_BASE_CLEANUP_H
#define SUP_BASE_CLEANUP_H

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>

#define CLEANUP(fn) __attribute__((cleanup(fn)))

static inline void
cleanup_free_p(void *p)
{
        free(*(void **)p);
}

static inline void
cleanup_file_p(FILE **p)
{
        if (*p)
                fclose(*p);
}

static inline void
cleanup_dir_p(DIR **p)
{
        if (*p)
                closedir(*p);
}

#define CLEANUP_FREE CLEANUP(cleanup_free_p)
#define CLEANUP_FILE CLEANUP(cleanup_file_p)
#define CLEANUP_DIR CLEANUP(cleanup_dir_p)

#define ELEMENTSOF(array) (sizeof(array) / sizeof((array)[0]))

#endif
