/* SPDX-License-Identifier: MIT */
/* process.h - who a process is, as far as /proc tells: for people who have to decide about it. */
#ifndef SUP_LINUX_PROCESS_H
#define SUP_LINUX_PROCESS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "linux/cgroup.h"
#include "linux/proc.h"

#define PROCESS_COMMAND_MAX 120

typedef struct Process {
        pid_t pid;
        pid_t parent;
        pid_t group;
        pid_t session;
        bool has_terminal; /* it is controlled by one */
        char state;        /* R, S, D, T, t, Z, … */
        char comm[PROC_COMM_MAX];
        char command[PROCESS_COMMAND_MAX]; /* its arguments, or comm in brackets */
        bool has_uid;
        uid_t uid;              /* the effective one */
        uint64_t started_ticks; /* since boot */
        uint64_t started_usec;  /* CLOCK_REALTIME, 0: not told */
        bool is_ending;         /* it exits, or SIGKILL is on its way */
        bool dumps_core;
        bool is_orphan; /* its parent ended, and another process took it over */
        bool waits;     /* in accept, poll or the like, or it runs; told for is_orphan only */
        CgroupPlace place;
} Process;

int process_read(pid_t pid, Process *ret);
uint64_t process_started(pid_t pid);
uint64_t process_ticks_now(void);

int process_parse_stat(const char *text, Process *p);
void process_parse_status(const char *text, Process *p);
bool process_parse_syscall(const char *text);

#endif
