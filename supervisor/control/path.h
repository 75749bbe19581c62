/* SPDX-License-Identifier: MIT */
/* path.h - where control sockets are. */
#ifndef SUP_CONTROL_PATH_H
#define SUP_CONTROL_PATH_H

#include <sys/types.h>

#include "base/strv.h"

int control_path(const char *name, const char *explicit_path, char **ret);
int control_path_beside(const char *path, pid_t pid, char **ret);
int control_path_places(Strv *ret_dirs);

#endif
