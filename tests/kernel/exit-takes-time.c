/* SPDX-License-Identifier: MIT */
/*
 * exit-takes-time.c - a process that ends frees its memory, and writes its core, before it closes
 * its sockets: a large one holds the port for a while after the signal. Hence `sup why` looks twice
 * at a holder, and the remedy is to wait for its end.
 */
#include "fact.h"

#include <dirent.h>
#include <sys/mman.h>
#include <sys/resource.h>

enum { LARGE_MEBIBYTES = 256, CORE_MEBIBYTES = 64, ROUNDS = 3 };

/* End a server that has that much memory with the signal. Returns ms until a bind works. */
static double
time_of_end(size_t n_mebibytes, int signal_number)
{
        int pipe_fds[2];
        double begin;
        double ms;
        char byte;
        pid_t pid;

        MUST(pipe2(pipe_fds, O_CLOEXEC) == 0);
        pid = fact_fork();
        if (pid == 0) {
                MUST(mmap(NULL, n_mebibytes << 20, PROT_READ | PROT_WRITE,
                          MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0) != MAP_FAILED);
                fact_listener(true);
                MUST(write(pipe_fds[1], "x", 1) == 1);
                pause();
        }
        close(pipe_fds[1]);
        MUST(read(pipe_fds[0], &byte, 1) == 1);
        close(pipe_fds[0]);
        begin = fact_seconds();
        MUST(kill(pid, signal_number) == 0);
        while (fact_try(true) != 0)
                fact_pause_ms(1);
        ms = (fact_seconds() - begin) * 1e3;
        MUST(fact_wait(pid) == -signal_number);
        return ms;
}

static double
best_time(size_t n_mebibytes)
{
        double best = time_of_end(n_mebibytes, SIGKILL);

        for (int i = 1; i < ROUNDS; i++) {
                double ms = time_of_end(n_mebibytes, SIGKILL);

                if (ms < best)
                        best = ms;
        }
        return best;
}

/* Whether cores are written, and into the working directory, where we can remove them. */
static bool
core_comes_here(void)
{
        struct rlimit limit = {RLIM_INFINITY, RLIM_INFINITY};
        char pattern[128] = "";
        FILE *file = fopen("/proc/sys/kernel/core_pattern", "re");

        if (!file || !fgets(pattern, sizeof(pattern), file))
                pattern[0] = 0;
        if (file)
                fclose(file);
        return strcmp(pattern, "core\n") == 0 && setrlimit(RLIMIT_CORE, &limit) == 0;
}

/* Remove a directory in which there is nothing but a core, whatever its name. */
static void
remove_folder(const char *path)
{
        DIR *folder = opendir(path);
        struct dirent *entry;

        MUST(folder);
        while ((entry = readdir(folder)))
                unlinkat(dirfd(folder), entry->d_name, 0);
        closedir(folder);
        MUST(rmdir(path) == 0);
}

int
main(void)
{
        char folder[] = "/tmp/sup-fact-XXXXXX";
        double small_ms;
        double large_ms;

        fact_begin();
        small_ms = best_time(1);
        large_ms = best_time(LARGE_MEBIBYTES);
        FACT(large_ms > small_ms, "from SIGKILL to a free port: %.1f ms with 1 MiB, %.1f with %d",
             small_ms, large_ms, LARGE_MEBIBYTES);

        if (core_comes_here()) {
                MUST(mkdtemp(folder) && chdir(folder) == 0);
                large_ms = time_of_end(CORE_MEBIBYTES, SIGABRT);
                remove_folder(folder);
                FACT(large_ms > small_ms, "from SIGABRT, with a core of %d MiB: %.1f ms",
                     CORE_MEBIBYTES, large_ms);
        } else {
                printf("not shown: cores do not go to the working directory here\n");
        }
        return fact_end();
}
