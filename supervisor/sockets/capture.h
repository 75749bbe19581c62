/* SPDX-License-Identifier: MIT */
/* capture.h - answers the trapped bind() and listen() calls of workers. */
#ifndef SUP_SOCKETS_CAPTURE_H
#define SUP_SOCKETS_CAPTURE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "linux/notify.h"
#include "sockets/held.h"
#include "sockets/pending.h"
#include "sockets/trap.h"

/* Positive answers: the call waits for another worker, or for this one to be promoted. */
#define CAPTURE_WAIT 2
#define CAPTURE_PARK 3

/* What capture has to ask, or to tell, those who know the workers. `owner` is an incarnation. */
typedef struct CaptureHost {
        void *userdata;
        /* Follow what has become of the names of held sockets up to now. */
        void (*catch_up)(void *userdata);
        /* A task of the worker calls bind or listen, and waits for the answer. */
        void (*on_call)(void *userdata, uint64_t owner, pid_t tid);
        /* The generation that an incarnation is of; 0: it is gone. */
        unsigned (*generation_of)(void *userdata, uint64_t owner);
        /* May it listen, or is it a standby, and to be parked here? */
        bool (*may_listen)(void *userdata, uint64_t owner);
        /* Are there other workers, which may bind what this one does? */
        bool (*has_siblings)(void *userdata, uint64_t owner);
        /* Does a living process of the worker still have what it claimed? 1, 0 or -errno */
        int (*still_has)(void *userdata, uint64_t owner, const Held *h, const HeldClaim *claim);
        /* Does a living process of the worker have this socket, which is not held? 1, 0 or -errno */
        int (*has_socket)(void *userdata, uint64_t owner, ino_t ino);
        /* Is it certain that no living process of any worker has it? */
        bool (*is_given_up)(void *userdata, Held *h);
        /* The worker has bound its way to a held socket. It need not listen, which that does already. */
        void (*on_claimed)(void *userdata, uint64_t owner);
        /* A task of the worker listens on a held socket; bound: it was captured just now, or NULL. */
        void (*on_listening)(void *userdata, uint64_t owner, Held *h, pid_t tid,
                             const PendingSocket *bound);
} CaptureHost;

/* A call that waits. */
typedef struct CaptureParked {
        int why; /* CAPTURE_WAIT or CAPTURE_PARK */
        int listener_fd;
        uint64_t owner;
        NotifyCall call;
} CaptureParked;

typedef struct Capture {
        HeldTable *held;
        CaptureHost host;
        int fd_floor;
        Pending pending;
        CaptureParked *parked;
        size_t n_parked;
        bool steerable;     /* sockets are to be such that new connections can be steered away */
        bool can_hand_over; /* this kernel can; known when the first socket is to be held */
        bool told_no_access;
        bool told_no_files;
        bool told_no_name;
} Capture;

void capture_init(Capture *c, HeldTable *held, int fd_floor, const CaptureHost *host);
const Address *capture_last_tried(const Capture *c, uint64_t owner);
void capture_deinit(Capture *c);
void capture_retry(Capture *c, bool expired);
void capture_forget(Capture *c, uint64_t owner);
Held *capture_hold(Capture *c, Trap *trap, const HeldKey *key);
int capture_dispatch(Capture *c, int listener_fd, uint64_t owner);

#endif
