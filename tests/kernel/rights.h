/* SPDX-License-Identifier: MIT */
/* rights.h - a root without the rights of root, also where there is no second user to become. */
#ifndef SUP_TESTS_KERNEL_RIGHTS_H
#define SUP_TESTS_KERNEL_RIGHTS_H

#include "fact.h"

#include <linux/capability.h>
#include <sys/syscall.h>

/* Give up every capability of this process, for good. */
static inline void
rights_drop(void)
{
        struct __user_cap_header_struct head = {.version = _LINUX_CAPABILITY_VERSION_3};
        struct __user_cap_data_struct none[_LINUX_CAPABILITY_U32S_3] = {{0}};

        MUST(syscall(SYS_capset, &head, none) == 0);
}

#endif
