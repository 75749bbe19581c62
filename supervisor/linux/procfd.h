/* SPDX-License-Identifier: MIT */
/* procfd.h - all sockets that a process has open. */
#ifndef SUP_LINUX_PROCFD_H
#define SUP_LINUX_PROCFD_H

#include <sys/types.h>

typedef int (*ProcfdCallback)(int fd, ino_t inode, void *userdata);

int procfd_read_sockets(pid_t pid, ProcfdCallback callback, void *userdata);

#endif
