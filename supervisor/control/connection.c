/* SPDX-License-Identifier: MIT */
/*
 * connection.c - one client of the control socket.
 *
 * Gist: a turn reads once, answers a few requests and sends what the client takes; then the others
 * have theirs. A client that does not take its answers is not read from, and one that still leaves
 * too much, from requests that report progress, is closed. It may shut its own side and still gets
 * its answers; once it is gone altogether, what it sent before is carried out all the same.
 *
 * A connection is never freed within a call of its own, since the host may answer, and so break it,
 * at any time: it is marked, and the server sweeps later.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fd.h"
#include "control/state.h"

#define READ_SIZE (16UL * 1024)

static size_t
backlog(const Connection *c)
{
        return c->n_output - c->n_sent;
}

/* Nobody gets the answers any more; the requests are the host's alone. */
static void
abandon_requests(Connection *c)
{
        for (size_t i = 0; i < c->n_requests; i++)
                c->requests[i]->connection = NULL;
        c->n_requests = 0;
}

static void
drop_output(Connection *c)
{
        free(c->output);
        c->output = NULL;
        c->n_output = 0;
        c->n_output_allocated = 0;
        c->n_sent = 0;
}

static void
break_off(Connection *c)
{
        c->broken = true;
        abandon_requests(c);
        drop_output(c);
        (void)sd_event_source_set_enabled(c->source, SD_EVENT_OFF);
        server_sweep_soon(c->server);
}

/* Close it if nothing is left to do, else wait for what may come next. */
static void
settle(Connection *c)
{
        bool all_taken = backlog(c) == 0;
        bool all_done = c->ended && !c->has_lines && (c->deaf || c->n_requests == 0);
        uint32_t events = 0;

        if (c->broken)
                return;
        if (all_taken && (all_done || c->leaving)) {
                break_off(c);
                return;
        }
        if (!c->ended && !c->leaving && !c->has_lines && backlog(c) < CONTROL_BACKLOG_PAUSE)
                events |= EPOLLIN;
        /* Lines that are left from the last turn are taken when the client is ready for answers. */
        if (!all_taken || c->has_lines)
                events |= EPOLLOUT;
        if (sd_event_source_set_io_events(c->source, events) < 0)
                break_off(c);
}

static void
send_output(Connection *c)
{
        while (backlog(c) > 0) {
                ssize_t n =
                        send(c->fd, c->output + c->n_sent, backlog(c), MSG_NOSIGNAL | MSG_DONTWAIT);

                if (n < 0 && errno == EINTR)
                        continue;
                if (n < 0 && errno == EAGAIN)
                        return;
                if (n < 0) {
                        c->deaf = true;
                        break;
                }
                c->n_sent += (size_t)n;
        }
        drop_output(c);
}

/* Append to the output. A json_dump_callback_t. */
static int
add_output(const char *text, size_t length, void *userdata)
{
        Connection *c = userdata;

        if (c->n_output + length > c->n_output_allocated) {
                size_t n = (c->n_output + length) * 2;
                char *grown = realloc(c->output, n);

                if (!grown)
                        return -1;
                c->output = grown;
                c->n_output_allocated = n;
        }
        memcpy(c->output + c->n_output, text, length);
        c->n_output += length;
        return 0;
}

/*
 * Send an answer, which is a JSON object or NULL without memory: as much as the client takes now,
 * the rest later. A client that has left too much already is closed, and so is one that would miss
 * an answer.
 */
void
connection_send(Connection *c, json_t *consume_answer)
{
        if (!c->broken && !c->deaf) {
                if (!consume_answer || backlog(c) > CONTROL_BACKLOG_MAX ||
                    json_dump_callback(consume_answer, add_output, c, JSON_COMPACT) < 0 ||
                    add_output("\n", 1, c) < 0)
                        break_off(c);
                else
                        send_output(c);
        }
        json_decref(consume_answer);
        settle(c);
}

/* Say why in one line, and close when the client has taken it. */
void
connection_dismiss(Connection *c, const char *error)
{
        abandon_requests(c);
        c->leaving = true;
        connection_send(c, protocol_final(NULL, NULL, error));
}

static bool
has_unread(const Connection *c)
{
        int n = 0;

        return ioctl(c->fd, FIONREAD, &n) == 0 && n > 0;
}

/* Whether it could be closed without keeping an answer from anybody. */
bool
connection_is_idle(const Connection *c)
{
        return c->n_requests == 0 && !c->has_lines && !c->broken && !has_unread(c);
}

/*
 * Whether it has said something, or begun to, that was not looked at yet, or has just come and is about to;
 * or has not taken all of its answers. Requests that are being carried out are the host's to know.
 */
bool
connection_is_unheard(const Connection *c)
{
        if (backlog(c) > 0)
                return true;
        if (c->broken || c->leaving)
                return false;
        if (c->has_lines || has_unread(c))
                return true;
        return !c->ended && (!c->has_asked || c->input.begin < c->input.end);
}

