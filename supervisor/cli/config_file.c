/* SPDX-License-Identifier: MIT */
/*
 * config_file.c - the file of --config: one long option a line, `listen = 8080`.
 *
 * Gist: each line goes through the table of options, as a word of the command line does; a complaint
 * gets the file and the line in front. Empty lines and those that begin with # are passed over. An
 * option that takes no argument stands alone, or has yes or no.
 */
#include "cli/config_file.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/parse.h"
#include "base/why.h"
#include "cli/options.h"

#define BLANKS " \t\r\n"

/* The text without the blanks around it, which are cut off. */
static char *
trim(char *text)
{
        size_t n;

        text += strspn(text, BLANKS);
        n = strlen(text);
        while (n > 0 && strchr(BLANKS, text[n - 1]))
                text[--n] = '\0';
        return text;
}

/* An option that takes no argument: it is set unless the value is no. */
static int
set_flag(Config *c, const Option *o, const char *value, char **ret_why)
{
        bool wanted = true;

        if (value && parse_bool(value, &wanted) < 0)
                return why(ret_why, -EINVAL, "%s takes no value but yes or no", o->long_name);
        return wanted ? o->set(c, NULL, ret_why) : 0;
}

static int
read_line(Config *c, char *line, char **ret_why)
{
        char *equals = strchr(line, '=');
        char *value = NULL;
        const Option *o;

        if (!*line || *line == '#')
                return 0;
        if (equals) {
                *equals = '\0';
                value = trim(equals + 1);
        }
        line = trim(line);
        o = options_find(line);
        if (!o && line[0] == '-')
                return why(ret_why, -EINVAL, "options stand without dashes here: listen = 8080");
        if (!o)
                return why(ret_why, -EINVAL, "there is no option '%s'; see sup --help", line);
        if (!o->set)
                return why(ret_why, -EINVAL, "%s is for the command line only", o->long_name);
        if (!o->argument)
                return set_flag(c, o, value, ret_why);
        if (!value && !option_is_optional(o))
                return why(ret_why, -EINVAL, "%s needs a value: %s = %s", o->long_name,
                           o->long_name, o->argument);
        return o->set(c, value, ret_why);
}

/*
 * Read a file of options into c. Returns 0 or a negative errno, with a sentence that names the file
 * and, if one is to blame, the line; *ret_why is NULL where memory is short.
 */
int
config_file_read(Config *c, const char *path, char **ret_why)
{
        CLEANUP_FILE FILE *file = fopen(path, "re");
        CLEANUP_FREE char *line = NULL;
        unsigned number = 0;
        size_t size = 0;
        ssize_t n;

        if (!file)
                return why(ret_why, -errno, "--config: cannot open %s: %s", path,
                           strerrordesc_np(errno));
        while ((n = getline(&line, &size, file)) >= 0) {
                CLEANUP_FREE char *reason = NULL;
                int r;

                number++;
                if (strlen(line) != (size_t)n)
                        r = why(&reason, -EINVAL, "this is not a text file");
                else
                        r = read_line(c, trim(line), &reason);
                if (r < 0)
                        return why(ret_why, r, "%s:%u: %s", path, number,
                                   reason ? reason : "out of memory");
        }
        if (ferror(file))
                return why(ret_why, -errno, "--config: cannot read %s: %s", path,
                           strerrordesc_np(errno));
        return 0;
}
