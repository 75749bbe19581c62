/* SPDX-License-Identifier: MIT */
/*
 * options.c - the command line: one table, from which getopt_long(3), the file of --config and
 * --help are fed.
 *
 * Gist: each option has a setter that takes text and a configuration, and returns a sentence when
 * it cannot. What concerns several options at once is checked at the end.
 */
#include "cli/options.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/parse.h"
#include "base/why.h"
#include "cli/config_file.h"
#include "cli/setters.h"

#define OPTIONS_MAX 64

const Option options_table[] = {
        {"listen", 'l', "[NAME=]ADDRESS[,ATTR…]",
         "Hold a listener and hand it to the workers: PORT, HOST:PORT, [IPv6]:PORT, /PATH, @NAME, "
         "udp:…, seqpacket:…, dgram:/PATH, vsock:CID:PORT, fd:N. Attributes: backlog= mode= user= "
         "group= v6only reuseport reuseaddr freebind device= as=. May be repeated",
         set_listen},
        {"as", 0, "NAME=ADDRESS",
         "The server that binds ADDRESS gets the listener NAME, whoever opened it. May be repeated",
         set_as},
        {"capture", 0, "auto|require|off",
         "Hold what the server binds by itself (auto); require: fail where that is not possible",
         set_capture},
        {"compat", 0, "NAME",
         "Hand the listeners over in one more way: nginx, unicorn, puma, php-fpm, upstart, crank. "
         "May be repeated",
         set_compat},
        {"stdin", 0, "NAME", "Give the worker this listener as its standard input", set_stdin},
        {"no-listen-pid", 0, NULL, "Leave LISTEN_PID out, for servers behind a wrapper",
         set_no_listen_pid},
        {"workers", 'n', "N", "Run N workers that share the sockets (1)", set_workers},
        {"standby", 0, "[=N]",
         "Keep N (1) more workers started, without the port, to take the place of one that dies "
         "within milliseconds; not for servers that lock or migrate something as they start",
         set_standby},
        {"restart", 0, "always|on-failure|never",
         "When a worker that ended is started again (always)", set_restart},
        {"restart-limit", 0, "N/TIME", "Give up after more than N restarts of a worker within TIME",
         set_restart_limit},
        {"backoff-max", 0, "TIME", "The longest wait before a restart (30s)", set_backoff_max},
        {"stop-signal", 0, "SIGNAL", "The signal that asks a worker to end (TERM)",
         set_stop_signal},
        {"stop-timeout", 0, "TIME", "How long it may take before it is killed (30s)",
         set_stop_timeout},
        {"orphan", 0, NULL,
         "If sup itself is killed, let the workers live on: the next sup of this name takes their "
         "sockets over and retires them",
         set_orphan},
        {"ready", 0, "HOW",
         "When a worker is ready: auto, listen, notify (sd_notify), fd:N (it writes to descriptor "
         "N), "
         "timer:TIME (auto)",
         set_ready},
        {"start-timeout", 0, "TIME",
         "How long a worker may take to be ready (30s for a new generation, else as long as it "
         "likes)",
         set_start_timeout},
        {"watchdog", 0, "TIME",
         "Abort and restart a worker from which no WATCHDOG=1 (sd_notify) comes in time any more",
         set_watchdog},
        {"reload", 0, "overlap|serial",
         "In a reload, start the new worker before the old one is stopped (overlap), or after it",
         set_reload},
        {"drain", 0, "signal|connections",
         "How the old worker is retired: by its stop signal (signal), or, for servers without a "
         "graceful stop, when it has served its connections while new ones go to the new worker",
         set_drain},
        {"drain-timeout", 0, "TIME",
         "With --drain=connections: how long they may take to end (60s)", set_drain_timeout},
        {"drain-idle", 0, "TIME",
         "The same: those that are idle for so long are not waited for (5s)", set_drain_idle},
        {"max-surge", 0, "N", "In a reload, start so many new workers at a time (1)",
         set_max_surge},
        {"max-old", 0, "N", "Have at most so many old generations at the same time (2)",
         set_max_old},
        {"user", 0, "USER", "Run the workers as this user", set_user},
        {"group", 0, "GROUP", "Run the workers as this group", set_group},
        {"chdir", 0, "DIR", "Run the workers in this directory", set_chdir},
        {"umask", 0, "MODE", "The file mode mask of the workers", set_umask},
        {"env", 0, "NAME=VALUE", "Set a variable for the workers. May be repeated", set_env},
        {"env-file", 0, "FILE", "Set variables from a file of NAME=VALUE lines", set_env_file},
        {"limit", 0, "NAME=VALUE", "Set a resource limit of the workers, such as nofile=65536",
         set_limit},
        {"name", 0, "NAME", "The name of this instance (the program's)", set_name},
        {"control", 0, "PATH",
         "The control socket (NAME.sock in $RUNTIME_DIRECTORY, $XDG_RUNTIME_DIR/sup or /run/sup)",
         set_control},
        {"pid-file", 0, "FILE", "Write the pid of sup to a file", set_pid_file},
        {"log-format", 0, "text|json", "How events are written (text)", set_log_format},
        {"quiet", 'q', NULL, "Say warnings and errors only", set_quiet},
        {"verbose", 'v', NULL, "Say more", set_verbose},
        {"command", 0, "WORDS",
         "The command to supervise, where none stands at the end: quoted as in a shell, nothing is "
         "expanded",
         set_command},
        {"config", 0, "FILE",
         "Read options from a file, one a line: listen = 8080. What stands on the command line "
         "comes after them",
         NULL},
        {"help", 'h', NULL, "Show this help", NULL},
        {"version", 'V', NULL, "Show the version", NULL},
};

