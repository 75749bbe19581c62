/* SPDX-License-Identifier: MIT */
/*
 * shutdown-unix.c - a unix listener that was shut down stays so: listen() succeeds and changes nothing,
 * SO_ACCEPTCONN does not tell, poll() does. Hence a held one is replaced by another one.
 */
#include "fact.h"

#include <poll.h>
#include <sys/un.h>

static const struct sockaddr_un address = {.sun_family = AF_UNIX, .sun_path = "\0sup-fact"};

/* Returns 0 or the errno. */
static int
try_connect(int type)
{
        int fd = socket(AF_UNIX, type | SOCK_CLOEXEC, 0);
        int error;

        MUST(fd >= 0);
        error = connect(fd, (const struct sockaddr *)&address, sizeof(address)) < 0 ? errno : 0;
        close(fd);
        return error;
}

static short
events_of(int fd)
{
        struct pollfd p = {.fd = fd, .events = POLLRDHUP};

        MUST(poll(&p, 1, 0) >= 0);
        return p.revents;
}

static void
show(int type, int how)
{
        int fd = socket(AF_UNIX, type | SOCK_CLOEXEC, 0);
        const char *name = how == SHUT_RD ? "SHUT_RD" : "SHUT_RDWR";
        int error;

        MUST(fd >= 0 && bind(fd, (const struct sockaddr *)&address, sizeof(address)) == 0);
        MUST((errno = fact_listen(fd)) == 0 && try_connect(type) == 0);
        MUST(!(events_of(fd) & (POLLRDHUP | POLLHUP)));
        MUST(shutdown(fd, how) == 0);
        MUST((errno = fact_listen(fd)) == 0);
        error = try_connect(type);
        FACT(error == ECONNREFUSED, "shutdown(%s), then listen(), which works; a client gets: %s",
             name, fact_say(error));
        FACT(fact_get(fd, SO_ACCEPTCONN) == 1, "SO_ACCEPTCONN is %d", fact_get(fd, SO_ACCEPTCONN));
        FACT(events_of(fd) & POLLRDHUP, "poll() says POLLRDHUP");
        close(fd);
}

int
main(void)
{
        fact_begin();
        show(SOCK_STREAM, SHUT_RDWR);
        show(SOCK_STREAM, SHUT_RD);
        show(SOCK_SEQPACKET, SHUT_RDWR);
        return fact_end();
}
