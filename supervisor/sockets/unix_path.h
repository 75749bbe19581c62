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
        pid_t bound_by;  /* the process that bound it last, whose pid may be in the name; or 0 */
        bool bound_is_extra; /* the server removed it: it stands there for clients only */
        bool path_is_extra;  /* the same for the public name */
        bool is_between;     /* who bound it has not listened since then */
        bool is_lost;        /* no name leads to it any more */
} UnixPath;

int unix_path_new(UnixPath **ret, const char *path);
bool unix_path_has_name(const char *bound, ino_t socket);
int unix_path_new_of(UnixPath **ret, const char *bound, ino_t socket);
int unix_path_new_hidden(UnixPath **ret, const UnixPath *beside, unsigned generation);
int unix_path_bind_hidden(UnixPath *u, const UnixPath *beside, int fd);
int unix_path_note_bound(UnixPath *u);
int unix_path_publish(UnixPath *u);
int unix_path_replace(UnixPath *u, UnixPath *by);
UnixPath *unix_path_free(UnixPath *u);
void unix_path_remove(UnixPath *u);
bool unix_path_leads(const UnixPath *u, const char *path);
int unix_path_restore(const UnixPath *u);
int unix_path_restore_bound(UnixPath *u);
void unix_path_take_away(UnixPath *u);
void unix_path_bring_back(UnixPath *u);
bool unix_path_is_stale(const char *path, int type);

/* unix_names.c */
bool unix_path_is_called(const UnixPath *u, const char *name);
int unix_path_follow(UnixPath *u, const char *from, const char *to);
bool unix_path_is_like(const char *a, pid_t pid_a, const char *b, pid_t pid_b);
bool unix_path_is_successor(const UnixPath *u, const char *path, pid_t pid);
int unix_path_set_bound(UnixPath *u, const char *path, pid_t pid);
bool unix_path_is_between(const UnixPath *u, const char *path, pid_t pid);
void unix_path_drop_bound(const UnixPath *u, const char *path);
void unix_path_forget_bound(const UnixPath *u, const char *path);
bool unix_path_keeps(UnixPath *u, const char *path);
bool unix_path_is_extra(const UnixPath *u, const char *path);
bool unix_path_is_removed(const UnixPath *u, const char *path);
void unix_path_lose(UnixPath *u);
bool unix_path_ends_with_rename(UnixPath *u, const char *from, const char *to, pid_t pid);

#endif
