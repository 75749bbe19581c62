/* SPDX-License-Identifier: MIT */
/* ifaddr.c - whether an IPv6 address is one of this machine, and can be used yet. */
#include "linux/ifaddr.h"

#include <ctype.h>
#include <linux/if_addr.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"

#define ADDRESS_DIGITS 32

static bool
is_address(const char *line, const struct in6_addr *address)
{
        for (size_t i = 0; i < ADDRESS_DIGITS; i++) {
                unsigned nibble = i % 2 ? address->s6_addr[i / 2] & 0xfU
                                        : (unsigned)address->s6_addr[i / 2] >> 4;

                if (tolower((unsigned char)line[i]) != "0123456789abcdef"[nibble])
                        return false;
        }
        return line[ADDRESS_DIGITS] == ' ';
}

/* Read /proc/net/if_inet6: `ADDRESS INDEX PREFIX SCOPE FLAGS NAME`, numbers in hexadecimal. */
IfaddrState
ifaddr_parse_state(const char *text, const struct in6_addr *address)
{
        while (*text) {
                const char *p = text + ADDRESS_DIGITS;
                unsigned long flags = 0;

                if (strnlen(text, ADDRESS_DIGITS) == ADDRESS_DIGITS && is_address(text, address)) {
                        for (unsigned i = 0; i < 4; i++) {
                                char *end;

                                flags = strtoul(p, &end, 16);
                                p = end;
                        }
                        if (flags & IFA_F_DADFAILED)
                                return IFADDR_DUPLICATE;
                        /* An optimistic address can be bound while it is tentative. */
                        return (flags & IFA_F_TENTATIVE) && !(flags & IFA_F_OPTIMISTIC)
                                       ? IFADDR_TENTATIVE
                                       : IFADDR_READY;
                }
                text += strcspn(text, "\n");
                text += *text == '\n';
        }
        return IFADDR_NONE;
}

/* Ask for an address of this network namespace. */
IfaddrState
ifaddr_state(const struct in6_addr *address)
{
        CLEANUP_FILE FILE *file = fopen("/proc/net/if_inet6", "re");
        CLEANUP_FREE char *line = NULL;
        size_t size = 0;

        if (!file)
                return IFADDR_UNKNOWN;
        while (getline(&line, &size, file) > 0) {
                IfaddrState state = ifaddr_parse_state(line, address);

                if (state != IFADDR_NONE)
                        return state;
        }
        return IFADDR_NONE;
}
