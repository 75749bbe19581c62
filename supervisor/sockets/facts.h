/* SPDX-License-Identifier: MIT */
/*
 * facts.h - what is known about an address that somebody wants to bind.
 *
 * Gathered by look.c, judged by verdict.c. "Not told" is a value of its own everywhere: what the
 * kernel does not say is never filled in.
 */
#ifndef SUP_SOCKETS_FACTS_H
#define SUP_SOCKETS_FACTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "linux/holders.h"
#include "linux/ifaddr.h"
#include "linux/netns.h"
#include "linux/process.h"
#include "linux/sockdiag.h"
#include "sockets/address.h"
#include "sockets/probe.h"

/* A socket that may be in the way, or one that stands for many of its like without a process. */
typedef struct FactSocket {
        SockdiagSocket s; /* unix: family AF_UNIX, state, inode, uid and the queue */
        size_t n_alike;   /* at least 1 */
        int reuseaddr;    /* 1, 0, or -1: not told */
        int reuseport;
        bool peer_is_listener; /* somebody on this machine listens at the other end */
        size_t n_holders;
        CgroupPlace place; /* where it was made, looked for if nobody has it */
} FactSocket;

/* A process that has a socket open. */
typedef struct FactHolder {
        size_t socket; /* index */
        int fd;        /* -1: guessed, since it could not be read */
        bool is_first; /* its parent is not a holder of the same socket */
        Process process;
} FactHolder;

/* What is at a unix path. */
typedef enum FactPath {
        FACT_PATH_NONE,
        FACT_PATH_SOCKET,
        FACT_PATH_DIRECTORY,
        FACT_PATH_LINK,
        FACT_PATH_DANGLING, /* a symbolic link to nothing */
        FACT_PATH_OTHER,
} FactPath;

#define FACTS_NOT_TRIED (-1)
#define FACTS_PATH_MAX 108 /* sun_path of unix(7) */

typedef struct Facts {
        Address address;
        ProbeSocket asker;

        int error;           /* of a bind() as asked: 0, EADDRINUSE, … */
        int error_reuseaddr; /* the same with SO_REUSEADDR, or FACTS_NOT_TRIED */
        int error_reuseport;
        int error_as_owner; /* with SO_REUSEPORT and the uid of the socket in the way */

        FactSocket *sockets; /* that overlap with the address */
        size_t n_sockets;
        FactHolder *holders;
        size_t n_holders;
        HoldersView view;
        bool is_root;     /* so that only other namespaces and messages hide anything */
        bool hides_bound; /* this kernel does not show bound sockets; tried if nothing was found */
        bool was_gone;    /* a socket was in the way, and a moment later was not */

        unsigned first_unprivileged; /* port */
        unsigned range_first;        /* of local ports for outgoing connections */
        unsigned range_last;
        unsigned clock_hz; /* ticks of the kernel's timers in a second, 0: not told */

        IfaddrState local; /* asked for IPv6 */
        FactPath path;
        int connect_error; /* to a socket at the path: 0 answers, ECONNREFUSED, … FACTS_NOT_TRIED */
        char directory[FACTS_PATH_MAX]; /* of the path */
        Netns netns; /* where the path's sockets are found, if not here: as root */
} Facts;

void facts_init(Facts *f, const Address *address, const ProbeSocket *asker);
void facts_deinit(Facts *f);
int facts_add_socket(Facts *f, const SockdiagSocket *s);
int facts_find_holders(Facts *f);
const FactHolder *facts_first_holder(const Facts *f, const FactSocket *s);

#endif
