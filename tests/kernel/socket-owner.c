/* SPDX-License-Identifier: MIT */
/*
 * socket-owner.c - the user of a socket is the one who called socket(), whatever the process
 * becomes later, and root can give a socket to another user with fchown(). Hence sup can put its
 * own socket beside that of a worker in one SO_REUSEPORT group.
 */
#include "fact.h"

#include <sys/stat.h>

static uid_t
owner(int fd)
{
        struct stat st;

        MUST(fstat(fd, &st) == 0);
        return st.st_uid;
}

static int
reuseport_socket(void)
{
        int fd = fact_socket();

        fact_set(fd, SO_REUSEPORT);
        return fd;
}

int
main(void)
{
        int roots_fd;
        int error;
        int fd;

        fact_begin();
        fact_need_two_users();
        roots_fd = reuseport_socket();
        MUST(seteuid(FACT_NOBODY) == 0);
        FACT(owner(roots_fd) == 0, "made by root, now in the hands of %u: owned by %u", geteuid(),
             owner(roots_fd));
        fd = reuseport_socket();
        FACT(owner(fd) == FACT_NOBODY, "made by %u: owned by %u", geteuid(), owner(fd));
        MUST(fact_bind(fd) == 0 && fact_listen(fd) == 0);
        MUST(seteuid(0) == 0);

        error = fact_bind(roots_fd);
        FACT(error == EADDRINUSE, "root's socket beside it: %s", fact_say(error));
        MUST(fchown(roots_fd, FACT_NOBODY, (gid_t)-1) == 0);
        error = fact_bind(roots_fd);
        FACT(error == 0, "after fchown() to %u: %s", owner(roots_fd), fact_say(error));
        error = fact_listen(roots_fd);
        FACT(error == 0, "and its listen(): %s", fact_say(error));
        return fact_end();
}
