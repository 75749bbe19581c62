/* SPDX-License-Identifier: MIT */
/*
 * away.c - when the names of unix sockets are away while a worker starts. Pure.
 *
 * Gist: some servers end if they find somebody at their path, or only that it is there, and it is always
 * there. That cannot be seen, only guessed from starts that fail before the path is bound. Who connects and
 * is gone may have been the server: then the next start is made without the names. Else it takes two
 * failures in a row. A start that fails all the same had another reason: the names are back, and for
 * longer, as clients are to find them and wait.
 *
 * A start that succeeds without the names may have done so by chance. So a mere guess is put to the test
 * once: the next start has the names, and only if it fails as well, they are away from then on.
 */
#include "policy/away.h"

#include <signal.h>

#define N_WANTED_FIRST 2
#define N_WANTED_MAX 4

/*
 * Whether an end may have been the server's own decision, from its status as a shell has it: it exited,
 * called abort(3), or met a compiler's trap. Otherwise it was killed, perhaps below a wrapper.
 */
bool
away_is_own_end(int shell_status)
{
        int signo = shell_status - 128;

        return signo <= 0 || signo >= _NSIG || signo == SIGABRT || signo == SIGILL ||
               signo == SIGTRAP;
}

static void
note_failed(Away *a, const AwayEnd *end)
{
        unsigned n_wanted = a->n_wanted ? a->n_wanted : N_WANTED_FIRST;

        a->n_failed++;
        if (end->was_away) {
                a->is_away = false;
                a->n_failed = 0;
                a->n_wanted = 2 * n_wanted < N_WANTED_MAX ? 2 * n_wanted : N_WANTED_MAX;
        } else if (end->met_client) {
                a->is_away = true;
                a->n_wanted = 1;
        } else if (end->is_last || a->n_failed >= n_wanted) {
                a->is_away = true;
        }
}

static void
note_bound(Away *a, const AwayEnd *end)
{
        a->is_away = end->was_away && a->n_wanted == 1;
        a->n_failed = 0;
        a->n_wanted = end->was_away ? 1 : N_WANTED_FIRST;
}

/* Note the end of a worker. One that was started before the last decision has no part in it. */
void
away_after_end(Away *a, const AwayEnd *end)
{
        if (end->was_away != a->is_away)
                return;
        if (end->has_failed)
                note_failed(a, end);
        else if (end->has_bound)
                note_bound(a, end);
}
