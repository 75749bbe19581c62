/* SPDX-License-Identifier: MIT */
/*
 * rename-halves.c - inotify tells of a rename in two events, and may be read between the two. Who renames
 * holds the directory until both are told, so after a look into it the second one is there, and so are
 * those of all that was done before. Hence sup looks into a directory where it has read a first half
 * only, and knows then whether the socket has another name or has left.
 */
#include "fact.h"

#include <dirent.h>
#include <limits.h>
#include <sys/inotify.h>
#include <sys/stat.h>

enum { RENAMES = 8000 }; /* their halves fit into the queue */

typedef struct Seen {
        unsigned n_renames;
        unsigned n_halves; /* times that only a first half was there */
        unsigned n_late;   /* and not the second one after a look into the directory */
        uint32_t cookie;   /* of a first half without a second one, or 0 */
} Seen;

/* Read what there is, at most one read(2). Returns false when there is nothing. */
static bool
read_some(int fd, Seen *seen)
{
        char buffer[4096] __attribute__((aligned(__alignof__(struct inotify_event))));
        ssize_t n = read(fd, buffer, sizeof(buffer));
        const struct inotify_event *event;

        MUST(n > 0 || errno == EAGAIN);
        for (const char *p = buffer; n > 0 && p < buffer + n; p += sizeof(*event) + event->len) {
                event = (const struct inotify_event *)(const void *)p;
                if (event->mask & IN_MOVED_FROM) {
                        seen->cookie = event->cookie;
                } else if (event->mask & IN_MOVED_TO) {
                        seen->n_renames++;
                        seen->n_late += event->cookie != seen->cookie;
                        seen->cookie = 0;
                }
        }
        return n > 0;
}

static void
look_into(const char *folder)
{
        DIR *dir = opendir(folder);

        MUST(dir && readdir(dir));
        closedir(dir);
}

int
main(void)
{
        char folder[] = "/tmp/sup-fact-XXXXXX";
        Seen seen = {0};
        pid_t child;
        int fd;

        fact_begin();
        MUST(mkdtemp(folder) && chdir(folder) == 0);
        MUST(mknod("0", S_IFREG | 0600, 0) == 0);
        fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
        MUST(fd >= 0 && inotify_add_watch(fd, ".", IN_MOVED_FROM | IN_MOVED_TO) >= 0);
        child = fork();
        MUST(child >= 0);
        for (int i = 0; child == 0 && i < RENAMES; i++)
                if (rename(i % 2 ? "1" : "0", i % 2 ? "0" : "1") < 0)
                        _exit(1);
        if (child == 0)
                _exit(0);
        while (seen.n_renames < RENAMES) {
                while (read_some(fd, &seen))
                        ;
                if (!seen.cookie)
                        continue;
                seen.n_halves++;
                look_into(folder);
                MUST(read_some(fd, &seen) || ++seen.n_late);
        }
        FACT(seen.n_late == 0, "%u renames, %u of them read half way: %u second halves were late",
             seen.n_renames, seen.n_halves, seen.n_late);
        MUST(waitpid(child, NULL, 0) == child);
        unlink("0");
        MUST(chdir("/") == 0 && rmdir(folder) == 0);
        return fact_end();
}
