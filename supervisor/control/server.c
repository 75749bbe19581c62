/* SPDX-License-Identifier: MIT */
/*
 * server.c - the control socket of an instance: accepts, reads requests, sends answers.
 *
 * Gist: the host gets requests and answers them when it likes. Only root and the user whom `sup`
 * runs as are heard. No number of clients keeps the next one out, or `sup` itself from opening
 * files: when they become too many, the one that was silent longest, and waits for no answer, is
 * closed; if there is none, accepting pauses, for a second or until a client goes.
 */
#include "control/server.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/log.h"
#include "base/parse.h"
#include "base/why.h"
#include "control/state.h"

#define FILES_FOR_OTHERS_MAX 64 /* of the limit of open files, but at most a quarter of it */
#define CONNECTIONS_MIN 8       /* that there may be, however few files may be open */
#define PAUSE_USEC (1 * USEC_PER_SEC)

/* Free the connections that were broken off, outside of any call of theirs. */
static int
server_on_sweep(sd_event_source *source, void *userdata)
{
        ControlServer *server = userdata;

        (void)source;
        for (size_t i = server->n_connections; i > 0; i--)
                if (server->connections[i - 1]->broken)
                        server_remove_connection(server->connections[i - 1]);
        return 0;
}

/* Free what was broken off, soon. */
void
server_sweep_soon(ControlServer *server)
{
        (void)sd_event_source_set_enabled(server->sweep, SD_EVENT_ONESHOT);
}

static void
pause_accepting(ControlServer *server)
{
        (void)sd_event_source_set_enabled(server->accept_source, SD_EVENT_OFF);
        (void)sd_event_source_set_time_relative(server->resume_timer, PAUSE_USEC);
        (void)sd_event_source_set_enabled(server->resume_timer, SD_EVENT_ONESHOT);
}

static void
resume_accepting(const ControlServer *server)
{
        (void)sd_event_source_set_enabled(server->resume_timer, SD_EVENT_OFF);
        (void)sd_event_source_set_enabled(server->accept_source,
                                          server->is_held ? SD_EVENT_OFF : SD_EVENT_ON);
}

static int
server_on_resume(sd_event_source *source, uint64_t usec, void *userdata)
{
        (void)source;
        (void)usec;
        resume_accepting(userdata);
        return 0;
}

/* Close and free a connection, and take it off the list. */
void
server_remove_connection(Connection *c)
{
        ControlServer *server = c->server;
        Connection *last = server->connections[--server->n_connections];

        server->connections[c->index] = last;
        last->index = c->index;
        connection_free(c);
        if (server->n_connections < server->n_connections_max / 2)
                server->n_connections_max = CONTROL_CONNECTIONS_MAX;
        resume_accepting(server);
}

/*
 * Close the connection that was silent longest, but not this one. Returns whether there was one to
 * be closed.
 */
static bool
make_room(ControlServer *server, const Connection *spare)
{
        Connection *oldest = NULL;

        for (size_t i = 0; i < server->n_connections; i++) {
                Connection *c = server->connections[i];

                if (c != spare && (!oldest || c->last_heard < oldest->last_heard) &&
                    connection_is_idle(c))
                        oldest = c;
        }
        if (oldest)
                server_remove_connection(oldest);
        return oldest != NULL;
}

/*
 * Serve a client from now on. consume_fd is closed on failure. There are fewer than
 * CONTROL_CONNECTIONS_MAX. Returns 0 or a negative errno.
 */
int
server_add_connection(ControlServer *server, int consume_fd, Connection **ret)
{
        Connection *c = NULL;
        int r = connection_new(&c, server, consume_fd);

        if (r < 0)
                return r;
        c->index = server->n_connections;
        server->connections[server->n_connections++] = c;
        *ret = c;
        return 0;
}

/* The user at the other end, as of connect(2) (SO_PEERCRED, unix(7)). */
static bool
is_allowed(int fd, uid_t *ret_uid)
{
        struct ucred credentials;
        socklen_t length = sizeof(credentials);

        *ret_uid = (uid_t)-1;
        if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &credentials, &length) < 0)
                return false;
        *ret_uid = credentials.uid;
        return credentials.uid == 0 || credentials.uid == geteuid();
}

