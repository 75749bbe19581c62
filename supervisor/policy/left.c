/* SPDX-License-Identifier: MIT */
/*
 * left.c - what becomes of workers that a dead `sup` left behind. Pure.
 *
 * Gist: they serve on until our own workers do; then they are retired like an old generation: the stop
 * signal, and SIGKILL when they take too long. Nothing is killed that might be somebody else's.
 */
#include "policy/left.h"

/* Whether a process was left behind by a `sup` that was named as we are, and died. */
bool
left_is_behind(const LeftMarks *marks)
{
        return marks->has_our_name && marks->supervisor > 0 && !marks->is_below_it &&
               !marks->it_lives && !marks->is_kin && !marks->is_elsewhere;
}

/* The state that follows; what not even SIGKILL ends is given up. */
LeftState
left_next(LeftState state, const LeftInput *input)
{
        if (state == LEFT_GONE || input->n_alive == 0)
                return LEFT_GONE;
        if (state == LEFT_SERVING && !input->at_once)
                return input->serves || input->stopping ? LEFT_STOPPING : LEFT_SERVING;
        if (state == LEFT_STOPPING && !input->at_once)
                return input->timed_out ? LEFT_KILLING : LEFT_STOPPING;
        return state == LEFT_KILLING && input->timed_out ? LEFT_GONE : LEFT_KILLING;
}
