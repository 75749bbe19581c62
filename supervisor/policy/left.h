/* SPDX-License-Identifier: MIT */
/* left.h - what becomes of workers that a dead `sup` left behind. Pure. */
#ifndef SUP_POLICY_LEFT_H
#define SUP_POLICY_LEFT_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/* What is known of a process that carries the marks of a worker. */
typedef struct LeftMarks {
        bool has_our_name; /* its `sup` was named as we are */
        pid_t supervisor;  /* that it was started by; 0: not told */
        bool is_below_it;  /* it descends from that one still: a `sup` gets its workers' orphans */
        bool it_lives;     /* there is a `sup` with that pid, and it is not we */
        bool is_kin;       /* it descends from us, or we from it */
        bool is_elsewhere; /* in another pid or network namespace, where the same pid is another's */
} LeftMarks;

bool left_is_behind(const LeftMarks *marks);

typedef enum LeftState {
        LEFT_GONE,     /* there are none */
        LEFT_SERVING,  /* they serve on, beside the workers that start */
        LEFT_STOPPING, /* they got the stop signal */
        LEFT_KILLING,
} LeftState;

/* How things are. */
typedef struct LeftInput {
        size_t n_alive;
        bool serves;    /* our own workers do */
        bool stopping;  /* we were told to end */
        bool at_once;   /* and at once */
        bool timed_out; /* the time of the present state is over */
} LeftInput;

LeftState left_next(LeftState state, const LeftInput *input);

#endif
