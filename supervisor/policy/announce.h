/* SPDX-License-Identifier: MIT */
/* announce.h - which state a service manager is to be told of. Pure. */
#ifndef SUP_POLICY_ANNOUNCE_H
#define SUP_POLICY_ANNOUNCE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/parse.h"

/* What is asked for at a time: what is said again within this is alive. */
#define ANNOUNCE_EXTENSION_USEC (30 * USEC_PER_SEC)

/* The states of a service in sd_notify(3). */
typedef enum Announced {
        ANNOUNCED_STARTING, /* nothing was said yet */
        ANNOUNCED_READY,
        ANNOUNCED_RELOADING,
        ANNOUNCED_STOPPING,
} Announced;

/* How things are. */
typedef struct AnnounceInput {
        bool serves;    /* all workers that are wanted serve */
        bool reloading; /* a new generation is on its way, or its failure is being cleared away */
        bool reloaded;  /* a reload began since the last look; it may be over again */
        bool stopping;
} AnnounceInput;

Announced announce_next(Announced told, const AnnounceInput *input);
uint64_t announce_extension(Announced told, uint64_t start_left_usec);

#endif
