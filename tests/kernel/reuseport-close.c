/* SPDX-License-Identifier: MIT */
/*
 * reuseport-close.c - each socket of a SO_REUSEPORT group has a queue of its own, and who closes one
 * resets what waits in it, handshakes included, although others listen on the same address; with
 * net.ipv4.tcp_migrate_req they move over. Hence sup has all workers share one held socket, and
 * drains a member of a group before it closes it.
 */
#include "fact.h"

#include <linux/filter.h>
#include <netinet/tcp.h>
#include <poll.h>

enum { QUEUED = 200, HANDSHAKES = 60, CLIENTS = QUEUED + HANDSHAKES };

static int
member(void)
{
        int fd = fact_socket();

        fact_set(fd, SO_REUSEPORT);
        MUST(fact_bind(fd) == 0 && fact_listen(fd) == 0);
        MUST(fcntl(fd, F_SETFL, O_NONBLOCK) == 0);
        return fd;
}

/* From now on the ACK that ends a handshake is lost: only a SYN gets through. */
static void
lose_acks(int listener_fd)
{
        struct sock_filter code[] = {
                BPF_STMT(BPF_LD | BPF_B | BPF_ABS, 13), /* the flags of the TCP header */
                BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, TH_SYN, 0, 1),
                BPF_STMT(BPF_RET | BPF_K, UINT32_MAX),
                BPF_STMT(BPF_RET | BPF_K, 0),
        };
        struct sock_fprog program = {.len = 4, .filter = code};

        MUST(setsockopt(listener_fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof(program)) == 0);
}

/* The client asks: wait until it is served or turned away. */
static bool
is_served(int client_fd, int listener_fd)
{
        struct pollfd p[] = {{.fd = client_fd, .events = POLLIN},
                             {.fd = listener_fd, .events = POLLIN}};
        char byte = 0;

        (void)!send(client_fd, "?", 1, MSG_NOSIGNAL);
        while (!p[0].revents) {
                MUST(poll(p, 2, 5000) > 0);
                if (p[1].revents) {
                        int fd = accept(listener_fd, NULL, NULL);

                        MUST(fd >= 0 && write(fd, "!", 1) == 1);
                        close(fd);
                }
        }
        return read(client_fd, &byte, 1) == 1 && byte == '!';
}

static void
close_one(const char *migrate)
{
        int client_fds[CLIENTS];
        int n_queued = 0;
        int n_handshakes = 0;
        int staying_fd;
        int leaving_fd;

        fact_begin();
        fact_sysctl("tcp_migrate_req", migrate);
        staying_fd = member();
        leaving_fd = member();
        for (int i = 0; i < CLIENTS; i++) {
                if (i == QUEUED) {
                        lose_acks(staying_fd);
                        lose_acks(leaving_fd);
                }
                client_fds[i] = fact_connect();
                MUST(client_fds[i] >= 0);
        }
        fact_set(staying_fd, SO_DETACH_FILTER);
        fact_set(leaving_fd, SO_DETACH_FILTER);
        close(leaving_fd);
        for (int i = 0; i < CLIENTS; i++)
                if (!is_served(client_fds[i], staying_fd))
                        i < QUEUED ? n_queued++ : n_handshakes++;
        FACT(*migrate == '0' ? n_queued > 0 && n_handshakes > 0 : n_queued + n_handshakes == 0,
             "tcp_migrate_req = %s, one of two is closed: %d of %d in queues and %d of %d in "
             "handshakes were reset",
             migrate, n_queued, QUEUED, n_handshakes, HANDSHAKES);
        for (int i = 0; i < CLIENTS; i++)
                close(client_fds[i]);
        close(staying_fd);
}

int
main(void)
{
        close_one("0");
        close_one("1");
        return fact_end();
}
