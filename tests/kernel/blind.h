/* SPDX-License-Identifier: MIT */
/*
 * blind.h - a client that hears nothing any more, as if its host had vanished or the network were
 * cut: a filter on its socket drops whatever comes.
 */
#ifndef SUP_TESTS_KERNEL_BLIND_H
#define SUP_TESTS_KERNEL_BLIND_H

#include "fact.h"

#include <linux/filter.h>

static inline void
blind_set(int fd)
{
        struct sock_filter code = BPF_STMT(BPF_RET | BPF_K, 0);
        struct sock_fprog program = {.len = 1, .filter = &code};

        MUST(setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof(program)) == 0);
}

static inline void
blind_end(int fd)
{
        fact_set(fd, SO_DETACH_FILTER);
}

#endif
