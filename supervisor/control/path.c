/* SPDX-License-Identifier: MIT */
/*
 * path.c - where control sockets are.
 *
 * Gist: NAME.sock in the directory that systemd gave us ($RUNTIME_DIRECTORY), else in the user's own
 * ($XDG_RUNTIME_DIR/sup), else, for root, in /run/sup. Whoever looks for an instance looks in all
 * of them.
 */
#include "control/path.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "control/socket_file.h"

#define SYSTEM_DIRECTORY "/run/sup"

/*
 * The first entry of $RUNTIME_DIRECTORY, which is a list with colons (systemd.exec(5)); or all of it,
 * since the name of an instance, and so that of its directory, may have a colon as well.
 */
static int
add_runtime_directory(Strv *dirs)
{
        const char *text = getenv("RUNTIME_DIRECTORY");
        struct stat st;

        if (!text || text[0] != '/')
                return 0;
        if (stat(text, &st) == 0 && S_ISDIR(st.st_mode))
                return strv_addf(dirs, "%s", text);
        return strv_addf(dirs, "%.*s", (int)strcspn(text, ":"), text);
}

static int
add_user_directory(Strv *dirs)
{
        const char *text = getenv("XDG_RUNTIME_DIR");

        return text && text[0] == '/' ? strv_addf(dirs, "%s/sup", text) : 0;
}

/*
 * The directories in which control sockets are looked for, the likeliest first; they need not
 * exist. Returns 0 or -ENOMEM; what is in *ret_dirs is the caller's in both cases.
 */
int
control_path_places(Strv *ret_dirs)
{
        int r = add_runtime_directory(ret_dirs);

        if (r == 0)
                r = add_user_directory(ret_dirs);
        return r < 0 ? r : strv_addf(ret_dirs, "%s", SYSTEM_DIRECTORY);
}

static bool
is_ours(const char *dir)
{
        struct stat st;

        return stat(dir, &st) == 0 && S_ISDIR(st.st_mode) && st.st_uid == geteuid();
}

/*
 * Make sure that a directory is there and that we may make files in it. Only our own will do, also
 * for root: after `sudo`, $XDG_RUNTIME_DIR may be the user's.
 */
static bool
is_usable(const char *dir)
{
        CLEANUP_FREE char *above = strndup(dir, (size_t)(strrchr(dir, '/') - dir) + 1);
        mode_t mode = strcmp(dir, SYSTEM_DIRECTORY) == 0 ? 0755 : 0700;

        if (above && is_ours(above) && mkdir(dir, mode) == 0)
                (void)chmod(dir, mode); /* whatever the umask is */
        return is_ours(dir) && eaccess(dir, W_OK | X_OK) == 0;
}

/*
 * Where an instance is to have its control socket: explicit_path (of --control) as it is, or, where
 * that is NULL, NAME.sock in the first directory that is there, or can be made, and is ours. What
 * killed instances of that name have left there is removed.
 *
 * Returns 0 with a path to be freed; -ENOENT when there is no such directory: then there is no
 * control socket; -ENOMEM.
 */
int
control_path(const char *name, const char *explicit_path, char **ret)
{
        CLEANUP(strv_deinit_p) Strv dirs = {0};
        int r;

        if (explicit_path) {
                *ret = strdup(explicit_path);
                return *ret ? 0 : -ENOMEM;
        }
        r = control_path_places(&dirs);
        if (r < 0)
                return r;
        for (size_t i = 0; i < dirs.n_items; i++) {
                char *path = NULL;

                if (!is_usable(dirs.items[i]))
                        continue;
                if (asprintf(&path, "%s/%s" SOCKET_FILE_SUFFIX, dirs.items[i], name) < 0)
                        return -ENOMEM;
                socket_file_tidy(path);
                *ret = path;
                return 0;
        }
        return -ENOENT;
}

/*
 * Where the second instance of a name has its control socket: NAME-PID.sock instead of NAME.sock.
 * Returns 0 with a path to be freed, or -ENOMEM.
 */
int
control_path_beside(const char *path, pid_t pid, char **ret)
{
        size_t length = strlen(path);
        const size_t suffix = strlen(SOCKET_FILE_SUFFIX);
        char *beside = NULL;

        if (length > suffix && strcmp(path + length - suffix, SOCKET_FILE_SUFFIX) == 0)
                length -= suffix;
        if (asprintf(&beside, "%.*s-%d" SOCKET_FILE_SUFFIX, (int)length, path, (int)pid) < 0)
                return -ENOMEM;
        *ret = beside;
        return 0;
}
