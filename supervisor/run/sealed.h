/* SPDX-License-Identifier: MIT */
/* sealed.h - a JSON value in a sealed memfd, and back. */
#ifndef SUP_RUN_SEALED_H
#define SUP_RUN_SEALED_H

#include <jansson.h>

int sealed_write(const char *name, json_t *consume_value);
json_t *sealed_read(int fd);

#endif
