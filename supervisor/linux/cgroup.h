/* SPDX-License-Identifier: MIT */
/* cgroup.h - which unit or container a control group belongs to, told from its path. */
#ifndef SUP_LINUX_CGROUP_H
#define SUP_LINUX_CGROUP_H

#include <stdint.h>
#include <sys/types.h>

#define CGROUP_NAME_MAX 96

/* Empty texts where nothing can be told. */
typedef struct CgroupPlace {
        char unit[CGROUP_NAME_MAX];      /* "nginx.service" */
        char container[CGROUP_NAME_MAX]; /* "docker 0123456789ab" */
} CgroupPlace;

void cgroup_parse(const char *text, CgroupPlace *ret);
void cgroup_of_process(pid_t pid, CgroupPlace *ret);
void cgroup_of_id(uint64_t id, CgroupPlace *ret);

#endif
