/* SPDX-License-Identifier: MIT */
/*
 * message.c - what a worker says by sd_notify(3).
 *
 * Gist: a datagram of lines NAME=VALUE, perhaps with descriptors; names that are not known are
 * passed over, as sd_notify(3) asks for. The kernel vouches for who sent it (SO_PASSCRED). A BARRIER
 * is answered by closing the descriptor that came with it, after all that was sent before it.
 */
#include "worker/message.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fd.h"
#include "base/parse.h"

/*
 * Open a socket for messages. The kernel chooses an abstract name for it (autobind, unix(7)), which
 * is written as NOTIFY_SOCKET wants it and is the caller's to free.
 * Returns the descriptor or a negative errno.
 */
int
message_open(char **ret_name)
{
        CLEANUP_FD int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        struct sockaddr_un un = {.sun_family = AF_UNIX};
        socklen_t length = sizeof(sa_family_t);
        int one = 1;

        if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_PASSCRED, &one, sizeof(one)) < 0 ||
            bind(fd, (const struct sockaddr *)&un, length) < 0)
                return -errno;
        length = sizeof(un);
        if (getsockname(fd, (struct sockaddr *)&un, &length) < 0)
                return -errno;
        if (asprintf(ret_name, "@%.*s", (int)(length - offsetof(struct sockaddr_un, sun_path) - 1),
                     un.sun_path + 1) < 0) {
                *ret_name = NULL;
                return -ENOMEM;
        }
        return fd_steal(&fd);
}

static bool
is_one(const char *value)
{
        return strcmp(value, "1") == 0;
}

static int
replace(char **place, const char *value)
{
        free(*place);
        *place = strdup(value);
        return *place ? 0 : -ENOMEM;
}

static int
parse_line(Message *m, const char *name, const char *value)
{
        uint64_t number = 0;

        if (strcmp(name, "READY") == 0)
                m->ready = m->ready || is_one(value);
        else if (strcmp(name, "RELOADING") == 0)
                m->reloading = m->reloading || is_one(value);
        else if (strcmp(name, "STOPPING") == 0)
                m->stopping = m->stopping || is_one(value);
        else if (strcmp(name, "BARRIER") == 0)
                m->barrier = m->barrier || is_one(value);
        else if (strcmp(name, "FDSTORE") == 0)
                m->fdstore = m->fdstore || is_one(value);
        else if (strcmp(name, "FDSTOREREMOVE") == 0)
                m->fdstore_remove = m->fdstore_remove || is_one(value);
        else if (strcmp(name, "WATCHDOG") == 0) {
                m->watchdog = m->watchdog || is_one(value);
                m->watchdog_trigger = m->watchdog_trigger || strcmp(value, "trigger") == 0;
        } else if (strcmp(name, "WATCHDOG_USEC") == 0) {
                if (parse_unsigned(value, UINT64_MAX / 2, &number) == 0)
                        m->watchdog_usec = number;
        } else if (strcmp(name, "EXTEND_TIMEOUT_USEC") == 0) {
                if (parse_unsigned(value, UINT64_MAX / 2, &number) == 0)
                        m->extend_usec = number;
        } else if (strcmp(name, "MAINPID") == 0) {
                if (parse_unsigned(value, INT32_MAX, &number) == 0)
                        m->main_pid = (pid_t)number;
        } else if (strcmp(name, "STATUS") == 0)
                return replace(&m->status, value);
        else if (strcmp(name, "FDNAME") == 0)
                return replace(&m->fdname, value);
        return 0;
}

/*
 * Take in the lines of a message, which is changed by that. m must be deinitialised, also on
 * failure. Returns 0 or -ENOMEM.
 */
int
message_parse(Message *m, char *text)
{
        char *line;
        int r = 0;

        while (r == 0 && (line = strsep(&text, "\n"))) {
                char *value = strchr(line, '=');

                if (!value)
                        continue;
                *value++ = '\0';
                r = parse_line(m, line, value);
        }
        return r;
}

static void
take_control(struct msghdr *header, Message *m, MessageSender *sender)
{
        for (struct cmsghdr *c = CMSG_FIRSTHDR(header); c; c = CMSG_NXTHDR(header, c)) {
                if (c->cmsg_level != SOL_SOCKET)
                        continue;
                if (c->cmsg_type == SCM_CREDENTIALS) {
                        struct ucred credentials;

                        memcpy(&credentials, CMSG_DATA(c), sizeof(credentials));
                        sender->pid = credentials.pid;
                        sender->uid = credentials.uid;
                } else if (c->cmsg_type == SCM_RIGHTS) {
                        m->n_fds = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
                        memcpy(m->fds, CMSG_DATA(c), m->n_fds * sizeof(int));
                }
        }
}

/*
 * Receive the next message; *ret must be deinitialised then, which closes the descriptors that came
 * with it. Returns 0, -EAGAIN when there is none, or another negative errno.
 */
int
message_receive(int fd, Message *ret, MessageSender *ret_sender)
{
        char text[MESSAGE_LENGTH_MAX + 1];
        struct iovec iov = {.iov_base = text, .iov_len = MESSAGE_LENGTH_MAX};
        union {
                char space[CMSG_SPACE(sizeof(struct ucred)) +
                           CMSG_SPACE(sizeof(int) * MESSAGE_FDS_MAX)];
                struct cmsghdr header;
        } control;
        struct msghdr header = {
                .msg_iov = &iov,
                .msg_iovlen = 1,
                .msg_control = &control,
                .msg_controllen = sizeof(control.space),
        };
        ssize_t n;
        int r;

        *ret = (Message){0};
        *ret_sender = (MessageSender){.uid = (uid_t)-1};
        do {
                n = recvmsg(fd, &header, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);
        } while (n < 0 && errno == EINTR);
        if (n < 0)
                return -errno;
        take_control(&header, ret, ret_sender);
        text[n] = '\0';
        r = message_parse(ret, text);
        if (r < 0)
                message_deinit(ret);
        return r;
}

/* Close and free what came with it. */
void
message_deinit(Message *m)
{
        for (size_t i = 0; i < m->n_fds; i++)
                fd_close(m->fds[i]);
        free(m->status);
        free(m->fdname);
        *m = (Message){0};
}
