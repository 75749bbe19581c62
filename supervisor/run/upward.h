/* SPDX-License-Identifier: MIT */
/* upward.h - the last word to the service manager of a sup that cannot even begin. */
#ifndef SUP_RUN_UPWARD_H
#define SUP_RUN_UPWARD_H

void upward_tell_failure(const char *reason);

#endif
