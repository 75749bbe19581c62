/* SPDX-License-Identifier: MIT */
/* linux_proc.c - what /proc tells about other processes, asked about children of our own. */
#include "child.h"
#include "unit.h"

#include <errno.h>
#include <pthread.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>

#include "base/fd.h"
#include "linux/proc.h"
#include "linux/procfd.h"

enum {
        N_GRANDCHILDREN = 3,
        N_LOOKS = 2000,
        N_FILLERS = 20,
};

static void
fork_grandchild(void)
{
        pid_t pid = child_fork();

        CHILD_MUST(pid >= 0);
        if (pid == 0)
                for (;;)
                        (void)pause();
}

static void *
fork_in_thread(void *unused)
{
        (void)unused;
        fork_grandchild();
        (void)pause(); /* the parent-death signal is about this thread */
        return NULL;
}

/* A family: two children, one of them of another thread, and a child of the third one. */
static void
have_children(void)
{
        CLEANUP(pidset_deinit_p) PidSet children = {0};
        pthread_t thread;

        if (child_fork() == 0) {
                fork_grandchild();
                for (;;)
                        (void)pause();
        }
        fork_grandchild();
        CHILD_MUST(pthread_create(&thread, NULL, fork_in_thread, NULL) == 0);
        while (children.n_pids < N_GRANDCHILDREN + 1) {
                pidset_deinit(&children);
                CHILD_MUST(proc_read_descendants(getpid(), &children) == 0);
        }
}

static void
children_are_those_of_all_threads_and_descendants_those_of_all_children(void **state)
{
        CLEANUP(pidset_deinit_p) PidSet children = {0};
        CLEANUP(pidset_deinit_p) PidSet descendants = {0};
        pid_t pid = child_start(have_children);

        (void)state;
        assert_int_equal(proc_read_children(pid, &children), 0);
        assert_int_equal(proc_read_descendants(pid, &descendants), 0);
        assert_int_equal(children.n_pids, N_GRANDCHILDREN);
        assert_int_equal(descendants.n_pids, N_GRANDCHILDREN + 1);
        for (size_t i = 0; i < N_GRANDCHILDREN; i++) /* the nearest first */
                assert_true(pidset_has(&children, descendants.pids[i]));
        assert_false(pidset_has(&children, descendants.pids[N_GRANDCHILDREN]));
        child_end(pid);
}

static void
a_process_that_is_gone_has_no_children_and_that_is_no_error(void **state)
{
        CLEANUP(pidset_deinit_p) PidSet set = {0};
        pid_t pid = child_start(NULL);

        (void)state;
        child_end(pid);
        assert_int_equal(proc_read_children(pid, &set), 0);
        assert_int_equal(proc_read_descendants(pid, &set), 0);
        assert_int_equal(set.n_pids, 0);
        assert_int_equal(proc_open_children(pid), -ENOENT);
}

static void
the_list_of_our_own_children_can_be_kept_open_and_read_again(void **state)
{
        CLEANUP_FD int fd = proc_open_children(getpid());
        CLEANUP(pidset_deinit_p) PidSet before = {0};
        CLEANUP(pidset_deinit_p) PidSet during = {0};
        CLEANUP(pidset_deinit_p) PidSet after = {0};
        pid_t pid;

        (void)state;
        assert_true(fd >= 0);
        assert_int_equal(proc_read_children_fd(fd, &before), 0);
        pid = child_start(NULL);
        assert_int_equal(proc_read_children_fd(fd, &during), 0);
        child_end(pid);
        assert_int_equal(proc_read_children_fd(fd, &after), 0);
        assert_int_equal(before.n_pids, 0);
        assert_true(during.n_pids == 1 && during.pids[0] == pid);
        assert_int_equal(after.n_pids, 0);
}

static void
a_long_list_is_read_to_its_end(void **state)
{
        CLEANUP_FD int fd = memfd_create("children", MFD_CLOEXEC);
        CLEANUP(pidset_deinit_p) PidSet set = {0};

        (void)state;
        assert_true(fd >= 0);
        for (int pid = 100000; pid < 101500; pid++) /* 7 bytes each: no multiple of any buffer */
                assert_true(dprintf(fd, "%d ", pid) > 0);
        assert_int_equal(proc_read_children_fd(fd, &set), 0);
        assert_int_equal(set.n_pids, 1500);
        assert_int_equal(set.pids[0], 100000);
        assert_int_equal(set.pids[1499], 101499);
        assert_int_equal(proc_read_children_fd(-1, &set), -EBADF);
}

