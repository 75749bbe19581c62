/* SPDX-License-Identifier: MIT */
/* clock.h - the time that only grows. */
#ifndef SUP_BASE_CLOCK_H
#define SUP_BASE_CLOCK_H

#include <stdint.h>

uint64_t clock_usec(void);

#endif