const size_t options_n = ELEMENTSOF(options_table);

/* Whether its argument may be left out: `[=N]`. */
bool
option_is_optional(const Option *o)
{
        return o->argument && strncmp(o->argument, "[=", 2) == 0;
}

/* What getopt_long wants, made from the table. Values of long options are indexes + 256. */
static void
fill_getopt(struct option *long_options, char *short_options)
{
        *short_options++ = '+'; /* stop at the command */
        *short_options++ = ':';
        for (size_t i = 0; i < options_n; i++) {
                const Option *o = &options_table[i];

                long_options[i] = (struct option){
                        .name = o->long_name,
                        .has_arg = !o->argument            ? no_argument
                                   : option_is_optional(o) ? optional_argument
                                                           : required_argument,
                        .val = 256 + (int)i,
                };
                if (o->short_name) {
                        *short_options++ = o->short_name;
                        if (o->argument)
                                *short_options++ = ':';
                }
        }
        *short_options = '\0';
}

/* The option with this long name, or NULL. */
const Option *
options_find(const char *long_name)
{
        for (size_t i = 0; i < options_n; i++)
                if (strcmp(options_table[i].long_name, long_name) == 0)
                        return &options_table[i];
        return NULL;
}

static const Option *
find_option(int value)
{
        if (value >= 256)
                return &options_table[value - 256];
        for (size_t i = 0; i < options_n; i++)
                if (options_table[i].short_name == value)
                        return &options_table[i];
        return NULL;
}

/* getopt's own complaints, in sentences. */
static OptionsVerdict
explain_getopt(int value, char **argv, char **ret_why)
{
        const char *word = argv[optind - 1];

        if (value == ':')
                (void)why(ret_why, 0, "the option %s needs an argument; see sup --help", word);
        else if (optopt >= 256)
                (void)why(ret_why, 0, "the option --%s takes no argument",
                          options_table[optopt - 256].long_name);
        else if (optopt)
                (void)why(ret_why, 0, "there is no option -%c; see sup --help", optopt);
        else
                (void)why(ret_why, 0, "there is no option %s; see sup --help", word);
        return OPTIONS_WRONG;
}

static bool
has_listener(const Config *c, const char *name)
{
        for (size_t i = 0; i < c->n_listen; i++)
                if (strcmp(c->listen[i].name, name) == 0)
                        return true;
        return inherited_has_name(&c->inherited, name);
}

/* Whether two listeners may be bound to one address: they share it, or are on different devices. */
static bool
may_share(const ListenSpec *a, const ListenSpec *b)
{
        return (a->reuseport && b->reuseport) || (a->reuseaddr && b->reuseaddr) ||
               (a->device[0] && b->device[0] && strcmp(a->device, b->device) != 0) ||
               address_is_automatic(&a->addresses[0]);
}

static int
check_listeners(const Config *c, char **ret_why)
{
        for (size_t i = 0; i < c->n_listen; i++)
                for (size_t j = 0; j < i; j++) {
                        const ListenSpec *a = &c->listen[i];
                        const ListenSpec *b = &c->listen[j];

                        if (a->n_addresses && b->n_addresses && !may_share(a, b) &&
                            address_equal(&a->addresses[0], &b->addresses[0]))
                                return why(ret_why, -EINVAL,
                                           "--listen %s: that address is there already, in "
                                           "--listen %s",
                                           a->text, b->text);
                }
        return 0;
}

