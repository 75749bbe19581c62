/* SPDX-License-Identifier: MIT */
/*
 * group-steer.c - a program on a SO_REUSEPORT group (SO_ATTACH_REUSEPORT_CBPF) sends every new
 * connection to one member, from one system call to the next; when a member is closed the last one
 * takes its index. Hence a generation can be relieved without losing a client, and sup attaches the
 * program anew whenever a member has gone.
 */
#include "group.h"

enum { CLIENTS = 100, ROUNDS = 10 };

int
main(void)
{
        int fds[3];
        int n_right = 0;
        int n_last;
        int error;

        fact_begin();
        for (int i = 0; i < 3; i++)
                fds[i] = group_join();
        for (int round = 0; round < ROUNDS; round++) {
                unsigned index = (unsigned)round % 3;

                error = group_steer(fds[0], index);
                MUST(error == 0);
                group_clients(CLIENTS);
                n_right += group_drain(fds[index]);
        }
        FACT(n_right == CLIENTS * ROUNDS,
             "switched %d times, %d of %d clients came to the chosen one", ROUNDS, n_right,
             CLIENTS * ROUNDS);

        close(fds[0]);
        MUST(group_steer(fds[1], 0) == 0);
        group_clients(CLIENTS);
        n_last = group_drain(fds[2]);
        FACT(n_last == CLIENTS,
             "the first of three is closed: %d of %d for index 0 come to the last", n_last,
             CLIENTS);
        return fact_end();
}
