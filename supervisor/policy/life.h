/* SPDX-License-Identifier: MIT */
/* life.h - the life of a worker: state × event → action and next state. Pure. */
#ifndef SUP_POLICY_LIFE_H
#define SUP_POLICY_LIFE_H

/* Terms: "ended" is its main process; "left-overs" are what that leaves behind. */
typedef enum LifeState {
        LIFE_IDLE,     /* no process; a start may be due later */
        LIFE_STARTING, /* runs, not known to serve */
        LIFE_PARKED,   /* a standby: fully started, waits in the kernel to be promoted */
        LIFE_READY,    /* serves */
        LIFE_STOPPING, /* was asked to end */
        LIFE_KILLING,  /* was sent SIGKILL */
        LIFE_SWEEPING, /* its main process ended, left-overs are being ended */
        N_LIFE_STATES,
} LifeState;

typedef enum LifeEvent {
        LIFE_EVENT_START,   /* the time to start has come */
        LIFE_EVENT_PARK,    /* a standby has come as far as it may */
        LIFE_EVENT_PROMOTE, /* a standby is to serve */
        LIFE_EVENT_SERVING, /* it listens, says so, or has lived long enough */
        LIFE_EVENT_ENDED,   /* its main process was reaped */
        LIFE_EVENT_SWEPT,   /* no left-overs any more */
        LIFE_EVENT_STOP,    /* it is to end, gracefully */
        LIFE_EVENT_KILL,    /* it is to end at once */
        LIFE_EVENT_TIMEOUT, /* it did not start, or end, in time */
        LIFE_EVENT_STALLED, /* it missed its watchdog */
        N_LIFE_EVENTS,
} LifeEvent;

typedef enum LifeAction {
        LIFE_ACTION_NONE,
        LIFE_ACTION_SPAWN,
        LIFE_ACTION_NOTE_READY,
        LIFE_ACTION_RELEASE,    /* let the parked calls go on */
        LIFE_ACTION_TERMINATE,  /* stop signal, and a deadline */
        LIFE_ACTION_LATE,       /* not ready in time: the same, as a failure */
        LIFE_ACTION_ABORT,      /* SIGABRT, and a deadline */
        LIFE_ACTION_KILL,       /* SIGKILL to all of it */
        LIFE_ACTION_SWEEP,      /* look for left-overs, end them */
        LIFE_ACTION_DECIDE,     /* restart, or not */
        LIFE_ACTION_CANCEL,     /* forget the start that was due, then decide */
        LIFE_ACTION_IMPOSSIBLE, /* a bug in the caller */
} LifeAction;

typedef struct LifeStep {
        LifeAction action;
        LifeState next;
} LifeStep;

LifeStep life_step(LifeState state, LifeEvent event);
const char *life_state_name(LifeState state);

#endif
