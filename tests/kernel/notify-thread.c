/* SPDX-License-Identifier: MIT */
/*
 * notify-thread.c - the pid in a seccomp notification is the id of the calling thread, and
 * pidfd_open() refuses it when it is not a process's first one. Hence the process is looked up
 * (Tgid in /proc) before anything is asked of it.
 */
#include "trap.h"

#include <pthread.h>

static void *
bind_in_thread(void *unused)
{
        (void)fact_bind(fact_socket());
        return unused;
}

static int
bind_in_second_thread(void)
{
        pthread_t thread;

        MUST(pthread_create(&thread, NULL, bind_in_thread, NULL) == 0);
        return pthread_join(thread, NULL);
}

static pid_t
find_process(pid_t tid)
{
        char path[64];
        char line[256];
        pid_t pid = -1;
        FILE *file;

        snprintf(path, sizeof(path), "/proc/%d/status", tid);
        file = fopen(path, "re");
        MUST(file);
        while (pid < 0 && fgets(line, sizeof(line), file))
                if (strncmp(line, "Tgid:", 5) == 0)
                        pid = (pid_t)strtol(line + 5, NULL, 10);
        fclose(file);
        return pid;
}

int
main(void)
{
        struct seccomp_notif call;
        Trap trap;
        long fd;

        fact_begin();
        trap = trap_start(bind_in_second_thread, 0);
        call = trap_receive(&trap);
        FACT((pid_t)call.pid != trap.pid, "the notification names %u, the process is %d", call.pid,
             trap.pid);
        fd = syscall(SYS_pidfd_open, call.pid, 0);
        FACT(fd < 0, "pidfd_open() of it: %s", fd < 0 ? strerror(errno) : "works");
        FACT(find_process((pid_t)call.pid) == trap.pid, "Tgid in /proc/%u/status: %d", call.pid,
             find_process((pid_t)call.pid));
        MUST(trap_let_go(&trap, &call) == 0);
        MUST(fact_wait(trap.pid) == 0);
        return fact_end();
}
