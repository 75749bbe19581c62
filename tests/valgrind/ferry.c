/* SPDX-License-Identifier: MIT */
/*
 * ferry.c - carries system calls past a valgrind that does not know them (syscall.c says which).
 *
 * usage: ferry serve SOCKET COMMAND…     runs COMMAND; meanwhile, who asks at the socket is traced
 *        ferry ride SOCKET COMMAND…      asks for it, and becomes COMMAND: valgrind … sup …
 *
 * Theory of operation: a process of its own traces each rider (ptrace(2)), and changes the calls
 * that open or look for a file with a certain name into those that are written there. A child of
 * the rider is traced until its exec; what a worker executes is never touched. The tracers are
 * nobody's relatives: no test sees a process more.
 */
#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

#include "ferry.h"

enum {
        EVENT_SHIFT = 16,    /* ptrace(2): status >> 16 is the event */
        SYSCALL_STOP = 0x80, /* PTRACE_O_TRACESYSGOOD */
        EXIT_NOT_FOUND = 127,
};

_Noreturn static void
die(const char *what)
{
        (void)fprintf(stderr, "ferry: %s: %s\n", what, strerror(errno));
        exit(1);
}

static void
resume(pid_t pid, unsigned request, unsigned long signo)
{
        /* It may have been killed meanwhile; then waitpid says so. */
        (void)ptrace(request, pid, 0, signo);
}

/* The path that an open or access call is about; false for other calls. */
static bool
read_path(pid_t pid, const struct user_regs_struct *regs, char *ret_path)
{
        struct iovec local = {.iov_base = ret_path, .iov_len = FERRY_PATH_MAX - 1};
        struct iovec remote = {.iov_len = FERRY_PATH_MAX - 1};
        ssize_t n;

        if (regs->orig_rax == SYS_open || regs->orig_rax == SYS_access)
                remote.iov_base = (void *)regs->rdi;
        else if (regs->orig_rax == SYS_openat || regs->orig_rax == SYS_faccessat)
                remote.iov_base = (void *)regs->rsi;
        else
                return false;
        n = process_vm_readv(pid, &local, 1, &remote, 1, 0);
        ret_path[n > 0 ? n : 0] = '\0';
        return n > 0;
}

static bool
parse_call(const char *path, unsigned long long words[FERRY_WORDS])
{
        const char *p = path + strlen(FERRY_PATH);
        char *end;

        if (strncmp(path, FERRY_PATH, strlen(FERRY_PATH)) != 0)
                return false;
        for (size_t i = 0; i < FERRY_WORDS; i++, p = end) {
                if (*p != '/')
                        return false;
                words[i] = strtoull(p + 1, &end, 16);
        }
        return true;
}

/* The process is about to enter a system call: if it is one for us, see it through. */
static void
carry(pid_t pid)
{
        struct user_regs_struct regs;
        struct user_regs_struct call;
        unsigned long long words[FERRY_WORDS];
        char path[FERRY_PATH_MAX];
        int status;

        if (ptrace(PTRACE_GETREGS, pid, 0, &regs) < 0 || !read_path(pid, &regs, path) ||
            !parse_call(path, words))
                return;
        call = regs;
        call.orig_rax = words[0];
        call.rdi = words[1];
        call.rsi = words[2];
        call.rdx = words[3];
        call.r10 = words[4];
        if (ptrace(PTRACE_SETREGS, pid, 0, &call) < 0)
                return;
        resume(pid, PTRACE_SYSCALL, 0);
        if (waitpid(pid, &status, __WALL) == pid && WIFSTOPPED(status) &&
            ptrace(PTRACE_GETREGS, pid, 0, &call) == 0) {
                regs.rax = call.rax;
                (void)ptrace(PTRACE_SETREGS, pid, 0, &regs);
        }
}

