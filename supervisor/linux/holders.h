/* SPDX-License-Identifier: MIT */
/* holders.h - which processes have a socket open. */
#ifndef SUP_LINUX_HOLDERS_H
#define SUP_LINUX_HOLDERS_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#define HOLDERS_OWN_MAX 16

/* How much of the machine was looked at. */
typedef struct HoldersView {
        unsigned n_unreadable;                 /* processes whose descriptors may not be listed */
        pid_t own_unreadable[HOLDERS_OWN_MAX]; /* those of them that are of our own user */
        unsigned n_own_unreadable;
        pid_t cut_short; /* one with so many descriptors that not all were read, or 0 */
} HoldersView;

typedef void (*HoldersCallback)(size_t index, pid_t pid, int fd, void *userdata);

int holders_find(const ino_t *inodes, size_t n_inodes, HoldersCallback callback, void *userdata,
                 HoldersView *ret_view);
bool holders_parse_link(const char *target, ino_t *ret_inode);

#endif
