/* SPDX-License-Identifier: MIT */
/* help.c - what --help prints, made from the table of options. */
#include "cli/help.h"

#include <string.h>

#include "cli/options.h"

#define INDENT 8
#define WIDTH 80

/* How many columns the first n bytes of UTF-8 take. */
static size_t
columns(const char *text, size_t n)
{
        size_t count = 0;

        for (size_t i = 0; i < n; i++)
                count += ((unsigned char)text[i] & 0xC0U) != 0x80U;
        return count;
}

/* Print a text in lines of WIDTH, each indented. */
static void
print_wrapped(FILE *f, const char *text)
{
        size_t column = 0;

        while (*text) {
                size_t n = strcspn(text, " ");
                size_t width = columns(text, n);

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

static void
print_option(FILE *f, const Option *o)
{
        if (o->short_name)
                (void)fprintf(f, "  -%c, --%s", o->short_name, o->long_name);
        else
                (void)fprintf(f, "      --%s", o->long_name);
        if (o->argument)
                (void)fprintf(f, "%s%s", option_is_optional(o) ? "" : " ", o->argument);
        (void)fputc('\n', f);
        print_wrapped(f, o->help);
}

/* Print the help. */
void
help_print(FILE *f)
{
        (void)fputs("Usage: sup [OPTION…] [--] COMMAND [ARG…]\n"
                    "\n"
                    "Keep a server's port open, whatever happens to the server: what it binds is\n"
                    "held by sup and handed to the next worker when it crashes or is restarted.\n"
                    "\n"
                    "  sup -- ./myserver\n"
                    "  sup -l 80 --user www-data -n 4 -- ./myserver --port 80\n"
                    "\n"
                    "Options:\n",
                    f);
        for (size_t i = 0; i < options_n; i++)
                print_option(f, &options_table[i]);
        (void)fputs(
                "\n"
                "TIME is a number with ms, s, min or h; a bare number is seconds.\n"
                "\n"
                "Signals: HUP restarts the workers one by one with the sockets held; TERM and INT\n"
                "stop gracefully, a second one at once; QUIT stops at once; USR1 goes to the\n"
                "workers; TTIN and TTOU make one worker more or fewer.\n"
                "\n"
                "Exit status: the command's own, or 128 and the signal that ended it, when it is\n"
                "not restarted; 126 it cannot be executed; 127 it was not found; 1 sup failed;\n"
                "2 wrong usage. See sup(1).\n",
                f);
}