static void *
tell_tid(void *ret_tid)
{
        *(pid_t *)ret_tid = (pid_t)syscall(SYS_gettid);
        assert_int_equal(proc_thread_group(*(pid_t *)ret_tid), getpid());
        return NULL;
}

static void
a_thread_belongs_to_its_process(void **state)
{
        pid_t tid = 0;
        pthread_t thread;
        pid_t pid = child_start(NULL);

        (void)state;
        assert_int_equal(pthread_create(&thread, NULL, tell_tid, &tid), 0);
        assert_int_equal(pthread_join(thread, NULL), 0);
        assert_int_not_equal(tid, 0);
        assert_int_equal(proc_thread_group(pid), pid);
        child_end(pid);
        assert_int_equal(proc_thread_group(pid), 0);
}

static void
ignored_signals_are_bits_counted_from_signal_1(void **state)
{
        uint64_t before = proc_ignored_signals();

        (void)state; /* SIGRTMAX itself is valgrind's */
        assert_true(signal(SIGUSR1, SIG_IGN) != SIG_ERR &&
                    signal(SIGRTMAX - 1, SIG_IGN) != SIG_ERR);
        assert_int_equal(proc_ignored_signals(),
                         before | 1ULL << (SIGUSR1 - 1) | 1ULL << (SIGRTMAX - 2));
        assert_true(signal(SIGUSR1, SIG_DFL) != SIG_ERR &&
                    signal(SIGRTMAX - 1, SIG_DFL) != SIG_ERR);
        assert_int_equal(proc_ignored_signals(), before);
}

static void
become_nobody(void)
{
        CHILD_MUST(setresuid(65534, 65534, 65534) == 0);
}

static void
a_process_of_another_user_is_not_ours(void **state)
{
        pid_t pid = child_start(geteuid() == 0 ? become_nobody : NULL);

        (void)state;
        assert_true(proc_is_ours(getpid()));
        assert_int_equal(proc_is_ours(pid), geteuid() != 0);
        child_end(pid);
        assert_false(proc_is_ours(pid));
}

static void
have_a_strange_name(void)
{
        CHILD_MUST(prctl(PR_SET_NAME, "a) T (b\n\xc3\xa4") == 0);
}

static void
a_state_is_read_whatever_the_name_of_the_process(void **state)
{
        pid_t pid = child_start(have_a_strange_name);
        siginfo_t info;

        (void)state;
        while (proc_state(pid) == 'R')
                (void)sched_yield(); /* it is on its way into pause() */
        assert_int_equal(proc_state(pid), 'S');
        assert_int_equal(kill(pid, SIGSTOP), 0);
        assert_int_equal(waitid(P_PID, (id_t)pid, &info, WSTOPPED), 0);
        assert_int_equal(proc_state(pid), child_stopped_state());
        assert_int_equal(kill(pid, SIGKILL), 0);
        assert_int_equal(waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT), 0);
        assert_int_equal(proc_state(pid), 'Z');
        assert_int_equal(child_wait(pid), -SIGKILL);
        assert_int_equal(proc_state(pid), 0);
}

static void
a_process_is_exiting_from_its_end_on_also_when_nobody_has_waited_for_it(void **state)
{
        pid_t pid = child_start(NULL);
        siginfo_t info;

        (void)state;
        assert_false(proc_is_exiting(pid));
        assert_int_equal(kill(pid, SIGKILL), 0);
        assert_int_equal(waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT), 0);
        assert_true(proc_is_exiting(pid));
        assert_int_equal(child_wait(pid), -SIGKILL);
        assert_true(proc_is_exiting(pid));
}

