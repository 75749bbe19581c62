/* SPDX-License-Identifier: MIT */
/*
 * instances.c - which instances of `sup` there are, as their control sockets tell.
 *
 * Gist: the places of control_path_places() are searched for sockets called NAME.sock, and the
 * directories in them as well: RuntimeDirectory=sup/NAME of a systemd unit makes such a one.
 */
#include "control/instances.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/fd.h"
#include "control/path.h"
#include "control/socket_file.h"

static InstanceState
look_at(const char *path)
{
        int r = socket_file_connect(path);

        fd_close(r);
        if (r >= 0 || r == -EAGAIN)
                return INSTANCE_RUNS;
        return r == -EACCES || r == -EPERM ? INSTANCE_FOREIGN : INSTANCE_DEAD;
}

static bool
is_known(const Instances *v, const struct stat *st)
{
        for (size_t i = 0; i < v->n_items; i++)
                if (v->items[i].dev == st->st_dev && v->items[i].ino == st->st_ino)
                        return true;
        return false;
}

/* Add the socket at a path, unless it is there already. The name is what comes before the suffix. */
static int
add(Instances *v, const char *path, const char *file_name)
{
        Instance *grown;
        Instance *item;
        struct stat st;

        if (lstat(path, &st) < 0 || !S_ISSOCK(st.st_mode) || is_known(v, &st))
                return 0;
        grown = reallocarray(v->items, v->n_items + 1, sizeof(*grown));
        if (!grown)
                return -ENOMEM;
        v->items = grown;
        item = &v->items[v->n_items++];
        *item = (Instance){
                .name = strndup(file_name, strlen(file_name) - strlen(SOCKET_FILE_SUFFIX)),
                .path = strdup(path),
                .dev = st.st_dev,
                .ino = st.st_ino,
                .state = look_at(path),
        };
        return item->name && item->path ? 0 : -ENOMEM;
}

/* Whether a file is called NAME.sock, or by any name, where that is NULL. */
static bool
has_name(const char *file_name, const char *name)
{
        size_t length = strlen(file_name);

        if (length <= strlen(SOCKET_FILE_SUFFIX) ||
            strcmp(file_name + length - strlen(SOCKET_FILE_SUFFIX), SOCKET_FILE_SUFFIX) != 0)
                return false;
        length -= strlen(SOCKET_FILE_SUFFIX);
        return !name || (strlen(name) == length && memcmp(file_name, name, length) == 0);
}

/* With DynamicUser=yes, the runtime directory of a unit is a link to another one (systemd.exec(5)). */
static bool
may_be_directory(const struct dirent *entry)
{
        return entry->d_type == DT_DIR || entry->d_type == DT_LNK || entry->d_type == DT_UNKNOWN;
}

static int
search(Instances *v, const char *dir, const char *name, unsigned depth)
{
        CLEANUP_DIR DIR *stream = opendir(dir);
        const struct dirent *entry;
        int r = 0;

        while (stream && r == 0 && (entry = readdir(stream))) {
                CLEANUP_FREE char *path = NULL;

                if (entry->d_name[0] == '.')
                        continue;
                if (asprintf(&path, "%s/%s", dir, entry->d_name) < 0)
                        return -ENOMEM;
                if (has_name(entry->d_name, name))
                        r = add(v, path, entry->d_name);
                else if (depth > 0 && may_be_directory(entry))
                        r = search(v, path, name, depth - 1);
        }
        return r;
}

static int
compare_names(const void *a, const void *b)
{
        return strcmp(((const Instance *)a)->name, ((const Instance *)b)->name);
}

/*
 * Find the instances with a name, the likeliest place first; or all of them, sorted, where that is
 * NULL. *ret must be deinitialised, also on failure. Returns 0 or -ENOMEM.
 */
int
instances_find(Instances *ret, const char *name)
{
        CLEANUP(strv_deinit_p) Strv dirs = {0};
        int r;

        *ret = (Instances){0};
        r = control_path_places(&dirs);
        for (size_t i = 0; i < dirs.n_items && r == 0; i++)
                r = search(ret, dirs.items[i], name, 1);
        if (r == 0 && !name && ret->n_items > 0)
                qsort(ret->items, ret->n_items, sizeof(*ret->items), compare_names);
        return r;
}

/* Free the list. */
void
instances_deinit(Instances *v)
{
        for (size_t i = 0; i < v->n_items; i++) {
                free(v->items[i].name);
                free(v->items[i].path);
        }
        free(v->items);
        *v = (Instances){0};
}

/* How many of them are in a state. */
size_t
instances_count(const Instances *v, InstanceState state)
{
        size_t n = 0;

        for (size_t i = 0; i < v->n_items; i++)
                n += v->items[i].state == state;
        return n;
}

/* The first of them that is in a state, or NULL. */
const Instance *
instances_first(const Instances *v, InstanceState state)
{
        for (size_t i = 0; i < v->n_items; i++)
                if (v->items[i].state == state)
                        return &v->items[i];
        return NULL;
}
