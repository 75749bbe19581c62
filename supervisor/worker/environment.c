/* SPDX-License-Identifier: MIT */
/*
 * environment.c - the environment and the arguments that a worker is started with.
 *
 * Gist: inherited copies of everything that is handed over here are removed first; then each
 * reader gets the same listeners in its own words. LISTEN_PID and LISTEN_PIDFDID are the worker's
 * own, so room is left for their digits and the new process fills them in.
 */
#include "worker/environment.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/why.h"

static const struct {
        const char *name;
        unsigned mask;
} compats[] = {
        {"nginx", COMPAT_NGINX},     {"unicorn", COMPAT_UNICORN}, {"puma", COMPAT_PUMA},
        {"php-fpm", COMPAT_PHP_FPM}, {"upstart", COMPAT_UPSTART}, {"crank", COMPAT_CRANK},
};

/* The mask of one --compat name. Returns 0 or -EINVAL. */
int
compat_from_name(const char *name, unsigned *ret_mask)
{
        for (size_t i = 0; i < ELEMENTSOF(compats); i++)
                if (strcmp(name, compats[i].name) == 0) {
                        *ret_mask = compats[i].mask;
                        return 0;
                }
        return -EINVAL;
}

/* Whether an inherited variable would tell a worker something that is not for it. */
static bool
is_handed_over(const char *variable)
{
        static const char *const names[] = {
                "LISTEN_FDS",     "LISTEN_PID",          "LISTEN_FDNAMES",
                "LISTEN_PIDFDID", "NOTIFY_SOCKET",       "WATCHDOG_USEC",
                "WATCHDOG_PID",   "SERVER_STARTER_PORT", "SERVER_STARTER_GENERATION",
                "SUP_NAME",       "SUP_WORKER",          "SUP_GENERATION",
                "NGINX",          "UNICORN_FD",          "FPM_SOCKETS",
                "UPSTART_FDS",    "UPSTART_EVENTS",      "NOTIFY_FD",
        };
        static const char *const prefixes[] = {"EINHORN_", "PUMA_INHERIT_"};
        size_t length = strcspn(variable, "=");

        for (size_t i = 0; i < ELEMENTSOF(names); i++)
                if (strlen(names[i]) == length && memcmp(variable, names[i], length) == 0)
                        return true;
        for (size_t i = 0; i < ELEMENTSOF(prefixes); i++)
                if (strncmp(variable, prefixes[i], strlen(prefixes[i])) == 0)
                        return true;
        return false;
}

/* Whether a later KEY=VALUE of the extra list replaces this one. */
static bool
is_replaced(const char *variable, char *const *extra)
{
        size_t length = strcspn(variable, "=");

        for (; extra && *extra; extra++)
                if (strcspn(*extra, "=") == length && memcmp(*extra, variable, length) == 0)
                        return true;
        return false;
}

/* What the worker would have without us, and what the user wants; what is there already wins. */
static int
copy_inherited(Strv *v, const EnvironmentInput *in)
{
        int r = 0;

        for (char *const *p = in->inherited; r == 0 && *p; p++)
                if (!is_handed_over(*p) && !is_replaced(*p, in->extra))
                        r = strv_add(v, strdup(*p));
        for (char *const *p = in->extra; r == 0 && p && *p; p++)
                if (!is_replaced(*p, p + 1) && !is_replaced(*p, v->items))
                        r = strv_add(v, strdup(*p));
        return r;
}

/* How one listener is written in a list: name and descriptor. */
typedef void (*FormatItem)(FILE *f, const EnvironmentListener *l, int fd);

static void
format_name(FILE *f, const EnvironmentListener *l, int fd)
{
        (void)fprintf(f, "%s%s", fd > ENVIRONMENT_FIRST_FD ? ":" : "", l->name);
}

static void
format_starter(FILE *f, const EnvironmentListener *l, int fd)
{
        (void)fprintf(f, "%s%s=%d", fd > ENVIRONMENT_FIRST_FD ? ";" : "", l->address, fd);
}

static void
format_nginx(FILE *f, const EnvironmentListener *l, int fd)
{
        (void)l;
        (void)fprintf(f, "%d;", fd);
}

static void
format_unicorn(FILE *f, const EnvironmentListener *l, int fd)
{
        (void)l;
        (void)fprintf(f, "%s%d", fd > ENVIRONMENT_FIRST_FD ? "," : "", fd);
}

