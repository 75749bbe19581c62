/* SPDX-License-Identifier: MIT */
/*
 * held-or-rebound.c - what a supervisor that holds the socket is good for: a worker that needs 50 ms
 * to start is killed again and again while clients come. Where each worker binds the port itself,
 * with SO_REUSEADDR, clients are refused all the while; where it is held, none is.
 */
#include "fact.h"

enum { KILLS = 6, LIFE_MS = 60, START_MS = 50 };

typedef struct Count {
        int served;
        int refused;
        int cut; /* reset, or ended without an answer */
} Count;

static _Noreturn void
work(int held_fd)
{
        int listener_fd;
        char byte;

        fact_pause_ms(START_MS);
        listener_fd = held_fd >= 0 ? held_fd : fact_listener(true);
        for (;;) {
                int fd = accept(listener_fd, NULL, NULL);

                if (fd >= 0 && read(fd, &byte, 1) == 1)
                        (void)!write(fd, "!", 1);
                close(fd);
        }
}

static void
ask(Count *count)
{
        char byte = 0;
        int fd = fact_connect();

        if (fd == -ECONNREFUSED) {
                count->refused++;
                fact_pause_ms(1);
                return;
        }
        if (fd >= 0 && send(fd, "?", 1, MSG_NOSIGNAL) == 1 && read(fd, &byte, 1) == 1)
                count->served++;
        else
                count->cut++;
        if (fd >= 0)
                close(fd);
}

static Count
kill_again_and_again(int held_fd)
{
        Count count = {0};

        for (int i = 0; i <= KILLS; i++) {
                pid_t worker = fact_fork();
                int n_served = count.served;
                double end;

                if (worker == 0)
                        work(held_fd);
                while (count.served == n_served)
                        ask(&count); /* until it has started */
                end = fact_seconds() + LIFE_MS / 1e3;
                while (fact_seconds() < end)
                        ask(&count);
                kill(worker, SIGKILL);
                fact_wait(worker);
        }
        return count;
}

int
main(void)
{
        Count count;

        fact_begin();
        fact_sysctl("tcp_max_tw_buckets", "0"); /* or the client would run out of ports */
        count = kill_again_and_again(-1);
        FACT(count.refused > 0,
             "each worker binds the port, %d kills: %d served, %d refused, %d cut", KILLS,
             count.served, count.refused, count.cut);

        fact_begin();
        fact_sysctl("tcp_max_tw_buckets", "0");
        count = kill_again_and_again(fact_listener(true));
        FACT(count.refused == 0, "the port is held, %d kills: %d served, %d refused, %d cut", KILLS,
             count.served, count.refused, count.cut);
        return fact_end();
}
