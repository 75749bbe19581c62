/* SPDX-License-Identifier: MIT */
/* span.c - spans of time, as people read them. */
#include "base/span.h"

#include <stdio.h>

#include "base/parse.h"

/* A span of time in the unit that suits it: `0.4 ms`, `12.3 s`, `3 min 20 s`. Returns ret_text. */
const char *
span_format(uint64_t usec, char *ret_text, size_t size)
{
        uint64_t seconds = usec / USEC_PER_SEC;

        if (usec < 10 * USEC_PER_MSEC)
                (void)snprintf(ret_text, size, "%.1f ms", (double)usec / 1000.0);
        else if (usec < USEC_PER_SEC)
                (void)snprintf(ret_text, size, "%.0f ms", (double)usec / 1000.0);
        else if (seconds < 60)
                (void)snprintf(ret_text, size, "%.1f s", (double)usec / 1e6);
        else if (seconds < 3600)
                (void)snprintf(ret_text, size, "%u min %u s", (unsigned)(seconds / 60),
                               (unsigned)(seconds % 60));
        else if (seconds < 86400)
                (void)snprintf(ret_text, size, "%u h %u min", (unsigned)(seconds / 3600),
                               (unsigned)(seconds % 3600 / 60));
        else
                (void)snprintf(ret_text, size, "%llu d %u h", (unsigned long long)(seconds / 86400),
                               (unsigned)(seconds % 86400 / 3600));
        return ret_text;
}