static void
format_php_fpm(FILE *f, const EnvironmentListener *l, int fd)
{
        (void)fprintf(f, "%s%s=%d", fd > ENVIRONMENT_FIRST_FD ? "," : "", l->address, fd);
}

static void
format_upstart(FILE *f, const EnvironmentListener *l, int fd)
{
        (void)l;
        (void)fprintf(f, "%s%d", fd > ENVIRONMENT_FIRST_FD ? " " : "", fd);
}

/* Add VARIABLE=item item …. Returns 0 or -ENOMEM. */
static int
add_list(Strv *v, const EnvironmentInput *in, const char *variable, FormatItem format)
{
        char *text = NULL;
        size_t length = 0;
        FILE *f = open_memstream(&text, &length);

        if (!f)
                return -ENOMEM;
        (void)fprintf(f, "%s=", variable);
        for (size_t i = 0; i < in->n_listeners; i++)
                if (in->listeners[i].address || format == format_name)
                        format(f, &in->listeners[i], ENVIRONMENT_FIRST_FD + (int)i);
        if (fclose(f) != 0) {
                free(text);
                return -ENOMEM;
        }
        return strv_add(v, text);
}

/* A variable that is to hold the worker's own pid. */
static int
add_pid(Environment *e, const char *variable)
{
        Strv *v = &e->variables;
        int r = strv_addf(v, "%s=%*s", variable, ENVIRONMENT_PID_DIGITS, "");

        if (r == 0)
                e->pid_slots[e->n_pid_slots++] = strchr(v->items[v->n_items - 1], '=') + 1;
        return r;
}

/* sd_notify(3) and sd_watchdog_enabled(3) */
static int
add_notify(Environment *e, const EnvironmentInput *in)
{
        Strv *v = &e->variables;
        int r = in->notify_socket ? strv_addf(v, "NOTIFY_SOCKET=%s", in->notify_socket) : 0;

        if (r == 0 && in->watchdog_usec) {
                r = strv_addf(v, "WATCHDOG_USEC=%" PRIu64, in->watchdog_usec);
                if (r == 0)
                        r = add_pid(e, "WATCHDOG_PID");
        }
        return r;
}

static int
add_systemd(Environment *e, const EnvironmentInput *in)
{
        Strv *v = &e->variables;
        int r = strv_addf(v, "LISTEN_FDS=%zu", in->n_listeners);

        if (r == 0)
                r = add_list(v, in, "LISTEN_FDNAMES", format_name);
        if (r == 0 && in->listen_pid)
                r = add_pid(e, "LISTEN_PID");
        if (r == 0 && in->listen_pid && in->pidfd_identity) {
                r = strv_addf(v, "LISTEN_PIDFDID=%*s", ENVIRONMENT_PIDFD_DIGITS, "");
                if (r == 0)
                        e->pidfd_slot = strchr(v->items[v->n_items - 1], '=') + 1;
        }
        return r;
}

static int
add_einhorn(Strv *v, const EnvironmentInput *in)
{
        size_t n = 0;
        int r;

        while (n < in->n_listeners && in->listeners[n].address)
                n++;
        r = strv_addf(v, "EINHORN_FD_COUNT=%zu", n);
        for (size_t i = 0; r == 0 && i < n; i++)
                r = strv_addf(v, "EINHORN_FD_%zu=%d", i, ENVIRONMENT_FIRST_FD + (int)i);
        return r;
}

static int
add_puma(Strv *v, const EnvironmentInput *in)
{
        int r = 0;

        for (size_t i = 0; r == 0 && i < in->n_listeners && in->listeners[i].address; i++)
                r = strv_addf(v, "PUMA_INHERIT_%zu=%d:%s://%s", i, ENVIRONMENT_FIRST_FD + (int)i,
                              in->listeners[i].is_unix ? "unix" : "tcp", in->listeners[i].address);
        return r;
}

