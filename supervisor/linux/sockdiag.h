/* SPDX-License-Identifier: MIT */
/* sockdiag.h - what the kernel's socket tables say (NETLINK_SOCK_DIAG, sock_diag(7)). */
#ifndef SUP_LINUX_SOCKDIAG_H
#define SUP_LINUX_SOCKDIAG_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
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
        uint32_t idle_msec; /* TCP: since it last sent or received data */
} SockdiagSocket;

typedef void (*SockdiagCallback)(const SockdiagSocket *socket, void *userdata);

int sockdiag_dump_inet(int family, int protocol, uint32_t states, SockdiagCallback callback,
                       void *userdata);
typedef void (*SockdiagUnixCallback)(ino_t inode, const char *name, size_t n_name, void *userdata);

int sockdiag_dump_unix_names(SockdiagUnixCallback callback, void *userdata);
int sockdiag_unix_queue(ino_t inode, unsigned *ret_length);

#endif
