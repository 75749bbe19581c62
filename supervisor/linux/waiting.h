/* SPDX-License-Identifier: MIT */
/* waiting.h - whether a process waits at certain sockets, for clients or for data. */
#ifndef SUP_LINUX_WAITING_H
#define SUP_LINUX_WAITING_H

#include <stddef.h>
#include <sys/types.h>

int waiting_at_sockets(pid_t pid, const ino_t *inodes, size_t n_inodes);

#endif
