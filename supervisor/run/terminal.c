/* SPDX-License-Identifier: MIT */
/* terminal.c - the user's terminal: whose it is, and that it is left as it was. */
#include <fcntl.h>
#include <unistd.h>

#include "base/fd.h"
#include "run/state.h"

/* Whether stdin is a terminal, and we are in its foreground process group. */
bool
terminal_is_ours(void)
{
        return isatty(STDIN_FILENO) && tcgetpgrp(STDIN_FILENO) == getpgrp();
}

/* Whether we have a controlling terminal: /dev/tty is it (tty(4)). */
static bool
is_controlled(void)
{
        CLEANUP_FD int fd = open("/dev/tty", O_RDONLY | O_CLOEXEC | O_NOCTTY);

        return fd >= 0;
}

/* Remember how the terminal is set. Workers share our process group when a person sits there. */
void
terminal_init(Supervisor *s)
{
        s->is_controlled = is_controlled();
        s->interactive = terminal_is_ours();
        s->has_terminal = s->interactive && tcgetattr(STDIN_FILENO, &s->terminal) == 0;
}

/* Set it as it was, if it is still ours to set: after a worker that had its own ideas crashed. */
void
terminal_restore(const Supervisor *s)
{
        if (s->has_terminal && terminal_is_ours())
                (void)tcsetattr(STDIN_FILENO, TCSADRAIN, &s->terminal);
}

/* Whether the terminal that we were started from, in the background perhaps, has hung up. */
bool
terminal_is_gone(const Supervisor *s)
{
        return s->is_controlled && !is_controlled();
}
