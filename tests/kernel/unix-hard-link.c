/* SPDX-License-Identifier: MIT */
/*
 * unix-hard-link.c - a unix listener stays reachable over a hard link when its path is unlinked, and
 * the public path can be linked to it again. Hence sup gives a captured unix socket back its name
 * after the server, as all of them do, has removed the "stale" one. rename() of one link over another
 * does nothing: hence sup removes the first one for a server that renames what it bound.
 */
#include "fact.h"

#include <sys/stat.h>
#include <sys/un.h>

static struct sockaddr_un
unix_address(const char *path)
{
        struct sockaddr_un address = {.sun_family = AF_UNIX};

        snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
        return address;
}

static int
unix_socket(void)
{
        int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

        MUST(fd >= 0);
        return fd;
}

static int
unix_connect(const char *path)
{
        struct sockaddr_un address = unix_address(path);
        int fd = unix_socket();
        int error = connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0 ? errno : 0;

        close(fd);
        return error;
}

int
main(void)
{
        struct sockaddr_un address = unix_address("public");
        char folder[] = "/tmp/sup-fact-XXXXXX";
        struct stat before;
        struct stat after;
        int error;
        int fd;

        fact_begin();
        MUST(mkdtemp(folder) && chdir(folder) == 0);
        fd = unix_socket();
        MUST(bind(fd, (struct sockaddr *)&address, sizeof(address)) == 0 && listen(fd, 5) == 0);
        MUST(chmod("public", 0640) == 0 && stat("public", &before) == 0);

        MUST(link("public", "kept") == 0 && unlink("public") == 0);
        error = unix_connect("public");
        FACT(error == ENOENT, "unlinked, over the public path: %s", strerror(error));
        error = unix_connect("kept");
        FACT(error == 0, "over the hard link: %s", strerror(error));

        MUST(link("kept", "public") == 0 && stat("public", &after) == 0);
        error = unix_connect("public");
        FACT(error == 0, "linked again, over the public path: %s", strerror(error));
        FACT(before.st_ino == after.st_ino && before.st_mode == after.st_mode,
             "with the mode that it had: %o", after.st_mode & 07777U);

        MUST(link("kept", "bound") == 0 && rename("bound", "public") == 0);
        FACT(stat("bound", &after) == 0 && before.st_ino == after.st_ino,
             "rename of one link over another says success, and both are there");
        MUST(unlink("bound") == 0);

        fd = unix_socket();
        error = bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0 ? errno : 0;
        FACT(error == EADDRINUSE, "bind over an existing path: %s", strerror(error));
        unlink("public");
        unlink("kept");
        MUST(chdir("/") == 0 && rmdir(folder) == 0);
        return fact_end();
}
