/* SPDX-License-Identifier: MIT */
/* why.h - an error that carries its sentence. */
#ifndef SUP_BASE_WHY_H
#define SUP_BASE_WHY_H

int why(char **ret_why, int error, const char *format, ...) __attribute__((format(printf, 3, 4)));

#endif
