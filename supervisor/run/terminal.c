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

/* Remember how the terminal is set. Workers share our process group when a person sits there. */
void
terminal_init(Supervisor *s)
{
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

/* Whether the terminal that we were started from has hung up. */
bool
terminal_is_gone(const Supervisor *s)
{
        CLEANUP_FD int fd = -1;

        if (!s->has_terminal)
                return false;
        fd = open("/dev/tty", O_RDONLY | O_CLOEXEC | O_NOCTTY);
        return fd < 0;
}