static int
add_listeners(Environment *e, const EnvironmentInput *in)
{
        static const struct {
                Compat compat;
                const char *variable;
                FormatItem format;
        } lists[] = {
                {COMPAT_NGINX, "NGINX", format_nginx},
                {COMPAT_UNICORN, "UNICORN_FD", format_unicorn},
                {COMPAT_PHP_FPM, "FPM_SOCKETS", format_php_fpm},
                {COMPAT_UPSTART, "UPSTART_FDS", format_upstart},
        };
        Strv *v = &e->variables;
        int r = add_systemd(e, in);

        if (r == 0)
                r = add_list(v, in, "SERVER_STARTER_PORT", format_starter);
        if (r == 0)
                r = add_einhorn(v, in);
        for (size_t i = 0; r == 0 && i < ELEMENTSOF(lists); i++)
                if (in->compat & lists[i].compat)
                        r = add_list(v, in, lists[i].variable, lists[i].format);
        if (r == 0 && in->compat & COMPAT_UPSTART)
                r = strv_addf(v, "UPSTART_EVENTS=socket");
        if (r == 0 && in->compat & COMPAT_PUMA)
                r = add_puma(v, in);
        return r;
}

/*
 * Make the environment of one worker. e must be deinitialised, also on failure.
 * Returns 0 or -ENOMEM.
 */
int
environment_init(Environment *e, const EnvironmentInput *in)
{
        Strv *v = &e->variables;
        int r;

        *e = (Environment){0};
        r = strv_addf(v, "SUP_NAME=%s", in->instance);
        if (r == 0)
                r = strv_addf(v, "SUP_WORKER=%u", in->worker);
        if (r == 0)
                r = strv_addf(v, "SUP_GENERATION=%u", in->generation);
        if (r == 0)
                r = strv_addf(v, "SERVER_STARTER_GENERATION=%u", in->generation);
        if (r == 0)
                r = strv_addf(v, "EINHORN_MASTER_PID=%d", (int)in->supervisor);
        if (r == 0)
                r = strv_addf(v, "EINHORN_CHILD_INDEX=%u", in->worker - 1);
        if (r == 0 && in->notify_fd >= 0)
                r = strv_addf(v, "NOTIFY_FD=%d", in->notify_fd);
        if (r == 0)
                r = add_notify(e, in);
        if (r == 0 && in->n_listeners > 0)
                r = add_listeners(e, in);
        return r < 0 ? r : copy_inherited(v, in);
}

/* Free all variables. */
void
environment_deinit(Environment *e)
{
        strv_deinit(&e->variables);
        *e = (Environment){0};
}

/* The descriptor of the first listener with this name of the given length, or -1. */
static int
find_fd(const EnvironmentInput *in, const char *name, size_t length)
{
        for (size_t i = 0; i < in->n_listeners; i++)
                if (strlen(in->listeners[i].name) == length &&
                    memcmp(in->listeners[i].name, name, length) == 0)
                        return ENVIRONMENT_FIRST_FD + (int)i;
        return -1;
}

/* Write one argument with every {fd:NAME} replaced. Returns 0 or -ENOENT with a sentence. */
static int
fill_argument(FILE *f, const char *argument, const EnvironmentInput *in, char **ret_why)
{
        const char *start;

        while ((start = strstr(argument, "{fd:"))) {
                const char *name = start + strlen("{fd:");
                const char *end = strchr(name, '}');
                int fd;

                if (!end)
                        break;
                fd = find_fd(in, name, (size_t)(end - name));
                if (fd < 0)
                        return why(ret_why, -ENOENT,
                                   "{fd:%.*s} names no listener; give one with -l %.*s=ADDRESS",
                                   (int)(end - name), name, (int)(end - name), name);
                (void)fprintf(f, "%.*s%d", (int)(start - argument), argument, fd);
                argument = end + 1;
        }
        (void)fputs(argument, f);
        return 0;
}

/*
 * Copy a command line with every {fd:NAME} replaced by that listener's descriptor.
 * ret must be deinitialised, also on failure. Returns 0, -ENOMEM, or -ENOENT with a sentence.
 */
int
environment_fill_arguments(Strv *ret, char *const *arguments, const EnvironmentInput *in,
                           char **ret_why)
{
        int r = 0;

        for (; r == 0 && *arguments; arguments++) {
                char *text = NULL;
                size_t length = 0;
                FILE *f = open_memstream(&text, &length);

                if (!f)
                        return -ENOMEM;
                r = fill_argument(f, *arguments, in, ret_why);
                if (fclose(f) != 0 && r == 0)
                        r = -ENOMEM;
                if (r == 0)
                        r = strv_add(ret, text);
                else
                        free(text);
        }
        return r;
}
