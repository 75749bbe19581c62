/* SPDX-License-Identifier: MIT */
/* leftover.h - how long a dead server's connection keeps the port. For the programs of check-slow. */
#ifndef SUP_TESTS_KERNEL_LEFTOVER_H
#define SUP_TESTS_KERNEL_LEFTOVER_H

#include "look.h"

typedef struct Leftover {
        const char *what; /* the name of the situation, for what is printed */
        double begin;     /* when the server was killed */
        double client_at; /* when the client is to be closed, in s after that; 0: never */
        int client_fd;
} Leftover;

typedef struct LeftoverEnd {
        double free_after; /* s until a bind without SO_REUSEADDR worked */
        double told_after; /* s until the kernel's table said no time was left, or had no socket */
        bool time_wait;    /* whether there was a TIME_WAIT */
} LeftoverEnd;

/* Wait until the port is free, and print each state on the way. */
static inline LeftoverEnd
leftover_watch(Leftover leftover)
{
        LeftoverEnd end = {0};
        int shown = -1;
        bool told = false;

        for (;;) {
                struct inet_diag_msg found = {0};
                int n = look_count(LOOK_ALL & ~(1U << TCP_LISTEN), FACT_PORT, &found);
                int state = n ? found.idiag_state : LOOK_NOTHING;
                double now = fact_seconds() - leftover.begin;

                if (state != shown)
                        printf("%s, at %.1f s: %s\n", leftover.what, now, look_name(state));
                shown = state;
                end.time_wait = end.time_wait || state == TCP_TIME_WAIT;
                if (!told && (n == 0 || found.idiag_expires == 0)) {
                        end.told_after = now;
                        told = true;
                }
                if (fact_try(false) == 0) {
                        end.free_after = fact_seconds() - leftover.begin;
                        return end;
                }
                if (leftover.client_at > 0 && now >= leftover.client_at) {
                        close(leftover.client_fd);
                        leftover.client_at = 0;
                }
                fact_pause_ms(10);
        }
}

#endif
