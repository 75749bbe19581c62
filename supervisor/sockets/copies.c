/* SPDX-License-Identifier: MIT */
/*
 * copies.c - whether a caller's socket can be replaced in all that have it.
 *
 * Theory of operation: a server may have its socket more than once when it binds it, by dup(2) or by
 * fork(2). A copy that is not replaced stays unbound: listen() would put it on any port of all
 * addresses. The copies of the calling process can be replaced with the descriptor of the call. What
 * another process has, which can only be an ancestor or a descendant of the caller, cannot be reached,
 * and a replaced descriptor would never be reported by an epoll set that it was in. The call is left
 * to the kernel then, and the held socket is given up, so that it can succeed.
 */
#include "sockets/copies.h"

#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "linux/holders.h"
#include "linux/proc.h"
#include "linux/procfd.h"

typedef struct Walk {
        Trap *trap;
        ino_t ino;
        bool has_epoll;
        bool is_cut_short;
} Walk;

static int
on_link(int fd, const char *target, void *userdata)
{
        Walk *walk = userdata;
        Trap *trap = walk->trap;
        ino_t inode;

        if (strcmp(target, "anon_inode:[eventpoll]") == 0)
                walk->has_epoll = true;
        if (fd == trap->call.fd || !holders_parse_link(target, &inode) || inode != walk->ino)
                return 0;
        if (trap->n_copies < TRAP_COPIES_MAX)
                trap->copies[trap->n_copies++] = fd;
        else
                walk->is_cut_short = true;
        return 0;
}

static bool
is_in_epoll(const Trap *trap)
{
        for (size_t i = 0; i < trap->n_copies; i++)
                if (procfd_is_watched(trap->call.tid, trap->copies[i]) == 1)
                        return true;
        return procfd_is_watched(trap->call.tid, trap->call.fd) == 1;
}

/* Whether an ancestor of the caller, up to us, or a descendant has the socket. */
static bool
is_elsewhere(const Trap *trap, ino_t ino)
{
        CLEANUP(pidset_deinit_p) PidSet pids = {0};
        int fd;

        for (pid_t pid = proc_parent(trap->call.tid); pid > 1 && pid != getpid();
             pid = proc_parent(pid))
                if (procfd_find_socket(pid, ino, -1, &fd) == 1)
                        return true;
        (void)proc_read_descendants(trap->call.tid, &pids);
        for (size_t i = 0; i < pids.n_pids; i++)
                if (procfd_find_socket(pids.pids[i], ino, -1, &fd) == 1)
                        return true;
        return false;
}

/* The socket that the call is about; 0: it cannot be told. */
static ino_t
inode_of(const Trap *trap)
{
        struct stat st;

        if (trap->fd >= 0)
                return fstat(trap->fd, &st) == 0 ? st.st_ino : 0;
        return procfd_inode(trap->call.tid, trap->call.fd);
}

/* Find the copies that the caller has, for trap_replace_socket; what cannot be seen is not there. */
Copies
copies_find(Trap *trap)
{
        Walk walk = {.trap = trap, .ino = inode_of(trap)};

        trap->n_copies = 0;
        if (!walk.ino)
                return COPIES_REPLACEABLE;
        (void)procfd_read_links(trap->call.tid, on_link, &walk);
        if (walk.is_cut_short)
                return COPIES_TOO_MANY;
        if (walk.has_epoll && is_in_epoll(trap))
                return COPIES_IN_EPOLL;
        return is_elsewhere(trap, walk.ino) ? COPIES_ELSEWHERE : COPIES_REPLACEABLE;
}

/*
 * Whether the held socket can take the place of the caller's. If not, it says why, and gives the held
 * one up, unless it was named or somebody serves on it.
 */
bool
copies_can_be_replaced(const Capture *c, Trap *trap, Held *h)
{
        static const char *const reasons[] = {
                [COPIES_IN_EPOLL] = "the server watches its socket with epoll before it binds it",
                [COPIES_TOO_MANY] = "the server has its socket many times when it binds it",
                [COPIES_ELSEWHERE] =
                        "another process of the server has its socket too when it binds it",
        };
        char address[ADDRESS_TEXT_MAX];
        Copies found = copies_find(trap);
        bool gives_up;

        if (found == COPIES_REPLACEABLE)
                return true;
        gives_up = h->origin == HELD_CAPTURED && c->host.is_given_up(c->host.userdata, h);
        (void)address_format(&h->key.address, address, sizeof(address));
        log_event(&(LogEvent){.level = LOG_WARNING,
                              .event = gives_up ? "given-up" : NULL,
                              .address = address},
                  "%s %s: %s, so it cannot be replaced; let the server take a listener of -l from "
                  "LISTEN_FDS",
                  gives_up ? "closed" : "cannot hand over", address, reasons[found]);
        if (gives_up)
                held_table_remove(c->held, h);
        return false;
}
