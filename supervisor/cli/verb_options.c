/* SPDX-License-Identifier: MIT */
/* verb_options.c - the options behind a verb of the control socket: one table. */
#include "cli/verb_options.h"

#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/parse.h"
#include "base/why.h"
#include "cli/help.h"
#include "cli/verb_words.h"
#include "cli/verbs.h"
#include "control/vocabulary.h"

typedef struct VerbOption {
        const char *name;
        const char *argument; /* how it is called, or NULL */
        const char *verbs;    /* that have it, with blanks around each; NULL: all */
        const char *help;
        int (*set)(VerbOptions *o, const char *value, char **ret_why);
} VerbOption;

static int
set_control(VerbOptions *o, const char *value, char **ret_why)
{
        (void)ret_why;
        o->control = value;
        return 0;
}

static int
set_json(VerbOptions *o, const char *value, char **ret_why)
{
        (void)value;
        (void)ret_why;
        o->json = true;
        return 0;
}

static int
set_wait(VerbOptions *o, const char *value, char **ret_why)
{
        (void)value;
        (void)ret_why;
        o->no_wait = false;
        return 0;
}

static int
set_no_wait(VerbOptions *o, const char *value, char **ret_why)
{
        (void)value;
        (void)ret_why;
        o->no_wait = true;
        return 0;
}

static int
set_drain(VerbOptions *o, const char *value, char **ret_why)
{
        if (strcmp(value, "signal") != 0 && strcmp(value, "connections") != 0)
                return why(ret_why, -EINVAL, "--drain=%s is neither signal nor connections", value);
        return verb_words_set(o->arguments, "drain", json_string(value), ret_why);
}

static int
set_reload(VerbOptions *o, const char *value, char **ret_why)
{
        if (strcmp(value, "overlap") != 0 && strcmp(value, "serial") != 0)
                return why(ret_why, -EINVAL, "--reload=%s is neither overlap nor serial", value);
        return verb_words_set(o->arguments, "reload", json_string(value), ret_why);
}

/* `5%`, `5` or `0.5%`. */
static int
set_canary(VerbOptions *o, const char *value, char **ret_why)
{
        size_t length = strspn(value, "0123456789.");
        char *end;
        double percent = strtod(value, &end);

        if (end == value || end != value + length || strcmp(end, *end ? "%" : "") != 0 ||
            percent <= 0 || percent > 100)
                return why(ret_why, -EINVAL,
                           "--canary %s is not a share of the connections, such as 5%%", value);
        return verb_words_set(o->arguments, "canary_percent", json_real(percent), ret_why);
}

static int
set_bake(VerbOptions *o, const char *value, char **ret_why)
{
        uint64_t usec;

        if (parse_duration(value, &usec) < 0 || usec > INT64_MAX)
                return why(ret_why, -EINVAL,
                           "--bake %s is not a span of time; it would be 500ms, 30s, 5min or 1h",
                           value);
        return verb_words_set(o->arguments, "bake_usec", json_integer((json_int_t)usec), ret_why);
}

static int
set_check(VerbOptions *o, const char *value, char **ret_why)
{
        if (!*value)
                return why(ret_why, -EINVAL, "--check needs a command, and has an empty word");
        return verb_words_set(o->arguments, "check", json_string(value), ret_why);
}

static const VerbOption verb_options[] = {
        {"wait", NULL, " reload restart stop drain ", "Wait until it is done (the default)",
         set_wait},
        {"no-wait", NULL, " reload restart stop drain ",
         "Return as soon as the instance has accepted it", set_no_wait},
        {"drain", "signal|connections", " reload ",
         "How the old generation is retired: by its own graceful shutdown, or served out by "
         "steering "
         "new connections away from it",
         set_drain},
        {"reload", "overlap|serial", " reload ",
         "Start the new generation before the old one is retired, or after it has ended",
         set_reload},
        {"canary", "N%", " reload ", "Give the new generation this share of the connections first",
         set_canary},
        {"bake", "TIME", " reload ",
         "Go back to the old generation if the new one fails within this time", set_bake},
        {"check", "COMMAND", " reload ",
         "Go back also when this shell command fails within the bake time", set_check},
        {"json", NULL, NULL, "Print the result as a JSON object", set_json},
        {"control", "PATH", NULL, "The control socket, in place of the name of the instance",
         set_control},
        {"help", NULL, NULL, "Show this help", NULL},
};

static bool
has_option(const char *verb, const VerbOption *option)
{
        const char *found = option->verbs ? strstr(option->verbs, verb) : NULL;

        return !option->verbs || (found && found[-1] == ' ' && found[strlen(verb)] == ' ');
}

