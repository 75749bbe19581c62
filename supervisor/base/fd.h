/* SPDX-License-Identifier: MIT */
/* fd.h - small rules for file descriptors. Knows nothing of sockets. */
#ifndef SUP_BASE_FD_H
#define SUP_BASE_FD_H

#include <stdbool.h>
#include <sys/types.h>

#include "base/cleanup.h"

void fd_close(int fd);
void fd_close_p(int *fd);
int fd_move_above(int consume_fd, int floor);
int fd_set_nonblock(int fd, bool nonblock);
void fd_cloexec_inherited(void);
int fd_open_standard(void);
bool fd_same_file(int fd, dev_t dev, ino_t ino);

/* Hand the descriptor on and leave the variable empty. */
static inline int
fd_steal(int *fd)
{
        int stolen = *fd;

        *fd = -1;
        return stolen;
}

#define CLEANUP_FD CLEANUP(fd_close_p)

#endif
