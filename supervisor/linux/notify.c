/* SPDX-License-Identifier: MIT */
/*
 * notify.c - seccomp user notification (seccomp_unotify(2)).
 *
 * Gist: a filter that traps bind, listen and rmdir, for some workers unlink and rename too, is made
 * once with libseccomp and kept as plain code, so that a child between vfork and exec needs one system call to install it. Foreign
 * architectures are let through where the filter does not know them; i386 programs on x86-64 are
 * known, their socketcall(2) included. Every answer may find the call gone (-ENOENT: a signal
 * voided it, or its thread died); that is no error, the call comes again if it still matters.
 *
 * Refuses to know what a held socket is.
 */
#include "linux/notify.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/net.h>
#include <linux/seccomp.h>
#include <seccomp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fd.h"

#ifndef SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV
#define SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV (1UL << 5) /* Linux 5.19 */
#endif

/* System call numbers of i386, which libseccomp knows by name only. */
enum {
        I386_SOCKETCALL = 102,
        I386_BIND = 361,
        I386_LISTEN = 363,
        I386_UNLINK = 10,
        I386_RENAME = 38,
        I386_RMDIR = 40,
        I386_UNLINKAT = 301,
        I386_RENAMEAT = 302,
        I386_RENAMEAT2 = 353,
};

/* What some architectures do not have, and no system call is. */
#ifndef SYS_unlink
#define SYS_unlink (-1)
#endif
#ifndef SYS_rmdir
#define SYS_rmdir (-1)
#endif
#ifndef SYS_rename
#define SYS_rename (-1)
#endif
#ifndef SYS_renameat
#define SYS_renameat (-1)
#endif

/* All that changes names in directories; without it only the ends of directories, which are rare. */
static int
trap_names(scmp_filter_ctx ctx, bool all)
{
        const int calls[] = {SCMP_SYS(unlink), SCMP_SYS(unlinkat), SCMP_SYS(rename),
                             SCMP_SYS(renameat), SCMP_SYS(renameat2)};
        const struct scmp_arg_cmp removes = {.arg = 2,
                                             .op = SCMP_CMP_MASKED_EQ,
                                             .datum_a = AT_REMOVEDIR,
                                             .datum_b = AT_REMOVEDIR};
        int r = seccomp_rule_add(ctx, SCMP_ACT_NOTIFY, SCMP_SYS(rmdir), 0);

        if (r == 0 && !all)
                return seccomp_rule_add_array(ctx, SCMP_ACT_NOTIFY, SCMP_SYS(unlinkat), 1,
                                              &removes);
        for (size_t i = 0; i < ELEMENTSOF(calls) && r == 0; i++)
                r = seccomp_rule_add(ctx, SCMP_ACT_NOTIFY, calls[i], 0);
        return r;
}

static int
build_filter(scmp_filter_ctx ctx, bool traps_names)
{
        int r;

        /* A program of an architecture that the filter does not know runs untrapped, not killed. */
        r = seccomp_attr_set(ctx, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_ALLOW);
        if (r == 0 && seccomp_arch_native() == SCMP_ARCH_X86_64)
                r = seccomp_arch_add(ctx, SCMP_ARCH_X86);
        if (r == 0)
                r = seccomp_rule_add(ctx, SCMP_ACT_NOTIFY, SCMP_SYS(bind), 0);
        if (r == 0)
                r = seccomp_rule_add(ctx, SCMP_ACT_NOTIFY, SCMP_SYS(listen), 0);
        return r < 0 ? r : trap_names(ctx, traps_names);
}

/* Read back the code that libseccomp exported. */
static int
load_code(int fd, NotifyFilter *f)
{
        struct stat st;

        if (fstat(fd, &st) < 0)
                return -errno;
        f->code = malloc((size_t)st.st_size);
        if (!f->code)
                return -ENOMEM;
        if (pread(fd, f->code, (size_t)st.st_size, 0) != st.st_size)
                return -EIO;
        f->n_code = (unsigned short)((size_t)st.st_size / sizeof(*f->code));
        return 0;
}

