/* SPDX-License-Identifier: MIT */
/*
 * life.c - the life of a worker: state × event → action and next state.
 *
 *              start     park    promote   serving  ended     swept  stop      kill      timeout   stalled
 *   idle       STARTING  -       -         -        -         -      cancel    cancel    -         -
 *   starting   -         PARKED  stays     READY    SWEEPING  -      STOPPING  KILLING   STOPPING  STOPPING
 *   parked     -         stays   STARTING  stays    SWEEPING  -      KILLING   KILLING   -         stays
 *   ready      -         stays   stays     stays    SWEEPING  -      STOPPING  KILLING   -         STOPPING
 *   stopping   -         stays   -         stays    SWEEPING  -      stays     KILLING   KILLING   stays
 *   killing    -         stays   -         stays    SWEEPING  -      stays     stays     stays     stays
 *   sweeping   -         stays   -         stays    -         IDLE   stays     kill      kill      stays
 *
 * A parked worker waits in a system call that only SIGKILL ends (SECCOMP_FILTER_FLAG_
 * WAIT_KILLABLE_RECV), and serves nobody: it is killed where another one would be asked to end.
 *
 * What cannot happen is an action of its own, so that the caller can say so loudly.
 */
#include "policy/life.h"

#define IMPOSSIBLE(state)                                                                          \
        {                                                                                          \
                LIFE_ACTION_IMPOSSIBLE, state                                                      \
        }
#define STAY(state)                                                                                \
        {                                                                                          \
                LIFE_ACTION_NONE, state                                                            \
        }

