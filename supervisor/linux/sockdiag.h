/* SPDX-License-Identifier: MIT */
/* sockdiag.h - what the kernel's socket tables say (NETLINK_SOCK_DIAG, sock_diag(7)). */
#ifndef SUP_LINUX_SOCKDIAG_H
#define SUP_LINUX_SOCKDIAG_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* One socket of a dump. inode 0 and uid 0 of an orphan mean "unknown". */
typedef struct SockdiagSocket {
        int family;
        unsigned state; /* TCP_LISTEN, … */
        uint16_t port;  /* local, host order */
        struct in6_addr address; /* AF_INET: in the first word */
        ino_t inode;
        uid_t uid;
} SockdiagSocket;

typedef void (*SockdiagCallback)(const SockdiagSocket *socket, void *userdata);

int sockdiag_dump_inet(int family, int protocol, uint32_t states, SockdiagCallback callback,
                       void *userdata);
int sockdiag_unix_queue(ino_t inode, unsigned *ret_length);

#endif
