/* SPDX-License-Identifier: MIT */
/*
 * listen_spec.c - the parser of `--listen [NAME=]ADDR[,attr…]`.
 *
 * Gist: text in, a value out, or one sentence that says what was wrong and what would be right.
 * Host and user names are looked up here; nothing is bound.
 */
#include "sockets/listen_spec.h"

#include <ctype.h>
#include <errno.h>
#include <grp.h>
#include <limits.h>
#include <linux/vm_sockets.h>
#include <netdb.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/parse.h"
#include "base/why.h"
#include "sockets/listen_as.h"

#define PORT_MAX 65535

/* The kind of socket that a prefix of the address asks for. */
static const struct Prefix {
        const char *text;
        int type;
        bool is_unix;
} prefixes[] = {
        {"tcp:", SOCK_STREAM, false}, {"udp:", SOCK_DGRAM, false},
        {"unix:", SOCK_STREAM, true}, {"seqpacket:", SOCK_SEQPACKET, true},
        {"dgram:", SOCK_DGRAM, true},
};

static int
parse_port(const char *text, uint16_t *ret, char **ret_why)
{
        uint64_t port;
        int r = parse_unsigned(text, PORT_MAX, &port);

        if (r == -ERANGE)
                return why(ret_why, -EINVAL, "port %s is too large; a port is at most %d", text,
                           PORT_MAX);
        if (r < 0)
                return why(ret_why, -EINVAL, "'%s' is not a port; it would be a number up to %d",
                           text, PORT_MAX);
        *ret = (uint16_t)port;
        return 0;
}

static void
set_any_address(Address *a, uint16_t port, int type)
{
        *a = (Address){.in6 = {.sin6_family = AF_INET6, .sin6_addr = IN6ADDR_ANY_INIT},
                       .length = sizeof(struct sockaddr_in6),
                       .type = type};
        address_set_port(a, port);
}

/* All addresses of a host name, or, from brackets, the one IPv6 address. */
static int
add_host(ListenSpec *spec, const char *host, bool is_ipv6, uint16_t port, int type, char **ret_why)
{
        struct addrinfo hints = {.ai_family = is_ipv6 ? AF_INET6 : AF_UNSPEC,
                                 .ai_socktype = type,
                                 .ai_flags = AI_PASSIVE | (is_ipv6 ? AI_NUMERICHOST : 0)};
        struct addrinfo *list = NULL;
        int r = getaddrinfo(host, NULL, &hints, &list);

        if (r != 0)
                return why(ret_why, -EINVAL, "cannot resolve the host '%s': %s", host,
                           gai_strerror(r));
        for (const struct addrinfo *ai = list; ai && spec->n_addresses < LISTEN_ADDRESSES_MAX;
             ai = ai->ai_next) {
                Address *a = &spec->addresses[spec->n_addresses++];

                *a = (Address){.length = ai->ai_addrlen, .type = type};
                memcpy(&a->storage, ai->ai_addr, ai->ai_addrlen);
                address_set_port(a, port);
        }
        freeaddrinfo(list);
        return 0;
}

/* `host:port` or `[v6]:port`; a name may stand for several addresses. */
static int
parse_host(ListenSpec *spec, char *text, int type, char **ret_why)
{
        bool in_brackets = text[0] == '[';
        char *host = in_brackets ? text + 1 : text;
        char *end = in_brackets ? strchr(text, ']') : strrchr(text, ':');
        char *colon = end && in_brackets ? end + 1 : end;
        uint16_t port = 0;
        int r;

        if (!colon || *colon != ':')
                return why(ret_why, -EINVAL, "'%s' is not an address; it would be %s", text,
                           in_brackets ? "[IPv6]:PORT"
                                       : "PORT, HOST:PORT, [IPv6]:PORT, /PATH or @NAME");
        *end = '\0';
        r = parse_port(colon + 1, &port, ret_why);
        if (r < 0)
                return r;
        if (in_brackets)
                return add_host(spec, host, true, port, type, ret_why);
        if (strchr(host, ':'))
                return why(ret_why, -EINVAL, "an IPv6 address stands in brackets: [%s]:%u", host,
                           port);
        if (*host && strcmp(host, "*") != 0)
                return add_host(spec, host, false, port, type, ret_why);
        set_any_address(&spec->addresses[0], port, type);
        spec->any_address = true;
        spec->n_addresses = 1;
        return 0;
}

