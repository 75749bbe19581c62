/* SPDX-License-Identifier: MIT */
/* server.h - the control socket of an instance: accepts, reads requests, sends answers. */
#ifndef SUP_CONTROL_SERVER_H
#define SUP_CONTROL_SERVER_H

#include <jansson.h>
#include <stdbool.h>
#include <systemd/sd-event.h>

typedef struct ControlServer ControlServer;
typedef struct ControlRequest ControlRequest;

/*
 * Who carries the requests out. The verbs, their arguments (all of them checked, most of them
 * optional), and what a result or a report of progress says, are in sup-control(7). Texts that may
 * not be UTF-8 become JSON by protocol_text().
 */
typedef struct ControlHost {
        void *userdata;
        /*
         * Carry out a verb. Verb and arguments have been checked against the vocabulary, and live
         * as long as the request: until control_request_finish(), also when its client has gone
         * (the answers then go nowhere). It may be finished at once or any time later.
         */
        void (*on_request)(void *userdata, ControlRequest *request, const char *verb,
                           const json_t *arguments);
} ControlHost;

int control_server_new(ControlServer **ret, sd_event *event, const char *path,
                       const ControlHost *host, char **ret_why);
int control_server_adopt(ControlServer **ret, sd_event *event, int consume_fd, const char *path,
                         const ControlHost *host);
int control_server_fd(const ControlServer *server);
const char *control_server_path(const ControlServer *server);
void control_server_hold(ControlServer *server, bool hold);
bool control_server_is_unheard(const ControlServer *server);
ControlServer *control_server_free(ControlServer *server);
ControlServer *control_server_release(ControlServer *server, int *ret_fd);

void control_request_progress(ControlRequest *request, json_t *consume_body);
void control_request_finish(ControlRequest *request, json_t *consume_body, const char *error);
bool control_request_is_waiting(const ControlRequest *request);

#endif
