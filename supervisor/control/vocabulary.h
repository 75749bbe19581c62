/* SPDX-License-Identifier: MIT */
/* vocabulary.h - the verbs of the control socket, and what each may be told. Pure. */
#ifndef SUP_CONTROL_VOCABULARY_H
#define SUP_CONTROL_VOCABULARY_H

#include <jansson.h>

int vocabulary_check(const char *verb, json_t *arguments, char **ret_why);

#endif
