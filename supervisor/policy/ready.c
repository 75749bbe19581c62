/* SPDX-License-Identifier: MIT */
/*
 * ready.c - which sign of a worker counts as "it serves".
 *
 * Gist: with --ready=auto the most trustworthy sign that this kind of worker gives: its own word if
 * it ever speaks sd_notify(3), else that it listens, else that it is still alive after a second,
 * or, where nobody handed it a listener, after ten.
 */
#include "policy/ready.h"

#include "base/parse.h"

/* An activated server that says nothing is taken for ready after this. */
#define ALIVE_IS_READY_USEC USEC_PER_SEC
/* One that could still bind by itself may just be slow. */
#define SILENT_IS_READY_USEC (10 * USEC_PER_SEC)

/* Whether a sign makes a worker of these habits ready. */
bool
ready_counts(ReadyMode mode, const ReadyHabits *habits, ReadySign sign)
{
        switch (mode) {
        case READY_LISTEN:
                return sign == READY_SIGN_LISTEN;
        case READY_NOTIFY:
                return sign == READY_SIGN_NOTIFY;
        case READY_FD:
                return sign == READY_SIGN_FD;
        case READY_TIMER:
                return sign == READY_SIGN_TIME;
        case READY_AUTO:
                break;
        }
        if (sign == READY_SIGN_LISTEN)
                return !habits->speaks;
        if (sign == READY_SIGN_TIME)
                return !habits->speaks && !habits->listens;
        return true;
}

/*
 * After how long, in microseconds, being alive is a sign at all; 0: never. is_handed: it was given
 * its listeners, so that it need not show itself by binding.
 */
uint64_t
ready_delay(ReadyMode mode, const ReadyHabits *habits, bool is_handed, uint64_t timer_usec)
{
        if (mode == READY_TIMER)
                return timer_usec;
        if (mode != READY_AUTO)
                return 0;
        return is_handed || habits->silent ? ALIVE_IS_READY_USEC : SILENT_IS_READY_USEC;
}

/* Why a worker is ready, as the end of "it is ready: …". */
const char *
ready_sign_text(ReadySign sign)
{
        switch (sign) {
        case READY_SIGN_LISTEN:
                return "it listens";
        case READY_SIGN_NOTIFY:
                return "it says READY=1";
        case READY_SIGN_FD:
                return "it wrote to its readiness descriptor";
        case READY_SIGN_TIME:
                break;
        }
        return "it lives on";
}
