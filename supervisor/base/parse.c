/* SPDX-License-Identifier: MIT */
/* parse.c - strict parsers for what people type: whole strings only, no overflow, no leniency. */
#include "base/parse.h"

#include <ctype.h>
#include <errno.h>
#include <signal.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"

typedef struct Unit {
        const char *name;
        uint64_t factor;
} Unit;

/*
 * A decimal number without sign or blanks, at most max.
 * Returns 0, -EINVAL (not a number) or -ERANGE (too large).
 */
int
parse_unsigned(const char *text, uint64_t max, uint64_t *ret)
{
        unsigned long long value;
        char *end;

        if (!isdigit((unsigned char)text[0]))
                return -EINVAL;
        errno = 0;
        value = strtoull(text, &end, 10);
        if (*end)
                return -EINVAL;
        if (errno == ERANGE || value > max)
                return -ERANGE;
        *ret = value;
        return 0;
}

/* A decimal number, with a fraction if its unit can be divided, and the unit behind it. */
static int
parse_with_unit(const char *text, const Unit *units, size_t n_units, uint64_t *ret)
{
        uint64_t whole = 0;
        uint64_t fraction = 0;
        uint64_t scale = 1; /* of the fraction; 1: there is none */
        const char *p = text;

        if (!isdigit((unsigned char)*p))
                return -EINVAL;
        for (; isdigit((unsigned char)*p); p++) {
                if (whole > (UINT64_MAX / 100))
                        return -ERANGE;
                whole = whole * 10 + (uint64_t)(*p - '0');
        }
        if (*p == '.') {
                p++;
                if (!isdigit((unsigned char)*p))
                        return -EINVAL;
                for (; isdigit((unsigned char)*p); p++) {
                        if (scale >= USEC_PER_SEC)
                                continue;
                        fraction = fraction * 10 + (uint64_t)(*p - '0');
                        scale *= 10;
                }
        }
        for (size_t i = 0; i < n_units; i++) {
                uint64_t factor = units[i].factor;

                if (strcmp(p, units[i].name) != 0)
                        continue;
                if (scale > 1 && factor == 1) /* there is no half of a byte */
                        return -EINVAL;
                if (whole > (UINT64_MAX / 2) / factor || fraction > UINT64_MAX / factor)
                        return -ERANGE;
                *ret = whole * factor + fraction * factor / scale;
                return 0;
        }
        return -EINVAL;
}

/*
 * A span of time: `500ms`, `30s`, `5min`, `1h`, `1.5s`; a bare number is seconds.
 * Gives microseconds. Returns 0, -EINVAL or -ERANGE.
 */
int
parse_duration(const char *text, uint64_t *ret_usec)
{
        static const Unit units[] = {
                {"", USEC_PER_SEC},          {"us", 1},
                {"ms", USEC_PER_MSEC},       {"s", USEC_PER_SEC},
                {"sec", USEC_PER_SEC},       {"m", 60 * USEC_PER_SEC},
                {"min", 60 * USEC_PER_SEC},  {"h", 3600 * USEC_PER_SEC},
                {"d", 86400 * USEC_PER_SEC},
        };

        return parse_with_unit(text, units, ELEMENTSOF(units), ret_usec);
}

/* A size in bytes: `4096`, `64K`, `1M`, `2G`, in powers of 1024. Returns 0, -EINVAL or -ERANGE. */
int
parse_size(const char *text, uint64_t *ret_bytes)
{
        static const Unit units[] = {
                {"", 1}, {"K", 1ULL << 10}, {"M", 1ULL << 20}, {"G", 1ULL << 30}, {"T", 1ULL << 40},
        };

        return parse_with_unit(text, units, ELEMENTSOF(units), ret_bytes);
}

/* yes/no, true/false, on/off, 1/0. Returns 0 or -EINVAL. */
int
parse_bool(const char *text, bool *ret)
{
        static const char *const words[] = {"no", "yes", "false", "true", "off", "on", "0", "1"};

        for (size_t i = 0; i < ELEMENTSOF(words); i++)
                if (strcmp(text, words[i]) == 0) {
                        *ret = i % 2 == 1;
                        return 0;
                }
        return -EINVAL;
}

/* A signal: `TERM`, `SIGTERM`, `15`. Returns 0 or -EINVAL. */
int
parse_signal(const char *text, int *ret)
{
        uint64_t number;

        if (parse_unsigned(text, (uint64_t)SIGRTMAX, &number) == 0) {
                if (number == 0)
                        return -EINVAL;
                *ret = (int)number;
                return 0;
        }
        if (strncmp(text, "SIG", 3) == 0)
                text += 3;
        for (int signo = 1; signo < SIGRTMIN; signo++) {
                const char *name = sigabbrev_np(signo);

                if (name && strcmp(text, name) == 0) {
                        *ret = signo;
                        return 0;
                }
        }
        return -EINVAL;
}

/* A file mode in octal, at most 0777. Returns 0 or -EINVAL. */
int
parse_mode(const char *text, unsigned *ret)
{
        unsigned mode = 0;

        if (!*text || strlen(text) > 5)
                return -EINVAL;
        for (const char *p = text; *p; p++) {
                if (*p < '0' || *p > '7')
                        return -EINVAL;
                mode = mode * 8 + (unsigned)(*p - '0');
        }
        if (mode > 0777)
                return -EINVAL;
        *ret = mode;
        return 0;
}

/* The name of a signal without SIG; a static string, never NULL. */
const char *
signal_name(int signo)
{
        const char *name = sigabbrev_np(signo);

        return name ? name : "RT";
}
