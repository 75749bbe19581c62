/* SPDX-License-Identifier: MIT */
/* conflict.c - why an address cannot be bound, in one sentence. Asked only after a bind failed. */
#include "sockets/conflict.h"

#include <errno.h>
#include <netinet/tcp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>

#include "base/cleanup.h"
#include "linux/proc.h"
#include "linux/sockdiag.h"

typedef struct Search {
        const Address *wanted;
        bool found;
        SockdiagSocket socket;
} Search;

/* Whether a socket on this local address is in the way of the wanted one. */
static bool
overlaps(const Address *wanted, const SockdiagSocket *s)
{
        const struct in6_addr any = IN6ADDR_ANY_INIT;

        if (s->port != address_port(wanted))
                return false;
        if (address_is_wildcard(wanted) || s->address.s6_addr32[0] == 0)
                return true;
        if (wanted->any.sa_family == AF_INET)
                return s->address.s6_addr32[0] == wanted->in.sin_addr.s_addr;
        return IN6_ARE_ADDR_EQUAL(&s->address, &wanted->in6.sin6_addr) ||
               IN6_ARE_ADDR_EQUAL(&s->address, &any);
}

static void
on_socket(const SockdiagSocket *s, void *userdata)
{
        Search *search = userdata;

        if (search->found || !overlaps(search->wanted, s))
                return;
        search->found = true;
        search->socket = *s;
}

/* The first socket in one of the states that is in the way. */
static bool
find_socket(const Address *address, uint32_t states, SockdiagSocket *ret)
{
        static const int families[] = {AF_INET, AF_INET6};
        Search search = {.wanted = address};
        int protocol = address->type == SOCK_DGRAM ? IPPROTO_UDP : IPPROTO_TCP;

        for (size_t i = 0; i < ELEMENTSOF(families) && !search.found; i++)
                (void)sockdiag_dump_inet(families[i], protocol, states, on_socket, &search);
        if (search.found)
                *ret = search.socket;
        return search.found;
}

static char *
sentence(const char *format, ...) __attribute__((format(printf, 1, 2)));

static char *
sentence(const char *format, ...)
{
        char *text = NULL;
        va_list args;

        va_start(args, format);
        if (vasprintf(&text, format, args) < 0)
                text = NULL;
        va_end(args);
        return text;
}

/* "python3 (pid 123)", or what little is known. */
static const char *
describe_owner(ino_t inode, char *ret_text, size_t size)
{
        char comm[PROC_COMM_MAX];
        pid_t pid;

        if (inode && proc_find_socket_owner(inode, &pid) == 1 &&
            proc_comm(pid, comm, sizeof(comm)) == 0)
                (void)snprintf(ret_text, size, "%s (pid %d)", comm, (int)pid);
        else
                (void)snprintf(ret_text, size, "a process that may not be seen from here");
        return ret_text;
}

/*
 * Who listens where a TCP or UDP server wanted to bind: a sentence to be freed, or NULL.
 */
char *
conflict_find_listener(const Address *address)
{
        char owner[128];
        SockdiagSocket s;

        if (!address_has_port(address) ||
            !find_socket(address, address->type == SOCK_DGRAM ? UINT32_MAX : 1U << TCP_LISTEN, &s))
                return NULL;
        return sentence("%s has that port already", describe_owner(s.inode, owner, sizeof(owner)));
}

static char *
explain_in_use(const Address *address)
{
        char owner[128];
        SockdiagSocket s;
        ino_t inode;
        char *text;

        if (address_is_path(address)) {
                struct stat st;

                if (lstat(address->un.sun_path, &st) == 0 && !S_ISSOCK(st.st_mode))
                        return sentence("something that is not a socket has this name");
                inode = proc_find_unix_socket(address->un.sun_path);
                return sentence("%s has it open",
                                describe_owner(inode, owner, sizeof(owner)));
        }
        if (!address_has_port(address))
                return sentence("it is in use");
        text = conflict_find_listener(address);
        if (text)
                return text;
        if (find_socket(address, 1U << TCP_TIME_WAIT | 1U << TCP_FIN_WAIT1 | 1U << TCP_FIN_WAIT2, &s))
                return sentence("a server that ran without SO_REUSEADDR left connections behind; "
                                "the port is free when they end, about a minute after it");
        return sentence("another socket is bound to the port");
}

static char *
explain_access(const Address *address)
{
        CLEANUP_FILE FILE *file = NULL;
        unsigned first = 1024;

        if (!address_has_port(address))
                return sentence("permission denied");
        file = fopen("/proc/sys/net/ipv4/ip_unprivileged_port_start", "re");
        if (file && fscanf(file, "%u", &first) != 1)
                first = 1024;
        if (address_port(address) >= first)
                return sentence("permission denied by a security module");
        return sentence("ports below %u need root or CAP_NET_BIND_SERVICE", first);
}

/*
 * The reason why bind() of the address gave `error` (a positive errno): one sentence without the
 * address, to be freed by the caller; NULL when memory is short.
 */
char *
conflict_explain(const Address *address, int error)
{
        switch (error) {
        case EADDRINUSE:
                return explain_in_use(address);
        case EACCES:
                return explain_access(address);
        case EADDRNOTAVAIL:
                return sentence("no interface of this machine has that address; the attribute "
                                "freebind binds it all the same");
        case EAFNOSUPPORT:
                return sentence("this kernel does not have that address family");
        default:
                return sentence("%s", strerrordesc_np(error));
        }
}
