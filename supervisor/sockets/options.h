/* SPDX-License-Identifier: MIT */
/* options.h - carries socket options from a server's own socket over to the held one. */
#ifndef SUP_SOCKETS_OPTIONS_H
#define SUP_SOCKETS_OPTIONS_H

#include <stdbool.h>

bool options_has(int fd, int name);
void options_copy(int from_fd, int to_fd);

#endif
