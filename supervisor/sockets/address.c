/* SPDX-License-Identifier: MIT */
/*
 * address.c - an address to listen on, as the kernel takes it: comparing and printing.
 *
 * Gist: a value without resources. Two addresses are equal when one bind() of each would want the
 * same place in the kernel's tables; IPV6_V6ONLY and the socket's type belong to it.
 */
#include "sockets/address.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/vm_sockets.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>

_Static_assert(sizeof(struct sockaddr_vm) <= sizeof(struct sockaddr_storage), "vsock fits");

static bool
is_vsock(const Address *a)
{
        return a->any.sa_family == AF_VSOCK;
}

static struct sockaddr_vm
vsock_of(const Address *a)
{
        struct sockaddr_vm vm;

        memcpy(&vm, &a->storage, sizeof(vm));
        return vm;
}

static int
read_socket_traits(int fd, Address *a)
{
        socklen_t size = sizeof(a->type);
        int protocol = 0;
        int v6only = 0;

        if (getsockopt(fd, SOL_SOCKET, SO_TYPE, &a->type, &size) < 0)
                return -errno;
        size = sizeof(protocol);
        if (getsockopt(fd, SOL_SOCKET, SO_PROTOCOL, &protocol, &size) < 0)
                return -errno;
        if (address_has_port(a) && protocol != IPPROTO_TCP && protocol != IPPROTO_UDP &&
            protocol != IPPROTO_MPTCP) /* which shares TCP's ports */
                return -EPROTONOSUPPORT;
        size = sizeof(v6only);
        if (a->any.sa_family == AF_INET6 &&
            getsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &v6only, &size) < 0)
                return -errno;
        a->v6only = v6only != 0;
        return 0;
}

/* The address that a socket is bound to. Returns 0 or a negative errno. */
int
address_from_socket(int fd, Address *ret)
{
        Address a = {.length = sizeof(a.storage)};
        int r;

        if (getsockname(fd, &a.any, &a.length) < 0)
                return -errno;
        r = read_socket_traits(fd, &a);
        if (r == 0)
                *ret = a;
        return r;
}

/*
 * The address that a bind() call asks for: its sockaddr, as read from the caller, with the traits
 * of the socket it is for. Returns 0, -EINVAL or -EAFNOSUPPORT for what bind() itself would refuse,
 * or another negative errno.
 */
int
address_from_bind(int fd, const void *sockaddr, socklen_t length, Address *ret)
{
        Address a = {.length = length};
        int domain = AF_UNSPEC;
        socklen_t size = sizeof(domain);
        int r;

        if (length < sizeof(sa_family_t) || length > sizeof(a.storage))
                return -EINVAL;
        if (getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &size) < 0)
                return -errno;
        memcpy(&a.storage, sockaddr, length);
        /* The kernel lets that pass with all addresses (net/ipv4/af_inet.c, __inet_bind). */
        if (a.any.sa_family == AF_UNSPEC && domain == AF_INET &&
            a.in.sin_addr.s_addr == htonl(INADDR_ANY))
                a.any.sa_family = AF_INET;
        if (a.any.sa_family != domain)
                return -EAFNOSUPPORT;
        if ((a.any.sa_family == AF_INET && length < sizeof(a.in)) ||
            (a.any.sa_family == AF_INET6 &&
             length < offsetof(struct sockaddr_in6, sin6_scope_id)) ||
            (a.any.sa_family == AF_UNIX && length > sizeof(a.un)) ||
            (a.any.sa_family == AF_VSOCK && length < sizeof(struct sockaddr_vm)))
                return -EINVAL;
        r = read_socket_traits(fd, &a);
        if (r == 0)
                *ret = a;
        return r;
}

/* Whether a socket has an address already: bind() is refused then. */
bool
address_is_bound(int fd)
{
        Address a = {0};

        return address_from_socket(fd, &a) == 0 && !address_is_automatic(&a);
}

/* Whether the address has a port in the sense of TCP and UDP. */
bool
address_has_port(const Address *a)
{
        return a->any.sa_family == AF_INET || a->any.sa_family == AF_INET6;
}

/* The port in host order; 0 for what has none. */
uint16_t
address_port(const Address *a)
{
        switch (a->any.sa_family) {
        case AF_INET:
                return ntohs(a->in.sin_port);
        case AF_INET6:
                return ntohs(a->in6.sin6_port);
        default:
                return 0;
        }
}

