/* SPDX-License-Identifier: MIT */
/*
 * notify-signal.c - a signal voids a notification that was received but not answered: the answer
 * fails with ENOENT, and the call comes again under a new id. Hence every answer is idempotent. With
 * WAIT_KILLABLE_RECV (Linux 5.19) only a deadly signal does.
 */
#include "trap.h"

static void
on_signal(int signal_number)
{
        (void)signal_number;
}

static int
bind_with_handler(void)
{
        struct sigaction action = {.sa_handler = on_signal, .sa_flags = SA_RESTART};

        sigaction(SIGUSR1, &action, NULL);
        return fact_bind(fact_socket());
}

static bool
is_valid(const Trap *trap, uint64_t id)
{
        return ioctl(trap->notify_fd, SECCOMP_IOCTL_NOTIF_ID_VALID, &id) == 0;
}

int
main(void)
{
        struct seccomp_notif call;
        struct seccomp_notif again;
        Trap trap;
        int error;

        fact_begin();
        trap = trap_start(bind_with_handler, 0);
        call = trap_receive(&trap);
        MUST(is_valid(&trap, call.id));
        kill(trap.pid, SIGUSR1);
        again = trap_receive(&trap);
        FACT(again.id != call.id && again.data.nr == SYS_bind,
             "after a signal the call comes again");
        error = trap_answer(&trap, &call, 0, 0);
        FACT(!is_valid(&trap, call.id) && error == ENOENT, "an answer to the first one: %s",
             strerror(error));
        MUST(trap_let_go(&trap, &again) == 0);
        error = fact_wait(trap.pid);
        FACT(error == 0, "and in the end it returns: %s", strerror(error));

        trap = trap_start(bind_with_handler, SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV);
        call = trap_receive(&trap);
        kill(trap.pid, SIGUSR1);
        fact_pause_ms(50);
        FACT(is_valid(&trap, call.id), "with WAIT_KILLABLE_RECV the signal waits for the answer");
        MUST(trap_let_go(&trap, &call) == 0);
        MUST(fact_wait(trap.pid) == 0);

        trap = trap_start(bind_with_handler, SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV);
        call = trap_receive(&trap);
        kill(trap.pid, SIGKILL);
        error = fact_wait(trap.pid);
        FACT(error == -SIGKILL, "SIGKILL does not wait: ended by signal %d", -error);
        error = trap_let_go(&trap, &call);
        FACT(error == ENOENT, "and then an answer says: %s", strerror(error));
        return fact_end();
}