static void
a_name_is_made_printable_and_cut_to_fit(void **state)
{
        pid_t pid = child_start(have_a_strange_name);
        char comm[PROC_COMM_MAX] = "";
        char small[4];

        (void)state;
        assert_int_equal(proc_comm(pid, comm, sizeof(comm)), 0);
        assert_string_equal(comm, "a) T (b???");
        assert_int_equal(proc_comm(pid, small, sizeof(small)), 0);
        assert_string_equal(small, "a) ");
        child_end(pid);
        assert_int_equal(proc_comm(pid, comm, sizeof(comm)), -ENOENT);
}

_Noreturn static void
become_sleep(void)
{
        CLEANUP(strv_deinit_p)
        Strv environment = unit_strv(UNIT_WORDS("SUP_WORKER=7", "EMPTY=", "LONGER=0123456789"));

        child_exec_sleep(environment.items);
}

static void
a_variable_is_found_in_the_environment_that_a_process_was_started_with(void **state)
{
        pid_t pid = child_start(become_sleep);
        char value[8] = "before";

        (void)state;
        child_wait_environment(pid);
        assert_int_equal(proc_environment_value(pid, "SUP_WORKE", value, sizeof(value)), -ENODATA);
        assert_int_equal(proc_environment_value(pid, "UP_WORKER", value, sizeof(value)), -ENODATA);
        assert_string_equal(value, "before");
        assert_int_equal(proc_environment_value(pid, "SUP_WORKER", value, sizeof(value)), 0);
        assert_string_equal(value, "7");
        assert_int_equal(proc_environment_value(pid, "LONGER", value, sizeof(value)), 0);
        assert_string_equal(value, "0123456");
        assert_int_equal(proc_environment_value(pid, "EMPTY", value, sizeof(value)), 0);
        assert_string_equal(value, "");
        child_end(pid);
        assert_int_equal(proc_environment_value(pid, "EMPTY", value, sizeof(value)), -ENOENT);
}

/* A shell that becomes another one, which becomes another one. Its environment is not a short one. */
_Noreturn static void
exec_for_ever(void)
{
        static const char script[] = "exec /bin/sh -c \"$0\" \"$0\"";
        char fillers[N_FILLERS][1000];
        char *environment[N_FILLERS + 2] = {(char[]){"SUP_WORKER=7"}};

        for (unsigned i = 0; i < N_FILLERS; i++) {
                (void)snprintf(fillers[i], sizeof(fillers[i]), "FILLER%u=%0980u", i, i);
                environment[i + 1] = fillers[i];
        }
        (void)execle("/bin/sh", "sh", "-c", script, script, NULL, environment);
        _exit(1);
}

static void
a_variable_is_found_also_while_the_process_becomes_another_program(void **state)
{
        pid_t pid = child_start(exec_for_ever);
        unsigned n_found = 0;
        char value[8];

        (void)state;
        child_wait_environment(pid);
        for (unsigned i = 0; i < N_LOOKS; i++)
                n_found += proc_environment_value(pid, "SUP_WORKER", value, sizeof(value)) == 0;
        assert_int_equal(n_found, N_LOOKS);
        child_end(pid);
}

static void
hide(void)
{
        CHILD_MUST(prctl(PR_SET_DUMPABLE, 0) == 0);
}

static void
a_process_that_hides_from_its_user_is_seen_to_do_so(void **state)
{
        pid_t hidden = child_start(hide);
        pid_t open = child_start(NULL);

        (void)state;
        /* what is hidden belongs to root in /proc: before root there is nothing to hide */
        assert_int_equal(proc_is_hidden(hidden), geteuid() != 0);
        assert_false(proc_is_hidden(open));
        child_end(hidden);
        child_end(open);
        assert_false(proc_is_hidden(open));
}

static void
a_process_has_a_parent_as_long_as_it_lives(void **state)
{
        pid_t pid = child_start(have_a_strange_name);

        (void)state;
        assert_int_equal(proc_parent(pid), getpid());
        child_end(pid);
        assert_int_equal(proc_parent(pid), 0);
}

