/* SPDX-License-Identifier: MIT */
/* known.h - processes that were seen to be a worker's. */
#ifndef SUP_WORKER_KNOWN_H
#define SUP_WORKER_KNOWN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define KNOWN_MAX 16

typedef struct KnownProcess {
        pid_t pid;
        uint64_t started_ticks; /* since boot: another process of that pid has another one */
} KnownProcess;

typedef struct Known {
        KnownProcess *items; /* room for KNOWN_MAX, from the first on; the latest is the last */
        size_t n_items;
} Known;

void known_add(Known *known, pid_t pid);
void known_append(Known *known, KnownProcess process);
bool known_has(const Known *known, pid_t pid);
void known_deinit(Known *known);

#endif
