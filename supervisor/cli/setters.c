/* SPDX-License-Identifier: MIT */
/* setters.c - what each option does to the configuration: strict, and one sentence if it cannot. */
#include "cli/setters.h"

#include <errno.h>
#include <grp.h>
#include <limits.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/parse.h"
#include "base/why.h"
#include "base/words.h"

#define RESTARTS_MAX 1000 /* each is remembered for its time */

/* Keep a copy in the place of an earlier one. */
static int
replace_text(char **place, const char *value)
{
        char *copy = strdup(value);

        if (!copy)
                return -ENOMEM;
        free(*place);
        *place = copy;
        return 0;
}

/* The index of a word in a list, or -1. */
static int
find_word(const char *const *words, size_t n_words, const char *value)
{
        for (size_t i = 0; i < n_words; i++)
                if (strcmp(words[i], value) == 0)
                        return (int)i;
        return -1;
}

static int
parse_time_option(const char *option, const char *value, uint64_t *ret_usec, char **ret_why)
{
        if (parse_duration(value, ret_usec) < 0)
                return why(ret_why, -EINVAL,
                           "%s %s is not a span of time; it would be 500ms, 30s, 5min or 1h",
                           option, value);
        return 0;
}

int
set_listen(Config *c, const char *value, char **ret_why)
{
        CLEANUP_FREE char *reason = NULL;
        ListenSpec *grown;
        int r;

        if (c->n_listen >= CONFIG_LISTENERS_MAX)
                return why(ret_why, -EINVAL, "there are more than %d listeners; that is the limit",
                           CONFIG_LISTENERS_MAX);
        grown = reallocarray(c->listen, c->n_listen + 1, sizeof(*grown));
        if (!grown)
                return -ENOMEM;
        c->listen = grown;
        r = listen_spec_init(&c->listen[c->n_listen++], value, &reason);
        if (r < 0)
                return why(ret_why, r, "--listen %s: %s", value, reason ? reason : "no memory");
        return 0;
}

int
set_as(Config *c, const char *value, char **ret_why)
{
        CLEANUP_FREE char *reason = NULL;
        ListenAs *grown = reallocarray(c->as, c->n_as + 1, sizeof(*grown));
        int r;

        if (!grown)
                return -ENOMEM;
        c->as = grown;
        r = listen_as_init(&c->as[c->n_as++], value, &reason);
        if (r < 0)
                return why(ret_why, r, "--as %s: %s", value, reason ? reason : "no memory");
        return 0;
}

static int
parse_count_option(const char *option, const char *value, unsigned min, unsigned *ret,
                   char **ret_why)
{
        uint64_t number;

        if (parse_unsigned(value, CONFIG_WORKERS_MAX, &number) < 0 || number < min)
                return why(ret_why, -EINVAL, "%s %s is not a number from %u to %d", option, value,
                           min, CONFIG_WORKERS_MAX);
        *ret = (unsigned)number;
        return 0;
}

int
set_workers(Config *c, const char *value, char **ret_why)
{
        return parse_count_option("--workers", value, 1, &c->n_workers, ret_why);
}

int
set_capture(Config *c, const char *value, char **ret_why)
{
        static const char *const words[] = {
                [CAPTURE_AUTO] = "auto", [CAPTURE_REQUIRE] = "require", [CAPTURE_OFF] = "off"};
        int found = find_word(words, ELEMENTSOF(words), value);

        if (found < 0)
                return why(ret_why, -EINVAL, "--capture=%s is none of auto, require, off", value);
        c->capture = (CaptureMode)found;
        return 0;
}

int
set_compat(Config *c, const char *value, char **ret_why)
{
        unsigned mask;

        if (compat_from_name(value, &mask) < 0)
                return why(ret_why, -EINVAL,
                           "--compat=%s is none of nginx, unicorn, puma, php-fpm, upstart, crank",
                           value);
        c->compat |= mask;
        return 0;
}

int
set_stdin(Config *c, const char *value, char **ret_why)
{
        (void)ret_why;
        return replace_text(&c->stdin_name, value);
}