/*
 * Make the filter. Nothing is installed. f must be deinitialised, also on failure.
 * traps_names: also unlink() and rename(), for servers that know the path of a held socket.
 * Returns 0 or a negative errno.
 */
int
notify_filter_init(NotifyFilter *f, bool traps_names)
{
        CLEANUP_FD int fd = -1;
        scmp_filter_ctx ctx;
        int r;

        *f = (NotifyFilter){0};
        /* Level 5 has notification; what the kernel really takes is seen when it is installed. */
        (void)seccomp_api_set(5);
        fd = memfd_create("filter", MFD_CLOEXEC);
        if (fd < 0)
                return -errno;
        ctx = seccomp_init(SCMP_ACT_ALLOW);
        if (!ctx)
                return -ENOMEM;
        r = build_filter(ctx, traps_names);
        if (r == 0)
                r = seccomp_export_bpf(ctx, fd);
        seccomp_release(ctx);
        return r < 0 ? r : load_code(fd, f);
}

/* Free the filter's code. */
void
notify_filter_deinit(NotifyFilter *f)
{
        free(f->code);
        *f = (NotifyFilter){0};
}

static int
install_with_flags(const NotifyFilter *f, unsigned flags)
{
        struct sock_fprog program = {.len = f->n_code, .filter = f->code};
        int fd = (int)syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags, &program);

        return fd >= 0 ? fd : -errno;
}

/*
 * Install the filter on the calling process, for itself and all its future children. Made for the
 * time between vfork and exec: system calls only. Where the right is missing (CAP_SYS_ADMIN),
 * no_new_privs is set first (seccomp(2)).
 *
 * SPEC_ALLOW: before Linux 5.16 a filter would otherwise switch on the SSBD mitigation.
 * WAIT_KILLABLE_RECV (5.19): a call that was received is not voided by ordinary signals.
 *
 * Returns the close-on-exec listener fd; -EBUSY when a filter with a listener is there already;
 * -EACCES, -EINVAL, -ENOSYS where the kernel or a container's profile forbids it.
 */
int
notify_filter_install(NotifyFilter *f)
{
        static const unsigned choices[] = {
                SECCOMP_FILTER_FLAG_NEW_LISTENER | SECCOMP_FILTER_FLAG_SPEC_ALLOW |
                        SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV,
                SECCOMP_FILTER_FLAG_NEW_LISTENER | SECCOMP_FILTER_FLAG_SPEC_ALLOW,
        };
        int fd = -EINVAL;

        for (size_t i = 0; i < ELEMENTSOF(choices) && fd == -EINVAL; i++) {
                unsigned flags = f->flags_known ? f->flags : choices[i];

                fd = install_with_flags(f, flags);
                if (fd == -EACCES) {
                        if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
                                return -errno;
                        fd = install_with_flags(f, flags);
                }
                if (fd >= 0) {
                        f->flags = flags;
                        f->flags_known = true;
                }
        }
        return fd;
}

/* i386's socketcall(2) keeps its arguments in memory: an array of 32-bit words. */
static int
decode_socketcall(const struct seccomp_data *data, NotifyCall *call)
{
        uint32_t words[3];
        int r;

        if (data->args[0] != SYS_BIND && data->args[0] != SYS_LISTEN)
                return 0;
        r = notify_read_memory(call, (uint32_t)data->args[1], words, sizeof(words));
        if (r < 0)
                return r;
        call->syscall = data->args[0] == SYS_BIND ? NOTIFY_BIND : NOTIFY_LISTEN;
        call->fd = (int)words[0];
        call->address = words[1];
        call->address_len = words[2];
        call->backlog = (int)words[1];
        return 0;
}

/* The number of a system call, whichever of the two architectures it is of. */
static bool
is_call(const struct seccomp_data *data, bool i386, int number, int i386_number)
{
        return data->nr == (i386 ? i386_number : number);
}

