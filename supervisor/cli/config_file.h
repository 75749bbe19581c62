/* SPDX-License-Identifier: MIT */
/* config_file.h - the file of --config. */
#ifndef SUP_CLI_CONFIG_FILE_H
#define SUP_CLI_CONFIG_FILE_H

#include "run/config.h"

int config_file_read(Config *c, const char *path, char **ret_why);

#endif