static bool
is_argument(const VerbOptions *o, const char *name, const char *text)
{
        const char *value = json_string_value(json_object_get(o->arguments, name));

        return value && strcmp(value, text) == 0;
}

static int
check_together(const VerbOptions *o, char **ret_why)
{
        bool canary = json_object_get(o->arguments, "canary_percent");
        bool bake = json_object_get(o->arguments, "bake_usec");
        bool check = json_object_get(o->arguments, "check");

        if (is_argument(o, "reload", "serial") &&
            (canary || bake || check || is_argument(o, "drain", "connections")))
                return why(ret_why, -EINVAL,
                           "--reload=serial stops the old workers first: it goes with none of "
                           "--drain=connections, --canary, --bake and --check");
        if (canary && !bake)
                return why(ret_why, -EINVAL,
                           "a canary needs a time to prove itself, such as --bake 60s");
        return vocabulary_check(o->verb, o->arguments, ret_why);
}

/* getopt's complaints, in sentences. */
static int
explain_getopt(const VerbOptions *o, int value, const char *word, char **ret_why)
{
        if (value == ':')
                return why(ret_why, -EINVAL, "the option %s needs an argument", word);
        if (optopt >= 256)
                return why(ret_why, -EINVAL, "the option --%s takes no argument",
                           verb_options[optopt - 256].name);
        return why(ret_why, -EINVAL, "%s has no option %s; see sup %s --help", o->verb, word,
                   o->verb);
}

/* Take the options; the other words come to the end. Returns 0, 1 for --help, or -EINVAL. */
static int
take_options(VerbOptions *o, const VerbWords *sorted, char **ret_why)
{
        struct option long_options[ELEMENTSOF(verb_options) + 1] = {0};
        size_t n = 0;
        int value;

        for (size_t i = 0; i < ELEMENTSOF(verb_options); i++)
                if (has_option(o->verb, &verb_options[i]))
                        long_options[n++] = (struct option){
                                .name = verb_options[i].name,
                                .has_arg =
                                        verb_options[i].argument ? required_argument : no_argument,
                                .val = 256 + (int)i,
                        };
        opterr = 0;
        optind = 0; /* glibc: from the beginning, whatever was parsed before (getopt(3)) */
        while ((value = getopt_long(sorted->n_words, sorted->words, ":h", long_options, NULL)) !=
               -1) {
                const VerbOption *option = value >= 256 ? &verb_options[value - 256] : NULL;
                int r;

                if (value == 'h' || (option && !option->set))
                        return 1;
                if (!option)
                        return explain_getopt(o, value, sorted->words[optind - 1], ret_why);
                r = option->set(o, optarg, ret_why);
                if (r < 0)
                        return r;
        }
        return 0;
}

/*
 * Parse a verb of the control socket, which is argv[0], and what follows it. *ret must be
 * deinitialised. For VERB_OPTIONS_WRONG there is a sentence in *ret_why.
 */
VerbOptionsVerdict
verb_options_parse(int argc, char **argv, VerbOptions *ret, char **ret_why)
{
        VerbWords sorted;
        int r;

        *ret = (VerbOptions){.verb = argv[0], .arguments = json_object()};
        r = verb_words_sort(&sorted, argc, argv);
        if (r == 0)
                r = take_options(ret, &sorted, ret_why);
        if (r == 0)
                r = verb_words_take(ret, &sorted, optind, ret_why);
        if (r == 0)
                r = check_together(ret, ret_why);
        verb_words_deinit(&sorted);
        if (r > 0)
                return VERB_OPTIONS_HELP;
        return r < 0 ? VERB_OPTIONS_WRONG : VERB_OPTIONS_RUN;
}

/* Free it. */
void
verb_options_deinit(VerbOptions *o)
{
        json_decref(o->arguments);
        *o = (VerbOptions){0};
}

/* Print what may follow a verb of the control socket. */
void
verb_options_print_help(FILE *f, const char *verb)
{
        const Verb *v = verbs_find(verb);

        (void)fprintf(f, "sup %s %s\n\n%s.\n\nOptions:\n", verb, v->synopsis, v->help);
        for (size_t i = 0; i < ELEMENTSOF(verb_options); i++)
                if (has_option(verb, &verb_options[i]))
                        help_print_option(f, strcmp(verb_options[i].name, "help") == 0 ? 'h' : 0,
                                          verb_options[i].name, verb_options[i].argument,
                                          verb_options[i].help);
        (void)fputs(
                "\nExit status: 0 done; 1 failed, rolled back or not ready; 2 wrong usage; 3 the "
                "instance\ndoes not run any more; 4 there is no such instance. See "
                "sup-reload(1).\n",
                f);
}
