/* SPDX-License-Identifier: MIT */
/* measure.h - what clients felt of a reload: a value. */
#ifndef SUP_RUN_MEASURE_H
#define SUP_RUN_MEASURE_H

#include <stdint.h>

typedef struct Measure {
        uint64_t begin_usec;        /* CLOCK_MONOTONIC; 0: not begun */
        uint64_t longest_wait_usec; /* at most so long a connection was in a queue since then */
        unsigned waiting_before;    /* connections that were there already */
        unsigned deepest_queue;
        uint64_t overflows;   /* connections that found a queue full */
        unsigned finished;    /* connections of the old generation that ended by themselves */
        unsigned cut;         /* those that were open when it was ended */
        uint64_t looked_usec; /* the last look; 0: none */
        uint64_t
                waiting_since_usec; /* the queues were seen empty then, and not since; 0: they are */
} Measure;

void measure_sample(Measure *m, uint64_t now_usec, unsigned queue, uint64_t new_overflows);

#endif
