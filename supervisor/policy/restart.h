/* SPDX-License-Identifier: MIT */
/* restart.h - whether and when a worker that ended is started again. Pure: time is an argument. */
#ifndef SUP_POLICY_RESTART_H
#define SUP_POLICY_RESTART_H

#include <stdbool.h>
#include <stdint.h>

typedef enum RestartMode {
        RESTART_ALWAYS,
        RESTART_ON_FAILURE,
        RESTART_NEVER,
} RestartMode;

typedef struct RestartConfig {
        RestartMode mode;
        unsigned limit; /* starts within limit_usec after which to give up; 0: never */
        uint64_t limit_usec;
        uint64_t backoff_max_usec;
} RestartConfig;

/* What is remembered of one worker slot between its incarnations. */
typedef struct RestartState {
        unsigned n_failures; /* before being ready for a second; a minute of health forgets them */
        uint64_t *starts_usec; /* times of the latest restarts, a ring of config.limit */
        unsigned n_starts;
} RestartState;

/* How an incarnation ended. */
typedef struct RestartInput {
        uint64_t now_usec;
        bool failed;          /* by a signal, or with a status other than 0 */
        uint64_t served_usec; /* see ready_served */
        uint32_t random;      /* for the jitter, any value */
} RestartInput;

typedef enum RestartVerdict {
        RESTART_NOW,
        RESTART_LATER,
        RESTART_DONE,    /* it ended by itself and is not to come back */
        RESTART_GIVE_UP, /* the limit */
} RestartVerdict;

RestartVerdict restart_decide(const RestartConfig *config, RestartState *state,
                              const RestartInput *input, uint64_t *ret_delay_usec);
void restart_state_deinit(RestartState *state);
int restart_exit_status(int code, int status);

#endif
