/* SPDX-License-Identifier: MIT */
/* client.h - the other end of the control socket: asks, and waits for the answers. */
#ifndef SUP_CONTROL_CLIENT_H
#define SUP_CONTROL_CLIENT_H

#include <jansson.h>
#include <stdint.h>

#include "control/protocol.h"

#define CONTROL_FOR_EVER UINT64_MAX

typedef struct ControlClient ControlClient;

int control_client_new(ControlClient **ret, const char *path);
ControlClient *control_client_free(ControlClient *c);
void control_client_free_p(ControlClient **c);
int control_client_send(ControlClient *c, json_int_t id, const char *verb,
                        json_t *consume_arguments);
int control_client_receive(ControlClient *c, uint64_t timeout_usec, ProtocolAnswer *ret);

#endif
