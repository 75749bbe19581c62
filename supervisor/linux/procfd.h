/* SPDX-License-Identifier: MIT */
/* procfd.h - all that a process has open. */
#ifndef SUP_LINUX_PROCFD_H
#define SUP_LINUX_PROCFD_H

#include <sys/types.h>

typedef int (*ProcfdCallback)(int fd, ino_t inode, void *userdata);
typedef int (*ProcfdLinkCallback)(int fd, const char *target, void *userdata);

ino_t procfd_inode(pid_t pid, int fd);
int procfd_flags(pid_t pid, int fd, int *ret_flags);
int procfd_protocol(pid_t pid, int fd, char *ret_name, size_t size);
int procfd_is_watched(pid_t pid, int fd);
int procfd_find_socket(pid_t pid, ino_t inode, int except_fd, int *ret_fd);
int procfd_read_links(pid_t pid, ProcfdLinkCallback callback, void *userdata);

int procfd_read_sockets(pid_t pid, ProcfdCallback callback, void *userdata);

#endif
