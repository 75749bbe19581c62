/* SPDX-License-Identifier: MIT */
/*
 * verb_words.c - the words behind a verb that are not options.
 *
 * Gist: the name of the instance comes first among them, and may be left out; with --control it has
 * to be. So they are taken from the end. What follows `--` is a command.
 */
#include "cli/verb_words.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/parse.h"
#include "base/why.h"

#define WORKERS_MAX 1000000

static bool
is_number(const char *text, json_int_t *ret)
{
        uint64_t number;

        if (parse_unsigned(text, WORKERS_MAX, &number) < 0 || number == 0)
                return false;
        *ret = (json_int_t)number;
        return true;
}

/* +N or -N. */
static bool
is_change(const char *text, json_int_t *ret)
{
        if ((text[0] != '+' && text[0] != '-') || !is_number(text + 1, ret))
                return false;
        if (text[0] == '-')
                *ret = -*ret;
        return true;
}

/*
 * Set an argument. consume_value is NULL without memory, or where a text was not UTF-8, which JSON
 * has to be. Returns 0 or -EINVAL with a sentence.
 */
int
verb_words_set(json_t *arguments, const char *name, json_t *consume_value, char **ret_why)
{
        if (json_object_set_new(arguments, name, consume_value) < 0)
                return why(ret_why, -EINVAL, "the %s is not UTF-8, which it has to be", name);
        return 0;
}

/*
 * Put the command aside, and what getopt would not understand. *ret must be deinitialised, also on
 * failure. Returns 0 or -ENOMEM.
 */
int
verb_words_sort(VerbWords *ret, int argc, char **argv)
{
        json_int_t change;

        *ret = (VerbWords){.words = calloc((size_t)argc + 1, sizeof(char *))};
        if (!ret->words)
                return -ENOMEM;
        for (int i = 0; i < argc; i++) {
                if (strcmp(argv[i], "--") == 0) {
                        ret->command = argv + i + 1;
                        break;
                }
                if (strcmp(argv[0], "scale") == 0 && !ret->change && is_change(argv[i], &change))
                        ret->change = argv[i];
                else
                        ret->words[ret->n_words++] = argv[i];
        }
        return 0;
}

/* Free it; the words themselves are the command line's. */
void
verb_words_deinit(VerbWords *w)
{
        free(w->words);
        *w = (VerbWords){0};
}

/* Take the word away if it is a worker's number. */
static int
take_worker(VerbOptions *o, char **words, size_t *n_words, bool required, char **ret_why)
{
        json_int_t number;
        const char *word = *n_words > 0 ? words[*n_words - 1] : "";

        if (is_number(word, &number)) {
                --*n_words;
                return verb_words_set(o->arguments, "worker", json_integer(number), ret_why);
        }
        if (!required)
                return 0;
        return why(ret_why, -EINVAL, "%s needs the number of a worker: sup %s [NAME] WORKER",
                   o->verb, o->verb);
}

static int
take_scale(VerbOptions *o, char **words, size_t *n_words, const char *change, char **ret_why)
{
        const char *word = change ? change : *n_words > 0 ? words[*n_words - 1] : "";
        json_int_t number;
        const char *name = "workers";

        if (is_change(word, &number))
                name = "change";
        else if (!is_number(word, &number))
                return why(ret_why, -EINVAL,
                           "scale needs the number of workers, or +1 or -1: sup scale [NAME] N");
        if (!change)
                --*n_words;
        return verb_words_set(o->arguments, name, json_integer(number), ret_why);
}

/* SIG [WORKER]. A number behind a signal is the worker's, behind anything else it is the signal. */
static int
take_signal(VerbOptions *o, char **words, size_t *n_words, char **ret_why)
{
        json_int_t number;
        int signo;
        int r = 0;

        if (*n_words >= 2 && is_number(words[*n_words - 1], &number) &&
            parse_signal(words[*n_words - 2], &signo) == 0)
                r = take_worker(o, words, n_words, true, ret_why);
        if (r < 0)
                return r;
        if (*n_words == 0)
                return why(ret_why, -EINVAL,
                           "signal needs a signal, such as HUP: sup signal [NAME] SIGNAL [WORKER]");
        if (parse_signal(words[*n_words - 1], &signo) < 0)
                return why(ret_why, -EINVAL, "'%s' is not a signal; it would be HUP, USR1, TERM, …",
                           words[*n_words - 1]);
        return verb_words_set(o->arguments, "signal", json_string(words[--*n_words]), ret_why);
}

/* The command of the next generation. */
static int
take_command(VerbOptions *o, char **command, char **ret_why)
{
        json_t *words = json_array();

        if (!command[0] || !command[0][0]) {
                json_decref(words);
                return why(ret_why, -EINVAL,
                           "there is no command behind --; leave that out to keep the present one");
        }
        for (size_t i = 0; command[i]; i++)
                if (json_array_append_new(words, json_string(command[i])) < 0) {
                        json_decref(words);
                        return why(ret_why, -EINVAL,
                                   "word %zu of the command is not UTF-8, which it has to be", i);
                }
        return verb_words_set(o->arguments, "command", words, ret_why);
}

/*
 * Take the words from number `first` on, where getopt has put those that are no options. Returns 0
 * or -EINVAL with a sentence.
 */
int
verb_words_take(VerbOptions *o, const VerbWords *sorted, int first, char **ret_why)
{
        char **words = sorted->words + first;
        size_t n_words = (size_t)(sorted->n_words - first);
        int r = 0;

        if (strcmp(o->verb, "scale") == 0)
                r = take_scale(o, words, &n_words, sorted->change, ret_why);
        else if (strcmp(o->verb, "signal") == 0)
                r = take_signal(o, words, &n_words, ret_why);
        else if (strcmp(o->verb, "drain") == 0 || strcmp(o->verb, "restart") == 0)
                r = take_worker(o, words, &n_words, o->verb[0] == 'd', ret_why);
        else if (sorted->command && strcmp(o->verb, "reload") == 0)
                r = take_command(o, sorted->command, ret_why);
        if (r < 0)
                return r;
        if (sorted->command && strcmp(o->verb, "reload") != 0)
                return why(ret_why, -EINVAL, "%s takes no command", o->verb);
        if (n_words > 1)
                return why(ret_why, -EINVAL, "%s does not take the word '%s'; see sup %s --help",
                           o->verb, words[1], o->verb);
        if (n_words > 0 && o->control)
                return why(ret_why, -EINVAL,
                           "there are both a name, %s, and --control; give one of them", words[0]);
        if (n_words > 0 && (!words[0][0] || strchr(words[0], '/')))
                return why(ret_why, -EINVAL,
                           "'%s' is not the name of an instance; a path goes with --control",
                           words[0]);
        o->name = n_words > 0 ? words[0] : NULL;
        return 0;
}
