/* SPDX-License-Identifier: MIT */
/*
 * look_unix.c - gathers what can be known about a unix socket's address: a path, or an abstract name.
 *
 * Gist: nothing is bound at a path, since that would leave a file. Whose socket a file is tells the
 * kernel by its inode; only a file that no socket of this network namespace is bound to is asked by
 * connecting, which no server of this namespace notices.
 */
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <sys/fsuid.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "sockets/look.h"

#define KERNEL_MINOR_BITS 20 /* linux/kdev_t.h: how udiag_vfs_dev is made */

typedef struct Search {
        Facts *facts;
        bool is_path;
        uint32_t device;
        uint32_t inode;
        int error;
} Search;

/* What an accepted connection has as its name is its listener's. */
static bool
is_bound_itself(const SockdiagUnix *u)
{
        return u->n_name > 0 && (u->state == TCP_LISTEN || u->state == TCP_CLOSE ||
                                 (u->type == SOCK_DGRAM && u->state == TCP_ESTABLISHED));
}

static const char *
last_part(const char *path, size_t n)
{
        const char *slash = memrchr(path, '/', n);

        return slash ? slash + 1 : path;
}

/* Some file systems show stat(2) another device than their sockets have: then the name decides. */
static bool
is_at_path(const Search *search, const SockdiagUnix *u)
{
        const char *path = search->facts->address.un.sun_path;
        char name[sizeof(u->name) + 1];

        if (u->file_inode != search->inode)
                return false;
        if (u->file_device == search->device)
                return true;
        memcpy(name, u->name, u->n_name);
        name[u->n_name] = '\0';
        return strcmp(last_part(name, strlen(name)), last_part(path, strlen(path))) == 0;
}

static bool
has_name(const Address *a, const SockdiagUnix *u)
{
        size_t n = a->length - offsetof(struct sockaddr_un, sun_path);

        return u->n_name == n && memcmp(u->name, a->un.sun_path, n) == 0;
}

static void
on_unix_socket(const SockdiagUnix *u, void *userdata)
{
        Search *search = userdata;
        SockdiagSocket s = {
                .family = AF_UNIX,
                .state = u->state == TCP_LISTEN ? TCP_LISTEN : SOCKDIAG_BOUND,
                .v6only = -1,
                .rqueue = u->rqueue,
                .wqueue = u->wqueue,
                .inode = u->inode,
                .has_uid = u->has_uid,
                .uid = u->uid,
        };

        if (!is_bound_itself(u) ||
            !(search->is_path ? is_at_path(search, u) : has_name(&search->facts->address, u)))
                return;
        if (facts_add_socket(search->facts, &s) < 0)
                search->error = -ENOMEM;
}

static void
dump(void *search)
{
        (void)sockdiag_dump_unix(on_unix_socket, search);
}

static void
dump_here(Search *search)
{
        dump(search);
}

/* A path is reached from everywhere, but the kernel shows the sockets of a network namespace only. */
static void
dump_elsewhere(Search *search)
{
        CLEANUP(netns_set_deinit) NetnsSet others;

        (void)netns_find_others(&others);
        for (size_t i = 0; i < others.n_items && search->facts->n_sockets == 0; i++) {
                (void)netns_visit(&others.items[i], dump, search);
                if (search->facts->n_sockets)
                        search->facts->netns = others.items[i];
        }
}

static int
find_sockets(Search *search, void (*find)(Search *search))
{
        Facts *f = search->facts;

        find(search);
        return search->error < 0 || !f->n_sockets ? search->error : facts_find_holders(f);
}

/* faccessat(2) for the asker: file system rights go by fsuid (setfsuid(2)). */
static int
check_directory(const Facts *f)
{
        bool other = f->is_root && f->asker.uid != 0;
        int dumpable = prctl(PR_GET_DUMPABLE);
        int r;

        if (other)
                (void)setfsuid(f->asker.uid);
        r = faccessat(AT_FDCWD, f->directory, W_OK | X_OK, AT_EACCESS) < 0 ? errno : 0;
        if (other) {
                (void)setfsuid(geteuid());
                (void)prctl(PR_SET_DUMPABLE, dumpable);
        }
        return r;
}

static FactPath
kind_of_path(const char *path, struct stat *ret_stat)
{
        struct stat target;

        if (lstat(path, ret_stat) < 0)
                return FACT_PATH_NONE;
        if (S_ISLNK(ret_stat->st_mode))
                return stat(path, &target) < 0 && errno == ENOENT ? FACT_PATH_DANGLING
                                                                  : FACT_PATH_LINK;
        if (S_ISSOCK(ret_stat->st_mode))
                return FACT_PATH_SOCKET;
        return S_ISDIR(ret_stat->st_mode) ? FACT_PATH_DIRECTORY : FACT_PATH_OTHER;
}

static int
look_at_path(Facts *f)
{
        const char *path = f->address.un.sun_path;
        struct stat st = {.st_ino = 0};
        Search search = {.facts = f, .is_path = true};
        int r;

        (void)snprintf(f->directory, sizeof(f->directory), "%.*s",
                       (int)(last_part(path, strlen(path)) - path), path);
        if (!f->directory[0])
                (void)snprintf(f->directory, sizeof(f->directory), ".");
        f->path = kind_of_path(path, &st);
        f->error = f->path == FACT_PATH_NONE ? check_directory(f) : EADDRINUSE;
        if (f->path != FACT_PATH_SOCKET)
                return 0;
        search.inode = (uint32_t)st.st_ino;
        search.device = (uint32_t)(major(st.st_dev) << KERNEL_MINOR_BITS | minor(st.st_dev));
        r = find_sockets(&search, dump_here);
        if (r == 0 && f->n_sockets == 0)
                f->connect_error = probe_connect(&f->address);
        if (f->is_root && (f->connect_error == 0 || f->connect_error == EPROTOTYPE))
                r = find_sockets(&search, dump_elsewhere);
        return r;
}

/* The unix part of look_at. Returns 0 or a negative errno. */
int
look_at_unix(Facts *f)
{
        Search search = {.facts = f};
        int r;

        if (address_is_path(&f->address))
                return look_at_path(f);
        r = probe_bind(&f->address, &f->asker);
        f->error = r < 0 ? -r : r;
        return f->error == EADDRINUSE ? find_sockets(&search, dump_here) : 0;
}
