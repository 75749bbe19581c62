/* SPDX-License-Identifier: MIT */
/* procfd.h - all that a process has open. */
#ifndef SUP_LINUX_PROCFD_H
#define SUP_LINUX_PROCFD_H

#include <sys/types.h>

typedef int (*ProcfdCallback)(int fd, ino_t inode, void *userdata);
typedef int (*ProcfdLinkCallback)(int fd, const char *target, void *userdata);

ino_t procfd_parse_socket(const char *target);
ino_t procfd_inode(pid_t pid, int fd);
int procfd_read_links(pid_t pid, ProcfdLinkCallback callback, void *userdata);

int procfd_read_sockets(pid_t pid, ProcfdCallback callback, void *userdata);

#endif
