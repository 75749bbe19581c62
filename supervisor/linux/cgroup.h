/* SPDX-License-Identifier: MIT */
/* cgroup.h - control groups: which unit or container one belongs to, and groups of our own. */
#ifndef SUP_LINUX_CGROUP_H
#define SUP_LINUX_CGROUP_H

#include <stdint.h>
#include <sys/types.h>

#include "linux/proc.h"

#define CGROUP_NAME_MAX 96

/* Empty texts where nothing can be told. */
typedef struct CgroupPlace {
        char unit[CGROUP_NAME_MAX];      /* "nginx.service" */
        char container[CGROUP_NAME_MAX]; /* "docker 0123456789ab" */
} CgroupPlace;

void cgroup_parse(const char *text, CgroupPlace *ret);
void cgroup_of_process(pid_t pid, CgroupPlace *ret);
void cgroup_of_id(uint64_t id, CgroupPlace *ret);

int cgroup_parse_unified(const char *text, char *ret_path, size_t size);
int cgroup_open_delegated(const char *own_name);
int cgroup_make(int parent_fd, const char *name);
int cgroup_remove(int parent_fd, const char *name);
int cgroup_write(int parent_fd, const char *name, const char *file, const char *value);
int cgroup_open_procs(int parent_fd, const char *name);
int cgroup_read_pids(int parent_fd, const char *name, PidSet *ret_pids);

#endif
