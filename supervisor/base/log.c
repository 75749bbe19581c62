/* SPDX-License-Identifier: MIT */
/*
 * log.c - what `sup` says: one event, one line, one write(2).
 *
 * Gist: under systemd (stderr is the journal's stream) events go to the journal with native fields;
 * should the journal not take one, the line goes to stderr behind a `<N>` prefix (sd-daemon(3)).
 * Elsewhere they are short lines on stderr, coloured on a terminal, or JSON objects on request.
 * Failure to write a line is ignored: nothing is worth stopping for.
 */
#include "base/log.h"

#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <poll.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#define SD_JOURNAL_SUPPRESS_LOCATION
#include <systemd/sd-journal.h>

#include "base/cleanup.h"
#include "base/event_id.h"
#include "base/printable.h"

#define LOG_LINE_MAX 1024

/* The log is the one global of the program. */
static struct {
        LogFormat format;
        int level;
        bool prefix;  /* stderr is the journal's stream */
        bool journal; /* and it takes native fields */
        bool colour;
        const char *name; /* of the instance, not owned */
} log_state = {.level = LOG_INFO};

#define JOURNAL_SOCKET "/run/systemd/journal/socket"

/* Whether stderr is the stream that $JOURNAL_STREAM names (systemd.exec(5)). */
static bool
stderr_is_journal(void)
{
        const char *text = getenv("JOURNAL_STREAM");
        uintmax_t dev;
        uintmax_t ino;
        struct stat st;
        char *end;

        if (!text || fstat(STDERR_FILENO, &st) < 0)
                return false;
        dev = strtoumax(text, &end, 10);
        if (*end != ':')
                return false;
        ino = strtoumax(end + 1, &end, 10);
        return !*end && st.st_dev == dev && st.st_ino == ino;
}

/* Find out what stderr is. To be called once, before the first line. */
void
log_init(void)
{
        const char *term = getenv("TERM");

        log_state.prefix = stderr_is_journal();
        /* sd_journal_sendv(3) says that all went well when nobody is there. */
        log_state.journal = log_state.prefix && access(JOURNAL_SOCKET, W_OK) == 0;
        log_state.colour =
                isatty(STDERR_FILENO) && !getenv("NO_COLOR") && term && strcmp(term, "dumb") != 0;
}

/* The instance's name for structured logs; it is borrowed and must outlive the log. */
void
log_set_name(const char *name)
{
        log_state.name = name;
}

/* Choose between human lines and JSON objects. */
void
log_set_format(LogFormat format)
{
        log_state.format = format;
}

/* The least important level that is still said, LOG_ERR … LOG_DEBUG. */
void
log_set_level(int level)
{
        log_state.level = level;
}

/* Whether a line of this level would be said, for callers that would have to gather it first. */
bool
log_wants(int level)
{
        return level <= log_state.level;
}

static const char *
level_name(int level)
{
        switch (level) {
        case LOG_ERR:
                return "error";
        case LOG_WARNING:
                return "warning";
        case LOG_DEBUG:
                return "debug";
        default:
                return "info";
        }
}

static const char *
level_colour(int level)
{
        switch (level) {
        case LOG_ERR:
                return "\033[1;31m";
        case LOG_WARNING:
                return "\033[1;33m";
        case LOG_DEBUG:
                return "\033[2m";
        default:
                return "";
        }
}

/*
 * A pipe whose reader is stuck, or a terminal that was stopped (Ctrl-S), would stop us as well: the
 * line is dropped then. A pipe that poll(2) calls writable takes PIPE_BUF at once.
 */
static void
write_line(const char *line, size_t length)
{
        struct pollfd out = {.fd = STDERR_FILENO, .events = POLLOUT};
        ssize_t n;

        if (poll(&out, 1, 0) == 0)
                return;
        do {
                n = write(STDERR_FILENO, line, length);
        } while (n < 0 && errno == EINTR);
}

static void
write_text(int level, const char *message)
{
        char line[LOG_LINE_MAX + 64];
        const char *colour = log_state.colour ? level_colour(level) : "";
        int n;

        if (log_state.prefix)
                n = snprintf(line, sizeof(line), "<%d>%s\n", level, message);
        else
                n = snprintf(line, sizeof(line), "%ssup: %s%s\n", colour, message,
                             *colour ? "\033[0m" : "");
        if (n > 0)
                write_line(line, (size_t)n < sizeof(line) ? (size_t)n : sizeof(line) - 1);
}

