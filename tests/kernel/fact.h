/* SPDX-License-Identifier: MIT */
/*
 * fact.h - what the programs that prove facts of the kernel have in common.
 *
 * A program is: fact_begin(), some FACT(condition, sentence), return fact_end(). Each fact is
 * printed with its figure. Exit status 0: all as the program sup relies on; 1: this kernel differs;
 * 77: cannot be shown here (automake's "skip"). Everything happens in a network namespace of its
 * own, so ports are chosen freely; for an ordinary user it lies in a user namespace of its own,
 * where he is root and the only user. Nothing lasts longer than ten seconds, unless time itself is
 * the fact (fact_begin_slow; `make check-slow`).
 */
#ifndef SUP_TESTS_KERNEL_FACT_H
#define SUP_TESTS_KERNEL_FACT_H

#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum {
        FACT_SKIP = 77,
        FACT_PORT = 9877,
        FACT_SECONDS = 10, /* then the program is ended */
        FACT_NOBODY = 65534,
};

static int fact_status;     /* of this program so far */
static bool fact_only_user; /* there is no second uid to become */

/* Print a fact; a false one makes the program fail. */
#define FACT(condition, ...) fact_check((condition), #condition, __VA_ARGS__)

/* For what has to work before there is anything to show. */
#define MUST(condition) fact_must((condition), #condition, __FILE__, __LINE__)

static inline __attribute__((format(printf, 3, 4))) void
fact_check(bool so, const char *condition, const char *format, ...)
{
        va_list ap;

        va_start(ap, format);
        printf("%s", so ? "so it is: " : "NOT SO: ");
        vprintf(format, ap);
        printf("%s%s%s\n", so ? "" : " [", so ? "" : condition, so ? "" : "]");
        va_end(ap);
        if (!so)
                fact_status = 1;
}

static inline void
fact_must(bool so, const char *condition, const char *file, int line)
{
        if (so)
                return;
        printf("%s:%d: %s: %s\n", file, line, condition, strerror(errno));
        fflush(stdout);
        _exit(1);
}

static inline _Noreturn void
fact_skip(const char *why)
{
        printf("skipped: %s\n", why);
        exit(FACT_SKIP);
}

static inline void
fact_loopback_up(void)
{
        struct ifreq request = {.ifr_name = "lo", .ifr_flags = IFF_UP};
        int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

        MUST(fd >= 0 && ioctl(fd, SIOCSIFFLAGS, &request) == 0);
        close(fd);
}

static inline void
fact_write(const char *path, const char *text)
{
        int fd = open(path, O_WRONLY | O_CLOEXEC);

        MUST(fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text));
        close(fd);
}

/* As an ordinary user: become root of a user namespace of one's own. */
static inline void
fact_become_root(void)
{
        char map[64];

        snprintf(map, sizeof(map), "0 %u 1", geteuid());
        if (unshare(CLONE_NEWUSER) < 0 || access("/proc/self/uid_map", W_OK) < 0)
                fact_skip(
                        "needs root, or a user namespace of its own, which is not to be had here");
        fact_write("/proc/self/uid_map", map);
        fact_only_user = true;
}

/* May be called again, for a fresh network namespace. */
static inline void
fact_begin(void)
{
        setvbuf(stdout, NULL, _IOLBF, 0);
        (void)signal(SIGINT, SIG_DFL); /* a shell ignores it for what it puts in the background */
        alarm(FACT_SECONDS);
        if (geteuid() != 0)
                fact_become_root();
        if (unshare(CLONE_NEWNET) < 0)
                fact_skip("no network namespace to be had here");
        fact_loopback_up();
}

/* The same for a program that takes up to that many seconds. */
static inline void
fact_begin_slow(unsigned seconds)
{
        fact_begin();
        alarm(seconds);
}

/* For what needs root and FACT_NOBODY side by side. */
static inline void
fact_need_two_users(void)
{
        if (fact_only_user)
                fact_skip("needs root: two users that are at odds");
}

/* Set net.ipv4.NAME of our network namespace. */
static inline void
fact_sysctl(const char *name, const char *value)
{
        char path[128];

        snprintf(path, sizeof(path), "/proc/sys/net/ipv4/%s", name);
        if (access(path, W_OK) < 0)
                fact_skip("a sysctl of its network namespace cannot be set here");
        fact_write(path, value);
}

static inline int
fact_end(void)
{
        return fact_status;
}

/* Fork a child that dies with us. Returns 0 in the child. */
static inline pid_t
fact_fork(void)
{
        pid_t pid;

        fflush(stdout);
        pid = fork();
        MUST(pid >= 0);
        if (pid == 0)
                prctl(PR_SET_PDEATHSIG, SIGKILL);
        return pid;
}

/* The exit status of a child, or minus the number of the signal that ended it. */
static inline int
fact_wait(pid_t pid)
{
        int status;

        MUST(waitpid(pid, &status, 0) == pid);
        return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

static inline void
fact_pause_ms(long ms)
{
        struct timespec t = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000};

        nanosleep(&t, NULL);
}

static inline double
fact_seconds(void)
{
        struct timespec t;

        clock_gettime(CLOCK_MONOTONIC, &t);
        return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static inline struct sockaddr_in
fact_address(void)
{
        struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(FACT_PORT)};

        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        return address;
}

static inline void
fact_set(int fd, int option)
{
        int on = 1;

        MUST(setsockopt(fd, SOL_SOCKET, option, &on, sizeof(on)) == 0);
}

static inline int
fact_get(int fd, int option)
{
        int value = -1;
        socklen_t length = sizeof(value);

        MUST(getsockopt(fd, SOL_SOCKET, option, &value, &length) == 0);
        return value;
}

static inline int
fact_socket(void)
{
        int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

        MUST(fd >= 0);
        return fd;
}

/* Bind to 127.0.0.1:FACT_PORT. Returns 0 or the errno. */
static inline int
fact_bind(int fd)
{
        struct sockaddr_in address = fact_address();

        return bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0 ? errno : 0;
}

static inline int
fact_listen(int fd)
{
        return listen(fd, SOMAXCONN) < 0 ? errno : 0;
}

/* A listening socket on the port, with SO_REUSEADDR or without. */
static inline int
fact_listener(bool reuse)
{
        int fd = fact_socket();

        if (reuse)
                fact_set(fd, SO_REUSEADDR);
        MUST((errno = fact_bind(fd)) == 0);
        MUST((errno = fact_listen(fd)) == 0);
        return fd;
}

/* What bind() and listen() of a new server say at this moment: 0 or the errno. */
static inline int
fact_try(bool reuse)
{
        int fd = fact_socket();
        int error;

        if (reuse)
                fact_set(fd, SO_REUSEADDR);
        error = fact_bind(fd);
        if (error == 0)
                error = fact_listen(fd);
        close(fd);
        return error;
}

static inline const char *
fact_say(int error)
{
        return error ? strerror(error) : "works";
}

/* Connect to the port. Returns the socket, or minus the errno. */
static inline int
fact_connect(void)
{
        struct sockaddr_in address = fact_address();
        int fd = fact_socket();

        if (connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0) {
                int error = errno;

                close(fd);
                return -error;
        }
        return fd;
}

#endif