/*
 * Whether so many files are open that the next ones should be for others: descriptors are given out
 * from the lowest on, so nearly all below this new one are taken.
 */
static bool
is_scarce(int fd)
{
        struct rlimit limit;
        rlim_t spare;

        if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
                return false;
        spare = limit.rlim_cur / 4 < FILES_FOR_OTHERS_MAX ? limit.rlim_cur / 4
                                                          : FILES_FOR_OTHERS_MAX;
        return (rlim_t)fd + spare >= limit.rlim_cur;
}

static void
admit(ControlServer *server, int consume_fd)
{
        Connection *c = NULL;
        uid_t uid;
        bool is_welcome = is_allowed(consume_fd, &uid);
        bool scarce = is_scarce(consume_fd);
        int r = server_add_connection(server, consume_fd, &c);

        if (r < 0) {
                log_debug("a client of the control socket is lost: %s, ignoring",
                          strerrordesc_np(-r));
                return;
        }
        if (!is_welcome) {
                log_debug("user %u may not use the control socket", uid);
                connection_dismiss(c, "this control socket is for root and the user of this sup");
        }
        /* The descriptor of the one that goes is a low one again, so the number has to be kept. */
        if (scarce && server->n_connections > CONNECTIONS_MIN) {
                (void)make_room(server, c);
                server->n_connections_max = server->n_connections;
        }
}

/*
 * Take in the client that waits: one in a turn, since accept4(2) wants a free descriptor before it
 * looks whether there is another one.
 */
