/* SPDX-License-Identifier: MIT */
/*
 * cgroup.c - control groups: which unit or container one belongs to, and groups of our own.
 *
 * Gist: systemd names a group after the unit (systemd.resource-control(5)); container engines put
 * the container's id, 64 hexadecimal digits, into it. Nothing is asked of either. A group that
 * systemd delegates (Delegate=) is marked by it, and may be divided; its files are those of cgroup2
 * (Documentation/admin-guide/cgroup-v2.rst).
 */
#include "linux/cgroup.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fd.h"

#define ID_LENGTH 64
#define ID_SHOWN 12
#define FILEID_KERNFS 0xfe /* linux/exportfs.h: a handle that is the group's id, 8 bytes */

/* Copy n bytes of a name, each of which is printable afterwards. */
static void
copy_name(char *ret_name, const char *from, size_t n)
{
        if (n >= CGROUP_NAME_MAX)
                n = CGROUP_NAME_MAX - 1;
        for (size_t i = 0; i < n; i++)
                ret_name[i] = isprint((unsigned char)from[i]) ? from[i] : '?';
        ret_name[n] = '\0';
}

static bool
ends_with(const char *text, size_t n, const char *end)
{
        size_t length = strlen(end);

        return n > length && memcmp(text + n - length, end, length) == 0;
}

/* Who wrote the part of the path that the id stands in. */
static const char *
engine_of(const char *path, size_t n)
{
        static const struct {
                const char *mark;
                const char *engine;
        } engines[] = {
                {"kubepods", "kubernetes"}, {"docker", "docker"},         {"libpod", "podman"},
                {"crio", "cri-o"},          {"containerd", "containerd"},
        };

        for (size_t i = 0; i < ELEMENTSOF(engines); i++)
                if (memmem(path, n, engines[i].mark, strlen(engines[i].mark)))
                        return engines[i].engine;
        return "container";
}

/* The last run of exactly 64 hexadecimal digits: the innermost container. */
static void
find_container(const char *path, size_t n, CgroupPlace *place)
{
        size_t run = 0;

        for (size_t i = 0; i <= n; i++) {
                if (i < n && isxdigit((unsigned char)path[i])) {
                        run++;
                        continue;
                }
                if (run == ID_LENGTH)
                        (void)snprintf(place->container, sizeof(place->container), "%s %.*s",
                                       engine_of(path, n), ID_SHOWN, path + i - ID_LENGTH);
                run = 0;
        }
}

/* The deepest part that is a unit; a service rather than a scope around it. */
static void
find_unit(const char *path, size_t n, CgroupPlace *place)
{
        bool has_service = false;
        size_t begin = 0;

        for (size_t i = 0; i <= n; i++) {
                if (i < n && path[i] != '/')
                        continue;
                if (ends_with(path + begin, i - begin, ".service")) {
                        copy_name(place->unit, path + begin, i - begin);
                        has_service = true;
                } else if (!has_service && ends_with(path + begin, i - begin, ".scope")) {
                        copy_name(place->unit, path + begin, i - begin);
                }
                begin = i + 1;
        }
}

static void
parse_path(const char *path, size_t n, CgroupPlace *place)
{
        if (!place->container[0])
                find_container(path, n, place);
        if (!place->unit[0])
                find_unit(path, n, place);
}

/* Read lines of /proc/PID/cgroup, `ID:CONTROLLERS:PATH` (cgroups(7)). */
void
cgroup_parse(const char *text, CgroupPlace *ret)
{
        CgroupPlace place = {.unit = ""};

        while (*text) {
                size_t n = strcspn(text, "\n");
                const char *path = memchr(text, ':', n);

                if (path)
                        path = memchr(path + 1, ':', n - (size_t)(path + 1 - text));
                if (path)
                        parse_path(path + 1, n - (size_t)(path + 1 - text), &place);
                text += n + (text[n] == '\n');
        }
        *ret = place;
}

/* The place of a living process; empty where it cannot be read. */
void
cgroup_of_process(pid_t pid, CgroupPlace *ret)
{
        CLEANUP_FD int fd = -1;
        char text[4096];
        char path[64];
        ssize_t n;

        *ret = (CgroupPlace){.unit = ""};
        (void)snprintf(path, sizeof(path), "/proc/%d/cgroup", (int)pid);
        fd = open(path, O_RDONLY | O_CLOEXEC);
        n = fd < 0 ? 0 : read(fd, text, sizeof(text) - 1);
        if (n <= 0)
                return;
        text[n] = '\0';
        cgroup_parse(text, ret);
}

