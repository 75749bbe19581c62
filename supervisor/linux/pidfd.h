/* SPDX-License-Identifier: MIT */
/* pidfd.h - process descriptors, and taking a duplicate of another process's descriptor. */
#ifndef SUP_LINUX_PIDFD_H
#define SUP_LINUX_PIDFD_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

int pidfd_open_task(pid_t tid);
int pidfd_open_process(pid_t pid);
int pidfd_send(int pidfd, int signo);
int pidfd_get_fd(pid_t tid, int fd);
int pidfd_own_identity(uint64_t *ret);
bool pidfd_has_identity(void);

#endif