/* Set the port, given in host order. Does nothing where there is none. */
void
address_set_port(Address *a, uint16_t port)
{
        if (a->any.sa_family == AF_INET)
                a->in.sin_port = htons(port);
        else if (a->any.sa_family == AF_INET6)
                a->in6.sin6_port = htons(port);
}

/* Whether it stands for all local addresses. */
bool
address_is_wildcard(const Address *a)
{
        if (a->any.sa_family == AF_INET)
                return a->in.sin_addr.s_addr == htonl(INADDR_ANY);
        if (a->any.sa_family == AF_INET6)
                return IN6_IS_ADDR_UNSPECIFIED(&a->in6.sin6_addr);
        return false;
}

/* Whether it is a unix socket with a name in the file system. */
bool
address_is_path(const Address *a)
{
        return a->any.sa_family == AF_UNIX && a->length > offsetof(struct sockaddr_un, sun_path) &&
               a->un.sun_path[0] != '\0';
}

/* Whether the kernel chooses the name: port 0, or the autobind of unix(7). */
bool
address_is_automatic(const Address *a)
{
        if (address_has_port(a))
                return address_port(a) == 0;
        if (is_vsock(a))
                return vsock_of(a).svm_port == VMADDR_PORT_ANY;
        return a->any.sa_family == AF_UNIX && a->length <= sizeof(sa_family_t);
}

/* An IPv4 address that was written as IPv6 (::ffff:a.b.c.d) as what it is; others as they are. */
Address
address_unmapped(const Address *a)
{
        Address plain = *a;

        if (a->any.sa_family != AF_INET6 || !IN6_IS_ADDR_V4MAPPED(&a->in6.sin6_addr))
                return plain;
        plain = (Address){.length = sizeof(plain.in), .type = a->type};
        plain.in.sin_family = AF_INET;
        plain.in.sin_port = a->in6.sin6_port;
        plain.in.sin_addr.s_addr = a->in6.sin6_addr.s6_addr32[3];
        return plain;
}

static bool
unix_equal(const Address *a, const Address *b)
{
        size_t head = offsetof(struct sockaddr_un, sun_path);

        if (address_is_path(a) != address_is_path(b))
                return false;
        if (address_is_path(a))
                return strncmp(a->un.sun_path, b->un.sun_path, sizeof(a->un.sun_path)) == 0;
        return a->length == b->length && a->length > head &&
               memcmp(a->un.sun_path, b->un.sun_path, a->length - head) == 0;
}

/* Of [::] alone it is part of the address; the kernel sets it on a socket bound to any other. */
static bool
is_same_v6only(const Address *a, const Address *b)
{
        return a->v6only == b->v6only || !address_is_wildcard(a);
}

/* Whether both name the same place. */
bool
address_equal(const Address *a, const Address *b)
{
        if (a->any.sa_family != b->any.sa_family || a->type != b->type)
                return false;
        switch (a->any.sa_family) {
        case AF_INET:
                return a->in.sin_port == b->in.sin_port &&
                       a->in.sin_addr.s_addr == b->in.sin_addr.s_addr;
        case AF_INET6:
                return a->in6.sin6_port == b->in6.sin6_port && is_same_v6only(a, b) &&
                       a->in6.sin6_scope_id == b->in6.sin6_scope_id &&
                       IN6_ARE_ADDR_EQUAL(&a->in6.sin6_addr, &b->in6.sin6_addr);
        case AF_UNIX:
                return unix_equal(a, b);
        case AF_VSOCK:
                return vsock_of(a).svm_port == vsock_of(b).svm_port &&
                       vsock_of(a).svm_cid == vsock_of(b).svm_cid;
        default:
                return false;
        }
}

/*
 * Whether a listener on `wide` gets the connections that are meant for `narrow`: the same port and
 * type, and wide is a wildcard of the right family (a dual-stack [::] serves IPv4 too).
 */
bool
address_covers(const Address *wide, const Address *narrow)
{
        if (!address_has_port(wide) || !address_has_port(narrow) || wide->type != narrow->type ||
            address_port(wide) != address_port(narrow) || !address_is_wildcard(wide))
                return false;
        if (wide->any.sa_family == narrow->any.sa_family)
                return true;
        return wide->any.sa_family == AF_INET6 && !wide->v6only;
}

