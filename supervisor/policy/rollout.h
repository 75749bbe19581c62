/* SPDX-License-Identifier: MIT */
/* rollout.h - the way from one generation to the next: state × event → action. Pure. */
#ifndef SUP_POLICY_ROLLOUT_H
#define SUP_POLICY_ROLLOUT_H

#include <stdbool.h>

typedef enum RolloutState {
        ROLLOUT_IDLE,
        ROLLOUT_STARTING, /* new workers are on their way; the old ones serve */
        ROLLOUT_BAKING, /* the new ones serve; the old ones stand by until they have proved good */
        ROLLOUT_REVERTING, /* the new ones are being removed */
        N_ROLLOUT_STATES,
} RolloutState;

typedef enum RolloutEvent {
        ROLLOUT_EVENT_REQUEST,    /* somebody wants a new generation */
        ROLLOUT_EVENT_READY_SOME, /* a new worker serves, and there are more to come */
        ROLLOUT_EVENT_READY_ALL,  /* the last new worker serves */
        ROLLOUT_EVENT_READY_BAKE, /* the same, and they are to be watched for a while */
        ROLLOUT_EVENT_BAKED,      /* they have been watched, and are good */
        ROLLOUT_EVENT_FAILED,     /* a new worker ended or is late, or a check failed */
        ROLLOUT_EVENT_REVERTED, /* nothing is left of the new generation, and the old one is back */
        ROLLOUT_EVENT_STOP,     /* the supervisor ends */
        N_ROLLOUT_EVENTS,
} RolloutEvent;

typedef enum RolloutAction {
        ROLLOUT_ACTION_NONE,
        ROLLOUT_ACTION_BEGIN,      /* start the first new workers */
        ROLLOUT_ACTION_QUEUE,      /* after the one that is under way */
        ROLLOUT_ACTION_REPLACE,    /* retire the old worker in this place, start the next new one */
        ROLLOUT_ACTION_BAKE,       /* let new connections go to the new ones, and watch */
        ROLLOUT_ACTION_COMMIT,     /* the new generation is the current one; retire the old */
        ROLLOUT_ACTION_REVERT,     /* back to the old generation: remove the new one */
        ROLLOUT_ACTION_FAIL,       /* tell those who asked */
        ROLLOUT_ACTION_ABANDON,    /* tell them, and do nothing else */
        ROLLOUT_ACTION_IMPOSSIBLE, /* a bug in the caller */
} RolloutAction;

typedef struct RolloutStep {
        RolloutAction action;
        RolloutState next;
} RolloutStep;

/* Why a reload does not begin at once. */
typedef enum RolloutWait {
        ROLLOUT_WAIT_NOTHING,
        ROLLOUT_WAIT_ROLLOUT, /* another one is under way */
        ROLLOUT_WAIT_DRAIN,   /* one worker is being replaced: both would retire the same one */
        ROLLOUT_WAIT_OLD,     /* too many old generations are still there */
} RolloutWait;

RolloutWait rollout_wait(RolloutState state, bool is_draining, unsigned n_old, unsigned max_old);
RolloutStep rollout_step(RolloutState state, RolloutEvent event);
const char *rollout_state_name(RolloutState state);

#endif
