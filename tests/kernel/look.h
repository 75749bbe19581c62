/* SPDX-License-Identifier: MIT */
/*
 * look.h - what the kernel's own table says of the TCP sockets on a port (sock_diag(7)).
 *
 * Written against the kernel alone, like trap.h. Only sockets whose *local* port it is are seen, so
 * that the two ends of a connection over the loopback are told apart.
 */
#ifndef SUP_TESTS_KERNEL_LOOK_H
#define SUP_TESTS_KERNEL_LOOK_H

#include "fact.h"

#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <netinet/tcp.h>

enum {
        LOOK_NOTHING = 0,        /* no socket: not one of the kernel's states */
        LOOK_SYN_RECV = 3,       /* TCP_SYN_RECV, which sock_diag shows for a waiting handshake */
        LOOK_BOUND = 13,         /* bound and inactive, where the kernel knows this state */
        LOOK_ALL = 0xffe,        /* all states but that */
        LOOK_TIMER_TIMEWAIT = 3, /* idiag_timer of what is not a full socket any more */
};

/* How many sockets there are on that port in that family; the last one goes to *ret. */
static inline int
look_family(int family, unsigned states, unsigned port, struct inet_diag_msg *ret)
{
        struct {
                struct nlmsghdr head;
                struct inet_diag_req_v2 body;
        } request = {
                .head = {.nlmsg_len = sizeof(request),
                         .nlmsg_type = SOCK_DIAG_BY_FAMILY,
                         .nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP},
                .body = {.sdiag_family = (uint8_t)family,
                         .sdiag_protocol = IPPROTO_TCP,
                         .idiag_states = states},
        };
        _Alignas(struct nlmsghdr) char buffer[1 << 16];
        int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_SOCK_DIAG);
        int n_found = 0;
        bool more = true;

        MUST(fd >= 0 && send(fd, &request, sizeof(request), 0) == (ssize_t)sizeof(request));
        while (more) {
                ssize_t left = recv(fd, buffer, sizeof(buffer), 0);
                const void *next = buffer;

                MUST(left > 0);
                while (left > 0) {
                        const struct nlmsghdr *head = next;
                        const void *body = (const char *)next + NLMSG_HDRLEN;
                        const struct inet_diag_msg *message = body;

                        MUST(head->nlmsg_type != NLMSG_ERROR);
                        if (head->nlmsg_type == NLMSG_DONE) {
                                more = false;
                        } else if (ntohs(message->id.idiag_sport) == port) {
                                *ret = *message;
                                n_found++;
                        }
                        next = (const char *)next + NLMSG_ALIGN(head->nlmsg_len);
                        left -= NLMSG_ALIGN(head->nlmsg_len);
                }
        }
        close(fd);
        return n_found;
}

/* How many sockets in one of the states have this local port, IPv4 and IPv6. */
static inline int
look_count(unsigned states, unsigned port, struct inet_diag_msg *ret)
{
        *ret = (struct inet_diag_msg){0};
        return look_family(AF_INET, states, port, ret) + look_family(AF_INET6, states, port, ret);
}

/* The state of the socket on the port, listeners apart; LOOK_NOTHING without one. */
static inline int
look_state(unsigned port)
{
        struct inet_diag_msg found;

        return look_count(LOOK_ALL & ~(1U << TCP_LISTEN), port, &found) ? found.idiag_state
                                                                        : LOOK_NOTHING;
}

/* The same, as soon as it is the expected one, or what it is after three seconds. */
static inline int
look_wait(unsigned port, int expected)
{
        int state = look_state(port);

        for (int i = 0; i < 3000 && state != expected; i++) {
                fact_pause_ms(1);
                state = look_state(port);
        }
        return state;
}

static inline const char *
look_name(int state)
{
        static const char *const names[] = {
                [LOOK_NOTHING] = "nothing",      [TCP_ESTABLISHED] = "ESTABLISHED",
                [TCP_SYN_SENT] = "SYN_SENT",     [TCP_SYN_RECV] = "SYN_RECV",
                [TCP_FIN_WAIT1] = "FIN_WAIT1",   [TCP_FIN_WAIT2] = "FIN_WAIT2",
                [TCP_TIME_WAIT] = "TIME_WAIT",   [TCP_CLOSE] = "CLOSE",
                [TCP_CLOSE_WAIT] = "CLOSE_WAIT", [TCP_LAST_ACK] = "LAST_ACK",
                [TCP_LISTEN] = "LISTEN",         [TCP_CLOSING] = "CLOSING",
        };

        return state < (int)(sizeof(names) / sizeof(*names)) ? names[state] : "?";
}

/* The port at our own end of a socket. */
static inline unsigned
look_port(int fd)
{
        struct sockaddr_in address = {0};
        socklen_t length = sizeof(address);

        MUST(getsockname(fd, (struct sockaddr *)&address, &length) == 0);
        return ntohs(address.sin_port);
}

#endif
