/* SPDX-License-Identifier: MIT */
/*
 * bound-inactive.c - a socket that is bound and does not listen, or listens no more, blocks its port
 * and is in no table but sock_diag's, and there only for who asks for a state of its own, number 13
 * (Linux 6.8). Hence `sup why` sees what ss, netstat and lsof of Debian 12 do not.
 */
#include "look.h"

/* Whether /proc/net/tcp, from which netstat has it all, names the port. */
static bool
is_in_proc(void)
{
        char line[256];
        char port[16];
        bool found = false;
        FILE *file = fopen("/proc/net/tcp", "re");

        MUST(file);
        snprintf(port, sizeof(port), ":%04X ", (unsigned)FACT_PORT);
        while (fgets(line, sizeof(line), file))
                found = found || strstr(line, port);
        fclose(file);
        return found;
}

static void
show(const char *what)
{
        struct inet_diag_msg found;
        int error = fact_try(true);
        int n = look_count(LOOK_ALL, FACT_PORT, &found);
        int n_bound = look_count(1U << LOOK_BOUND, FACT_PORT, &found);

        FACT(error == EADDRINUSE, "%s, a new server: %s", what, fact_say(error));
        FACT(n == 0 && !is_in_proc(), "  among all the usual states: %d, in /proc/net/tcp: %s", n,
             is_in_proc() ? "yes" : "no");
        FACT(n_bound == 1 && found.idiag_inode != 0, "  in state 13: %d, with inode %u", n_bound,
             found.idiag_inode);
}

int
main(void)
{
        struct inet_diag_msg found;
        int fd;

        fact_begin();
        fd = fact_socket();
        MUST(fact_bind(fd) == 0);
        if (look_count(1U << LOOK_BOUND, FACT_PORT, &found) == 0)
                fact_skip("this kernel does not show bound sockets");
        show("bound");
        MUST(fact_listen(fd) == 0 && shutdown(fd, SHUT_RDWR) == 0);
        show("listened, and was shut down");
        return fact_end();
}
