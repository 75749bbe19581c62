/* SPDX-License-Identifier: MIT */
/*
 * sockdiag.c - what the kernel's socket tables say (NETLINK_SOCK_DIAG, sock_diag(7)), by libmnl.
 *
 * Gist: one request, its replies in a callback, the netlink socket closed again. Nothing is kept:
 * these questions are asked when something went wrong, not while a server runs. What comes back is
 * parsed apart from how it came, so that tests can feed it any bytes.
 *
 * TCP is asked with the first, family-less form of the request: it walks the table of connections,
 * which is what costs, once for both families (net/ipv4/inet_diag.c, inet_diag_dump_compat).
 */
#include "linux/sockdiag.h"

#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/inet_diag.h>
#include <linux/sock_diag.h>
#include <linux/unix_diag.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#include "base/cleanup.h"
#include "base/fd.h"

#define REPLY_MAX 32768 /* what netlink(7) asks for */
#define REQUEST_MAX 256
#define ERRNO_MAX 4096    /* include/linux/err.h */
#define TIMER_TIME_WAIT 3 /* idiag_timer, net/ipv4/inet_diag.c */

static void
close_netlink_p(struct mnl_socket **nl)
{
        if (*nl)
                (void)mnl_socket_close(*nl);
}

/*
 * The end of the replies, NLMSG_ERROR or NLMSG_DONE: both have an errno or 0. That of a dump, such
 * as ENOENT where there is no table of this protocol, is in the latter, and libmnl does not look.
 */
static int
on_end(const struct nlmsghdr *header, void *userdata)
{
        int error = 0;

        (void)userdata;
        if (mnl_nlmsg_get_payload_len(header) >= sizeof(error))
                memcpy(&error, mnl_nlmsg_get_payload(header), sizeof(error));
        if (error == 0)
                return MNL_CB_STOP;
        errno = error < 0 && error > -ERRNO_MAX ? -error : EPROTO;
        return MNL_CB_ERROR;
}

/*
 * Whether each message is as long as it says: libmnl takes a length from 2^31 on for a negative one,
 * reads on behind the end, or for ever (mnl_nlmsg_ok).
 */
static bool
are_whole(const void *replies, size_t size)
{
        const char *p = replies;

        while (size >= sizeof(struct nlmsghdr)) {
                struct nlmsghdr header;
                size_t step;

                memcpy(&header, p, sizeof(header));
                if (header.nlmsg_len < sizeof(header) || header.nlmsg_len > size)
                        return false;
                step = ((size_t)header.nlmsg_len + 3U) & ~(size_t)3U;
                if (step >= size)
                        return true;
                p += step;
                size -= step;
        }
        return true;
}

/*
 * The attributes behind a structure of this size, which is there. libmnl's mnl_attr_parse() goes on
 * to the next multiple of four, behind the end of the last message.
 */
static void
read_attributes(const struct nlmsghdr *header, size_t size, mnl_attr_cb_t callback, void *userdata)
{
        const char *payload = mnl_nlmsg_get_payload(header);

        (void)mnl_attr_parse_payload(payload + size, mnl_nlmsg_get_payload_len(header) - size,
                                     callback, userdata);
}

/* mnl_cb_run2() with a negative errno. */
static int
read_replies(const void *replies, size_t size, unsigned seq, unsigned portid, mnl_cb_t callback,
             void *userdata)
{
        mnl_cb_t on_control[] = {[NLMSG_ERROR] = on_end, [NLMSG_DONE] = on_end};
        int r;

        if (!are_whole(replies, size))
                return -EBADMSG;
        r = mnl_cb_run2(replies, size, seq, portid, callback, userdata, on_control,
                        ELEMENTSOF(on_control));
        return r < 0 ? -errno : r;
}

/* Send a request and feed every reply to the callback. Returns 0 or a negative errno. */
static int
ask(struct nlmsghdr *request, mnl_cb_t callback, void *userdata)
{
        CLEANUP(close_netlink_p) struct mnl_socket *nl = NULL;
        CLEANUP_FREE char *buffer = malloc(REPLY_MAX);
        unsigned seq = (unsigned)time(NULL);
        int r = MNL_CB_OK;

        if (!buffer)
                return -ENOMEM;
        nl = mnl_socket_open2(NETLINK_SOCK_DIAG, SOCK_CLOEXEC);
        if (!nl || mnl_socket_bind(nl, 0, MNL_SOCKET_AUTOPID) < 0)
                return -errno;
        request->nlmsg_seq = seq;
        if (mnl_socket_sendto(nl, request, request->nlmsg_len) < 0)
                return -errno;
        while (r > MNL_CB_STOP) {
                ssize_t n = mnl_socket_recvfrom(nl, buffer, REPLY_MAX);

                if (n <= 0)
                        return n < 0 ? -errno : -EPROTO;
                r = read_replies(buffer, (size_t)n, seq, mnl_socket_get_portid(nl), callback,
                                 userdata);
                if (!(request->nlmsg_flags & NLM_F_DUMP))
                        break;
        }
        return r < 0 ? r : 0;
}

