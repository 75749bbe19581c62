/* SPDX-License-Identifier: MIT */
/*
 * time-wait-old-segment.c - the second reason of TIME_WAIT: a segment that was delayed on its way may
 * come when its connection is over. If a new connection between the same two ports has reached its
 * sequence number, the old bytes are taken for new ones. The side that is in TIME_WAIT begins no such
 * connection before the old segments have died out.
 */
#include "look.h"

#include <arpa/inet.h>
#include <netinet/ip.h>

enum { CLIENT_PORT = 5555, FAST = 64 << 20 };

static uint32_t
sequence(int fd, int queue)
{
        uint32_t number = 0;
        socklen_t length = sizeof(number);
        int mode = TCP_REPAIR_ON;

        MUST(setsockopt(fd, IPPROTO_TCP, TCP_REPAIR, &mode, sizeof(mode)) == 0);
        MUST(setsockopt(fd, IPPROTO_TCP, TCP_REPAIR_QUEUE, &queue, sizeof(queue)) == 0);
        MUST(getsockopt(fd, IPPROTO_TCP, TCP_QUEUE_SEQ, &number, &length) == 0);
        mode = TCP_REPAIR_OFF_NO_WP;
        MUST(setsockopt(fd, IPPROTO_TCP, TCP_REPAIR, &mode, sizeof(mode)) == 0);
        fact_set(fd, SO_REUSEADDR); /* which the repair has cleared */
        return number;
}

/* Connect from the client's port. Returns the socket, or minus the errno. */
static int
connect_from_port(void)
{
        struct sockaddr_in address = fact_address();
        int fd = fact_socket();
        int error;

        address.sin_port = htons(CLIENT_PORT);
        fact_set(fd, SO_REUSEADDR); /* or bind() would refuse already */
        MUST(bind(fd, (struct sockaddr *)&address, sizeof(address)) == 0);
        address.sin_port = htons(FACT_PORT);
        if (connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0)
                return fd;
        error = errno;
        close(fd);
        return -error;
}

/* Put a segment of the first connection, "old", on the wire a second time. */
static void
send_old(uint32_t seq, uint32_t ack)
{
        struct sockaddr_in to = fact_address();
        struct {
                struct tcphdr tcp;
                char data[4];
        } segment = {
                .tcp = {.source = htons(CLIENT_PORT),
                        .dest = htons(FACT_PORT),
                        .seq = htonl(seq),
                        .ack_seq = htonl(ack),
                        .doff = sizeof(struct tcphdr) / 4,
                        .psh = 1,
                        .ack = 1,
                        .window = 0xffff},
                .data = "old",
        };
        uint32_t sum = 2 * ((INADDR_LOOPBACK >> 16) + (INADDR_LOOPBACK & 0xffff)) + IPPROTO_TCP +
                       sizeof(segment);
        int fd = socket(AF_INET, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_TCP);

        for (size_t i = 0; i < sizeof(segment) / 2; i++) {
                uint16_t word;

                memcpy(&word, (char *)&segment + 2 * i, 2);
                sum += ntohs(word);
        }
        sum = (sum & 0xffff) + (sum >> 16);
        segment.tcp.check = htons((uint16_t) ~((sum & 0xffff) + (sum >> 16)));
        to.sin_port = 0;
        MUST(fd >= 0 && sendto(fd, &segment, sizeof(segment), 0, (struct sockaddr *)&to,
                               sizeof(to)) == (ssize_t)sizeof(segment));
        close(fd);
}

/* A connection that sent a lot in no time, and is over. Returns its last sequence number. */
static uint32_t
first_connection(int listener_fd)
{
        static char much[1 << 16];
        int client_fd = connect_from_port();
        int fd = accept(listener_fd, NULL, NULL);
        uint32_t last;

        MUST(client_fd >= 0 && fd >= 0);
        for (ssize_t sent = 0; sent < FAST;) {
                ssize_t n = send(client_fd, much, sizeof(much), MSG_DONTWAIT);

                MUST(n > 0 || errno == EAGAIN);
                sent += n > 0 ? n : 0;
                do
                        n = recv(fd, much, sizeof(much), MSG_DONTWAIT);
                while (n > 0);
        }
        last = sequence(client_fd, TCP_SEND_QUEUE);
        close(client_fd);
        close(fd);
        return last;
}

int
main(void)
{
        int listener_fd;
        int client_fd;
        uint32_t last;
        uint32_t now;
        char data[8] = "";
        int fd;

        fact_begin();
        fact_sysctl("tcp_timestamps", "0"); /* a second guard, which not every peer has */
        listener_fd = fact_listener(true);
        first_connection(listener_fd);
        MUST(look_wait(CLIENT_PORT, TCP_TIME_WAIT) == TCP_TIME_WAIT);
        client_fd = connect_from_port();
        FACT(client_fd == -EADDRNOTAVAIL, "with TIME_WAIT, the same two ports again: %s",
             fact_say(-client_fd));

        fact_begin();
        fact_sysctl("tcp_timestamps", "0");
        fact_sysctl("tcp_max_tw_buckets", "0"); /* the kernel keeps none */
        listener_fd = fact_listener(true);
        last = first_connection(listener_fd);
        MUST(look_wait(CLIENT_PORT, LOOK_NOTHING) == LOOK_NOTHING);
        client_fd = connect_from_port();
        FACT(client_fd >= 0, "without TIME_WAIT: %s", fact_say(client_fd < 0 ? -client_fd : 0));
        MUST(client_fd >= 0);
        fd = accept(listener_fd, NULL, NULL);
        now = sequence(client_fd, TCP_SEND_QUEUE);
        FACT((int32_t)(last - now) > 0,
             "its sequence numbers are %d below the end of the old one's", (int32_t)(last - now));
        send_old(now, sequence(client_fd, TCP_RECV_QUEUE));
        MUST(recv(fd, data, sizeof(data), MSG_DONTWAIT) > 0 || errno == EAGAIN);
        FACT(strcmp(data, "old") == 0, "so when a delayed segment comes, the new one reads: \"%s\"",
             data);
        return fact_end();
}
