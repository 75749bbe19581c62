/* SPDX-License-Identifier: MIT */
/* tree.h - which processes belong to a worker. */
#ifndef SUP_WORKER_TREE_H
#define SUP_WORKER_TREE_H

#include <stdbool.h>
#include <sys/types.h>

#include "linux/proc.h"
#include "worker/known.h"

/* What is known of a worker's processes beforehand. */
typedef struct TreeMark {
        unsigned worker;     /* 1 … N, in SUP_WORKER */
        unsigned generation; /* SUP_GENERATION */
        pid_t group;         /* its process group, or 0 */
        pid_t session;       /* one that a daemonised main process made, or 0 */
        const Known *known;  /* those that were seen to be its own, or NULL */
} TreeMark;

typedef struct Tree {
        int children_fd;  /* the list of our own children */
        PidSet strangers; /* children that were ours before we started anything */
        bool is_init;     /* PID 1 inherits other people's orphans */
} Tree;

int tree_init(Tree *t);
void tree_deinit(Tree *t);
int tree_read_orphans(const Tree *t, const PidSet *mains, PidSet *ret_orphans);
bool tree_owns(const Tree *t, const TreeMark *mark, pid_t orphan, bool only_worker);
int tree_read_worker(const Tree *t, const TreeMark *mark, pid_t main_pid, const PidSet *mains,
                     bool only_worker, PidSet *ret_pids);

#endif