/* A traced process has stopped: let it go on in the way that fits (ptrace(2), PTRACE_SEIZE). */
static void
on_stop(pid_t rider, pid_t pid, int status)
{
        struct __ptrace_syscall_info info;
        int signo = WSTOPSIG(status);

        switch (status >> EVENT_SHIFT) {
        case 0:
                if (signo != (SIGTRAP | SYSCALL_STOP)) {
                        resume(pid, PTRACE_SYSCALL, (unsigned long)signo);
                        return;
                }
                if (ptrace(PTRACE_GET_SYSCALL_INFO, pid, sizeof(info), &info) > 0 &&
                    info.op == PTRACE_SYSCALL_INFO_ENTRY)
                        carry(pid);
                break;
        case PTRACE_EVENT_STOP:
                if (signo == SIGSTOP || signo == SIGTSTP || signo == SIGTTIN || signo == SIGTTOU) {
                        resume(pid, PTRACE_LISTEN, 0);
                        return;
                }
                break;
        case PTRACE_EVENT_EXEC:
                if (pid != rider) {
                        resume(pid, PTRACE_DETACH, 0);
                        return;
                }
                break;
        default:
                break;
        }
        resume(pid, PTRACE_SYSCALL, 0);
}

/* Trace the process at the other end of the connection, and its children, to the end. */
_Noreturn static void
trace(int connection_fd)
{
        const unsigned long options = PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACEEXEC |
                                      PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK |
                                      PTRACE_O_TRACECLONE;
        struct ucred peer;
        socklen_t length = sizeof(peer);
        int status;
        pid_t pid;

        if (getsockopt(connection_fd, SOL_SOCKET, SO_PEERCRED, &peer, &length) < 0)
                die("SO_PEERCRED");
        if (ptrace(PTRACE_SEIZE, peer.pid, 0, options) < 0)
                die("PTRACE_SEIZE");
        if (ptrace(PTRACE_INTERRUPT, peer.pid, 0, 0) < 0 || waitpid(peer.pid, &status, __WALL) < 0)
                die("PTRACE_INTERRUPT");
        on_stop(peer.pid, peer.pid, status);
        if (write(connection_fd, "", 1) != 1)
                die("write");
        close(connection_fd);
        while ((pid = waitpid(-1, &status, __WALL)) > 0)
                if (WIFSTOPPED(status))
                        on_stop(peer.pid, pid, status);
        exit(0);
}

static int
make_socket(const char *path, struct sockaddr_un *ret_address)
{
        int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

        if (fd < 0)
                die("socket");
        *ret_address = (struct sockaddr_un){.sun_family = AF_UNIX};
        (void)snprintf(ret_address->sun_path, sizeof(ret_address->sun_path), "%s", path);
        return fd;
}

/* Accept riders until killed: each is traced by a child. */
_Noreturn static void
accept_riders(int listener_fd)
{
        (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
        (void)signal(SIGCHLD, SIG_IGN);
        for (;;) {
                int fd = accept(listener_fd, NULL, NULL);

                if (fd >= 0 && fork() == 0) {
                        (void)signal(SIGCHLD, SIG_DFL);
                        trace(fd);
                }
                close(fd);
        }
}

static int
serve(const char *path, char **command)
{
        struct sockaddr_un address;
        int fd = make_socket(path, &address);
        int status;
        pid_t server;
        pid_t pid;

        if (bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0 || chmod(path, 0666) < 0 ||
            listen(fd, SOMAXCONN) < 0)
                die(path);
        server = fork();
        if (server == 0)
                accept_riders(fd);
        pid = fork();
        if (pid == 0) {
                execvp(command[0], command);
                die(command[0]);
        }
        if (server < 0 || pid < 0 || waitpid(pid, &status, 0) < 0)
                die("cannot run the command");
        (void)kill(server, SIGKILL);
        return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}

_Noreturn static void
ride(const char *path, char **command)
{
        struct sockaddr_un address;
        int fd = make_socket(path, &address);
        char go;

        (void)prctl(PR_SET_PTRACER, PR_SET_PTRACER_ANY, 0, 0, 0);
        if (connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0 || read(fd, &go, 1) != 1)
                die(path);
        execvp(command[0], command);
        die(command[0]);
}

int
main(int argc, char **argv)
{
        if (argc >= 4 && strcmp(argv[1], "serve") == 0)
                return serve(argv[2], argv + 3);
        if (argc >= 4 && strcmp(argv[1], "ride") == 0)
                ride(argv[2], argv + 3);
        (void)fprintf(stderr, "usage: ferry serve|ride SOCKET COMMAND…\n");
        return 2;
}
