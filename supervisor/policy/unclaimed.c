/* SPDX-License-Identifier: MIT */
/*
 * unclaimed.c - when a captured socket that workers do not bind again is given up. Pure.
 *
 * Gist: a server that keeps crashing, and binds other addresses each time, must not pile up sockets;
 * but one that crashes before it binds keeps its port. So a worker's end counts against a socket only
 * if the worker bound new addresses and not this one, and only a socket that was hardly ever served on
 * is given up: what served once is what the server is for.
 */
#include "policy/unclaimed.h"

#include "base/parse.h"

#define MISSED_MAX 3
#define SERVED_ENOUGH_USEC (10 * USEC_PER_SEC)

/* Note the end of a worker. Returns whether the socket is to be given up. */
bool
unclaimed_after_end(Unclaimed *u, const UnclaimedEnd *end)
{
        if (end->had_it) {
                u->n_missed = 0;
                u->served_usec += end->ready_usec;
        } else if (end->captured && !end->is_claimed) {
                u->n_missed++;
        }
        return !end->is_claimed && u->n_missed >= MISSED_MAX && u->served_usec < SERVED_ENOUGH_USEC;
}
