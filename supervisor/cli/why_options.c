/* SPDX-License-Identifier: MIT */
/* why_options.c - the command line of `sup why`: one table, for getopt_long(3) and --help. */
#include <errno.h>
#include <getopt.h>
#include <grp.h>
#include <pwd.h>
#include <sys/fsuid.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/parse.h"
#include "base/why.h"
#include "cli/help.h"
#include "cli/why.h"

/* Directories are open to the user's groups, and not to root's. What root may stays ours. */
static void
take_groups(const struct passwd *entry)
{
        (void)initgroups(entry->pw_name, entry->pw_gid);
        (void)setfsgid(entry->pw_gid);
}

static int
set_user(WhyOptions *o, const char *value, char **ret_why)
{
        const struct passwd *entry = getpwnam(value);
        uint64_t number;

        if (entry)
                o->uid = entry->pw_uid;
        else if (parse_unsigned(value, UINT32_MAX - 1, &number) == 0)
                o->uid = (uid_t)number;
        else
                return why(ret_why, -EINVAL, "--as-user %s: there is no such user", value);
        if (geteuid() != 0 && o->uid != geteuid())
                return why(ret_why, -EPERM, "--as-user %s: only root can ask for another user",
                           value);
        if (entry && geteuid() == 0)
                take_groups(entry);
        return 0;
}

static int
set_netns(WhyOptions *o, const char *value, char **ret_why)
{
        (void)ret_why;
        o->netns = value;
        return 0;
}

static const struct WhyOption {
        char letter;
        const char *name;
        const char *argument;
        const char *help;
        size_t flag; /* offset of a bool, or of help */
        int (*set)(WhyOptions *o, const char *value, char **ret_why);
} table[] = {
        {'a', "reuseaddr", NULL, "The server that wants the address sets SO_REUSEADDR",
         offsetof(WhyOptions, reuseaddr), NULL},
        {'p', "reuseport", NULL, "The server that wants the address sets SO_REUSEPORT",
         offsetof(WhyOptions, reuseport), NULL},
        {'u', "as-user", "USER", "The server that wants the address runs as this user", 0,
         set_user},
        {'n', "netns", "NAME|PID",
         "Look into another network namespace: one that ip netns shows, or that of a process", 0,
         set_netns},
        {'w', "watch", NULL, "Wait until the address is free", offsetof(WhyOptions, watch), NULL},
        {'l', "listening", NULL, "Show all listeners of this machine, with their owners and queues",
         offsetof(WhyOptions, listening), NULL},
        {'j', "json", NULL, "Answer in JSON", offsetof(WhyOptions, json), NULL},
        {'h', "help", NULL, "Show this help", offsetof(WhyOptions, help), NULL},
};

/* Print the help of the verb. */
void
why_options_print_help(FILE *out)
{
        (void)fputs("sup why [OPTION…] ADDRESS\n"
                    "sup why --listening\n"
                    "\n"
                    "Say what keeps an address from being bound, until when, and what to do. "
                    "ADDRESS is\n"
                    "what sup --listen takes: PORT, HOST:PORT, [IPv6]:PORT, /PATH, @NAME, udp:…; a "
                    "bare\n"
                    "PORT stands for all local addresses, TCP and UDP.\n"
                    "\n"
                    "Options:\n",
                    out);
        for (size_t i = 0; i < ELEMENTSOF(table); i++)
                help_print_option(out, '\0', table[i].name, table[i].argument, table[i].help);
        (void)fputs(
                "\n"
                "Exit status: 0 the address is free; 1 it is not; 2 wrong usage. See sup-why(1).\n",
                out);
}

static int
check_together(const WhyOptions *o, int n_words, char **ret_why)
{
        if (o->help)
                return 0;
        if (o->listening && (o->watch || o->netns || n_words))
                return why(ret_why, -EINVAL, "--listening stands alone, or with --json");
        if (!o->listening && n_words != 1)
                return why(ret_why, -EINVAL, "it would be: sup why [OPTION…] ADDRESS");
        if (o->watch && o->json)
                return why(ret_why, -EINVAL, "--watch and --json do not go together");
        return 0;
}

/* Parse the command line; argv[0] is the verb. Returns 0 or a negative errno with a sentence. */
int
why_options_parse(int argc, char **argv, WhyOptions *ret, char **ret_why)
{
        struct option long_options[ELEMENTSOF(table) + 1] = {0};
        WhyOptions o = {.uid = geteuid()};
        int index;
        int value;
        int r;

        for (size_t i = 0; i < ELEMENTSOF(table); i++)
                long_options[i] = (struct option){
                        .name = table[i].name,
                        .has_arg = table[i].argument ? required_argument : no_argument,
                        .val = table[i].letter,
                };
        opterr = 0;
        while ((value = getopt_long(argc, argv, ":h", long_options, &index)) != -1) {
                if (value == ':')
                        return why(ret_why, -EINVAL, "the option %s needs an argument",
                                   argv[optind - 1]);
                if (value == '?')
                        return why(ret_why, -EINVAL, "there is no option %s; see sup why --help",
                                   argv[optind - 1]);
                for (size_t i = 0; i < ELEMENTSOF(table); i++) {
                        if (table[i].letter != value)
                                continue;
                        if (!table[i].set)
                                *(bool *)((char *)&o + table[i].flag) = true;
                        else if ((r = table[i].set(&o, optarg, ret_why)) < 0)
                                return r;
                }
        }
        r = check_together(&o, argc - optind, ret_why);
        if (r < 0)
                return r;
        o.address = argv[optind];
        *ret = o;
        return 0;
}
