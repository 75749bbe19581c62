/* SPDX-License-Identifier: MIT */
/*
 * queue-length.c - TCP_INFO of a listener tells how many connections wait in its queue and what its
 * limit is, and listen() by any holder changes that limit for all. Hence sup can say how many
 * waited, and a worker's small backlog can be raised again behind its back.
 */
#include "fact.h"

#include <netinet/tcp.h>

static struct tcp_info
get_info(int fd)
{
        struct tcp_info info = {0};
        socklen_t length = sizeof(info);

        MUST(getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &length) == 0);
        return info;
}

/* Let a child, another holder, call listen() with this backlog. */
static void
listen_elsewhere(int fd, int backlog)
{
        pid_t pid = fact_fork();

        if (pid == 0)
                _exit(listen(fd, backlog) < 0);
        MUST(fact_wait(pid) == 0);
}

int
main(void)
{
        enum { WAITING = 7, SMALL = 5, LARGE = 100 };
        int listener_fd;

        fact_begin();
        listener_fd = fact_listener(true);
        for (int i = 0; i < WAITING; i++)
                MUST(fact_connect() >= 0);
        FACT(get_info(listener_fd).tcpi_unacked == WAITING,
             "tcpi_unacked of a listener with %d in its queue: %u", WAITING,
             get_info(listener_fd).tcpi_unacked);

        listen_elsewhere(listener_fd, SMALL);
        FACT(get_info(listener_fd).tcpi_sacked == SMALL,
             "tcpi_sacked after another holder's listen(%d): %u", SMALL,
             get_info(listener_fd).tcpi_sacked);
        MUST(listen(listener_fd, LARGE) == 0);
        FACT(get_info(listener_fd).tcpi_sacked == LARGE, "and after our listen(%d): %u", LARGE,
             get_info(listener_fd).tcpi_sacked);
        FACT(get_info(listener_fd).tcpi_unacked == WAITING,
             "nobody in the queue was lost by it: %u waiting", get_info(listener_fd).tcpi_unacked);
        return fact_end();
}
