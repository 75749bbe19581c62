/* SPDX-License-Identifier: MIT */
/*
 * rollout.c - the way from one generation to the next: state × event → action and next state.
 *
 *               request  some ready  all ready  to bake  baked   failed     reverted  stop
 *   idle        begin    -           -          -        -       -          -         stays
 *   starting    queue    replace     commit     BAKING   -       REVERTING  -         abandon
 *   baking      queue    -           -          -        commit  REVERTING  -         abandon
 *   reverting   queue    stays       stays      stays    -       stays      fail      abandon
 *
 * begin leads to starting; commit, fail and abandon lead to idle. Until commit the old generation
 * is the current one, and what a crash restarts; retiring the old one afterwards is no state of the
 * rollout, so that the next may begin meanwhile.
 */
#include "policy/rollout.h"

#define IMPOSSIBLE(state)                                                                          \
        {                                                                                          \
                ROLLOUT_ACTION_IMPOSSIBLE, state                                                   \
        }

static const RolloutStep steps[N_ROLLOUT_STATES][N_ROLLOUT_EVENTS] = {
        [ROLLOUT_IDLE] =
                {
                        [ROLLOUT_EVENT_REQUEST] = {ROLLOUT_ACTION_BEGIN, ROLLOUT_STARTING},
                        [ROLLOUT_EVENT_READY_SOME] = IMPOSSIBLE(ROLLOUT_IDLE),
                        [ROLLOUT_EVENT_READY_ALL] = IMPOSSIBLE(ROLLOUT_IDLE),
                        [ROLLOUT_EVENT_READY_BAKE] = IMPOSSIBLE(ROLLOUT_IDLE),
                        [ROLLOUT_EVENT_BAKED] = IMPOSSIBLE(ROLLOUT_IDLE),
                        [ROLLOUT_EVENT_FAILED] = IMPOSSIBLE(ROLLOUT_IDLE),
                        [ROLLOUT_EVENT_REVERTED] = IMPOSSIBLE(ROLLOUT_IDLE),
                        [ROLLOUT_EVENT_STOP] = {ROLLOUT_ACTION_NONE, ROLLOUT_IDLE},
                },
        [ROLLOUT_STARTING] =
                {
                        [ROLLOUT_EVENT_REQUEST] = {ROLLOUT_ACTION_QUEUE, ROLLOUT_STARTING},
                        [ROLLOUT_EVENT_READY_SOME] = {ROLLOUT_ACTION_REPLACE, ROLLOUT_STARTING},
                        [ROLLOUT_EVENT_READY_ALL] = {ROLLOUT_ACTION_COMMIT, ROLLOUT_IDLE},
                        [ROLLOUT_EVENT_READY_BAKE] = {ROLLOUT_ACTION_BAKE, ROLLOUT_BAKING},
                        [ROLLOUT_EVENT_BAKED] = IMPOSSIBLE(ROLLOUT_STARTING),
                        [ROLLOUT_EVENT_FAILED] = {ROLLOUT_ACTION_REVERT, ROLLOUT_REVERTING},
                        [ROLLOUT_EVENT_REVERTED] = IMPOSSIBLE(ROLLOUT_STARTING),
                        [ROLLOUT_EVENT_STOP] = {ROLLOUT_ACTION_ABANDON, ROLLOUT_IDLE},
                },
        [ROLLOUT_BAKING] =
                {
                        [ROLLOUT_EVENT_REQUEST] = {ROLLOUT_ACTION_QUEUE, ROLLOUT_BAKING},
                        [ROLLOUT_EVENT_READY_SOME] = IMPOSSIBLE(ROLLOUT_BAKING),
                        [ROLLOUT_EVENT_READY_ALL] = IMPOSSIBLE(ROLLOUT_BAKING),
                        [ROLLOUT_EVENT_READY_BAKE] = IMPOSSIBLE(ROLLOUT_BAKING),
                        [ROLLOUT_EVENT_BAKED] = {ROLLOUT_ACTION_COMMIT, ROLLOUT_IDLE},
                        [ROLLOUT_EVENT_FAILED] = {ROLLOUT_ACTION_REVERT, ROLLOUT_REVERTING},
                        [ROLLOUT_EVENT_REVERTED] = IMPOSSIBLE(ROLLOUT_BAKING),
                        [ROLLOUT_EVENT_STOP] = {ROLLOUT_ACTION_ABANDON, ROLLOUT_IDLE},
                },
        [ROLLOUT_REVERTING] =
                {
                        [ROLLOUT_EVENT_REQUEST] = {ROLLOUT_ACTION_QUEUE, ROLLOUT_REVERTING},
                        [ROLLOUT_EVENT_READY_SOME] = {ROLLOUT_ACTION_NONE, ROLLOUT_REVERTING},
                        [ROLLOUT_EVENT_READY_ALL] = {ROLLOUT_ACTION_NONE, ROLLOUT_REVERTING},
                        [ROLLOUT_EVENT_READY_BAKE] = {ROLLOUT_ACTION_NONE, ROLLOUT_REVERTING},
                        [ROLLOUT_EVENT_BAKED] = IMPOSSIBLE(ROLLOUT_REVERTING),
                        [ROLLOUT_EVENT_FAILED] = {ROLLOUT_ACTION_NONE, ROLLOUT_REVERTING},
                        [ROLLOUT_EVENT_REVERTED] = {ROLLOUT_ACTION_FAIL, ROLLOUT_IDLE},
                        [ROLLOUT_EVENT_STOP] = {ROLLOUT_ACTION_ABANDON, ROLLOUT_IDLE},
                },
};

/* What an event means in a state. Total: every cell of the table is written down. */
RolloutStep
rollout_step(RolloutState state, RolloutEvent event)
{
        return steps[state][event];
}

/* What a reload that is asked for has to wait for; n_old: generations that are on their way out. */
RolloutWait
rollout_wait(RolloutState state, bool is_draining, unsigned n_old, unsigned max_old)
{
        if (state != ROLLOUT_IDLE)
                return ROLLOUT_WAIT_ROLLOUT;
        if (is_draining)
                return ROLLOUT_WAIT_DRAIN;
        return n_old >= max_old ? ROLLOUT_WAIT_OLD : ROLLOUT_WAIT_NOTHING;
}

/* The state's name, for logs and status. */
const char *
rollout_state_name(RolloutState state)
{
        static const char *const names[N_ROLLOUT_STATES] = {
                [ROLLOUT_IDLE] = "idle",
                [ROLLOUT_STARTING] = "starting",
                [ROLLOUT_BAKING] = "baking",
                [ROLLOUT_REVERTING] = "reverting",
        };

        return names[state];
}
