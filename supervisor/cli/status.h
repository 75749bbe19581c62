/* SPDX-License-Identifier: MIT */
/* status.h - what `sup status` prints. */
#ifndef SUP_CLI_STATUS_H
#define SUP_CLI_STATUS_H

#include <jansson.h>
#include <stdio.h>

void status_print(FILE *f, const json_t *status);

#endif