/* Bind a unix socket to this name, an abstract one if it begins with @. */
static int
bind_unix(const char *name)
{
        struct sockaddr_un un = {.sun_family = AF_UNIX};
        size_t length = strlen(name);
        int fd = unit_socket(AF_UNIX, SOCK_STREAM);

        assert_true(length < sizeof(un.sun_path));
        memcpy(un.sun_path, name, length);
        if (name[0] == '@')
                un.sun_path[0] = '\0';
        assert_int_equal(bind(fd, (const struct sockaddr *)&un,
                              (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length)),
                         0);
        return fd;
}

static void
a_unix_socket_is_found_by_the_path_that_it_is_bound_to(void **state)
{
        char directory[] = "/tmp/sup-unit-XXXXXX";
        char path[64];
        int fd;

        (void)state;
        assert_non_null(mkdtemp(directory));
        (void)snprintf(path, sizeof(path), "%s/with a blank", directory);
        assert_int_equal(proc_find_unix_socket(path), 0);
        fd = bind_unix(path);
        assert_int_equal(proc_find_unix_socket(path), procfd_inode(getpid(), fd));
        assert_int_equal(proc_find_unix_socket(directory), 0);
        assert_int_equal(listen(fd, 1), 0);
        assert_int_equal(proc_find_unix_socket(path), procfd_inode(getpid(), fd));
        fd_close(fd);
        assert_int_equal(proc_find_unix_socket(path), 0); /* though the file is there */
        assert_int_equal(unlink(path), 0);
        assert_int_equal(rmdir(directory), 0);
}

static void
a_name_that_only_ends_like_the_path_is_another_socket(void **state)
{
        char abstract[64];
        int fd;

        (void)state;
        (void)snprintf(abstract, sizeof(abstract), "@/sup-unit-%d/x", (int)getpid());
        fd = bind_unix(abstract);
        assert_int_equal(proc_find_unix_socket(abstract + 1), 0);
        assert_int_equal(proc_find_unix_socket("/x"), 0);
        fd_close(fd);
}

static void
the_links_of_a_process_lead_to_its_places(void **state)
{
        CLEANUP_FREE char *before = get_current_dir_name();
        char path[256];
        pid_t pid;

        (void)state;
        assert_int_equal(chdir("/proc"), 0);
        pid = child_start(become_sleep);
        assert_int_equal(chdir(before), 0);
        assert_int_equal(proc_path(pid, "cwd", path, sizeof(path)), 0);
        assert_string_equal(path, "/proc");
        assert_int_equal(proc_path(pid, "cwd", path, strlen("/proc")), -ENAMETOOLONG);
        assert_int_equal(proc_path(pid, "root", path, sizeof(path)), 0);
        assert_string_equal(path, "/");
        child_end(pid);
        assert_int_equal(proc_path(pid, "cwd", path, sizeof(path)), -ENOENT);
}

int
main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(
                        children_are_those_of_all_threads_and_descendants_those_of_all_children),
                cmocka_unit_test(a_process_that_is_gone_has_no_children_and_that_is_no_error),
                cmocka_unit_test(the_list_of_our_own_children_can_be_kept_open_and_read_again),
                cmocka_unit_test(a_long_list_is_read_to_its_end),
                cmocka_unit_test(a_thread_belongs_to_its_process),
                cmocka_unit_test(ignored_signals_are_bits_counted_from_signal_1),
                cmocka_unit_test(a_process_of_another_user_is_not_ours),
                cmocka_unit_test(a_state_is_read_whatever_the_name_of_the_process),
                cmocka_unit_test(
                        a_process_is_exiting_from_its_end_on_also_when_nobody_has_waited_for_it),
                cmocka_unit_test(a_name_is_made_printable_and_cut_to_fit),
                cmocka_unit_test(
                        a_variable_is_found_in_the_environment_that_a_process_was_started_with),
                cmocka_unit_test(
                        a_variable_is_found_also_while_the_process_becomes_another_program),
                cmocka_unit_test(a_process_that_hides_from_its_user_is_seen_to_do_so),
                cmocka_unit_test(a_process_has_a_parent_as_long_as_it_lives),
                cmocka_unit_test(a_unix_socket_is_found_by_the_path_that_it_is_bound_to),
                cmocka_unit_test(a_name_that_only_ends_like_the_path_is_another_socket),
                cmocka_unit_test(the_links_of_a_process_lead_to_its_places),
        };

        return unit_run(tests);
}
