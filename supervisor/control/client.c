/* SPDX-License-Identifier: MIT */
/* client.c - the other end of the control socket: asks, and waits for the answers. */
#include "control/client.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/fd.h"
#include "base/parse.h"
#include "control/lines.h"
#include "control/socket_file.h"

#define READ_SIZE (64UL * 1024)
#define ANSWER_MAX (64UL * 1024 * 1024) /* bytes; a status of very many workers is long */

struct ControlClient {
        int fd;
        Lines input;
};

/*
 * Connect to the control socket at a path.
 * Returns 0; -ECONNREFUSED when nobody listens, -ENOENT when there is no socket, -EACCES, …
 */
int
control_client_new(ControlClient **ret, const char *path)
{
        int fd = socket_file_connect(path);
        ControlClient *c = NULL;

        if (fd < 0)
                return fd;
        c = calloc(1, sizeof(*c));
        if (!c) {
                fd_close(fd);
                return -ENOMEM;
        }
        c->fd = fd;
        *ret = c;
        return 0;
}

/* Close and free it. Takes NULL. Returns NULL. */
ControlClient *
control_client_free(ControlClient *c)
{
        if (c) {
                fd_close(c->fd);
                lines_deinit(&c->input);
                free(c);
        }
        return NULL;
}

/* The destructor for CLEANUP. */
void
control_client_free_p(ControlClient **c)
{
        *c = control_client_free(*c);
}

/* Wait until the socket can be read or written. Returns 0, -ETIMEDOUT or another negative errno. */
static int
wait_for(int fd, short events, uint64_t deadline_usec)
{
        for (;;) {
                struct pollfd p = {.fd = fd, .events = events};
                int timeout_msec = -1;
                int n;

                if (deadline_usec != CONTROL_FOR_EVER) {
                        uint64_t now = clock_usec();
                        uint64_t left = deadline_usec > now ? deadline_usec - now : 0;

                        left = (left + USEC_PER_MSEC - 1) / USEC_PER_MSEC;
                        timeout_msec = left < INT_MAX ? (int)left : INT_MAX;
                }
                n = poll(&p, 1, timeout_msec);
                if (n > 0)
                        return 0;
                if (n == 0)
                        return -ETIMEDOUT;
                if (errno != EINTR)
                        return -errno;
        }
}

/*
 * Send a request. The arguments are a JSON object or NULL; the id comes back in the answers.
 * Returns 0; -EMSGSIZE when it is longer than the other side takes; -EPIPE, …
 */
int
control_client_send(ControlClient *c, json_int_t id, const char *verb, json_t *consume_arguments)
{
        json_t *request = protocol_request(id, verb, consume_arguments);
        CLEANUP_FREE char *line = json_dumps(request, JSON_COMPACT);
        size_t length = line ? strlen(line) : 0;
        size_t sent = 0;

        json_decref(request);
        if (!line)
                return -ENOMEM;
        if (length > PROTOCOL_LINE_MAX)
                return -EMSGSIZE;
        line[length++] = '\n'; /* in the place of the terminator */
        while (sent < length) {
                ssize_t n = send(c->fd, line + sent, length - sent, MSG_NOSIGNAL);
                int r = 0;

                if (n >= 0)
                        sent += (size_t)n;
                else if (errno == EAGAIN)
                        r = wait_for(c->fd, POLLOUT, CONTROL_FOR_EVER);
                else if (errno != EINTR)
                        r = -errno;
                if (r < 0)
                        return r;
        }
        return 0;
}

/* Read what has come. Returns 1, 0 at the end, or a negative errno. */
static int
read_more(ControlClient *c, uint64_t deadline_usec)
{
        for (;;) {
                char *room;
                ssize_t n;
                int r = lines_room(&c->input, READ_SIZE, &room);

                if (r < 0)
                        return r;
                n = recv(c->fd, room, READ_SIZE, 0);
                if (n >= 0) {
                        lines_added(&c->input, (size_t)n);
                        return n > 0;
                }
                if (errno == ECONNRESET)
                        return 0;
                if (errno != EAGAIN && errno != EINTR)
                        return -errno;
                r = wait_for(c->fd, POLLIN, deadline_usec);
                if (r < 0)
                        return r;
        }
}

/*
 * Wait for the next answer, at most timeout_usec, or CONTROL_FOR_EVER.
 *
 * Returns 1 with an answer, to be deinitialised; 0 when the other side has hung up; -ETIMEDOUT;
 * -EPROTO when what came is no answer; another negative errno.
 */
int
control_client_receive(ControlClient *c, uint64_t timeout_usec, ProtocolAnswer *ret)
{
        uint64_t deadline_usec =
                timeout_usec == CONTROL_FOR_EVER ? CONTROL_FOR_EVER : clock_usec() + timeout_usec;

        for (;;) {
                char *line;
                size_t length;
                int r = lines_next(&c->input, ANSWER_MAX, &line, &length);

                if (r > 0) {
                        r = protocol_parse_answer(line, length, ret);
                        return r < 0 ? r : 1;
                }
                if (r == 0)
                        r = read_more(c, deadline_usec);
                if (r <= 0)
                        return r == -EMSGSIZE ? -EPROTO : r;
        }
}
