/* SPDX-License-Identifier: MIT */
/* unix_path.h - keeps the name of a held unix socket in the file system. */
#ifndef SUP_SOCKETS_UNIX_PATH_H
#define SUP_SOCKETS_UNIX_PATH_H

#include <stdbool.h>
#include <sys/types.h>

typedef struct UnixPath {
        char *bound; /* the name that it was bound to */
        char *path;  /* the public name: the same, unless the server has renamed it */
        char *link;  /* our own hard link beside it */
        dev_t dev;   /* of the socket's file, not of the socket */
        ino_t ino;
        bool is_hidden;  /* the public name belongs to another generation */
        bool is_away;    /* the public name is taken away for now */
        int watch;       /* the number by which the directory's changes are told, or -1 */
        bool is_foreign; /* the name that it was bound to stays: somebody else made it */
} UnixPath;

int unix_path_new(UnixPath **ret, const char *path);
int unix_path_new_hidden(UnixPath **ret, const UnixPath *beside, unsigned generation);
int unix_path_note_bound(UnixPath *u);
int unix_path_publish(UnixPath *u);
UnixPath *unix_path_free(UnixPath *u);
void unix_path_remove(const UnixPath *u);
int unix_path_restore(const UnixPath *u);
int unix_path_restore_bound(const UnixPath *u);
void unix_path_take_away(UnixPath *u);
void unix_path_bring_back(UnixPath *u);
int unix_path_follow(UnixPath *u, const char *from, const char *to);
bool unix_path_is_stale(const char *path, int type);

#endif