static int
parse_unix(ListenSpec *spec, const char *text, int type, char **ret_why)
{
        Address *a = &spec->addresses[0];
        CLEANUP_FREE char *absolute = NULL;
        size_t head = offsetof(struct sockaddr_un, sun_path);
        size_t length;
        bool abstract;

        if (text[0] == '.') {
                CLEANUP_FREE char *cwd = get_current_dir_name();

                while (strncmp(text, "./", 2) == 0)
                        text += 2 + strspn(text + 2, "/");
                if (!cwd || asprintf(&absolute, "%s/%s", cwd, text) < 0) {
                        absolute = NULL;
                        return why(ret_why, -ENOMEM, "cannot find the current directory");
                }
                text = absolute;
        }
        length = strlen(text);
        abstract = text[0] == '@'; /* unix(7): the @ stands for a NUL; a path has one at its end */
        if (length - abstract >= sizeof(a->un.sun_path))
                return why(ret_why, -EINVAL,
                           "the unix socket %s has %zu characters; the kernel takes at most %zu",
                           abstract ? "name" : "path", length - abstract,
                           sizeof(a->un.sun_path) - 1);
        if (length < 2)
                return why(ret_why, -EINVAL,
                           "'%s' names no unix socket; it would be /PATH or @NAME", text);
        *a = (Address){.un = {.sun_family = AF_UNIX}, .type = type};
        memcpy(a->un.sun_path, text, length);
        if (abstract) {
                a->un.sun_path[0] = '\0';
                a->length = (socklen_t)(head + length);
        } else {
                a->length = (socklen_t)(head + length + 1);
        }
        spec->n_addresses = 1;
        return 0;
}

/* `cid:port`; an empty cid is any. */
static int
parse_vsock(ListenSpec *spec, char *text, char **ret_why)
{
        struct sockaddr_vm vm = {.svm_family = AF_VSOCK, .svm_cid = VMADDR_CID_ANY};
        char *colon = strchr(text, ':');
        uint64_t cid = vm.svm_cid;
        uint64_t port;

        if (!colon)
                return why(ret_why, -EINVAL,
                           "'vsock:%s' lacks its port; it would be vsock:CID:PORT", text);
        *colon = '\0';
        if ((*text && parse_unsigned(text, UINT32_MAX, &cid) < 0) ||
            parse_unsigned(colon + 1, UINT32_MAX, &port) < 0)
                return why(ret_why, -EINVAL,
                           "'vsock:%s:%s' is not an address; it would be vsock:CID:PORT in numbers",
                           text, colon + 1);
        vm.svm_cid = (unsigned)cid;
        vm.svm_port = (unsigned)port;
        spec->addresses[0] = (Address){.length = sizeof(vm), .type = SOCK_STREAM};
        memcpy(&spec->addresses[0].storage, &vm, sizeof(vm));
        spec->n_addresses = 1;
        return 0;
}

/*
 * Parse an address, without attributes; the text is cut up. Sets addresses, n_addresses and
 * any_address, or inherited_fd. Returns 0 or -EINVAL with a sentence.
 */
int
listen_spec_parse_address(ListenSpec *spec, char *text, char **ret_why)
{
        const struct Prefix *prefix = NULL;
        int type = SOCK_STREAM;
        uint64_t number;
        bool is_unix;

        if (strncmp(text, "fd:", 3) == 0) {
                if (parse_unsigned(text + 3, INT_MAX, &number) < 0)
                        return why(ret_why, -EINVAL,
                                   "'%s' is not a descriptor; it would be fd:NUMBER", text);
                spec->inherited_fd = (int)number;
                return 0;
        }
        if (strncmp(text, "vsock:", 6) == 0)
                return parse_vsock(spec, text + 6, ret_why);
        for (size_t i = 0; i < ELEMENTSOF(prefixes); i++)
                if (strncmp(text, prefixes[i].text, strlen(prefixes[i].text)) == 0) {
                        prefix = &prefixes[i];
                        text += strlen(prefix->text);
                        type = prefix->type;
                        break;
                }
        is_unix = text[0] == '/' || text[0] == '@' || text[0] == '.';
        if (prefix && prefix->is_unix != is_unix)
                return why(ret_why, -EINVAL, "%s takes %s", prefix->text,
                           prefix->is_unix ? "a unix socket, /PATH or @NAME"
                                           : "PORT, HOST:PORT or [IPv6]:PORT");
        if (is_unix)
                return parse_unix(spec, text, type, ret_why);
        if (isdigit((unsigned char)text[0]) && !strpbrk(text, ".:")) {
                uint16_t port = 0;
                int r = parse_port(text, &port, ret_why);

                if (r < 0)
                        return r;
                set_any_address(&spec->addresses[0], port, type);
                spec->any_address = true;
                spec->n_addresses = 1;
                return 0;
        }
        return parse_host(spec, text, type, ret_why);
}

