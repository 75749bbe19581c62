/* SPDX-License-Identifier: MIT */
/*
 * ready.c - which sign of a worker counts as "it serves".
 *
 * Gist: with --ready=auto the most trustworthy sign that this kind of worker gives: its own word if
 * it ever speaks sd_notify(3), else that it listens, else that it uses a listener that it was handed,
 * which is looked for after a second, else that it is still alive after ten. One that has nothing to
 * show, or may not be looked at, need only be alive after a second. One that comes after another has
 * to listen on all that the other one had; or it has fewer, and asks for no more within a second.
 */
#include "policy/ready.h"

#include "base/parse.h"

/* An activated server that says nothing is taken for ready after this. */
#define ALIVE_IS_READY_USEC USEC_PER_SEC
/* One that could still bind by itself, or does not use what it was handed, may just be slow. */
#define SILENT_IS_READY_USEC (10 * USEC_PER_SEC)
/* A new version that has fewer sockets has all of its own when it got none for so long. */
#define SETTLED_USEC USEC_PER_SEC
#define PAUSE_MIN_USEC (100 * USEC_PER_MSEC)
#define PAUSE_MAX_USEC (500 * USEC_PER_MSEC)
/* At most this part of the time goes into looking. */
#define COST_PART 10

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
        if (sign == READY_SIGN_TIME || sign == READY_SIGN_USE)
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

/*
 * How long, in microseconds, until a worker that was handed its listeners is looked at again, after a
 * look that cost so much; 0: it counts as serving. The longer it takes, the less a moment matters.
 */
uint64_t
ready_pause(ReadyUse use, uint64_t lived_usec, uint64_t cost_usec)
{
        uint64_t waited_usec;
        uint64_t pause_usec;

        if (use != READY_USE_NONE || lived_usec >= SILENT_IS_READY_USEC)
                return 0;
        waited_usec = lived_usec > ALIVE_IS_READY_USEC ? lived_usec - ALIVE_IS_READY_USEC : 0;
        pause_usec = waited_usec / 4;
        if (pause_usec < PAUSE_MIN_USEC)
                pause_usec = PAUSE_MIN_USEC;
        if (pause_usec > PAUSE_MAX_USEC)
                pause_usec = PAUSE_MAX_USEC;
        if (pause_usec < cost_usec * COST_PART)
                pause_usec = cost_usec * COST_PART;
        if (pause_usec > SILENT_IS_READY_USEC - lived_usec)
                pause_usec = SILENT_IS_READY_USEC - lived_usec;
        return pause_usec;
}

/*
 * For how long, in microseconds, a worker that has ended counts as having served; 0: not at all. One
 * that may be silent has served by living on, however late it was seen to.
 */
uint64_t
ready_served(ReadyMode mode, const ReadyHabits *habits, const ReadyLife *life)
{
        uint64_t served_usec = life->ready_usec ? life->ready_usec : life->claimed_usec;

        if (mode == READY_AUTO && !life->was_late && ready_counts(mode, habits, READY_SIGN_TIME) &&
            life->lived_usec > served_usec + ALIVE_IS_READY_USEC)
                served_usec = life->lived_usec - ALIVE_IS_READY_USEC;
        return served_usec;
}

static uint64_t
min_usec(uint64_t a, uint64_t b)
{
        return a < b ? a : b;
}

/*
 * How long, in microseconds, until a new worker that listens is looked at again, if it gets no other
 * socket before; 0: it counts as serving. One that listens and is late, or asks for ever more, does.
 */
uint64_t
ready_settle(const ReadyProgress *p)
{
        if (!p->is_behind || p->quiet_usec >= SETTLED_USEC ||
            p->behind_usec >= SILENT_IS_READY_USEC)
                return 0;
        return min_usec(
                min_usec(SETTLED_USEC - p->quiet_usec, SILENT_IS_READY_USEC - p->behind_usec),
                p->left_usec);
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
        case READY_SIGN_USE:
                return "it uses its listener";
        case READY_SIGN_TIME:
                break;
        }
        return "it lives on";
}
