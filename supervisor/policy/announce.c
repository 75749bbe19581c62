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