/*
 * Whether the two are different places, of which only one can be listened on at a time: a wildcard
 * and what it covers, one IPv4 address in two families, or one path for two types of sockets.
 */
bool
address_excludes(const Address *a, const Address *b)
{
        Address plain_a = address_unmapped(a);
        Address plain_b = address_unmapped(b);

        if (address_equal(a, b))
                return false;
        if (address_is_path(a) && address_is_path(b))
                return strncmp(a->un.sun_path, b->un.sun_path, sizeof(a->un.sun_path)) == 0;
        return address_equal(&plain_a, &plain_b) || address_covers(&plain_a, &plain_b) ||
               address_covers(&plain_b, &plain_a);
}

static const char *
protocol_name(const Address *a)
{
        if (a->any.sa_family == AF_VSOCK)
                return "vsock";
        if (a->any.sa_family != AF_UNIX)
                return a->type == SOCK_DGRAM ? "udp" : "tcp";
        return a->type == SOCK_DGRAM       ? "unix datagram"
               : a->type == SOCK_SEQPACKET ? "unix seqpacket"
                                           : "unix";
}

static void
format_in6(const Address *a, char *ret_text, size_t size)
{
        char host[INET6_ADDRSTRLEN];
        char scope[IF_NAMESIZE + 1] = "";

        (void)inet_ntop(AF_INET6, &a->in6.sin6_addr, host, sizeof(host));
        if (a->in6.sin6_scope_id) {
                scope[0] = '%';
                if (!if_indextoname(a->in6.sin6_scope_id, scope + 1))
                        (void)snprintf(scope + 1, sizeof(scope) - 1, "%u", a->in6.sin6_scope_id);
        }
        (void)snprintf(ret_text, size, "[%s%s]:%u", host, scope, address_port(a));
}

static void
format_unix(const Address *a, char *ret_text, size_t size)
{
        size_t head = offsetof(struct sockaddr_un, sun_path);
        int n = a->length > head ? (int)(a->length - head) : 0;

        if (n == 0)
                (void)snprintf(ret_text, size, "(unnamed)");
        else if (address_is_path(a))
                (void)snprintf(ret_text, size, "%.*s", n, a->un.sun_path);
        else
                (void)snprintf(ret_text, size, "@%.*s", n - 1, a->un.sun_path + 1);
}

/* Whether it takes CAP_NET_BIND_SERVICE: net/vmw_vsock/af_vsock.c, LAST_RESERVED_PORT. */
bool
address_is_reserved_vsock(const Address *a)
{
        return is_vsock(a) && vsock_of(a).svm_port <= 1023;
}

/* Any cid is left out, as --listen takes it. */
static void
format_vsock(const Address *a, char *ret_text, size_t size)
{
        struct sockaddr_vm vm = vsock_of(a);

        if (vm.svm_cid == VMADDR_CID_ANY)
                (void)snprintf(ret_text, size, "vsock::%u", vm.svm_port);
        else
                (void)snprintf(ret_text, size, "vsock:%u:%u", vm.svm_cid, vm.svm_port);
}

/* Write it as people and other programs do: `127.0.0.1:80`, `/path`, `@name`. Returns ret_text. */
const char *
address_format_plain(const Address *a, char *ret_text, size_t size)
{
        char host[INET_ADDRSTRLEN];

        switch (a->any.sa_family) {
        case AF_INET:
                (void)inet_ntop(AF_INET, &a->in.sin_addr, host, sizeof(host));
                (void)snprintf(ret_text, size, "%s:%u", host, address_port(a));
                break;
        case AF_INET6:
                format_in6(a, ret_text, size);
                break;
        case AF_UNIX:
                format_unix(a, ret_text, size);
                break;
        case AF_VSOCK:
                format_vsock(a, ret_text, size);
                break;
        default:
                (void)snprintf(ret_text, size, "address family %d", a->any.sa_family);
        }
        return ret_text;
}

/* The same with the protocol behind it: `127.0.0.1:80 (tcp)`. Returns ret_text. */
const char *
address_format(const Address *a, char *ret_text, size_t size)
{
        size_t length;

        (void)address_format_plain(a, ret_text, size);
        length = strlen(ret_text);
        (void)snprintf(ret_text + length, size - length, " (%s)", protocol_name(a));
        return ret_text;
}
