/* SPDX-License-Identifier: MIT */
/* group.h - a SO_REUSEPORT group: its members, its steering program, and who gets the clients. */
#ifndef SUP_TESTS_KERNEL_GROUP_H
#define SUP_TESTS_KERNEL_GROUP_H

#include "fact.h"

#include <linux/filter.h>

static inline int
group_bind(void)
{
        int fd = fact_socket();

        fact_set(fd, SO_REUSEPORT);
        MUST((errno = fact_bind(fd)) == 0);
        return fd;
}

static inline void
group_listen(int fd)
{
        MUST((errno = fact_listen(fd)) == 0);
        MUST(fcntl(fd, F_SETFL, O_NONBLOCK) == 0);
}

static inline int
group_join(void)
{
        int fd = group_bind();

        group_listen(fd);
        return fd;
}

/* Attach a program that says to which member a new connection goes. Returns 0 or the errno. */
static inline int
group_attach(int fd, struct sock_filter *code, unsigned short n_lines)
{
        struct sock_fprog program = {.len = n_lines, .filter = code};

        return setsockopt(fd, SOL_SOCKET, SO_ATTACH_REUSEPORT_CBPF, &program, sizeof(program)) < 0
                       ? errno
                       : 0;
}

/* All of them to the member with this index. */
static inline int
group_steer(int fd, unsigned index)
{
        struct sock_filter code = BPF_STMT(BPF_RET | BPF_K, index);

        return group_attach(fd, &code, 1);
}

/* How many clients wait at a member; they are closed. */
static inline int
group_drain(int fd)
{
        int n = 0;
        int client_fd;

        while ((client_fd = accept(fd, NULL, NULL)) >= 0) {
                close(client_fd);
                n++;
        }
        return n;
}

/* Connect that many clients, one at a time, so that nobody's queue or port range gets full. */
static inline void
group_clients(int n_clients)
{
        struct linger at_once = {.l_onoff = 1};

        for (int i = 0; i < n_clients; i++) {
                int fd = fact_connect();

                MUST(fd >= 0);
                MUST(setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once)) == 0);
                close(fd);
        }
}

#endif