/* JSON is UTF-8, and what is not would be left out: names and paths are made so. */
static void
json_add_text(json_t *object, const char *key, const char *text)
{
        CLEANUP_FREE char *copy = text ? strdup(text) : NULL;

        if (!copy)
                return;
        printable_make(copy);
        (void)json_object_set_new(object, key, json_string(copy));
}

static void
json_add_number(json_t *object, const char *key, json_int_t number)
{
        if (number)
                (void)json_object_set_new(object, key, json_integer(number));
}

static void
write_json(const LogEvent *e, const char *message)
{
        CLEANUP_FREE char *line = NULL;
        json_t *object = json_object();
        FILE *f;
        size_t length = 0;
        struct timespec now;
        struct tm tm;
        char when[32];
        char stamp[64];

        (void)clock_gettime(CLOCK_REALTIME, &now);
        (void)gmtime_r(&now.tv_sec, &tm);
        (void)strftime(when, sizeof(when), "%Y-%m-%dT%H:%M:%S", &tm);
        (void)snprintf(stamp, sizeof(stamp), "%s.%06ldZ", when, now.tv_nsec / 1000);
        json_add_text(object, "time", stamp);
        json_add_text(object, "level", level_name(e->level));
        json_add_text(object, "name", log_state.name);
        json_add_text(object, "event", e->event);
        json_add_number(object, "worker", e->worker);
        json_add_number(object, "generation", e->generation);
        json_add_number(object, "pid", e->pid);
        json_add_text(object, "address", e->address);
        json_add_text(object, "status", e->status);
        json_add_text(object, "message", message);
        f = open_memstream(&line, &length);
        if (f) {
                (void)json_dumpf(object, f, JSON_COMPACT);
                (void)fputc('\n', f);
                if (fclose(f) == 0)
                        write_line(line, length);
        }
        json_decref(object);
}

typedef struct JournalFields {
        struct iovec iov[10];
        int n;
        char text[10][LOG_LINE_MAX + 16];
} JournalFields;

__attribute__((format(printf, 2, 3))) static void
journal_add(JournalFields *f, const char *format, ...)
{
        va_list args;
        int n;

        va_start(args, format);
        n = vsnprintf(f->text[f->n], sizeof(f->text[f->n]), format, args);
        va_end(args);
        if (n < 0)
                return;
        if ((size_t)n >= sizeof(f->text[f->n]))
                n = (int)sizeof(f->text[f->n]) - 1;
        f->iov[f->n].iov_base = f->text[f->n];
        f->iov[f->n].iov_len = (size_t)n;
        f->n++;
}

static int
write_journal(const LogEvent *e, const char *message)
{
        const char *id = e->event ? event_id(e->event) : NULL;
        JournalFields f = {.n = 0};

        journal_add(&f, "MESSAGE=%s", message);
        journal_add(&f, "PRIORITY=%d", e->level);
        if (log_state.name)
                journal_add(&f, "SUP_NAME=%s", log_state.name);
        if (e->event)
                journal_add(&f, "SUP_EVENT=%s", e->event);
        if (id)
                journal_add(&f, "MESSAGE_ID=%s", id);
        if (e->worker)
                journal_add(&f, "SUP_WORKER=%u", e->worker);
        if (e->generation)
                journal_add(&f, "SUP_GENERATION=%u", e->generation);
        if (e->pid)
                journal_add(&f, "SUP_PID=%d", (int)e->pid);
        if (e->address)
                journal_add(&f, "SUP_LISTEN=%s", e->address);
        if (e->status)
                journal_add(&f, "EXIT_STATUS=%s", e->status);
        return sd_journal_sendv(f.iov, f.n);
}

/* Say one event. The format is the human sentence, without a newline. errno stays as it was. */
void
log_event(const LogEvent *event, const char *format, ...)
{
        char message[LOG_LINE_MAX];
        int saved = errno;
        va_list args;

        if (!log_wants(event->level))
                return;
        va_start(args, format);
        (void)vsnprintf(message, sizeof(message), format, args);
        va_end(args);
        printable_make(message);

        if (log_state.format == LOG_FORMAT_JSON)
                write_json(event, message);
        else if (!log_state.journal || write_journal(event, message) < 0)
                write_text(event->level, message);
        errno = saved;
}