static int
set_backlog(ListenSpec *spec, const char *value, char **ret_why)
{
        uint64_t number;

        if (parse_unsigned(value, INT_MAX, &number) < 0 || number == 0)
                return why(ret_why, -EINVAL, "backlog=%s is not a number from 1 on", value);
        spec->backlog = (int)number;
        return 0;
}

static int
set_mode(ListenSpec *spec, const char *value, char **ret_why)
{
        unsigned mode;

        if (parse_mode(value, &mode) < 0)
                return why(ret_why, -EINVAL, "mode=%s is not an octal file mode such as 0660",
                           value);
        spec->mode = mode;
        return 0;
}

static int
set_user(ListenSpec *spec, const char *value, char **ret_why)
{
        const struct passwd *entry = getpwnam(value);
        uint64_t number;

        if (entry)
                spec->uid = entry->pw_uid;
        else if (parse_unsigned(value, UINT32_MAX - 1, &number) == 0)
                spec->uid = (uid_t)number;
        else
                return why(ret_why, -EINVAL, "user=%s: no such user", value);
        return 0;
}

static int
set_group(ListenSpec *spec, const char *value, char **ret_why)
{
        const struct group *entry = getgrnam(value);
        uint64_t number;

        if (entry)
                spec->gid = entry->gr_gid;
        else if (parse_unsigned(value, UINT32_MAX - 1, &number) == 0)
                spec->gid = (gid_t)number;
        else
                return why(ret_why, -EINVAL, "group=%s: no such group", value);
        return 0;
}

static int
set_device(ListenSpec *spec, const char *value, char **ret_why)
{
        if (!*value || strlen(value) >= sizeof(spec->device))
                return why(ret_why, -EINVAL, "device=%s is not the name of an interface", value);
        memcpy(spec->device, value, strlen(value) + 1);
        return 0;
}

static int
set_as(ListenSpec *spec, const char *value, char **ret_why)
{
        return listen_as_parse(&spec->as, value, ret_why);
}

static int
set_flag(bool *flag, const char *name, const char *value, char **ret_why)
{
        if (!value)
                *flag = true;
        else if (parse_bool(value, flag) < 0)
                return why(ret_why, -EINVAL, "%s=%s is neither yes nor no", name, value);
        return 0;
}

static int
set_reuseport(ListenSpec *spec, const char *value, char **ret_why)
{
        return set_flag(&spec->reuseport, "reuseport", value, ret_why);
}

static int
set_reuseaddr(ListenSpec *spec, const char *value, char **ret_why)
{
        return set_flag(&spec->reuseaddr, "reuseaddr", value, ret_why);
}

static int
set_freebind(ListenSpec *spec, const char *value, char **ret_why)
{
        return set_flag(&spec->freebind, "freebind", value, ret_why);
}

static int
set_v6only(ListenSpec *spec, const char *value, char **ret_why)
{
        bool v6only = false;
        int r = set_flag(&v6only, "v6only", value, ret_why);

        for (unsigned i = 0; i < spec->n_addresses; i++)
                spec->addresses[i].v6only = v6only;
        spec->any_address = spec->any_address && !v6only;
        return r;
}

/* What kinds of address an attribute means something for. */
enum {
        FOR_STREAM = 1 << 0, /* everything that has a queue */
        FOR_PATH = 1 << 1,
        FOR_INET = 1 << 2,
        FOR_INET6 = 1 << 3,
        FOR_UDP = 1 << 4,
        FOR_INHERITED = 1 << 5,
};

static unsigned
kinds_of(const ListenSpec *spec)
{
        const Address *a = &spec->addresses[0];
        unsigned kinds = 0;

        if (spec->n_addresses == 0)
                return FOR_INHERITED;
        if (a->type != SOCK_DGRAM)
                kinds |= FOR_STREAM;
        if (address_is_path(a))
                kinds |= FOR_PATH;
        if (address_has_port(a))
                kinds |= a->type == SOCK_DGRAM ? FOR_INET | FOR_UDP : FOR_INET;
        if (a->any.sa_family == AF_INET6)
                kinds |= FOR_INET6;
        return kinds;
}

