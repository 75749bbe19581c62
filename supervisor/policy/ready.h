/* SPDX-License-Identifier: MIT */
/* ready.h - which sign of a worker counts as "it serves". Pure. */
#ifndef SUP_POLICY_READY_H
#define SUP_POLICY_READY_H

#include <stdbool.h>
#include <stdint.h>

typedef enum ReadyMode {
        READY_AUTO,
        READY_LISTEN,
        READY_NOTIFY,
        READY_FD,
        READY_TIMER,
} ReadyMode;

typedef enum ReadySign {
        READY_SIGN_LISTEN, /* it listens on a held socket, or claimed one */
        READY_SIGN_NOTIFY, /* READY=1, sd_notify(3) */
        READY_SIGN_FD,     /* it wrote to the descriptor that it was given for that */
        READY_SIGN_USE,    /* it uses a listener that it was handed */
        READY_SIGN_TIME,   /* it has lived for long enough */
} ReadySign;

/* What a look at the listeners that a worker was handed came to. */
typedef enum ReadyUse {
        READY_USE_UNKNOWN, /* it was handed none, or may not be looked at */
        READY_USE_NONE,
        READY_USE_SEEN,
} ReadyUse;

/* What workers of its kind have been seen to do. */
typedef struct ReadyHabits {
        bool speaks;  /* sd_notify(3) */
        bool listens; /* bind or listen of their own */
        bool silent;  /* they have served, or lived long, and did neither */
} ReadyHabits;

/* What is known of a worker that has ended; times in microseconds. */
typedef struct ReadyLife {
        uint64_t lived_usec;
        uint64_t ready_usec;   /* for how long it was ready; 0: it never was */
        uint64_t claimed_usec; /* for how long it had a held socket by a bind(); 0: it had none */
        bool was_late;         /* it was not ready in time, or missed its watchdog */
} ReadyLife;

/* A new worker that listens, beside the one that it is to replace; times in microseconds. */
typedef struct ReadyProgress {
        bool is_behind;       /* the other one has an address that it has not */
        uint64_t behind_usec; /* since when it listens */
        uint64_t quiet_usec;  /* since when it got no socket any more */
        uint64_t left_usec;   /* until it is late; UINT64_MAX: it never is */
} ReadyProgress;

bool ready_counts(ReadyMode mode, const ReadyHabits *habits, ReadySign sign);
uint64_t ready_delay(ReadyMode mode, const ReadyHabits *habits, bool is_handed,
                     uint64_t timer_usec);
uint64_t ready_pause(ReadyUse use, uint64_t lived_usec, uint64_t cost_usec);
uint64_t ready_served(ReadyMode mode, const ReadyHabits *habits, const ReadyLife *life);
uint64_t ready_settle(const ReadyProgress *p);
const char *ready_sign_text(ReadySign sign);

#endif
