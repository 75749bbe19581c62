/* SPDX-License-Identifier: MIT */
/* left.h - finds the workers that a dead `sup` left behind. */
#ifndef SUP_WORKER_LEFT_H
#define SUP_WORKER_LEFT_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/* A process of such a worker. */
typedef struct LeftProcess {
        pid_t pid;
        pid_t parent;
        pid_t supervisor; /* the dead one */
} LeftProcess;

typedef struct LeftSet {
        LeftProcess *items;
        size_t n_items;
} LeftSet;

int left_find(const char *name, char *const *command, LeftSet *ret);
bool left_is_of(const char *name, pid_t pid);
bool left_is_root(const LeftSet *set, const LeftProcess *process);
bool left_is_command(char *const *words, size_t n_words, char *const *command);
void left_set_deinit(LeftSet *set);

#endif