static void
decode_unlink(const struct seccomp_data *data, bool i386, NotifyCall *call)
{
        bool at = is_call(data, i386, SYS_unlinkat, I386_UNLINKAT);
        bool is_rmdir = is_call(data, i386, SYS_rmdir, I386_RMDIR);
        uint64_t path = data->args[at ? 1 : 0];

        call->syscall = NOTIFY_UNLINK;
        call->dir_fd = at ? (int)data->args[0] : AT_FDCWD;
        call->address = i386 ? (uint32_t)path : path;
        call->flags = at ? (int)data->args[2] : 0;
        if (is_rmdir || call->flags == AT_REMOVEDIR) {
                call->syscall = NOTIFY_RMDIR;
                call->flags = 0;
        }
}

static void
decode_rename(const struct seccomp_data *data, bool i386, NotifyCall *call)
{
        bool plain = is_call(data, i386, SYS_rename, I386_RENAME);
        uint64_t from = data->args[plain ? 0 : 1];
        uint64_t to = data->args[plain ? 1 : 3];

        call->syscall = NOTIFY_RENAME;
        call->dir_fd = plain ? AT_FDCWD : (int)data->args[0];
        call->to_dir_fd = plain ? AT_FDCWD : (int)data->args[2];
        call->address = i386 ? (uint32_t)from : from;
        call->to_address = i386 ? (uint32_t)to : to;
        call->flags = is_call(data, i386, SYS_renameat2, I386_RENAMEAT2) ? (int)data->args[4] : 0;
}

/* A call that is about names in directories. */
static void
decode_names(const struct seccomp_data *data, bool i386, NotifyCall *call)
{
        if (is_call(data, i386, SYS_unlink, I386_UNLINK) ||
            is_call(data, i386, SYS_unlinkat, I386_UNLINKAT) ||
            is_call(data, i386, SYS_rmdir, I386_RMDIR))
                decode_unlink(data, i386, call);
        else if (is_call(data, i386, SYS_rename, I386_RENAME) ||
                 is_call(data, i386, SYS_renameat, I386_RENAMEAT) ||
                 is_call(data, i386, SYS_renameat2, I386_RENAMEAT2))
                decode_rename(data, i386, call);
}

static int
decode_call(const struct seccomp_data *data, NotifyCall *call)
{
        bool i386 = data->arch == AUDIT_ARCH_I386;

        call->fd = (int)data->args[0];
        call->address = i386 ? (uint32_t)data->args[1] : data->args[1];
        call->address_len = (uint32_t)data->args[2];
        call->backlog = (int)data->args[1];
        if (i386 && data->nr == I386_SOCKETCALL)
                return decode_socketcall(data, call);
        if (data->nr == (i386 ? I386_BIND : SYS_bind))
                call->syscall = NOTIFY_BIND;
        else if (data->nr == (i386 ? I386_LISTEN : SYS_listen))
                call->syscall = NOTIFY_LISTEN;
        else
                decode_names(data, i386, call);
        return 0;
}

/*
 * Receive the next trapped call. One whose arguments cannot be read is NOTIFY_OTHER: it has to be
 * answered all the same.
 * Returns 0; -ENOENT when the caller is gone already; another negative errno.
 */
int
notify_receive(int listener_fd, NotifyCall *ret)
{
        static struct seccomp_notif_sizes sizes;
        struct seccomp_notif *request;
        CLEANUP_FREE void *buffer = NULL;

        /* The kernel may know longer structures than the headers, and wants them zeroed. */
        if (!sizes.seccomp_notif && syscall(SYS_seccomp, SECCOMP_GET_NOTIF_SIZES, 0, &sizes) < 0)
                return -errno;
        buffer = calloc(1, sizes.seccomp_notif > sizeof(*request) ? sizes.seccomp_notif
                                                                  : sizeof(*request));
        request = buffer;
        if (!request)
                return -ENOMEM;
        if (ioctl(listener_fd, SECCOMP_IOCTL_NOTIF_RECV, request) < 0)
                return -errno;
        *ret = (NotifyCall){.id = request->id, .tid = (pid_t)request->pid};
        (void)decode_call(&request->data, ret);
        return 0;
}