static const struct Attribute {
        const char *name;
        bool needs_value;
        unsigned kinds; /* 0: all */
        const char *whose;
        int (*set)(ListenSpec *, const char *, char **);
} attributes[] = {
        {"backlog", true, FOR_STREAM, "sockets that take connections", set_backlog},
        {"mode", true, FOR_PATH, "unix socket paths", set_mode},
        {"user", true, FOR_PATH, "unix socket paths", set_user},
        {"group", true, FOR_PATH, "unix socket paths", set_group},
        {"v6only", false, FOR_INET6, "IPv6 addresses", set_v6only},
        {"reuseport", false, FOR_INET, "TCP and UDP", set_reuseport},
        {"reuseaddr", false, FOR_UDP, "UDP, a TCP listener always has it", set_reuseaddr},
        {"freebind", false, FOR_INET, "TCP and UDP", set_freebind},
        {"device", true, FOR_INET, "TCP and UDP", set_device},
        {"as", true, 0, "", set_as},
};

static int
parse_attribute(ListenSpec *spec, char *text, char **ret_why)
{
        char *value = strchr(text, '=');

        if (value)
                *value++ = '\0';
        for (size_t i = 0; i < ELEMENTSOF(attributes); i++) {
                const struct Attribute *a = &attributes[i];

                if (strcmp(text, a->name) != 0)
                        continue;
                if (a->needs_value && !value)
                        return why(ret_why, -EINVAL, "the attribute %s needs a value: %s=…", text,
                                   text);
                if (a->kinds && !(a->kinds & kinds_of(spec)))
                        return why(ret_why, -EINVAL, "the attribute %s is for %s", text, a->whose);
                return a->set(spec, value, ret_why);
        }
        return why(ret_why, -EINVAL,
                   "'%s' is not an attribute; there are backlog= mode= user= group= v6only "
                   "reuseport reuseaddr freebind device= as=",
                   text);
}

/* Whether the text before the first '=' is a name: an address would show one of ":/@[,." first. */
static size_t
name_length(const char *text)
{
        size_t n = strcspn(text, "=:/@[,");

        return n <= LISTEN_NAME_MAX && text[n] == '=' ? n : 0;
}

/* A name for those who gave none: the port, or the last part of the path. */
static char *
default_name(const ListenSpec *spec)
{
        const Address *a = &spec->addresses[0];
        char text[ADDRESS_TEXT_MAX];
        char *end;

        if (spec->n_addresses == 0 || a->any.sa_family == AF_VSOCK) {
                (void)snprintf(text, sizeof(text), "unknown");
        } else if (address_has_port(a)) {
                (void)snprintf(text, sizeof(text), "%u", address_port(a));
        } else {
                const char *path = a->un.sun_path[0] ? a->un.sun_path : a->un.sun_path + 1;
                const char *slash = strrchr(path, '/');

                (void)snprintf(text, sizeof(text), "%.107s", slash ? slash + 1 : path);
        }
        while ((end = strpbrk(text, ":{}"))) /* these mean something in LISTEN_FDNAMES and {fd:…} */
                *end = '_';
        return strdup(text);
}

/*
 * Parse one --listen. spec must be deinitialised, also on failure.
 * Returns 0, or -EINVAL or -ENOMEM with a sentence.
 */
int
listen_spec_init(ListenSpec *spec, const char *text, char **ret_why)
{
        CLEANUP_FREE char *copy = strdup(text);
        size_t n_name = name_length(text);
        char *rest;
        char *attribute;
        int r;

        *spec = (ListenSpec){
                .text = strdup(text),
                .inherited_fd = -1,
                .backlog = SOMAXCONN,
                .mode = 0600,
                .uid = (uid_t)-1,
                .gid = (gid_t)-1,
        };
        if (!copy || !spec->text)
                return -ENOMEM;
        rest = copy + (n_name ? n_name + 1 : 0);
        attribute = strsep(&rest, ",");
        r = listen_spec_parse_address(spec, attribute, ret_why);
        while (r >= 0 && (attribute = strsep(&rest, ",")))
                r = parse_attribute(spec, attribute, ret_why);
        if (r < 0)
                return r;
        spec->name = n_name ? strndup(text, n_name) : default_name(spec);
        return spec->name ? 0 : -ENOMEM;
}

/* Free what the spec holds. */
void
listen_spec_deinit(ListenSpec *spec)
{
        free(spec->text);
        free(spec->name);
        *spec = (ListenSpec){.inherited_fd = -1};
}