static const LifeStep steps[N_LIFE_STATES][N_LIFE_EVENTS] =
        {
                [LIFE_IDLE] =
                        {
                                [LIFE_EVENT_START] = {LIFE_ACTION_SPAWN, LIFE_STARTING},
                                [LIFE_EVENT_PARK] = IMPOSSIBLE(LIFE_IDLE),
                                [LIFE_EVENT_PROMOTE] = IMPOSSIBLE(LIFE_IDLE),
                                [LIFE_EVENT_SERVING] = IMPOSSIBLE(LIFE_IDLE),
                                [LIFE_EVENT_ENDED] = IMPOSSIBLE(LIFE_IDLE),
                                [LIFE_EVENT_SWEPT] = IMPOSSIBLE(LIFE_IDLE),
                                [LIFE_EVENT_STOP] = {LIFE_ACTION_CANCEL, LIFE_IDLE},
                                [LIFE_EVENT_KILL] = {LIFE_ACTION_CANCEL, LIFE_IDLE},
                                [LIFE_EVENT_TIMEOUT] = IMPOSSIBLE(LIFE_IDLE),
                                [LIFE_EVENT_STALLED] = IMPOSSIBLE(LIFE_IDLE),
                        },
                [LIFE_STARTING] =
                        {
                                [LIFE_EVENT_START] = IMPOSSIBLE(LIFE_STARTING),
                                [LIFE_EVENT_PARK] = STAY(LIFE_PARKED),
                                [LIFE_EVENT_PROMOTE] = STAY(LIFE_STARTING),
                                [LIFE_EVENT_SERVING] = {LIFE_ACTION_NOTE_READY, LIFE_READY},
                                [LIFE_EVENT_ENDED] = {LIFE_ACTION_SWEEP, LIFE_SWEEPING},
                                [LIFE_EVENT_SWEPT] = IMPOSSIBLE(LIFE_STARTING),
                                [LIFE_EVENT_STOP] = {LIFE_ACTION_TERMINATE, LIFE_STOPPING},
                                [LIFE_EVENT_KILL] = {LIFE_ACTION_KILL, LIFE_KILLING},
                                [LIFE_EVENT_TIMEOUT] = {LIFE_ACTION_LATE, LIFE_STOPPING},
                                [LIFE_EVENT_STALLED] = {LIFE_ACTION_ABORT, LIFE_STOPPING},
                        },
                [LIFE_PARKED] =
                        {
                                [LIFE_EVENT_START] = IMPOSSIBLE(LIFE_PARKED),
                                [LIFE_EVENT_PARK] = STAY(LIFE_PARKED),
                                [LIFE_EVENT_PROMOTE] = {LIFE_ACTION_RELEASE, LIFE_STARTING},
                                [LIFE_EVENT_SERVING] = STAY(LIFE_PARKED),
                                [LIFE_EVENT_ENDED] = {LIFE_ACTION_SWEEP, LIFE_SWEEPING},
                                [LIFE_EVENT_SWEPT] = IMPOSSIBLE(LIFE_PARKED),
                                [LIFE_EVENT_STOP] = {LIFE_ACTION_KILL, LIFE_KILLING},
                                [LIFE_EVENT_KILL] = {LIFE_ACTION_KILL, LIFE_KILLING},
                                [LIFE_EVENT_TIMEOUT] = IMPOSSIBLE(LIFE_PARKED),
                                [LIFE_EVENT_STALLED] = STAY(LIFE_PARKED),
                        },
                [LIFE_READY] =
                        {
                                [LIFE_EVENT_START] = IMPOSSIBLE(LIFE_READY),
                                [LIFE_EVENT_PARK] = STAY(LIFE_READY),
                                [LIFE_EVENT_PROMOTE] = STAY(LIFE_READY),
                                [LIFE_EVENT_SERVING] = STAY(LIFE_READY),
                                [LIFE_EVENT_ENDED] = {LIFE_ACTION_SWEEP, LIFE_SWEEPING},
                                [LIFE_EVENT_SWEPT] = IMPOSSIBLE(LIFE_READY),
                                [LIFE_EVENT_STOP] = {LIFE_ACTION_TERMINATE, LIFE_STOPPING},
                                [LIFE_EVENT_KILL] = {LIFE_ACTION_KILL, LIFE_KILLING},
                                [LIFE_EVENT_TIMEOUT] = IMPOSSIBLE(LIFE_READY),
                                [LIFE_EVENT_STALLED] = {LIFE_ACTION_ABORT, LIFE_STOPPING},
                        },
                [LIFE_STOPPING] =
                        {
                                [LIFE_EVENT_START] = IMPOSSIBLE(LIFE_STOPPING),
                                [LIFE_EVENT_PARK] = STAY(LIFE_STOPPING),
                                [LIFE_EVENT_PROMOTE] = IMPOSSIBLE(LIFE_STOPPING),
                                [LIFE_EVENT_SERVING] = STAY(LIFE_STOPPING),
                                [LIFE_EVENT_ENDED] = {LIFE_ACTION_SWEEP, LIFE_SWEEPING},
                                [LIFE_EVENT_SWEPT] = IMPOSSIBLE(LIFE_STOPPING),
                                [LIFE_EVENT_STOP] = STAY(LIFE_STOPPING),
                                [LIFE_EVENT_KILL] = {LIFE_ACTION_KILL, LIFE_KILLING},
                                [LIFE_EVENT_TIMEOUT] = {LIFE_ACTION_KILL, LIFE_KILLING},
                                [LIFE_EVENT_STALLED] = STAY(LIFE_STOPPING),
                        },
                [LIFE_KILLING] =
                        {
                                [LIFE_EVENT_START] = IMPOSSIBLE(LIFE_KILLING),
                                [LIFE_EVENT_PARK] = STAY(LIFE_KILLING),
                                [LIFE_EVENT_PROMOTE] = IMPOSSIBLE(LIFE_KILLING),
                                [LIFE_EVENT_SERVING] = STAY(LIFE_KILLING),
                                [LIFE_EVENT_ENDED] = {LIFE_ACTION_SWEEP, LIFE_SWEEPING},
                                [LIFE_EVENT_SWEPT] = IMPOSSIBLE(LIFE_KILLING),
                                [LIFE_EVENT_STOP] = STAY(LIFE_KILLING),
                                [LIFE_EVENT_KILL] = STAY(LIFE_KILLING),
                                [LIFE_EVENT_TIMEOUT] = STAY(LIFE_KILLING),
                                [LIFE_EVENT_STALLED] = STAY(LIFE_KILLING),
                        },
                [LIFE_SWEEPING] =
                        {
                                [LIFE_EVENT_START] = IMPOSSIBLE(LIFE_SWEEPING),
                                [LIFE_EVENT_PARK] = STAY(LIFE_SWEEPING),
                                [LIFE_EVENT_PROMOTE] = IMPOSSIBLE(LIFE_SWEEPING),
                                [LIFE_EVENT_SERVING] = STAY(LIFE_SWEEPING),
                                [LIFE_EVENT_ENDED] = IMPOSSIBLE(LIFE_SWEEPING),
                                [LIFE_EVENT_SWEPT] = {LIFE_ACTION_DECIDE, LIFE_IDLE},
                                [LIFE_EVENT_STOP] = STAY(LIFE_SWEEPING),
                                [LIFE_EVENT_KILL] = {LIFE_ACTION_KILL, LIFE_SWEEPING},
                                [LIFE_EVENT_TIMEOUT] = {LIFE_ACTION_KILL, LIFE_SWEEPING},
                                [LIFE_EVENT_STALLED] = STAY(LIFE_SWEEPING),
                        },
};

/* What an event means to a worker in a state. Total: every cell of the table is written down. */
LifeStep
life_step(LifeState state, LifeEvent event)
{
        return steps[state][event];
}

/* The state's name, for logs and status. */
const char *
life_state_name(LifeState state)
{
        static const char *const names[N_LIFE_STATES] = {
                [LIFE_IDLE] = "idle",         [LIFE_STARTING] = "starting",
                [LIFE_PARKED] = "parked",     [LIFE_READY] = "ready",
                [LIFE_STOPPING] = "stopping", [LIFE_KILLING] = "killing",
                [LIFE_SWEEPING] = "sweeping",
        };

        return names[state];
}