/* Whether the call still waits: what was read of its process since it came is then its own. */
bool
notify_is_valid(int listener_fd, const NotifyCall *call)
{
        uint64_t id = call->id;

        return ioctl(listener_fd, SECCOMP_IOCTL_NOTIF_ID_VALID, &id) == 0;
}

/* Read from the caller's memory. Needs the right to ptrace it. Returns 0 or a negative errno. */
int
notify_read_memory(const NotifyCall *call, uint64_t address, void *ret, size_t length)
{
        struct iovec local = {.iov_base = ret, .iov_len = length};
        struct iovec remote = {.iov_len = length};
        ssize_t n;

        remote.iov_base = (void *)(uintptr_t)address;
        n = process_vm_readv(call->tid, &local, 1, &remote, 1, 0);
        if (n < 0)
                return -errno;
        return (size_t)n == length ? 0 : -EFAULT;
}

/*
 * Read a text that ends with a NUL from the caller's memory, page by page, since the next one may not
 * be there. Returns 0, -ENAMETOOLONG when it does not fit, or another negative errno.
 */
int
notify_read_text(const NotifyCall *call, uint64_t address, char *ret, size_t size)
{
        const uint64_t page = 4096; /* the smallest there is */
        size_t n = 0;

        while (n < size) {
                size_t chunk = (size_t)(page - (address + n) % page);
                int r;

                if (chunk > size - n)
                        chunk = size - n;
                r = notify_read_memory(call, address + n, ret + n, chunk);
                if (r < 0)
                        return r;
                if (memchr(ret + n, '\0', chunk))
                        return 0;
                n += chunk;
        }
        return -ENAMETOOLONG;
}

static int
send_answer(int listener_fd, const NotifyCall *call, int error, uint32_t flags)
{
        struct {
                struct seccomp_notif_resp response;
                /* cppcheck-suppress unusedStructMember ; for a kernel that knows more members */
                char longer[64];
        } answer = {.response = {.id = call->id, .error = -error, .flags = flags}};

        return ioctl(listener_fd, SECCOMP_IOCTL_NOTIF_SEND, &answer) < 0 ? -errno : 0;
}

/* Let the call go on in the kernel, as if nobody had looked. Returns 0 or -ENOENT, … */
int
notify_let_go(int listener_fd, const NotifyCall *call)
{
        return send_answer(listener_fd, call, 0, SECCOMP_USER_NOTIF_FLAG_CONTINUE);
}

/* Answer in the kernel's place: success (0) or a positive errno. Returns 0 or -ENOENT, … */
int
notify_answer(int listener_fd, const NotifyCall *call, int error)
{
        return send_answer(listener_fd, call, error, 0);
}

/*
 * Whether this kernel can replace descriptors: asked about a call that does not exist, it looks for
 * that in vain (kernel/seccomp.c, seccomp_notify_addfd).
 */
bool
notify_can_replace_fd(int listener_fd)
{
        struct seccomp_notif_addfd request = {.srcfd = (uint32_t)listener_fd};

        return ioctl(listener_fd, SECCOMP_IOCTL_NOTIF_ADDFD, &request) < 0 && errno == ENOENT;
}

/*
 * Put a duplicate of fd in the place of a descriptor of the caller
 * (SECCOMP_IOCTL_NOTIF_ADDFD, Linux 5.9). The call still waits for its answer afterwards.
 * Returns 0 or a negative errno.
 */
int
notify_replace_fd(int listener_fd, const NotifyCall *call, int number, int fd, bool cloexec)
{
        struct seccomp_notif_addfd request = {
                .id = call->id,
                .flags = SECCOMP_ADDFD_FLAG_SETFD,
                .srcfd = (uint32_t)fd,
                .newfd = (uint32_t)number,
                .newfd_flags = cloexec ? O_CLOEXEC : 0,
        };

        return ioctl(listener_fd, SECCOMP_IOCTL_NOTIF_ADDFD, &request) < 0 ? -errno : 0;
}
