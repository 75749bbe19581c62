/* SPDX-License-Identifier: MIT */
/* log.h - what `sup` says: one event, one line. Knows how to write a line, not what is worth one. */
#ifndef SUP_BASE_LOG_H
#define SUP_BASE_LOG_H

#include <stdbool.h>
#include <sys/types.h>
#include <syslog.h>

typedef enum LogFormat {
        LOG_FORMAT_TEXT,
        LOG_FORMAT_JSON,
} LogFormat;

/* The fields of one event; 0 or NULL where a field does not apply. */
typedef struct LogEvent {
        int level;           /* LOG_ERR … LOG_DEBUG of syslog(3) */
        const char *event;   /* a word of its own for each kind of event */
        unsigned worker;     /* 1 … N */
        unsigned generation; /* 1 … */
        pid_t pid;           /* of the worker */
        const char *address; /* of the listener */
        const char *status;  /* how a worker ended: "exited 1", "killed 9" */
} LogEvent;

void log_init(void);
void log_set_name(const char *name);
void log_set_format(LogFormat format);
void log_set_level(int level);
bool log_wants(int level);
void log_event(const LogEvent *event, const char *format, ...)
        __attribute__((format(printf, 2, 3)));

#define log_error(...) log_event(&(LogEvent){.level = LOG_ERR}, __VA_ARGS__)
#define log_warning(...) log_event(&(LogEvent){.level = LOG_WARNING}, __VA_ARGS__)
#define log_info(...) log_event(&(LogEvent){.level = LOG_INFO}, __VA_ARGS__)
#define log_debug(...) log_event(&(LogEvent){.level = LOG_DEBUG}, __VA_ARGS__)

#endif
