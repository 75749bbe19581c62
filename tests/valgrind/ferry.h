/* SPDX-License-Identifier: MIT */
/* ferry.h - how a system call is written down as the name of a file: this, then hexadecimal words. */
#ifndef SUP_TESTS_VALGRIND_FERRY_H
#define SUP_TESTS_VALGRIND_FERRY_H

#define FERRY_PATH "/ferry-past-valgrind"

enum {
        FERRY_PATH_MAX = 160,
        FERRY_WORDS = 5, /* the number of the call, and four arguments */
};

#endif
