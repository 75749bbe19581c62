/* SPDX-License-Identifier: MIT */
/* clock.c - the time that only grows. */
#include "base/clock.h"

#include <time.h>

#include "base/parse.h"

/* CLOCK_MONOTONIC in microseconds. */
uint64_t
clock_usec(void)
{
        struct timespec t;

        (void)clock_gettime(CLOCK_MONOTONIC, &t);
        return (uint64_t)t.tv_sec * USEC_PER_SEC + (uint64_t)t.tv_nsec / 1000;
}
