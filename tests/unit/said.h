/* SPDX-License-Identifier: MIT */
/* said.h - what the log writes to stderr, line by line: each write(2) is one message of a socket. */
#ifndef SUP_TESTS_UNIT_SAID_H
#define SUP_TESTS_UNIT_SAID_H

#include <errno.h>

#include "unit.h"

#define SAID_MAX 65536

static struct {
        int real_fd; /* the stderr that we had */
        int fd;      /* the other end of the one that we gave */
        char text[SAID_MAX];
} said = {.real_fd = -1, .fd = -1};

/* From now on stderr is ours to read. */
static inline void
said_begin(void)
{
        int fds[2];

        assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds), 0);
        said.fd = fds[0];
        said.real_fd = dup(STDERR_FILENO);
        assert_true(said.real_fd >= 0);
        assert_int_equal(dup2(fds[1], STDERR_FILENO), STDERR_FILENO);
        (void)close(fds[1]);
}

static inline void
said_end(void)
{
        (void)dup2(said.real_fd, STDERR_FILENO);
        (void)close(said.real_fd);
        (void)close(said.fd);
}

/* The next write; an empty string when there was none. */
static inline const char *
said_next(void)
{
        ssize_t n = recv(said.fd, said.text, sizeof(said.text) - 1, MSG_DONTWAIT);

        said.text[n > 0 ? n : 0] = '\0';
        return said.text;
}

#endif
