/* SPDX-License-Identifier: MIT */
/*
 * group-chance.c - the program on a SO_REUSEPORT group can cast dice: a given share of the new
 * connections goes to one member. This is how a new generation gets five clients in a hundred.
 */
#include "group.h"

enum { CLIENTS = 2000 };

/* Ask for that share for the second member. Returns how many it got. */
static int
share(int first_fd, int second_fd, unsigned percent)
{
        struct sock_filter code[] = {
                BPF_STMT(BPF_LD | BPF_W | BPF_ABS, (unsigned)(SKF_AD_OFF + SKF_AD_RANDOM)),
                BPF_STMT(BPF_ALU | BPF_MOD | BPF_K, 100),
                BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, percent, 1, 0),
                BPF_STMT(BPF_RET | BPF_K, 1),
                BPF_STMT(BPF_RET | BPF_K, 0),
        };
        int n;

        MUST(group_attach(first_fd, code, 5) == 0);
        group_clients(CLIENTS);
        n = group_drain(second_fd);
        MUST(group_drain(first_fd) + n == CLIENTS);
        return n;
}

int
main(void)
{
        int first_fd;
        int second_fd;
        int n;

        fact_begin();
        first_fd = group_join();
        second_fd = group_join();
        n = share(first_fd, second_fd, 5);
        FACT(n > CLIENTS * 2 / 100 && n < CLIENTS * 9 / 100, "asked for 5 %% of %d: %d", CLIENTS,
             n);
        n = share(first_fd, second_fd, 50);
        FACT(n > CLIENTS * 44 / 100 && n < CLIENTS * 56 / 100, "asked for 50 %%: %d", n);
        return fact_end();
}