/* The path of the group with this id under one mount of cgroup2, or an empty text. */
static void
path_of_id(const char *mount, uint64_t id, char *ret_path, size_t size)
{
        CLEANUP_FREE struct file_handle *handle = malloc(sizeof(*handle) + sizeof(id));
        CLEANUP_FD int mount_fd = open(mount, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        CLEANUP_FD int fd = -1;
        char link[64];
        ssize_t n;

        ret_path[0] = '\0';
        if (!handle || mount_fd < 0)
                return;
        handle->handle_bytes = sizeof(id);
        handle->handle_type = FILEID_KERNFS;
        memcpy(handle->f_handle, &id, sizeof(id));
        fd = open_by_handle_at(mount_fd, handle, O_PATH | O_CLOEXEC);
        if (fd < 0)
                return;
        (void)snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
        /* NOLINTNEXTLINE(readability-suspicious-call-argument): what is read is a path, too */
        n = readlink(link, ret_path, size - 1);
        ret_path[n > 0 ? n : 0] = '\0';
}

/*
 * The place of the cgroup2 group that a socket was made in (INET_DIAG_CGROUP_ID). Needs root
 * (open_by_handle_at(2)); empty without, and where nothing can be told.
 */
void
cgroup_of_id(uint64_t id, CgroupPlace *ret)
{
        static const char *const mounts[] = {"/sys/fs/cgroup", "/sys/fs/cgroup/unified"};
        char path[4096];

        *ret = (CgroupPlace){.unit = ""};
        for (size_t i = 0; i < ELEMENTSOF(mounts) && !ret->unit[0] && !ret->container[0]; i++) {
                path_of_id(mounts[i], id, path, sizeof(path));
                parse_path(path, strlen(path), ret);
        }
}

/*
 * From the lines of /proc/PID/cgroup the path in cgroup2, `0::PATH`. Returns 0, -ENOENT if there is
 * none that leads somewhere from here, or -ENAMETOOLONG.
 */
int
cgroup_parse_unified(const char *text, char *ret_path, size_t size)
{
        while (*text) {
                size_t n = strcspn(text, "\n");

                if (n > 3 && memcmp(text, "0::/", 4) == 0) {
                        if (memmem(text, n, "/..", 3) || ends_with(text, n, " (deleted)"))
                                return -ENOENT;
                        if (n - 3 >= size)
                                return -ENAMETOOLONG;
                        memcpy(ret_path, text + 3, n - 3);
                        ret_path[n - 3] = '\0';
                        return 0;
                }
                text += n + (text[n] == '\n');
        }
        return -ENOENT;
}

/* Whether systemd left the group to those in it (CGROUP_DELEGATION.md), and we may divide it. */
static bool
is_delegated(int fd)
{
        static const char *const marks[] = {"user.delegate", "trusted.delegate"};
        char value[2];

        for (size_t i = 0; i < ELEMENTSOF(marks); i++)
                if (fgetxattr(fd, marks[i], value, sizeof(value)) == 1 && value[0] == '1')
                        return faccessat(fd, "cgroup.procs", W_OK, AT_EACCESS) == 0;
        return false;
}

static int
open_if_delegated(const char *mount, const char *path)
{
        CLEANUP_FREE char *full = NULL;
        int fd;

        if (asprintf(&full, "%s%s", mount, path) < 0) {
                full = NULL;
                return -ENOMEM;
        }
        fd = open(full, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (fd < 0)
                return -errno;
        if (is_delegated(fd))
                return fd;
        fd_close(fd);
        return -ENOENT;
}

/*
 * Open the group that was delegated to us: our own, or the one above if ours is the part of it that
 * has this name. Returns a descriptor of the directory, the caller's, or a negative errno: -ENOENT
 * if nothing is delegated.
 */
int
cgroup_open_delegated(const char *own_name)
{
        static const char *const mounts[] = {"/sys/fs/cgroup", "/sys/fs/cgroup/unified"};
        CLEANUP_FD int fd = open("/proc/self/cgroup", O_RDONLY | O_CLOEXEC);
        char text[8192];
        char path[4096];
        ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);
        char *last;
        int r;

        if (n < 0)
                return -errno;
        text[n] = '\0';
        r = cgroup_parse_unified(text, path, sizeof(path));
        if (r < 0)
                return r;
        last = strrchr(path, '/');
        if (last && strcmp(last + 1, own_name) == 0)
                *last = '\0';
        r = -ENOENT;
        for (size_t i = 0; i < ELEMENTSOF(mounts) && r < 0; i++)
                r = open_if_delegated(mounts[i], path);
        return r;
}

/* Make a group; one that is there already is as good. Returns 0 or a negative errno. */
int
cgroup_make(int parent_fd, const char *name)
{
        return mkdirat(parent_fd, name, 0755) < 0 && errno != EEXIST ? -errno : 0;
}

static int
open_file(int parent_fd, const char *name, const char *file, int flags)
{
        char path[512];
        int fd;

        if ((size_t)snprintf(path, sizeof(path), "%s/%s", name, file) >= sizeof(path))
                return -ENAMETOOLONG;
        fd = openat(parent_fd, path, flags | O_CLOEXEC);
        return fd < 0 ? -errno : fd;
}

/* Write into a file of a group; name "." is the parent itself. Returns 0 or a negative errno. */
int
cgroup_write(int parent_fd, const char *name, const char *file, const char *value)
{
        CLEANUP_FD int fd = open_file(parent_fd, name, file, O_WRONLY);

        if (fd < 0)
                return fd;
        return write(fd, value, strlen(value)) < 0 ? -errno : 0;
}

/* A descriptor, the caller's: who writes "0" there is in the group. Or a negative errno. */
int
cgroup_open_procs(int parent_fd, const char *name)
{
        return open_file(parent_fd, name, "cgroup.procs", O_WRONLY);
}

/* Do something with each group below one. Returns 0, or the first negative errno; goes on after it. */
static int
for_each_below(int parent_fd, const char *name, int (*visit)(int, const char *, PidSet *),
               PidSet *pids)
{
        int fd = openat(parent_fd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        CLEANUP_DIR DIR *directory = fd < 0 ? NULL : fdopendir(fd);
        const struct dirent *entry;
        int result = 0;

        if (!directory) {
                int error = errno;

                fd_close(fd);
                return error == ENOENT ? 0 : -error;
        }
        while ((entry = readdir(directory)))
                if (entry->d_type == DT_DIR && entry->d_name[0] != '.') {
                        int r = visit(dirfd(directory), entry->d_name, pids);

                        if (r < 0 && result == 0)
                                result = r;
                }
        return result;
}

static int
remove_with_below(int parent_fd, const char *name, PidSet *pids)
{
        (void)for_each_below(parent_fd, name, remove_with_below, pids);
        return unlinkat(parent_fd, name, AT_REMOVEDIR) < 0 && errno != ENOENT ? -errno : 0;
}

/*
 * Remove a group, and those below it. Returns 0, also if there is none, or a negative errno: -EBUSY,
 * if it is in use.
 */
int
cgroup_remove(int parent_fd, const char *name)
{
        return remove_with_below(parent_fd, name, NULL);
}

/* Add those that live in a group itself. */
static int
read_own_pids(int parent_fd, const char *name, PidSet *pids)
{
        CLEANUP_FD int fd = open_file(parent_fd, name, "cgroup.procs", O_RDONLY);
        char text[4096];
        pid_t pid = 0;
        ssize_t n = 0;
        int r = fd < 0 ? fd : 0;

        while (r == 0 && (n = read(fd, text, sizeof(text))) > 0)
                for (ssize_t i = 0; i < n && r == 0; i++) {
                        if (text[i] >= '0' && text[i] <= '9') {
                                pid = pid * 10 + (text[i] - '0');
                                continue;
                        }
                        if (pid)
                                r = pidset_add(pids, pid);
                        pid = 0;
                }
        return n < 0 ? -errno : r;
}

static int
read_with_below(int parent_fd, const char *name, PidSet *pids)
{
        int r = read_own_pids(parent_fd, name, pids);
        int below = for_each_below(parent_fd, name, read_with_below, pids);

        return r < 0 ? r : below;
}

/* Add those that live in a group, or in one below it. Returns 0 or a negative errno. */
int
cgroup_read_pids(int parent_fd, const char *name, PidSet *ret_pids)
{
        return read_with_below(parent_fd, name, ret_pids);
}
