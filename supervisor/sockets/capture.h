/* SPDX-License-Identifier: MIT */
/* capture.h - answers the trapped bind() and listen() calls of workers. */
#ifndef SUP_SOCKETS_CAPTURE_H
#define SUP_SOCKETS_CAPTURE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "sockets/held.h"

#define CAPTURE_PENDING_MAX 256

/* What capture has to ask, or to tell, those who know the workers. `owner` is an incarnation. */
typedef struct CaptureHost {
        void *userdata;
        /* Does a living process of the worker still have what it claimed? 1, 0 or -errno */
        int (*still_has)(void *userdata, uint64_t owner, const Held *h, const HeldClaim *claim);
        /* A worker listens on a held socket; fresh: it was captured by this very call. */
        void (*on_listening)(void *userdata, uint64_t owner, Held *h, pid_t pid, bool fresh);
} CaptureHost;

/* A socket that was bound, with a name of its own choice, and may listen next. */
typedef struct CapturePending {
        dev_t dev;
        ino_t ino;
} CapturePending;

typedef struct Capture {
        HeldTable *held;
        CaptureHost host;
        int fd_floor;
        CapturePending pending[CAPTURE_PENDING_MAX]; /* a ring */
        unsigned next_pending;
        Address tried; /* the last address that was left to the kernel, and for whom */
        uint64_t tried_owner;
        bool told_no_access;
} Capture;

void capture_init(Capture *c, HeldTable *held, int fd_floor, const CaptureHost *host);
const Address *capture_last_tried(const Capture *c, uint64_t owner);
int capture_dispatch(Capture *c, int listener_fd, uint64_t owner);

#endif