typedef struct InetReader {
        int protocol;
        SockdiagCallback callback;
        void *userdata;
} InetReader;

/* The shorter of the two times since data came or went. */
static uint32_t
idle_time(const struct nlattr *attribute)
{
        struct tcp_info info = {0};
        size_t length = mnl_attr_get_payload_len(attribute);

        memcpy(&info, mnl_attr_get_payload(attribute),
               length < sizeof(info) ? length : sizeof(info));
        return info.tcpi_last_data_recv < info.tcpi_last_data_sent ? info.tcpi_last_data_recv
                                                                   : info.tcpi_last_data_sent;
}

static int
on_inet_attribute(const struct nlattr *attribute, void *userdata)
{
        SockdiagSocket *s = userdata;
        size_t length = mnl_attr_get_payload_len(attribute);

        switch (mnl_attr_get_type(attribute)) {
        case INET_DIAG_SKV6ONLY:
                if (length >= sizeof(uint8_t))
                        s->v6only = mnl_attr_get_u8(attribute) != 0;
                break;
        case INET_DIAG_SHUTDOWN:
                s->is_shut_down = length >= sizeof(uint8_t) && mnl_attr_get_u8(attribute) != 0;
                break;
        case INET_DIAG_CGROUP_ID:
                if (length >= sizeof(uint64_t))
                        s->cgroup_id = mnl_attr_get_u64(attribute);
                break;
        case INET_DIAG_INFO:
                s->idle_msec = idle_time(attribute);
                break;
        default:
                break;
        }
        return MNL_CB_OK;
}

/*
 * How old an unfinished handshake is, from its timer (net/ipv4/inet_connection_sock.c): the SYN-ACK is
 * sent again after 1 s, 2 s more, 4 s more, …
 */
static uint32_t
age_of_handshake(const struct inet_diag_msg *message)
{
        unsigned n = message->idiag_retrans < 8 ? message->idiag_retrans : 8;
        uint32_t until_next = 1000U << n; /* the whole wait that runs now */
        uint32_t before = until_next - 1000;
        uint32_t left = message->idiag_expires < until_next ? message->idiag_expires : until_next;

        return before + until_next - left;
}

static int
on_inet_message(const struct nlmsghdr *header, void *userdata)
{
        const InetReader *reader = userdata;
        const struct inet_diag_msg *message = mnl_nlmsg_get_payload(header);
        SockdiagSocket s;

        if (mnl_nlmsg_get_payload_len(header) < sizeof(*message) ||
            (message->idiag_family != AF_INET && message->idiag_family != AF_INET6))
                return MNL_CB_OK;
        s = (SockdiagSocket){
                .family = message->idiag_family,
                .protocol = reader->protocol,
                .state = message->idiag_state,
                .port = ntohs(message->id.idiag_sport),
                .peer_port = ntohs(message->id.idiag_dport),
                .device = message->id.idiag_if,
                .v6only = -1,
                .is_timer = message->idiag_timer == TIMER_TIME_WAIT,
                /* Other timers, such as that of a retransmission, end nothing. */
                .expires_msec =
                        message->idiag_timer == TIMER_TIME_WAIT ? message->idiag_expires : 0,
                .rqueue = message->idiag_rqueue,
                .wqueue = message->idiag_wqueue,
                .inode = message->idiag_inode,
                .uid = message->idiag_uid,
        };
        if (s.state == TCP_SYN_RECV)
                s.age_msec = age_of_handshake(message);
        /* That is how the kernel shows them, whatever the state was called in the request. */
        if (s.protocol == IPPROTO_TCP && s.state == TCP_CLOSE)
                s.state = SOCKDIAG_BOUND;
        /* Of a socket without a process uid 0 means nothing: some kernels say it of all. */
        s.has_uid = !s.is_timer && (s.inode != 0 || s.uid != 0);
        memcpy(&s.address, message->id.idiag_src, sizeof(s.address));
        memcpy(&s.peer, message->id.idiag_dst, sizeof(s.peer));
        read_attributes(header, sizeof(*message), on_inet_attribute, &s);
        reader->callback(&s, reader->userdata);
        return MNL_CB_OK;
}

