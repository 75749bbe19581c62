/* SPDX-License-Identifier: MIT */
/*
 * sockdiag.c - what the kernel's socket tables say (NETLINK_SOCK_DIAG, sock_diag(7)), by libmnl.
 *
 * Gist: one request, its replies in a callback, the netlink socket closed again. Nothing is kept:
 * these questions are asked when something went wrong, not while a server runs.
 */
#include "linux/sockdiag.h"

#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/inet_diag.h>
#include <linux/sock_diag.h>
#include <linux/unix_diag.h>
#include <netinet/tcp.h>
#include <string.h>
#include <time.h>

#include "base/cleanup.h"

#define REPLY_MAX 32768 /* what netlink(7) asks for */

static void
close_netlink_p(struct mnl_socket **nl)
{
        if (*nl)
                (void)mnl_socket_close(*nl);
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
                r = mnl_cb_run(buffer, (size_t)n, seq, mnl_socket_get_portid(nl), callback,
                               userdata);
                if (!(request->nlmsg_flags & NLM_F_DUMP))
                        break;
        }
        return r < 0 ? -errno : 0;
}

typedef struct InetDump {
        SockdiagCallback callback;
        void *userdata;
} InetDump;

static int
on_inet_attribute(const struct nlattr *attribute, void *userdata)
{
        SockdiagSocket *s = userdata;
        struct tcp_info info = {0};
        size_t length = mnl_attr_get_payload_len(attribute);

        if (mnl_attr_get_type(attribute) != INET_DIAG_INFO)
                return MNL_CB_OK;
        memcpy(&info, mnl_attr_get_payload(attribute),
               length < sizeof(info) ? length : sizeof(info));
        s->idle_msec = info.tcpi_last_data_recv < info.tcpi_last_data_sent
                               ? info.tcpi_last_data_recv
                               : info.tcpi_last_data_sent;
        return MNL_CB_OK;
}

static int
on_inet_message(const struct nlmsghdr *header, void *userdata)
{
        const InetDump *dump = userdata;
        const struct inet_diag_msg *message = mnl_nlmsg_get_payload(header);
        SockdiagSocket s;

        if (mnl_nlmsg_get_payload_len(header) < sizeof(*message))
                return MNL_CB_OK;
        s = (SockdiagSocket){
                .family = message->idiag_family,
                .state = message->idiag_state,
                .port = ntohs(message->id.idiag_sport),
                .inode = message->idiag_inode,
                .uid = message->idiag_uid,
        };
        memcpy(&s.address, message->id.idiag_src, sizeof(s.address));
        (void)mnl_attr_parse(header, sizeof(*message), on_inet_attribute, &s);
        dump->callback(&s, dump->userdata);
        return MNL_CB_OK;
}

/*
 * All sockets of one family (AF_INET, AF_INET6) and protocol (IPPROTO_TCP, IPPROTO_UDP) that are in
 * one of the states (a mask of 1 << TCP_LISTEN, …). Returns 0 or a negative errno.
 */
int
sockdiag_dump_inet(int family, int protocol, uint32_t states, SockdiagCallback callback,
                   void *userdata)
{
        char space[256] = {0};
        struct nlmsghdr *header = mnl_nlmsg_put_header(space);
        struct inet_diag_req_v2 *request;
        InetDump dump = {.callback = callback, .userdata = userdata};

        header->nlmsg_type = SOCK_DIAG_BY_FAMILY;
        header->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
        request = mnl_nlmsg_put_extra_header(header, sizeof(*request));
        request->sdiag_family = (uint8_t)family;
        request->sdiag_protocol = (uint8_t)protocol;
        request->idiag_states = states;
        request->idiag_ext = 1U << (INET_DIAG_INFO - 1);
        return ask(header, on_inet_message, &dump);
}

static int
on_unix_attribute(const struct nlattr *attribute, void *userdata)
{
        const struct unix_diag_rqlen *queue;

        if (mnl_attr_get_type(attribute) != UNIX_DIAG_RQLEN ||
            mnl_attr_get_payload_len(attribute) < sizeof(*queue))
                return MNL_CB_OK;
        queue = mnl_attr_get_payload(attribute);
        *(unsigned *)userdata = queue->udiag_rqueue;
        return MNL_CB_OK;
}

static int
on_unix_message(const struct nlmsghdr *header, void *userdata)
{
        return mnl_attr_parse(header, sizeof(struct unix_diag_msg), on_unix_attribute, userdata);
}

/* How many connections wait on a listening unix socket. Returns 0 or a negative errno. */
int
sockdiag_unix_queue(ino_t inode, unsigned *ret_length)
{
        char space[256] = {0};
        struct nlmsghdr *header = mnl_nlmsg_put_header(space);
        struct unix_diag_req *request;
        unsigned length = 0;
        int r;

        header->nlmsg_type = SOCK_DIAG_BY_FAMILY;
        header->nlmsg_flags = NLM_F_REQUEST;
        request = mnl_nlmsg_put_extra_header(header, sizeof(*request));
        request->sdiag_family = AF_UNIX;
        request->udiag_states = UINT32_MAX;
        request->udiag_ino = (uint32_t)inode;
        request->udiag_show = UDIAG_SHOW_RQLEN;
        request->udiag_cookie[0] = INET_DIAG_NOCOOKIE;
        request->udiag_cookie[1] = INET_DIAG_NOCOOKIE;
        r = ask(header, on_unix_message, &length);
        if (r >= 0)
                *ret_length = length;
        return r;
}

typedef struct UnixNames {
        SockdiagUnixCallback callback;
        void *userdata;
        ino_t inode;
} UnixNames;

static int
on_unix_name_attribute(const struct nlattr *attribute, void *userdata)
{
        const UnixNames *names = userdata;

        if (mnl_attr_get_type(attribute) == UNIX_DIAG_NAME)
                names->callback(names->inode, mnl_attr_get_payload(attribute),
                                mnl_attr_get_payload_len(attribute), names->userdata);
        return MNL_CB_OK;
}

static int
on_unix_name(const struct nlmsghdr *header, void *userdata)
{
        const struct unix_diag_msg *message = mnl_nlmsg_get_payload(header);
        UnixNames *names = userdata;

        if (mnl_nlmsg_get_payload_len(header) < sizeof(*message))
                return MNL_CB_OK;
        names->inode = message->udiag_ino;
        return mnl_attr_parse(header, sizeof(*message), on_unix_name_attribute, names);
}

/* All unix sockets that have a name, and their names. Returns 0 or a negative errno. */
int
sockdiag_dump_unix_names(SockdiagUnixCallback callback, void *userdata)
{
        char space[256] = {0};
        struct nlmsghdr *header = mnl_nlmsg_put_header(space);
        struct unix_diag_req *request;
        UnixNames names = {.callback = callback, .userdata = userdata};

        header->nlmsg_type = SOCK_DIAG_BY_FAMILY;
        header->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
        request = mnl_nlmsg_put_extra_header(header, sizeof(*request));
        request->sdiag_family = AF_UNIX;
        request->udiag_states = UINT32_MAX;
        request->udiag_show = UDIAG_SHOW_NAME;
        return ask(header, on_unix_name, &names);
}
