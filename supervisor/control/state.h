/* SPDX-License-Identifier: MIT */
/* state.h - what server.c and connection.c share. Not for other rooms. */
#ifndef SUP_CONTROL_STATE_H
#define SUP_CONTROL_STATE_H

#include <stdint.h>

#include "control/lines.h"
#include "control/protocol.h"
#include "control/server.h"
#include "control/socket_file.h"

enum {
        CONTROL_CONNECTIONS_MAX = 1024,
        CONTROL_REQUESTS_MAX = 64,         /* of one connection, at a time */
        CONTROL_BACKLOG_MAX = 1024 * 1024, /* bytes of answers that a client did not take */
        CONTROL_BACKLOG_PAUSE = 64 * 1024, /* from here on nothing more is read from it */
        CONTROL_TURN_MAX = 8, /* requests of one connection before others have a turn */
};

/* One client. */
typedef struct Connection {
        ControlServer *server;
        size_t index;            /* in the server's list */
        uint64_t last_heard;     /* in reads of the server: a clock without time */
        sd_event_source *source; /* owns the descriptor */
        int fd;
        Lines input;
        char *output; /* not yet taken by the client */
        size_t n_output;
        size_t n_output_allocated;
        size_t n_sent; /* of it */
        ControlRequest *requests[CONTROL_REQUESTS_MAX];
        size_t n_requests;
        bool has_asked; /* something, once */
        bool has_lines; /* its turn was over before its lines were */
        bool ended;     /* it will send nothing more */
        bool deaf;      /* nor take anything */
        bool leaving;   /* to be closed when it has taken what is there */
        bool broken;    /* to be freed */
} Connection;

/* What was asked for. */
struct ControlRequest {
        Connection *connection; /* NULL: its client has gone */
        ProtocolRequest words;
};

struct ControlServer {
        sd_event *event;
        ControlHost host;
        SocketFile file;
        int fd;
        sd_event_source *accept_source;
        sd_event_source *resume_timer; /* of a pause after too many open files */
        sd_event_source *sweep;        /* frees broken connections, outside of their own calls */
        Connection **connections;
        size_t n_connections;
        size_t n_connections_max; /* at present: fewer when open files are scarce */
        bool is_held;             /* nobody is taken in for now */
        uint64_t n_reads;
};

/* connection.c: one client */
int connection_new(Connection **ret, ControlServer *server, int consume_fd);
Connection *connection_free(Connection *c);
void connection_send(Connection *c, json_t *consume_answer);
void connection_dismiss(Connection *c, const char *error);
bool connection_is_idle(const Connection *c);
bool connection_is_unheard(const Connection *c);
void connection_drop_request(ControlRequest *request);

/* server.c: the whole */
int server_add_connection(ControlServer *server, int consume_fd, Connection **ret);
void server_remove_connection(Connection *c);
void server_sweep_soon(ControlServer *server);

#endif
