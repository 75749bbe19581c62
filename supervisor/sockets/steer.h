/* SPDX-License-Identifier: MIT */
/* steer.h - sockets of several generations on one address, and who of them gets what is new. */
#ifndef SUP_SOCKETS_STEER_H
#define SUP_SOCKETS_STEER_H

#include <stdbool.h>

#include "sockets/held.h"

#define STEER_WHOLE 10000 /* shares of new connections are out of so many */

int steer_listen(int fd, int backlog);
void steer_leave(const HeldTable *t, const Held *h);
int steer_prepare(HeldTable *t, unsigned from, unsigned to, bool by_chance, int fd_floor,
                  char **ret_why);
int steer_check(const HeldTable *t, char **ret_why);
void steer_share(HeldTable *t, unsigned generation);
void steer_split(HeldTable *t, unsigned from, unsigned to, unsigned share);
void steer_commit(HeldTable *t, unsigned generation);
void steer_claimed(HeldTable *t, Held *h, unsigned current);
void steer_revived(HeldTable *t, Held *h, bool is_listening);
void steer_remove(HeldTable *t, Held *h);

#endif
