/* SPDX-License-Identifier: MIT */
/* sockdiag.h - what the kernel's socket tables say (NETLINK_SOCK_DIAG, sock_diag(7)). */
#ifndef SUP_LINUX_SOCKDIAG_H
#define SUP_LINUX_SOCKDIAG_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* A TCP socket that is bound and neither listens nor is connected: linux/inet_diag.h, Linux 6.8. */
#define SOCKDIAG_BOUND 13

/* One TCP or UDP socket of a dump. */
typedef struct SockdiagSocket {
        int family;     /* AF_INET, AF_INET6 */
        int protocol;   /* IPPROTO_TCP, IPPROTO_UDP */
        unsigned state; /* TCP_LISTEN, …, SOCKDIAG_BOUND */
        uint16_t port;  /* local, host order */
        uint16_t peer_port;
        struct in6_addr address; /* local; AF_INET: in the first word */
        struct in6_addr peer;
        unsigned device;       /* the interface that it is bound to, or 0 */
        int v6only;            /* 1, 0, or -1: not told */
        bool is_timer;         /* a TIME_WAIT timer runs: neither inode nor uid are told */
        uint32_t expires_msec; /* of it, or 0 */
        uint32_t rqueue;       /* LISTEN: connections in the accept queue */
        uint32_t wqueue;       /* LISTEN: the queue's limit */
        ino_t inode;           /* 0: no process has it, or not yet */
        bool is_shut_down;     /* in one direction at least */
        bool has_uid;
        uid_t uid;
        uint64_t cgroup_id; /* 0: not told */
        uint32_t idle_msec; /* TCP, if asked for: since it last sent or received data */
        uint32_t age_msec;  /* TCP_SYN_RECV: at most so long ago its SYN came */
} SockdiagSocket;

typedef void (*SockdiagCallback)(const SockdiagSocket *socket, void *userdata);

/* Which sockets of this network namespace are asked for. */
typedef struct SockdiagQuery {
        int protocol;    /* IPPROTO_TCP, IPPROTO_UDP */
        uint32_t states; /* a mask of 1 << TCP_LISTEN, … */
        uint16_t port;   /* the local one; 0: any */
        bool with_idle;
} SockdiagQuery;

int sockdiag_dump_inet(const SockdiagQuery *query, SockdiagCallback callback, void *userdata);
int sockdiag_parse_inet(const void *replies, size_t size, int protocol, SockdiagCallback callback,
                        void *userdata);
bool sockdiag_shows_bound(void);

/* One unix socket of a dump. */
typedef struct SockdiagUnix {
        int type;       /* SOCK_STREAM, … */
        unsigned state; /* TCP_LISTEN, TCP_ESTABLISHED, TCP_CLOSE: bound, or not even that */
        ino_t inode;
        bool has_uid;
        uid_t uid;
        char name[109]; /* as bound: a path, or, after a NUL, an abstract name; not terminated */
        size_t n_name;  /* 0: not bound */
        uint32_t file_inode;  /* of the path's file, or 0 (the kernel tells the low 32 bits) */
        uint32_t file_device; /* as the kernel writes it: major << 20 | minor */
        uint32_t rqueue;      /* listening: connections in the queue, and its limit */
        uint32_t wqueue;
        uint32_t
                n_gone; /* listening: connections in the queue whose client is gone, if asked for */
} SockdiagUnix;

typedef void (*SockdiagUnixCallback)(const SockdiagUnix *socket, void *userdata);

int sockdiag_dump_unix(SockdiagUnixCallback callback, void *userdata);
int sockdiag_parse_unix(const void *replies, size_t size, SockdiagUnixCallback callback,
                        void *userdata);
int sockdiag_find_unix(ino_t inode, bool with_clients, SockdiagUnix *ret);

#endif
