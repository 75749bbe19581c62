/* SPDX-License-Identifier: MIT */
/* netns.h - network namespaces: which there are, and looking into one. */
#ifndef SUP_LINUX_NETNS_H
#define SUP_LINUX_NETNS_H

#include <stddef.h>
#include <sys/types.h>

#define NETNS_NAME_MAX 64

/* A namespace that is not ours. */
typedef struct Netns {
        dev_t dev;
        ino_t ino;
        char path[64 + NETNS_NAME_MAX]; /* that opens it */
        char name[NETNS_NAME_MAX];      /* in /run/netns, or empty */
        pid_t pid;                      /* of a process in it, or 0 */
} Netns;

typedef struct NetnsSet {
        Netns *items;
        size_t n_items;
} NetnsSet;

int netns_find_others(NetnsSet *ret);
void netns_set_deinit(NetnsSet *set);
int netns_visit(const Netns *ns, void (*look)(void *userdata), void *userdata);
int netns_enter(const char *who);

#endif
