/* SPDX-License-Identifier: MIT */
/* unclaimed.h - when a captured socket that workers do not bind again is given up. Pure. */
#ifndef SUP_POLICY_UNCLAIMED_H
#define SUP_POLICY_UNCLAIMED_H

#include <stdbool.h>
#include <stdint.h>

/* What is known of one captured socket. */
typedef struct Unclaimed {
        unsigned n_missed;    /* ends in a row of workers that captured others instead */
        uint64_t served_usec; /* how long workers served on it, all together */
} Unclaimed;

/* The end of a worker. */
typedef struct UnclaimedEnd {
        bool had_it;         /* the worker had claimed the socket */
        bool captured;       /* it had bound addresses that nobody bound before */
        bool is_claimed;     /* another worker has the socket */
        uint64_t ready_usec; /* how long it served, 0: not at all */
} UnclaimedEnd;

bool unclaimed_after_end(Unclaimed *u, const UnclaimedEnd *end);

#endif
