/* SPDX-License-Identifier: MIT */
/*
 * table-left.c - a child may share its parent's table of descriptors until it has opened what the
 * parent is to have, and then leave it with a copy of the first ones alone (close_range(2),
 * CLOSE_RANGE_UNSHARE): nothing is handed over, and thousands are neither copied nor closed. With
 * whole words of the kernel's bitmap the next number in the copy is the lowest free one; with less
 * it was not until Linux 6.10.
 */
#include "fact.h"

#include <linux/close_range.h>
#include <sys/mman.h>
#include <sys/syscall.h>

enum {
        WORD = 64,
        LOW_FD = 9,
        HIGH_FD = 500,
        STACK = 65536,
};

typedef struct Seen {
        int opened_fd; /* while the table was shared */
        int r;         /* of close_range() */
        bool low;      /* afterwards, in the child */
        bool high;
        int next_fd;
} Seen;

static bool
is_open(int fd)
{
        return fcntl(fd, F_GETFD) >= 0;
}

static int
leave_table(void *argument)
{
        Seen *seen = argument;

        seen->opened_fd = memfd_create("opened", MFD_CLOEXEC);
        seen->r = (int)syscall(SYS_close_range, WORD, ~0U, CLOSE_RANGE_UNSHARE);
        seen->low = is_open(LOW_FD);
        seen->high = is_open(HIGH_FD);
        seen->next_fd = dup(STDOUT_FILENO);
        close(LOW_FD);
        return 0;
}

int
main(void)
{
        char *stack = malloc(STACK);
        Seen seen = {.opened_fd = -1};
        int first_free;
        int second_free;
        pid_t pid;

        fact_begin();
        MUST(stack && dup2(STDOUT_FILENO, LOW_FD) == LOW_FD &&
             dup2(STDOUT_FILENO, HIGH_FD) == HIGH_FD);
        first_free = dup(STDOUT_FILENO);
        second_free = dup(STDOUT_FILENO);
        MUST(close(first_free) == 0 && close(second_free) == 0);
        pid = clone(leave_table, stack + STACK, CLONE_VM | CLONE_VFORK | CLONE_FILES | SIGCHLD,
                    &seen);
        MUST(pid > 0 && fact_wait(pid) == 0);
        FACT(seen.opened_fd == first_free && is_open(first_free),
             "what the child opened is ours: %d", seen.opened_fd);
        FACT(seen.r == 0 && seen.low && !seen.high,
             "it left with those below %d: %d is %s, %d is %s", WORD, LOW_FD,
             seen.low ? "open" : "closed", HIGH_FD, seen.high ? "open" : "closed");
        FACT(is_open(LOW_FD) && is_open(HIGH_FD), "what it closed then is open here");
        FACT(seen.next_fd == second_free, "the number that it got next is the lowest free one: %d",
             seen.next_fd);
        free(stack);
        return fact_end();
}
