/* SPDX-License-Identifier: MIT */
/* parse.h - strict parsers for what people type: whole strings only, no overflow, no leniency. */
#ifndef SUP_BASE_PARSE_H
#define SUP_BASE_PARSE_H

#include <stdbool.h>
#include <stdint.h>

#define USEC_PER_MSEC 1000ULL
#define USEC_PER_SEC 1000000ULL

int parse_unsigned(const char *text, uint64_t max, uint64_t *ret);
int parse_duration(const char *text, uint64_t *ret_usec);
int parse_size(const char *text, uint64_t *ret_bytes);
int parse_bool(const char *text, bool *ret);
int parse_signal(const char *text, int *ret);
int parse_mode(const char *text, unsigned *ret);
const char *signal_name(int signo);

#endif
