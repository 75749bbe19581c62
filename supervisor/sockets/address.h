/* SPDX-License-Identifier: MIT */
/* address.h - an address to listen on, as people write it and as the kernel takes it. */
#ifndef SUP_SOCKETS_ADDRESS_H
#define SUP_SOCKETS_ADDRESS_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/un.h>

#define ADDRESS_TEXT_MAX 160

typedef struct Address {
        union {
                struct sockaddr any;
                struct sockaddr_in in;
                struct sockaddr_in6 in6;
                struct sockaddr_un un;
                struct sockaddr_storage storage;
        };
        socklen_t length;
        int type;    /* SOCK_STREAM, SOCK_DGRAM, SOCK_SEQPACKET */
        bool v6only; /* AF_INET6: IPV6_V6ONLY is part of the address */
} Address;

int address_from_socket(int fd, Address *ret);
int address_from_bind(int fd, const void *sockaddr, socklen_t length, Address *ret);
uint16_t address_port(const Address *a);
void address_set_port(Address *a, uint16_t port);
bool address_is_bound(int fd);
bool address_has_port(const Address *a);
Address address_unmapped(const Address *a);
bool address_is_wildcard(const Address *a);
bool address_is_path(const Address *a);
bool address_is_reserved_vsock(const Address *a);
bool address_is_automatic(const Address *a);
bool address_equal(const Address *a, const Address *b);
bool address_covers(const Address *wide, const Address *narrow);
bool address_excludes(const Address *a, const Address *b);
const char *address_format_plain(const Address *a, char *ret_text, size_t size);
const char *address_format(const Address *a, char *ret_text, size_t size);

#endif
