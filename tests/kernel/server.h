/* SPDX-License-Identifier: MIT */
/*
 * server.h - a server in a process of its own with one client, to be ended by a signal.
 *
 * The process closes nothing itself: what the kernel does with its sockets is what is to be seen.
 */
#ifndef SUP_TESTS_KERNEL_SERVER_H
#define SUP_TESTS_KERNEL_SERVER_H

#include "fact.h"

typedef enum ServerHabit {
        SERVER_READS,         /* accepts, and has read the request */
        SERVER_LEAVES_UNREAD, /* accepts, and has not read it yet */
        SERVER_NEVER_ACCEPTS, /* the client waits in its queue */
        SERVER_WRITES_MUCH,   /* has read it, and writes more than the client takes */
} ServerHabit;

typedef struct Server {
        pid_t pid;
        int client_fd; /* of the one client, which has sent one byte */
} Server;

static inline _Noreturn void
server_run(bool reuse, ServerHabit habit, int tell_fd)
{
        static const char much[1 << 16];
        int listener_fd = fact_listener(reuse);
        char byte;
        ssize_t n;
        int fd;

        MUST(write(tell_fd, "l", 1) == 1);
        if (habit != SERVER_NEVER_ACCEPTS) {
                fd = accept(listener_fd, NULL, NULL);
                MUST(fd >= 0);
                if (habit != SERVER_LEAVES_UNREAD)
                        MUST(read(fd, &byte, 1) == 1);
                if (habit == SERVER_WRITES_MUCH)
                        do
                                n = send(fd, much, sizeof(much), MSG_DONTWAIT);
                        while (n > 0);
        }
        MUST(write(tell_fd, "a", 1) == 1);
        for (;;)
                pause();
}

/* Returns when the server has come as far as its habit says. */
static inline Server
server_start(bool reuse, ServerHabit habit)
{
        Server server;
        int pipe_fds[2];
        char byte;

        MUST(pipe2(pipe_fds, O_CLOEXEC) == 0);
        server.pid = fact_fork();
        if (server.pid == 0)
                server_run(reuse, habit, pipe_fds[1]);
        close(pipe_fds[1]);
        MUST(read(pipe_fds[0], &byte, 1) == 1);
        server.client_fd = fact_connect();
        MUST(server.client_fd >= 0 && write(server.client_fd, "?", 1) == 1);
        MUST(read(pipe_fds[0], &byte, 1) == 1);
        close(pipe_fds[0]);
        return server;
}

static inline void
server_end(const Server *server, int signal_number)
{
        MUST(kill(server->pid, signal_number) == 0);
        MUST(fact_wait(server->pid) == -signal_number);
}

#endif
