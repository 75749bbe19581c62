/* SPDX-License-Identifier: MIT */
/* socket_file.h - a listening unix socket and its file: bound, looked at, removed. */
#ifndef SUP_CONTROL_SOCKET_FILE_H
#define SUP_CONTROL_SOCKET_FILE_H

#include <sys/types.h>

#define SOCKET_FILE_SUFFIX ".sock"

/* Which file the socket has, so that only that one is ever removed. */
typedef struct SocketFile {
        char *path;
        dev_t dev;
        ino_t ino;
} SocketFile;

int socket_file_bind(SocketFile *f, const char *path, char **ret_why);
int socket_file_adopt(SocketFile *f, const char *path);
void socket_file_tidy(const char *path);
void socket_file_remove(const SocketFile *f);
void socket_file_deinit(SocketFile *f);
int socket_file_connect(const char *path);

#endif
