/* SPDX-License-Identifier: MIT */
/* upgrade.c - `sup` re-executes itself: the same process, workers and sockets, a new program. */
#include "run/upgrade.h"

#include "control/server.h"

void
upgrade_request(Supervisor *s, ControlRequest *request)
{
        (void)s;
        if (request)
                control_request_finish(request, NULL, "this version cannot re-execute itself");
        log_warning("this version cannot re-execute itself; SIGUSR2 is ignored");
}

void
upgrade_tidy(Supervisor *s)
{
        (void)s;
}
