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
        READY_SIGN_TIME,   /* it has lived for ready_delay() */
} ReadySign;

/* What workers of its kind have been seen to do. */
typedef struct ReadyHabits {
        bool speaks;  /* sd_notify(3) */
        bool listens; /* bind or listen of their own */
        bool silent;  /* they have served, or lived long, and did neither */
} ReadyHabits;

bool ready_counts(ReadyMode mode, const ReadyHabits *habits, ReadySign sign);
uint64_t ready_delay(ReadyMode mode, const ReadyHabits *habits, bool is_handed,
                     uint64_t timer_usec);
const char *ready_sign_text(ReadySign sign);

#endif
