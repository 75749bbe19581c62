/* SPDX-License-Identifier: MIT */
/* help.c - what --help prints, made from the table of options. */
#include "cli/help.h"

#include <string.h>

#include "base/cleanup.h"
#include "cli/options.h"
#include "cli/plain.h"
#include "cli/verbs.h"

#define INDENT 8
#define WIDTH 80

/* Print a text in lines of WIDTH, each indented. */
static void
print_wrapped(FILE *f, const char *text)
{
        size_t column = 0;

        while (*text) {
                size_t n = strcspn(text, " ");
                size_t width = plain_columns(text, n);

                if (column == 0 || column + 1 + width > WIDTH) {
                        (void)fprintf(f, "%s%*s", column ? "\n" : "", INDENT, "");
                        column = INDENT;
                } else {
                        (void)fputc(' ', f);
                        column++;
                }
                (void)fprintf(f, "%.*s", (int)n, text);
                column += width;
                text += n + (text[n] == ' ');
        }
        (void)fputc('\n', f);
}

/* Print one option. The short name may be '\0', the argument NULL. */
void
help_print_option(FILE *f, char short_name, const char *long_name, const char *argument,
                  const char *help)
{
        if (short_name)
                (void)fprintf(f, "  -%c, --%s", short_name, long_name);
        else
                (void)fprintf(f, "      --%s", long_name);
        if (argument)
                (void)fprintf(f, "%s%s", strncmp(argument, "[=", 2) == 0 ? "" : " ", argument);
        (void)fputc('\n', f);
        print_wrapped(f, help);
}

/* The groups in which the table stands; the manual has the same. */
static const struct {
        const char *first; /* its first option */
        const char *heading;
} groups[] = {
        {"listen", "Sockets"}, {"workers", "Workers"}, {"ready", "Readiness"},
        {"reload", "Reload"},  {"user", "Processes"},  {"name", "The instance"},
};

static void
print_options(FILE *f)
{
        for (size_t i = 0; i < options_n; i++) {
                const Option *o = &options_table[i];

                for (size_t j = 0; j < ELEMENTSOF(groups); j++)
                        if (strcmp(o->long_name, groups[j].first) == 0)
                                (void)fprintf(f, "\n%s:\n", groups[j].heading);
                help_print_option(f, o->short_name, o->long_name, o->argument, o->help);
        }
}

/* Print the help. */
void
help_print(FILE *f)
{
        (void)fputs("Usage: sup [OPTION…] [--] COMMAND [ARG…]\n"
                    "       sup VERB [NAME] …\n"
                    "\n"
                    "Keep a server's port open, whatever happens to the server: what it binds is\n"
                    "held by sup and handed to the next worker when it crashes or is restarted.\n"
                    "\n"
                    "  sup -- ./myserver\n"
                    "  sup -l 80 --user www-data -n 4 -- ./myserver --port 80\n"
                    "  sup reload\n",
                    f);
        print_options(f);
        (void)fputs("\nVerbs:\n", f);
        for (size_t i = 0; i < verbs_n; i++) {
                (void)fprintf(f, "  %s %s\n", verbs_table[i].name, verbs_table[i].synopsis);
                print_wrapped(f, verbs_table[i].help);
        }
        (void)fputs(
                "\n"
                "TIME is a number with ms, s, min or h; a bare number is seconds.\n"
                "\n"
                "Signals: HUP reloads: the new worker starts, then the old one is retired; TERM\n"
                "and INT stop gracefully, a second one at once; QUIT stops at once; USR1 goes to\n"
                "the workers; USR2 re-executes sup; TTIN and TTOU make one worker more or fewer.\n"
                "\n"
                "Exit status: the command's own, or 128 and the signal that ended it, when it is\n"
                "not restarted; 126 it cannot be executed; 127 it was not found; 1 sup failed;\n"
                "2 wrong usage; 76 it was given a connection. See sup(1).\n",
                f);
}
