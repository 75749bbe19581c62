/* SPDX-License-Identifier: MIT */
/* listen_spec.h - what one `--listen` asks for, parsed but not opened. */
#ifndef SUP_SOCKETS_LISTEN_SPEC_H
#define SUP_SOCKETS_LISTEN_SPEC_H

#include <net/if.h>
#include <stdbool.h>
#include <sys/types.h>

#include "sockets/address.h"
#include "sockets/listen_as.h"

#define LISTEN_NAME_MAX 255 /* FDNAME_MAX of sd_pid_notify_with_fds(3) */

typedef struct ListenSpec {
        char *text; /* as it was typed */
        char *name; /* LISTEN_FDNAMES, {fd:NAME} */
        Address addresses[LISTEN_ADDRESSES_MAX];
        unsigned n_addresses; /* 0 with fd:N */
        int inherited_fd;     /* fd:N, or -1 */
        bool any_address;     /* a bare port: [::] for both families, 0.0.0.0 without IPv6 */
        int backlog;
        mode_t mode;
        uid_t uid; /* -1: not changed */
        gid_t gid;
        bool steerable; /* new connections are to be steered away some day (sockets/steer.h) */
        bool reuseport;
        bool reuseaddr; /* UDP; a TCP listener always has it */
        bool freebind;
        char device[IFNAMSIZ];
        ListenAs as; /* of no addresses: none */
} ListenSpec;

int listen_spec_init(ListenSpec *spec, const char *text, char **ret_why);
void listen_spec_deinit(ListenSpec *spec);
int listen_spec_parse_address(ListenSpec *spec, char *text, char **ret_why);

#endif
