/* SPDX-License-Identifier: MIT */
/*
 * announce.c - which state a service manager is to be told of. Pure.
 *
 * Gist: STARTING → READY once, when the first generation serves; READY ↔ RELOADING; and STOPPING,
 * which nothing follows. A reload that fails at once is told as well: who asked for it with a signal
 * (Type=notify-reload) waits for both messages. A worker that crashes later does not make the service less ready: its
 * socket is held, and the next worker is on its way. systemd would not take back READY anyway.
 */
#include "policy/announce.h"

/* A word that comes at the last moment shall still be in time. */
#define WORD_USEC USEC_PER_SEC

/* The state to be told next; the one that was told already, if nothing is to be said. */
Announced
announce_next(Announced told, const AnnounceInput *input)
{
        if (told == ANNOUNCED_STOPPING || input->stopping)
                return ANNOUNCED_STOPPING;
        if (told == ANNOUNCED_STARTING)
                return input->serves ? ANNOUNCED_READY : ANNOUNCED_STARTING;
        if (input->reloading || (told == ANNOUNCED_READY && input->reloaded))
                return ANNOUNCED_RELOADING;
        return ANNOUNCED_READY;
}

/*
 * How much time to ask for, in microseconds from now on; 0: none. A reload takes as long as it takes. A start
 * has what is left of it (0: nobody said how long it may take, or it has had its time), and no more:
 * a server that comes to nothing again and again must not seem to start for ever.
 */
uint64_t
announce_extension(Announced told, uint64_t start_left_usec)
{
        if (told == ANNOUNCED_RELOADING)
                return ANNOUNCE_EXTENSION_USEC;
        if (told != ANNOUNCED_STARTING || start_left_usec == 0)
                return 0;
        return start_left_usec < ANNOUNCE_EXTENSION_USEC - WORD_USEC ? start_left_usec + WORD_USEC
                                                                     : ANNOUNCE_EXTENSION_USEC;
}
