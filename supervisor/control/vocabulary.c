/* SPDX-License-Identifier: MIT */
/*
 * vocabulary.c - the verbs of the control socket, and what each may be told. Pure.
 *
 * Gist: one table; whoever carries a verb out need not look at the types any more.
 */
#include "control/vocabulary.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/parse.h"
#include "base/why.h"

/* What an argument has to be, and how it is called in a complaint. */
typedef enum ArgumentKind {
        ARGUMENT_TEXT,
        ARGUMENT_WORDS,
        ARGUMENT_DRAIN,
        ARGUMENT_RELOAD,
        ARGUMENT_PERCENT,
        ARGUMENT_USEC,
        ARGUMENT_NUMBER,
        ARGUMENT_CHANGE,
        ARGUMENT_SIGNAL,
} ArgumentKind;

typedef struct Argument {
        const char *name;
        ArgumentKind kind;
        bool required;
} Argument;

typedef struct VerbWords {
        const char *verb;
        Argument arguments[6];
} VerbWords;

static const VerbWords vocabulary[] = {
        {"status", {{0}}},
        {"reload",
         {{"command", ARGUMENT_WORDS, false},
          {"drain", ARGUMENT_DRAIN, false},
          {"reload", ARGUMENT_RELOAD, false},
          {"canary_percent", ARGUMENT_PERCENT, false},
          {"bake_usec", ARGUMENT_USEC, false},
          {"check", ARGUMENT_TEXT, false}}},
        {"restart", {{"worker", ARGUMENT_NUMBER, false}}},
        {"stop", {{0}}},
        {"scale", {{"workers", ARGUMENT_NUMBER, false}, {"change", ARGUMENT_CHANGE, false}}},
        {"signal", {{"signal", ARGUMENT_SIGNAL, true}, {"worker", ARGUMENT_NUMBER, false}}},
        {"drain", {{"worker", ARGUMENT_NUMBER, true}}},
        {"ready", {{0}}},
        {"upgrade", {{0}}},
};

static const char *const kind_texts[] = {
        [ARGUMENT_TEXT] = "a text that is not empty",
        [ARGUMENT_WORDS] = "an array of texts, the first of them not empty",
        [ARGUMENT_DRAIN] = "signal or connections",
        [ARGUMENT_RELOAD] = "overlap or serial",
        [ARGUMENT_PERCENT] = "a number above 0 and up to 100",
        [ARGUMENT_USEC] = "a whole number of microseconds",
        [ARGUMENT_NUMBER] = "a whole number from 1 to 1000000",
        [ARGUMENT_CHANGE] = "a whole number other than 0, such as 1 or -1",
        [ARGUMENT_SIGNAL] = "the name of a signal, such as HUP, or its number, as a text",
};

static bool
is_text(const json_t *value)
{
        return json_string_length(value) > 0;
}

static bool
is_words(const json_t *value)
{
        for (size_t i = 0; i < json_array_size(value); i++)
                if (!json_is_string(json_array_get(value, i)))
                        return false;
        return is_text(json_array_get(value, 0));
}

static bool
is_one_of(const json_t *value, const char *first, const char *second)
{
        const char *text = json_string_value(value);

        return text && (strcmp(text, first) == 0 || strcmp(text, second) == 0);
}

static bool
is_within(const json_t *value, json_int_t least, json_int_t most)
{
        return json_is_integer(value) && json_integer_value(value) >= least &&
               json_integer_value(value) <= most;
}

static bool
suits(const json_t *value, ArgumentKind kind)
{
        int signo;

        switch (kind) {
        case ARGUMENT_TEXT:
                return is_text(value);
        case ARGUMENT_WORDS:
                return is_words(value);
        case ARGUMENT_DRAIN:
                return is_one_of(value, "signal", "connections");
        case ARGUMENT_RELOAD:
                return is_one_of(value, "overlap", "serial");
        case ARGUMENT_PERCENT:
                return json_number_value(value) > 0 && json_number_value(value) <= 100;
        case ARGUMENT_USEC:
                return is_within(value, 0, INT64_MAX);
        case ARGUMENT_NUMBER:
                return is_within(value, 1, 1000000);
        case ARGUMENT_CHANGE:
                return is_within(value, -1000000, 1000000) && json_integer_value(value) != 0;
        case ARGUMENT_SIGNAL:
                return is_text(value) && parse_signal(json_string_value(value), &signo) == 0;
        }
        return false;
}

static const Argument *
find_argument(const VerbWords *words, const char *name)
{
        for (size_t i = 0; i < ELEMENTSOF(words->arguments) && words->arguments[i].name; i++)
                if (strcmp(words->arguments[i].name, name) == 0)
                        return &words->arguments[i];
        return NULL;
}

static int
check_arguments(const VerbWords *words, json_t *arguments, char **ret_why)
{
        const char *name;
        json_t *value;

        json_object_foreach(arguments, name, value)
        {
                const Argument *a = find_argument(words, name);

                if (!a)
                        return why(ret_why, -EINVAL, "%s has no argument '%.64s'", words->verb,
                                   name);
                if (!suits(value, a->kind))
                        return why(ret_why, -EINVAL, "the argument %s of %s is not %s", name,
                                   words->verb, kind_texts[a->kind]);
        }
        for (size_t i = 0; i < ELEMENTSOF(words->arguments); i++)
                if (words->arguments[i].required &&
                    !json_object_get(arguments, words->arguments[i].name))
                        return why(ret_why, -EINVAL, "%s needs the argument %s", words->verb,
                                   words->arguments[i].name);
        return 0;
}

/*
 * Whether a request makes sense: a verb that there is, and arguments that are its own and of the
 * right kind. Returns 0 or -EINVAL with a sentence.
 */
int
vocabulary_check(const char *verb, json_t *arguments, char **ret_why)
{
        const VerbWords *words = NULL;
        int r;

        for (size_t i = 0; i < ELEMENTSOF(vocabulary); i++)
                if (strcmp(vocabulary[i].verb, verb) == 0)
                        words = &vocabulary[i];
        if (!words)
                return why(ret_why, -EINVAL, "there is no verb '%.64s' on the control socket",
                           verb);
        if (!json_is_object(arguments))
                return why(ret_why, -EINVAL, "the arguments of %s are not a JSON object", verb);
        r = check_arguments(words, arguments, ret_why);
        if (r == 0 && strcmp(verb, "scale") == 0 && json_object_size(arguments) != 1)
                return why(ret_why, -EINVAL, "scale needs one of the arguments workers and change");
        return r;
}