/* Take a request off the list of its connection, which may be gone already. */
void
connection_drop_request(ControlRequest *request)
{
        Connection *c = request->connection;

        for (size_t i = 0; c && i < c->n_requests; i++)
                if (c->requests[i] == request) {
                        c->requests[i] = c->requests[--c->n_requests];
                        break;
                }
        request->connection = NULL;
}

/* Hand a request to the host, or refuse it. */
static void
take_request(Connection *c, const char *line, size_t length)
{
        _Static_assert(CONTROL_REQUESTS_MAX == 64, "the sentence says so");
        CLEANUP_FREE char *reason = NULL;
        ControlRequest *request = calloc(1, sizeof(*request));
        int r = -ENOMEM;

        c->has_asked = true;
        if (request)
                r = protocol_parse_request(line, length, &request->words, &reason);
        if (r == 0 && c->n_requests < CONTROL_REQUESTS_MAX) {
                const ControlHost *host = &c->server->host;

                request->connection = c;
                c->requests[c->n_requests++] = request;
                host->on_request(host->userdata, request, request->words.verb,
                                 request->words.arguments);
                return;
        }
        if (r == 0)
                connection_send(c, protocol_final(request->words.id, NULL,
                                                  "64 requests of this connection are being "
                                                  "carried out; wait for an answer first"));
        else if (request)
                connection_send(c, protocol_final(request->words.id, NULL,
                                                  reason ? reason : "out of memory"));
        else
                break_off(c);
        if (request)
                protocol_request_deinit(&request->words);
        free(request);
}

static bool
is_blank(const char *line, size_t length)
{
        return length == 0 || (length == 1 && line[0] == '\r');
}

/* Take the lines that are there, a turn's worth of them. */
static void
take_lines(Connection *c)
{
        c->has_lines = true;
        for (unsigned i = 0; i < CONTROL_TURN_MAX; i++) {
                char *line;
                size_t length;
                int r;

                if (c->broken || c->leaving || backlog(c) >= CONTROL_BACKLOG_PAUSE)
                        return;
                r = lines_next(&c->input, PROTOCOL_LINE_MAX, &line, &length);
                if (r <= 0)
                        c->has_lines = false;
                if (r < 0)
                        connection_dismiss(c, "a line is longer than 65536 bytes");
                if (r <= 0)
                        return;
                if (!is_blank(line, length))
                        take_request(c, line, length);
        }
}

static void
read_input(Connection *c)
{
        char *room;
        ssize_t n;

        if (lines_room(&c->input, READ_SIZE, &room) < 0) {
                break_off(c);
                return;
        }
        n = recv(c->fd, room, READ_SIZE, MSG_DONTWAIT);
        if (n > 0)
                lines_added(&c->input, (size_t)n);
        else if (n == 0 || (errno != EAGAIN && errno != EINTR))
                c->ended = true;
        c->last_heard = ++c->server->n_reads;
}

/* One turn. EPOLLHUP comes when both sides are shut (unix(7)), and with what is still to be read. */
static int
connection_on_io(sd_event_source *source, int fd, uint32_t revents, void *userdata)
{
        Connection *c = userdata;

        (void)source;
        (void)fd;
        if (revents & (EPOLLHUP | EPOLLERR)) {
                c->deaf = true;
                drop_output(c);
        }
        if (revents & EPOLLOUT)
                send_output(c);
        if (!c->has_lines && !c->ended && !c->leaving && backlog(c) < CONTROL_BACKLOG_PAUSE)
                read_input(c);
        if (!c->broken)
                take_lines(c);
        settle(c);
        return 0;
}

/*
 * Serve a client. consume_fd is a connected, non-blocking stream socket; it is closed on failure.
 * Returns 0 or a negative errno.
 */
int
connection_new(Connection **ret, ControlServer *server, int consume_fd)
{
        Connection *c = calloc(1, sizeof(*c));
        int r;

        if (!c) {
                fd_close(consume_fd);
                return -ENOMEM;
        }
        c->server = server;
        c->fd = consume_fd;
        c->last_heard = ++server->n_reads;
        r = sd_event_add_io(server->event, &c->source, c->fd, EPOLLIN, connection_on_io, c);
        if (r < 0) {
                connection_free(c);
                return r;
        }
        (void)sd_event_source_set_description(c->source, "control-client");
        *ret = c;
        return 0;
}

/* Close and free it. Its requests live on with the host. Takes NULL. Returns NULL. */
Connection *
connection_free(Connection *c)
{
        if (c) {
                abandon_requests(c);
                sd_event_source_disable_unref(c->source);
                fd_close(c->fd);
                lines_deinit(&c->input);
                drop_output(c);
                free(c);
        }
        return NULL;
}
