/* SPDX-License-Identifier: MIT */
/* instances.h - which instances of `sup` there are, as their control sockets tell. */
#ifndef SUP_CONTROL_INSTANCES_H
#define SUP_CONTROL_INSTANCES_H

#include <stddef.h>
#include <sys/types.h>

typedef enum InstanceState {
        INSTANCE_RUNS,
        INSTANCE_DEAD,    /* the socket is there, nobody listens */
        INSTANCE_FOREIGN, /* somebody else's */
} InstanceState;

typedef struct Instance {
        char *name;
        char *path;
        InstanceState state;
        dev_t dev;
        ino_t ino;
} Instance;

typedef struct Instances {
        Instance *items;
        size_t n_items;
} Instances;

int instances_find(Instances *ret, const char *name);
void instances_deinit(Instances *v);
size_t instances_count(const Instances *v, InstanceState state);
const Instance *instances_first(const Instances *v, InstanceState state);

#endif