int
set_no_listen_pid(Config *c, const char *value, char **ret_why)
{
        (void)value;
        (void)ret_why;
        c->no_listen_pid = true;
        return 0;
}

int
set_command(Config *c, const char *value, char **ret_why)
{
        int r;

        strv_deinit(&c->words);
        r = words_split(&c->words, value);
        if (r == -EINVAL)
                return why(ret_why, r, "--command %s: a quote or a backslash has no end", value);
        if (r == 0 && !c->words.n_items)
                return why(ret_why, -EINVAL, "--command: there is no word in it");
        return r;
}

int
set_restart(Config *c, const char *value, char **ret_why)
{
        static const char *const words[] = {[RESTART_ALWAYS] = "always",
                                            [RESTART_ON_FAILURE] = "on-failure",
                                            [RESTART_NEVER] = "never"};
        int found = find_word(words, ELEMENTSOF(words), value);

        if (found < 0)
                return why(ret_why, -EINVAL, "--restart=%s is none of always, on-failure, never",
                           value);
        c->restart.mode = (RestartMode)found;
        return 0;
}

int
set_restart_limit(Config *c, const char *value, char **ret_why)
{
        CLEANUP_FREE char *copy = strdup(value);
        char *slash = copy ? strchr(copy, '/') : NULL;
        uint64_t number;

        if (slash)
                *slash = '\0';
        if (!slash || parse_unsigned(copy, RESTARTS_MAX, &number) < 0 || number == 0 ||
            parse_duration(slash + 1, &c->restart.limit_usec) < 0 || c->restart.limit_usec == 0)
                return why(ret_why, -EINVAL,
                           "--restart-limit %s is not N/TIME with N from 1 to %d; 5/1min allows "
                           "five restarts a minute",
                           value, RESTARTS_MAX);
        c->restart.limit = (unsigned)number;
        return 0;
}

int
set_backoff_max(Config *c, const char *value, char **ret_why)
{
        return parse_time_option("--backoff-max", value, &c->restart.backoff_max_usec, ret_why);
}

int
set_ready(Config *c, const char *value, char **ret_why)
{
        static const char *const words[] = {
                [READY_AUTO] = "auto", [READY_LISTEN] = "listen", [READY_NOTIFY] = "notify"};
        int found = find_word(words, ELEMENTSOF(words), value);
        uint64_t number;

        if (found >= 0) {
                c->ready = (ReadyMode)found;
        } else if (strncmp(value, "fd:", 3) == 0 &&
                   parse_unsigned(value + 3, CONFIG_FD_MAX, &number) == 0 && number > 2) {
                c->ready = READY_FD;
                c->ready_fd = (int)number;
        } else if (strncmp(value, "timer:", 6) == 0 &&
                   parse_duration(value + 6, &c->ready_timer_usec) == 0 && c->ready_timer_usec) {
                c->ready = READY_TIMER;
        } else {
                return why(
                        ret_why, -EINVAL,
                        "--ready=%s is none of auto, listen, notify, fd:N (from 3 on), timer:TIME",
                        value);
        }
        return 0;
}

int
set_start_timeout(Config *c, const char *value, char **ret_why)
{
        return parse_time_option("--start-timeout", value, &c->start_timeout_usec, ret_why);
}

int
set_watchdog(Config *c, const char *value, char **ret_why)
{
        return parse_time_option("--watchdog", value, &c->watchdog_usec, ret_why);
}

int
set_reload(Config *c, const char *value, char **ret_why)
{
        static const char *const words[] = {"overlap", "serial"}; /* as in ReloadMode */
        int found = find_word(words, ELEMENTSOF(words), value);

        if (found < 0)
                return why(ret_why, -EINVAL, "--reload=%s is neither overlap nor serial", value);
        c->reload = (ReloadMode)found;
        return 0;
}

int
set_drain(Config *c, const char *value, char **ret_why)
{
        static const char *const words[] = {
                [DRAIN_SIGNAL] = "signal", [DRAIN_CONNECTIONS] = "connections"};
        int found = find_word(words, ELEMENTSOF(words), value);

        if (found < 0)
                return why(ret_why, -EINVAL, "--drain=%s is neither signal nor connections", value);
        c->drain = (DrainMode)found;
        return 0;
}

