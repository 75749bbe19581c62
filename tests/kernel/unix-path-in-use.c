/* SPDX-License-Identifier: MIT */
/*
 * unix-path-in-use.c - bind() to a unix path says "Address already in use" whatever has that name: a
 * socket, live or stale, a file, a directory, a link to nothing; SO_REUSEADDR does not help. To
 * unlink a live server's path is no refusal but a silent orphan; rename() over it leaves no gap.
 * Hence `sup why` asks by connect() who is there, and only a socket where nobody answers is replaced.
 */
#include "fact.h"

#include <sys/stat.h>
#include <sys/un.h>

enum { RENAMES = 200 };

static struct sockaddr_un
address_of(const char *path)
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
        fact_set(fd, SO_REUSEADDR);
        return fd;
}

/* Bind and listen with SO_REUSEADDR. Returns the socket, or minus the errno. */
static int
unix_listener(const char *path)
{
        struct sockaddr_un address = address_of(path);
        int fd = unix_socket();
        int error;

        if (bind(fd, (struct sockaddr *)&address, sizeof(address)) == 0) {
                MUST(fact_listen(fd) == 0);
                return fd;
        }
        error = errno;
        close(fd);
        return -error;
}

static int
unix_connect(const char *path)
{
        struct sockaddr_un address = address_of(path);
        int fd = unix_socket();
        int error = connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0 ? errno : 0;

        close(fd);
        return error;
}

/* What connect() and bind() say to a name. */
static void
show(const char *what, const char *path, int expected)
{
        int connects = unix_connect(path);
        int binds = -unix_listener(path);

        FACT(connects == expected && binds == EADDRINUSE, "%s: connect: %s, bind: %s", what,
             fact_say(connects), fact_say(binds));
}

int
main(void)
{
        char folder[] = "/tmp/sup-fact-XXXXXX";
        int n_failures = 0;
        int error;
        int fd;

        fact_begin();
        MUST(mkdtemp(folder) && chdir(folder) == 0);
        fd = unix_listener("socket");
        MUST(fd >= 0);
        show("a live socket", "socket", 0);
        close(fd);
        show("a stale one", "socket", ECONNREFUSED);
        MUST(mknod("file", S_IFREG | 0600, 0) == 0 && mkdir("folder", 0700) == 0);
        MUST(symlink("nothing", "link") == 0);
        show("a file", "file", ECONNREFUSED);
        show("a directory", "folder", ECONNREFUSED);
        show("a link to nothing", "link", ENOENT);

        unlink("socket");
        MUST(unix_listener("socket") >= 0 && unlink("socket") == 0);
        fd = unix_listener("socket");
        FACT(fd >= 0, "after unlink() of a live one, bind: %s, and the old one hears no more",
             fact_say(fd < 0 ? -fd : 0));
        for (int i = 0; i < RENAMES; i++) {
                MUST(unix_listener("new") >= 0 && rename("new", "socket") == 0);
                error = unix_connect("socket");
                n_failures += error != 0;
        }
        FACT(n_failures == 0, "bound elsewhere and renamed over it %d times: %d failures", RENAMES,
             n_failures);

        unlink("socket");
        unlink("file");
        unlink("link");
        MUST(rmdir("folder") == 0 && chdir("/") == 0 && rmdir(folder) == 0);
        return fact_end();
}
