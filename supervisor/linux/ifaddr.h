/* SPDX-License-Identifier: MIT */
/* ifaddr.h - whether an IPv6 address is one of this machine, and can be used yet. */
#ifndef SUP_LINUX_IFADDR_H
#define SUP_LINUX_IFADDR_H

#include <netinet/in.h>

typedef enum IfaddrState {
        IFADDR_UNKNOWN,   /* not asked, or it could not be read */
        IFADDR_NONE,      /* no interface has it */
        IFADDR_TENTATIVE, /* duplicate address detection still runs */
        IFADDR_DUPLICATE, /* and found another machine that has it */
        IFADDR_READY,
} IfaddrState;

IfaddrState ifaddr_parse_state(const char *text, const struct in6_addr *address);
IfaddrState ifaddr_state(const struct in6_addr *address);

#endif