int
set_drain_timeout(Config *c, const char *value, char **ret_why)
{
        return parse_time_option("--drain-timeout", value, &c->drain_timeout_usec, ret_why);
}

int
set_drain_idle(Config *c, const char *value, char **ret_why)
{
        return parse_time_option("--drain-idle", value, &c->drain_idle_usec, ret_why);
}

int
set_max_surge(Config *c, const char *value, char **ret_why)
{
        return parse_count_option("--max-surge", value, 1, &c->max_surge, ret_why);
}

int
set_max_old(Config *c, const char *value, char **ret_why)
{
        return parse_count_option("--max-old", value, 1, &c->max_old, ret_why);
}

int
set_standby(Config *c, const char *value, char **ret_why)
{
        c->n_standby = 1;
        return value ? parse_count_option("--standby", value, 0, &c->n_standby, ret_why) : 0;
}

int
set_control(Config *c, const char *value, char **ret_why)
{
        (void)ret_why;
        return replace_text(&c->control, value);
}

int
set_stop_signal(Config *c, const char *value, char **ret_why)
{
        if (parse_signal(value, &c->stop_signal) < 0)
                return why(ret_why, -EINVAL,
                           "--stop-signal %s is not a signal; it would be TERM, INT, QUIT, …",
                           value);
        if (c->stop_signal == SIGSTOP)
                return why(ret_why, -EINVAL,
                           "--stop-signal %s would only pause the server; it would be TERM, INT, "
                           "QUIT, …",
                           value);
        return 0;
}

int
set_stop_timeout(Config *c, const char *value, char **ret_why)
{
        return parse_time_option("--stop-timeout", value, &c->stop_timeout_usec, ret_why);
}

int
set_user(Config *c, const char *value, char **ret_why)
{
        uint64_t number;

        if (!getpwnam(value) && parse_unsigned(value, UINT32_MAX - 1, &number) < 0)
                return why(ret_why, -EINVAL, "--user %s: there is no such user", value);
        return replace_text(&c->user, value);
}

int
set_group(Config *c, const char *value, char **ret_why)
{
        uint64_t number;

        if (!getgrnam(value) && parse_unsigned(value, UINT32_MAX - 1, &number) < 0)
                return why(ret_why, -EINVAL, "--group %s: there is no such group", value);
        return replace_text(&c->group, value);
}

int
set_chdir(Config *c, const char *value, char **ret_why)
{
        (void)ret_why;
        return replace_text(&c->chdir, value);
}

int
set_pid_file(Config *c, const char *value, char **ret_why)
{
        (void)ret_why;
        return replace_text(&c->pid_file, value);
}

int
set_orphan(Config *c, const char *value, char **ret_why)
{
        (void)value;
        (void)ret_why;
        c->orphan = true;
        return 0;
}

int
set_name(Config *c, const char *value, char **ret_why)
{
        if (!*value || strchr(value, '/') || strlen(value) > NAME_MAX)
                return why(ret_why, -EINVAL,
                           "--name '%s' is not a name: it must not be empty or "
                           "have a slash",
                           value);
        return replace_text(&c->name, value);
}

int
set_log_format(Config *c, const char *value, char **ret_why)
{
        static const char *const words[] = {[LOG_FORMAT_TEXT] = "text", [LOG_FORMAT_JSON] = "json"};
        int found = find_word(words, ELEMENTSOF(words), value);

        if (found < 0)
                return why(ret_why, -EINVAL, "--log-format=%s is neither text nor json", value);
        c->log_format = (LogFormat)found;
        return 0;
}

int
set_quiet(Config *c, const char *value, char **ret_why)
{
        (void)value;
        (void)ret_why;
        c->log_level = LOG_WARNING;
        return 0;
}

int
set_verbose(Config *c, const char *value, char **ret_why)
{
        (void)value;
        (void)ret_why;
        c->log_level = LOG_DEBUG;
        return 0;
}
