/* SPDX-License-Identifier: MIT */
/*
 * notify-end.c - the notify fd hangs up when the last process behind its filter is gone, and not
 * before; trapped calls fail with ENOSYS when the notify fd is gone; and nobody can have two such
 * filters. Hence sup keeps one fd a worker, knows by it that nothing of the worker is left, and
 * runs uncaptured what another supervisor traps already.
 */
#include "trap.h"

/* End at once, and leave a child that lives for a while. */
static int
leave_child(void)
{
        if (fact_fork() == 0) {
                prctl(PR_SET_PDEATHSIG, 0);
                fact_pause_ms(300);
        }
        return 0;
}

static int
bind_later(void)
{
        fact_pause_ms(100);
        return fact_bind(fact_socket());
}

static int
install_second(void)
{
        return -trap_install(0);
}

int
main(void)
{
        Trap trap;
        int events;
        int error;

        fact_begin();
        trap = trap_start(leave_child, 0);
        MUST(fact_wait(trap.pid) == 0);
        events = trap_poll(&trap, 100);
        FACT(events == 0, "the process has ended, its child lives: events %#x", (unsigned)events);
        events = trap_poll(&trap, 3000);
        FACT(events & POLLHUP, "its child has ended as well: events %#x (POLLHUP is %#x)",
             (unsigned)events, (unsigned)POLLHUP);

        trap = trap_start(bind_later, 0);
        close(trap.notify_fd);
        error = fact_wait(trap.pid);
        FACT(error == ENOSYS, "a trapped bind() with nobody to answer: %s", strerror(error));

        trap = trap_start(install_second, 0);
        error = fact_wait(trap.pid);
        FACT(error == EBUSY, "a second filter with a notify fd: %s", strerror(error));
        return fact_end();
}
