/* SPDX-License-Identifier: MIT */
/*
 * notify-reuseaddr.c - pidfd_getfd() gives a duplicate of a child's socket: the same socket, so an
 * option that we set on it while the bind() waits is seen by that bind(). Hence the servers that
 * lack SO_REUSEADDR get it.
 */
#include "trap.h"

static int
bind_plainly(void)
{
        int fd = fact_socket();
        int error = fact_bind(fd);

        return error ? error : fact_listen(fd);
}

/* An old connection of a listener with the option, on the server's port, owned by nobody. */
static void
leave_time_wait(void)
{
        int listener_fd = fact_listener(true);
        int client_fd = fact_connect();

        MUST(client_fd >= 0);
        close(accept(listener_fd, NULL, NULL));
        close(listener_fd);
        close(client_fd);
}

int
main(void)
{
        fact_begin();
        leave_time_wait();
        for (int help = 0; help < 2; help++) {
                Trap trap = trap_start(bind_plainly, 0);
                struct seccomp_notif call = trap_receive(&trap);
                int error;

                if (help) {
                        int fd = trap_get_fd(&trap, &call);

                        fact_set(fd, SO_REUSEADDR);
                        close(fd);
                }
                MUST(trap_let_go(&trap, &call) == 0);
                if (help) {
                        call = trap_receive(&trap);
                        MUST(call.data.nr == SYS_listen && trap_let_go(&trap, &call) == 0);
                }
                error = fact_wait(trap.pid);
                FACT(error == (help ? 0 : EADDRINUSE), "%s, the child's bind says: %s",
                     help ? "SO_REUSEADDR set from outside meanwhile" : "left alone",
                     strerror(error));
        }
        return fact_end();
}