/*
 * Read the replies to a request for TCP or UDP sockets: bytes as netlink delivers them.
 * Returns 0 or a negative errno for what makes no sense.
 */
int
sockdiag_parse_inet(const void *replies, size_t size, int protocol, SockdiagCallback callback,
                    void *userdata)
{
        InetReader reader = {.protocol = protocol, .callback = callback, .userdata = userdata};
        int r = read_replies(replies, size, 0, 0, on_inet_message, &reader);

        return r < 0 ? r : 0;
}

/* Only sockets on this local port: a comparison that yields 8 (the end, taken) or 12 (refused). */
static void
put_port_filter(struct nlmsghdr *header, uint16_t port)
{
        struct inet_diag_bc_op code[2] = {
                {.code = INET_DIAG_BC_S_EQ, .yes = sizeof(code), .no = sizeof(code) + 4},
                {.no = port},
        };

        if (port)
                mnl_attr_put(header, INET_DIAG_REQ_BYTECODE, sizeof(code), code);
}

static uint8_t
extensions_of(const SockdiagQuery *query)
{
        return query->with_idle ? 1U << (INET_DIAG_INFO - 1) : 0;
}

static int
dump_both_families(const SockdiagQuery *query, InetReader *reader)
{
        char space[REQUEST_MAX] = {0};
        struct nlmsghdr *header = mnl_nlmsg_put_header(space);
        struct inet_diag_req *request;

        header->nlmsg_type = TCPDIAG_GETSOCK;
        header->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
        request = mnl_nlmsg_put_extra_header(header, sizeof(*request));
        request->idiag_states = query->states;
        request->idiag_ext = extensions_of(query);
        put_port_filter(header, query->port);
        return ask(header, on_inet_message, reader);
}

static int
dump_family(int family, const SockdiagQuery *query, InetReader *reader)
{
        char space[REQUEST_MAX] = {0};
        struct nlmsghdr *header = mnl_nlmsg_put_header(space);
        struct inet_diag_req_v2 *request;

        header->nlmsg_type = SOCK_DIAG_BY_FAMILY;
        header->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
        request = mnl_nlmsg_put_extra_header(header, sizeof(*request));
        request->sdiag_family = (uint8_t)family;
        request->sdiag_protocol = (uint8_t)query->protocol;
        request->idiag_states = query->states;
        request->idiag_ext = extensions_of(query);
        put_port_filter(header, query->port);
        return ask(header, on_inet_message, reader);
}

/*
 * Ask for IPv4 and IPv6 sockets. Returns 0 or a negative errno; no IPv6 is no error.
 */
int
sockdiag_dump_inet(const SockdiagQuery *query, SockdiagCallback callback, void *userdata)
{
        InetReader reader = {
                .protocol = query->protocol, .callback = callback, .userdata = userdata};
        int r;

        if (query->protocol == IPPROTO_TCP && dump_both_families(query, &reader) == 0)
                return 0;
        r = dump_family(AF_INET, query, &reader);
        if (r == 0)
                (void)dump_family(AF_INET6, query, &reader);
        return r;
}

static void
on_own_socket(const SockdiagSocket *s, void *userdata)
{
        if (s->state == SOCKDIAG_BOUND)
                *(bool *)userdata = true;
}

/* Whether this kernel shows sockets that are bound and do not listen: tried on one of our own. */
bool
sockdiag_shows_bound(void)
{
        struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
        socklen_t size = sizeof(a);
        CLEANUP_FD int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        SockdiagQuery query = {.protocol = IPPROTO_TCP, .states = 1U << SOCKDIAG_BOUND};
        bool seen = false;

        if (fd < 0 || bind(fd, (const struct sockaddr *)&a, size) < 0 ||
            getsockname(fd, (struct sockaddr *)&a, &size) < 0)
                return false;
        query.port = ntohs(a.sin_port);
        (void)sockdiag_dump_inet(&query, on_own_socket, &seen);
        return seen;
}

typedef struct UnixReader {
        SockdiagUnixCallback callback;
        void *userdata;
} UnixReader;

