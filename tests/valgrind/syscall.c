/* SPDX-License-Identifier: MIT */
/*
 * syscall.c - syscall(2) for programs that run under valgrind, to be preloaded.
 *
 * Valgrind (3.19, and those after it) answers seccomp, pidfd_open, pidfd_getfd and
 * pidfd_send_signal with ENOSYS, and without them there is no capture. So they go past it as something that it knows: to open a file
 * whose name is the call, or, where no descriptor comes of it, to ask whether there is that file. So
 * valgrind counts the descriptors too. ferry.c turns it back into the call.
 */
#include <dlfcn.h>
#include <fcntl.h>
#include <linux/seccomp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "ferry.h"

typedef long (*Syscall)(long number, ...);

/* What the program executes has nothing preloaded any more; valgrind's own launchers have. */
__attribute__((constructor)) static void
forget_preload(void)
{
        const char *preload = getenv("LD_PRELOAD");

        if (preload && strstr(preload, "vgpreload"))
                (void)unsetenv("LD_PRELOAD");
}

/* How many arguments there are: the others are whatever was in their place, for valgrind undefined. */
static size_t
count_arguments(long number)
{
        switch (number) {
        case SYS_pidfd_open:
                return 2;
        case SYS_seccomp:
        case SYS_pidfd_getfd:
                return 3;
        case SYS_pidfd_send_signal:
                return 4;
        default:
                return 6;
        }
}

/* In the place of the C library's. */
long /* NOLINTNEXTLINE(readability-inconsistent-declaration-parameter-name): theirs is __sysno */
syscall(long number, ...)
{
        size_t n = count_arguments(number);
        long a[6] = {0};
        char path[FERRY_PATH_MAX];
        Syscall next;
        void *symbol;
        va_list args;

        va_start(args, number);
        for (size_t i = 0; i < n; i++)
                a[i] = va_arg(args, long);
        va_end(args);
        if (n == sizeof(a) / sizeof(a[0])) {
                symbol = dlsym(RTLD_NEXT, "syscall");
                memcpy(&next, &symbol, sizeof(next));
                return next(number, a[0], a[1], a[2], a[3], a[4], a[5]);
        }
        (void)snprintf(path, sizeof(path), FERRY_PATH "/%lx/%lx/%lx/%lx/%lx", number, a[0], a[1],
                       a[2], a[3]);
        if (number == SYS_pidfd_send_signal ||
            (number == SYS_seccomp && !((unsigned long)a[1] & SECCOMP_FILTER_FLAG_NEW_LISTENER)))
                return access(path, F_OK);
        return open(path, O_RDONLY | O_CLOEXEC);
}
