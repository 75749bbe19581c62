/* SPDX-License-Identifier: MIT */
/* span.h - spans of time, as people read them. */
#ifndef SUP_BASE_SPAN_H
#define SUP_BASE_SPAN_H

#include <stddef.h>
#include <stdint.h>

const char *span_format(uint64_t usec, char *ret_text, size_t size);

#endif