static int
on_unix_attribute(const struct nlattr *attribute, void *userdata)
{
        SockdiagUnix *s = userdata;
        const void *payload = mnl_attr_get_payload(attribute);
        size_t length = mnl_attr_get_payload_len(attribute);
        struct unix_diag_vfs file;
        struct unix_diag_rqlen queue;

        switch (mnl_attr_get_type(attribute)) {
        case UNIX_DIAG_NAME:
                s->n_name = length < sizeof(s->name) ? length : sizeof(s->name);
                memcpy(s->name, payload, s->n_name);
                break;
        case UNIX_DIAG_VFS:
                if (length < sizeof(file))
                        break;
                memcpy(&file, payload, sizeof(file));
                s->file_inode = file.udiag_vfs_ino;
                s->file_device = file.udiag_vfs_dev;
                break;
        case UNIX_DIAG_RQLEN:
                if (length < sizeof(queue))
                        break;
                memcpy(&queue, payload, sizeof(queue));
                s->rqueue = queue.udiag_rqueue;
                s->wqueue = queue.udiag_wqueue;
                break;
        case UNIX_DIAG_ICONS: /* the inodes of the clients of its queue; 0: it has closed its end */
                for (size_t i = 0; i < length / sizeof(uint32_t); i++)
                        s->n_gone += ((const uint32_t *)payload)[i] == 0;
                break;
        case UNIX_DIAG_UID:
                if (length < sizeof(uint32_t))
                        break;
                s->uid = mnl_attr_get_u32(attribute);
                s->has_uid = true;
                break;
        default:
                break;
        }
        return MNL_CB_OK;
}

static int
on_unix_message(const struct nlmsghdr *header, void *userdata)
{
        const UnixReader *reader = userdata;
        const struct unix_diag_msg *message = mnl_nlmsg_get_payload(header);
        SockdiagUnix s;

        if (mnl_nlmsg_get_payload_len(header) < sizeof(*message))
                return MNL_CB_OK;
        s = (SockdiagUnix){
                .type = message->udiag_type,
                .state = message->udiag_state,
                .inode = message->udiag_ino,
        };
        read_attributes(header, sizeof(*message), on_unix_attribute, &s);
        reader->callback(&s, reader->userdata);
        return MNL_CB_OK;
}

/* The same as sockdiag_parse_inet, for unix sockets. */
int
sockdiag_parse_unix(const void *replies, size_t size, SockdiagUnixCallback callback, void *userdata)
{
        UnixReader reader = {.callback = callback, .userdata = userdata};
        int r = read_replies(replies, size, 0, 0, on_unix_message, &reader);

        return r < 0 ? r : 0;
}

static int
ask_unix(ino_t inode, uint16_t flags, uint32_t show, UnixReader *reader)
{
        char space[REQUEST_MAX] = {0};
        struct nlmsghdr *header = mnl_nlmsg_put_header(space);
        struct unix_diag_req *request;

        header->nlmsg_type = SOCK_DIAG_BY_FAMILY;
        header->nlmsg_flags = flags;
        request = mnl_nlmsg_put_extra_header(header, sizeof(*request));
        request->sdiag_family = AF_UNIX;
        request->udiag_states = UINT32_MAX;
        request->udiag_ino = (uint32_t)inode;
        request->udiag_show = show;
        request->udiag_cookie[0] = INET_DIAG_NOCOOKIE;
        request->udiag_cookie[1] = INET_DIAG_NOCOOKIE;
        return ask(header, on_unix_message, reader);
}

/* All unix sockets of this network namespace. Returns 0 or a negative errno. */
int
sockdiag_dump_unix(SockdiagUnixCallback callback, void *userdata)
{
        UnixReader reader = {.callback = callback, .userdata = userdata};

        return ask_unix(0, NLM_F_REQUEST | NLM_F_DUMP,
                        UDIAG_SHOW_NAME | UDIAG_SHOW_VFS | UDIAG_SHOW_RQLEN | UDIAG_SHOW_UID,
                        &reader);
}

static void
on_single(const SockdiagUnix *s, void *userdata)
{
        *(SockdiagUnix *)userdata = *s;
}

/*
 * One unix socket, its queue and its file; with_clients: also who is gone of those that wait.
 * Returns 0 or a negative errno.
 */
int
sockdiag_find_unix(ino_t inode, bool with_clients, SockdiagUnix *ret)
{
        SockdiagUnix found = {0};
        UnixReader reader = {.callback = on_single, .userdata = &found};
        int r = ask_unix(inode, NLM_F_REQUEST,
                         UDIAG_SHOW_RQLEN | UDIAG_SHOW_VFS | (with_clients ? UDIAG_SHOW_ICONS : 0),
                         &reader);

        if (r >= 0)
                *ret = found;
        return r;
}
