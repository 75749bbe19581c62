/* SPDX-License-Identifier: MIT */
/*
 * notify-privilege.c - the filter needs CAP_SYS_ADMIN or no_new_privs. Hence sup, for an ordinary
 * user, sets no_new_privs on a captured worker, and set-uid programs below it do not gain rights.
 */
#include "rights.h"
#include "trap.h"

/* In a child that may or may not: 0 or the errno of the filter's installation. */
static int
install(bool privileged, bool no_new_privs)
{
        pid_t pid = fact_fork();

        if (pid == 0) {
                int fd;

                if (!privileged)
                        rights_drop();
                if (no_new_privs)
                        MUST(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0);
                fd = trap_install(0);
                _exit(fd < 0 ? -fd : 0);
        }
        return fact_wait(pid);
}

int
main(void)
{
        int error;

        fact_begin();
        error = install(true, false);
        if (error == ENOSYS || error == EINVAL)
                fact_skip("this kernel does not take the filter");
        FACT(error == 0, "with CAP_SYS_ADMIN: %s", fact_say(error));
        error = install(false, false);
        FACT(error == EACCES, "without: %s", fact_say(error));
        error = install(false, true);
        FACT(error == 0, "without, with no_new_privs: %s", fact_say(error));
        return fact_end();
}