/* Every {fd:NAME} of the command has to name a listener. */
static int
check_placeholders(const Config *c, char **ret_why)
{
        CLEANUP(strv_deinit_p) Strv filled = {0};
        size_t n = c->n_listen + c->inherited.n_items;
        CLEANUP_FREE EnvironmentListener *listeners = calloc(n + 1, sizeof(*listeners));
        EnvironmentInput input = {.listeners = listeners, .n_listeners = n};

        if (!listeners)
                return -ENOMEM;
        for (size_t i = 0; i < c->n_listen; i++)
                listeners[i].name = c->listen[i].name;
        for (size_t i = 0; i < c->inherited.n_items; i++)
                listeners[c->n_listen + i].name = c->inherited.items[i].name;
        return environment_fill_arguments(&filled, c->command, &input, ret_why);
}

/* What one option alone cannot know. */
static int
check_together(const Config *c, char **ret_why)
{
        int r;

        if (!c->command[0])
                return why(ret_why, -EINVAL,
                           "there is no command to supervise; it would be: sup [OPTION…] -- "
                           "COMMAND [ARG…], or command = … in the file of --config");
        if (!c->command[0][0])
                return why(ret_why, -EINVAL, "the command to supervise is an empty word");
        if (c->stdin_name && !has_listener(c, c->stdin_name))
                return why(ret_why, -EINVAL,
                           "--stdin=%s names no listener; give one with -l %s=ADDRESS",
                           c->stdin_name, c->stdin_name);
        for (size_t i = 0; i < c->n_as; i++)
                if (!has_listener(c, c->as[i].name))
                        return why(ret_why, -EINVAL,
                                   "--as %s=… names no listener; give one with -l %s=ADDRESS, or "
                                   "with FileDescriptorName=%s in the .socket unit",
                                   c->as[i].name, c->as[i].name, c->as[i].name);
        if (c->restart.mode == RESTART_NEVER && c->restart.limit)
                return why(ret_why, -EINVAL, "--restart-limit means nothing with --restart=never");
        if (c->reload == RELOAD_SERIAL && c->drain == DRAIN_CONNECTIONS)
                return why(
                        ret_why, -EINVAL,
                        "--reload=serial stops the old worker before the new one starts: it does "
                        "not go with --drain=connections");
        r = check_listeners(c, ret_why);
        return r < 0 ? r : check_placeholders(c, ret_why);
}

/* Read the files of --config, and nothing else of the command line. */
static int
parse_files(int argc, char **argv, const struct option *long_options, const char *short_options,
            Config *c, char **ret_why)
{
        const Option *config = options_find("config");
        int value;
        int r = 0;

        optind = 0; /* from the beginning (getopt(3)) */
        while (r == 0 && (value = getopt_long(argc, argv, short_options, long_options, NULL)) != -1)
                if (value >= 256 && find_option(value) == config)
                        r = config_file_read(c, optarg, ret_why);
        return r;
}

/* Everything but the files. */
static OptionsVerdict
parse_words(int argc, char **argv, const struct option *long_options, const char *short_options,
            Config *c, char **ret_why)
{
        int value;

        optind = 0;
        while ((value = getopt_long(argc, argv, short_options, long_options, NULL)) != -1) {
                const Option *o = value == '?' || value == ':' ? NULL : find_option(value);

                if (!o)
                        return explain_getopt(value, argv, ret_why);
                if (o->short_name == 'h')
                        return OPTIONS_HELP;
                if (o->short_name == 'V')
                        return OPTIONS_VERSION;
                if (o->set && o->set(c, optarg, ret_why) < 0)
                        return OPTIONS_WRONG;
        }
        return OPTIONS_RUN;
}

/*
 * Parse the command line into c, which has its defaults. The files of --config come first, wherever
 * they stand, so that the command line has the last word.
 * For OPTIONS_WRONG there is a sentence in *ret_why.
 */
OptionsVerdict
options_parse(int argc, char **argv, Config *c, char **ret_why)
{
        struct option long_options[OPTIONS_MAX] = {0};
        char short_options[2 * OPTIONS_MAX];
        OptionsVerdict verdict;

        _Static_assert(ELEMENTSOF(options_table) < OPTIONS_MAX, "the last one stays zero");
        fill_getopt(long_options, short_options);
        opterr = 0;
        if (parse_files(argc, argv, long_options, short_options, c, ret_why) < 0)
                return OPTIONS_WRONG;
        verdict = parse_words(argc, argv, long_options, short_options, c, ret_why);
        if (verdict != OPTIONS_RUN)
                return verdict;
        c->command = argv[optind] || !c->words.n_items ? argv + optind : c->words.items;
        for (size_t i = 0; i < c->n_listen; i++)
                c->listen[i].steerable = c->drain == DRAIN_CONNECTIONS;
        return check_together(c, ret_why) < 0 ? OPTIONS_WRONG : OPTIONS_RUN;
}
