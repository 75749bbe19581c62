/* SPDX-License-Identifier: MIT */
/* proc.h - what /proc tells about other processes. Each answer may be "unknown": nothing is guessed. */
#ifndef SUP_LINUX_PROC_H
#define SUP_LINUX_PROC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define PROC_COMM_MAX 64

/* In the order in which they were added; quick to look into as long as that is an ascending one. */
typedef struct PidSet {
        pid_t *pids;
        size_t n_pids;
        size_t n_allocated;
        bool is_unordered; /* there is one before a smaller one */
} PidSet;

int pidset_add(PidSet *set, pid_t pid);
int pidset_append(PidSet *set, pid_t pid);
bool pidset_has(const PidSet *set, pid_t pid);
void pidset_sort(PidSet *set);
void pidset_deinit(PidSet *set);
void pidset_deinit_p(PidSet *set);

int proc_read_children(pid_t pid, PidSet *ret_children);
int proc_open_children(pid_t pid);
int proc_read_children_fd(int fd, PidSet *ret_children);
int proc_read_descendants(pid_t pid, PidSet *ret_descendants);
pid_t proc_parent(pid_t pid);
int proc_read_number(const char *path, const char *name, int base, unsigned long *ret);
pid_t proc_thread_group(pid_t tid);
uint64_t proc_ignored_signals(void);
bool proc_is_ours(pid_t pid);
bool proc_is_hidden(pid_t pid);
char proc_state(pid_t pid);
int proc_comm(pid_t pid, char *ret_comm, size_t size);
bool proc_is_exiting(pid_t pid);
int proc_environment_value(pid_t pid, const char *name, char *ret_value, size_t size);
ino_t proc_find_unix_socket(const char *path);
int proc_path(pid_t pid, const char *what, char *ret_path, size_t size);

#endif
