/* SPDX-License-Identifier: MIT */
/* setters_process.c - setters: what the process of a worker is started with, its variables and limits. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "base/cleanup.h"
#include "base/parse.h"
#include "base/why.h"
#include "cli/setters.h"

int
set_umask(Config *c, const char *value, char **ret_why)
{
        if (parse_mode(value, &c->umask) < 0)
                return why(ret_why, -EINVAL, "--umask %s is not an octal mask such as 022", value);
        c->has_umask = true;
        return 0;
}

static int
add_variable(Config *c, const char *text, const char *where, char **ret_why)
{
        const char *equals = strchr(text, '=');

        if (!equals || equals == text)
                return why(ret_why, -EINVAL, "%s: '%s' is not NAME=VALUE", where, text);
        if (strcspn(text, " \t") < (size_t)(equals - text))
                return why(ret_why, -EINVAL,
                           "%s: '%s' is not NAME=VALUE: there is a blank in the name", where, text);
        return strv_add(&c->environment, strdup(text));
}

int
set_env(Config *c, const char *value, char **ret_why)
{
        return add_variable(c, value, "--env", ret_why);
}

/* Lines of NAME=VALUE, indented or not; empty ones and those that begin with # are passed over. */
int
set_env_file(Config *c, const char *value, char **ret_why)
{
        CLEANUP_FILE FILE *file = fopen(value, "re");
        CLEANUP_FREE char *line = NULL;
        size_t size = 0;
        int r = 0;

        if (!file)
                return why(ret_why, -errno, "--env-file: cannot open %s: %s", value,
                           strerrordesc_np(errno));
        while (r >= 0 && getline(&line, &size, file) >= 0) {
                const char *text = line + strspn(line, " \t");

                line[strcspn(line, "\n")] = '\0';
                if (text[0] && text[0] != '#')
                        r = add_variable(c, text, value, ret_why);
        }
        if (r >= 0 && ferror(file))
                return why(ret_why, -errno, "--env-file: cannot read %s: %s", value,
                           strerrordesc_np(errno));
        return r;
}

static const struct {
        const char *name;
        int resource;
} limit_names[] = {
        {"as", RLIMIT_AS},
        {"core", RLIMIT_CORE},
        {"cpu", RLIMIT_CPU},
        {"data", RLIMIT_DATA},
        {"fsize", RLIMIT_FSIZE},
        {"memlock", RLIMIT_MEMLOCK},
        {"nice", RLIMIT_NICE},
        {"nofile", RLIMIT_NOFILE},
        {"nproc", RLIMIT_NPROC},
        {"rtprio", RLIMIT_RTPRIO},
        {"stack", RLIMIT_STACK},
        {"sigpending", RLIMIT_SIGPENDING},
        {"msgqueue", RLIMIT_MSGQUEUE},
        {"locks", RLIMIT_LOCKS},
        {"rss", RLIMIT_RSS},
        {"rttime", RLIMIT_RTTIME},
};

static int
add_limit(Config *c, int resource, rlim_t value)
{
        SpawnLimit *grown = reallocarray(c->limits, c->n_limits + 1, sizeof(*grown));

        if (!grown)
                return -ENOMEM;
        c->limits = grown;
        c->limits[c->n_limits++] =
                (SpawnLimit){.resource = resource, .value = {.rlim_cur = value, .rlim_max = value}};
        return 0;
}

int
set_limit(Config *c, const char *value, char **ret_why)
{
        size_t length = strcspn(value, "=");
        uint64_t number = RLIM_INFINITY;

        for (size_t i = 0; i < ELEMENTSOF(limit_names); i++) {
                if (strlen(limit_names[i].name) != length ||
                    memcmp(limit_names[i].name, value, length) != 0 || value[length] != '=')
                        continue;
                if (strcmp(value + length + 1, "unlimited") != 0 &&
                    parse_size(value + length + 1, &number) < 0)
                        return why(ret_why, -EINVAL,
                                   "--limit %s: the value is neither a number nor unlimited",
                                   value);
                return add_limit(c, limit_names[i].resource, number);
        }
        return why(ret_why, -EINVAL,
                   "--limit %s is not NAME=VALUE with one of the names of setrlimit(2), in lower "
                   "case, such as nofile=65536",
                   value);
}
