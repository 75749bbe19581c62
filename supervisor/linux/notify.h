/* SPDX-License-Identifier: MIT */
/* notify.h - seccomp user notification: trapped bind() and listen() calls, and their answers. */
#ifndef SUP_LINUX_NOTIFY_H
#define SUP_LINUX_NOTIFY_H

#include <linux/filter.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

typedef enum NotifySyscall {
        NOTIFY_OTHER,
        NOTIFY_BIND,
        NOTIFY_LISTEN,
        NOTIFY_UNLINK, /* and unlinkat */
        NOTIFY_RMDIR,  /* and unlinkat with AT_REMOVEDIR */
        NOTIFY_RENAME, /* and renameat, renameat2 */
} NotifySyscall;

typedef struct NotifyFilter {
        struct sock_filter *code;
        unsigned short n_code;
        unsigned flags; /* those the kernel was found to take */
        bool flags_known;
} NotifyFilter;

/* A trapped call; which members mean something depends on the system call. */
typedef struct NotifyCall {
        uint64_t id;
        pid_t tid;
        NotifySyscall syscall;
        int fd;
        uint64_t address;     /* bind: of the struct sockaddr in the caller; names: of the path */
        uint64_t to_address;  /* rename: of the new path */
        uint32_t address_len; /* bind */
        int backlog;          /* listen */
        int dir_fd;           /* names: what the path is relative to */
        int to_dir_fd;        /* rename: the same of the new path */
        int flags;            /* names: of unlinkat(2), renameat2(2) */
} NotifyCall;

int notify_filter_init(NotifyFilter *f, bool traps_names);
void notify_filter_deinit(NotifyFilter *f);
int notify_filter_install(NotifyFilter *f);
int notify_receive(int listener_fd, NotifyCall *ret);
bool notify_is_valid(int listener_fd, const NotifyCall *call);
int notify_read_memory(const NotifyCall *call, uint64_t address, void *ret, size_t length);
int notify_read_text(const NotifyCall *call, uint64_t address, char *ret, size_t size);
int notify_let_go(int listener_fd, const NotifyCall *call);
int notify_answer(int listener_fd, const NotifyCall *call, int error);
bool notify_can_replace_fd(int listener_fd);
int notify_replace_fd(int listener_fd, const NotifyCall *call, int number, int fd, bool cloexec);

#endif