static int
server_on_accept(sd_event_source *source, int fd, uint32_t revents, void *userdata)
{
        ControlServer *server = userdata;
        bool full = server->n_connections >= server->n_connections_max && !make_room(server, NULL);
        int client_fd = full ? -1 : accept4(fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

        (void)source;
        (void)revents;
        if (client_fd >= 0)
                admit(server, client_fd);
        else if (full ||
                 ((errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) &&
                  !make_room(server, NULL)))
                pause_accepting(server);
        return 0;
}

static int
add_sources(ControlServer *server)
{
        int r = sd_event_add_io(server->event, &server->accept_source, server->fd, EPOLLIN,
                                server_on_accept, server);

        if (r >= 0)
                r = sd_event_add_time_relative(server->event, &server->resume_timer,
                                               CLOCK_MONOTONIC, PAUSE_USEC, 0, server_on_resume,
                                               server);
        if (r >= 0)
                r = sd_event_source_set_enabled(server->resume_timer, SD_EVENT_OFF);
        if (r >= 0)
                r = sd_event_add_defer(server->event, &server->sweep, server_on_sweep, server);
        if (r >= 0)
                r = sd_event_source_set_enabled(server->sweep, SD_EVENT_OFF);
        return r < 0 ? r : 0;
}

/* A server without a socket. */
static int
server_alloc(ControlServer **ret, sd_event *event, const ControlHost *host)
{
        ControlServer *server = calloc(1, sizeof(*server));

        if (!server)
                return -ENOMEM;
        server->fd = -1;
        server->event = sd_event_ref(event);
        server->host = *host;
        server->n_connections_max = CONTROL_CONNECTIONS_MAX;
        server->connections = calloc(CONTROL_CONNECTIONS_MAX, sizeof(Connection *));
        if (!server->connections) {
                control_server_free(server);
                return -ENOMEM;
        }
        *ret = server;
        return 0;
}

/*
 * Listen at a path, whose directory exists, for root and our own user (mode 0600). A socket that
 * nobody listens on is replaced.
 *
 * Returns 0; -EADDRINUSE when a living process has the path; -EEXIST when there is a file that is
 * no socket; another negative errno; all of them with a sentence.
 */
int
control_server_new(ControlServer **ret, sd_event *event, const char *path, const ControlHost *host,
                   char **ret_why)
{
        ControlServer *server = NULL;
        CLEANUP_FREE char *reason = NULL;
        int r = server_alloc(&server, event, host);

        if (r == 0) {
                server->fd = socket_file_bind(&server->file, path, &reason);
                r = server->fd < 0 ? server->fd : add_sources(server);
        }
        if (r == 0) {
                *ret = server;
                return 0;
        }
        control_server_free(server);
        return why(ret_why, r, "%s", reason ? reason : strerrordesc_np(-r));
}

/*
 * Go on with a socket that listens at a path already: consume_fd, which is closed on failure. It
 * becomes close-on-exec and non-blocking. What happened to the path meanwhile is no error.
 * Returns 0 or a negative errno.
 */
int
control_server_adopt(ControlServer **ret, sd_event *event, int consume_fd, const char *path,
                     const ControlHost *host)
{
        ControlServer *server = NULL;
        int r = server_alloc(&server, event, host);

        if (r < 0) {
                fd_close(consume_fd);
                return r;
        }
        server->fd = consume_fd;
        r = socket_file_adopt(&server->file, path);
        if (r == 0 || r == -ENOENT)
                r = fcntl(server->fd, F_SETFD, FD_CLOEXEC) < 0 ? -errno : 0;
        if (r == 0)
                r = fd_set_nonblock(server->fd, true);
        if (r == 0)
                r = add_sources(server);
        if (r < 0) {
                (void)control_server_release(server, NULL);
                fd_close(consume_fd);
                return r;
        }
        *ret = server;
        return 0;
}

/* The listening descriptor; it stays the server's. */
int
control_server_fd(const ControlServer *server)
{
        return server->fd;
}

/* Where it listens; valid as long as the server. */
const char *
control_server_path(const ControlServer *server)
{
        return server->file.path;
}

/* Take nobody in from now on: new clients wait in the queue of the socket; or take them in again. */
void
control_server_hold(ControlServer *server, bool hold)
{
        if (server->is_held == hold)
                return;
        server->is_held = hold;
        resume_accepting(server);
}

/*
 * Whether some client has said something that was not looked at yet, or is about to, or has not taken its
 * answers. There may be some that stay so for ever.
 */
bool
control_server_is_unheard(const ControlServer *server)
{
        for (size_t i = 0; i < server->n_connections; i++)
                if (connection_is_unheard(server->connections[i]))
                        return true;
        return false;
}

/*
 * Free the server, and leave the socket and its path for the next one that adopts them. *ret_fd,
 * if wanted, is the listening descriptor, which is the caller's then. Connections are closed;
 * requests that were not finished still have to be. Not to be called from on_request(). Takes NULL.
 * Returns NULL.
 */
ControlServer *
control_server_release(ControlServer *server, int *ret_fd)
{
        if (!server)
                return NULL;
        for (size_t i = 0; i < server->n_connections; i++)
                connection_free(server->connections[i]);
        free(server->connections);
        sd_event_source_disable_unref(server->accept_source);
        sd_event_source_disable_unref(server->resume_timer);
        sd_event_source_disable_unref(server->sweep);
        sd_event_unref(server->event);
        socket_file_deinit(&server->file);
        if (ret_fd)
                *ret_fd = server->fd;
        free(server);
        return NULL;
}

/*
 * Stop listening, remove the path if it is still ours, and free the server. As
 * control_server_release() otherwise. Takes NULL. Returns NULL.
 */
ControlServer *
control_server_free(ControlServer *server)
{
        int fd = -1;

        if (server)
                socket_file_remove(&server->file);
        (void)control_server_release(server, &fd);
        fd_close(fd);
        return NULL;
}

/* Report on a request that goes on. The body is a JSON object. */
void
control_request_progress(ControlRequest *request, json_t *consume_body)
{
        if (request->connection)
                connection_send(request->connection,
                                protocol_progress(request->words.id, consume_body));
        else
                json_decref(consume_body);
}

/*
 * Answer a request for good, and free it. The body is a JSON object or NULL; error is one sentence
 * for a person, or NULL: it was done.
 */
void
control_request_finish(ControlRequest *request, json_t *consume_body, const char *error)
{
        Connection *c = request->connection;

        connection_drop_request(request);
        if (c)
                connection_send(c, protocol_final(request->words.id, consume_body, error));
        else
                json_decref(consume_body);
        protocol_request_deinit(&request->words);
        free(request);
}

/* Whether anybody still waits for the answer. */
bool
control_request_is_waiting(const ControlRequest *request)
{
        return request->connection != NULL;
}
