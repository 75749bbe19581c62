/* SPDX-License-Identifier: MIT */
/* worker_tree.c - which processes belong to a worker: real ones, that fork, daemonise and leave. */
#include "child.h"
#include "unit.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>

#include "worker/tree.h"

static Tree tree = {.children_fd = -1};
static const char *environment[5]; /* of the next orphan */

static int
set_up(void **state)
{
        (void)state;
        memset(environment, 0, sizeof(environment));
        environment[0] = "KIND=orphan";
        return tree_init(&tree);
}

/* No test leaves a process behind. */
static int
tear_down(void **state)
{
        PidSet left = {0};

        (void)state;
        tree_deinit(&tree);
        do {
                pidset_deinit(&left);
                assert_int_equal(proc_read_children(getpid(), &left), 0);
                for (size_t i = 0; i < left.n_pids; i++)
                        (void)kill(left.pids[i], SIGKILL);
        } while (waitpid(-1, NULL, 0) > 0);
        pidset_deinit(&left);
        return 0;
}

/* What a worker does, in a child: leave a process behind, in the same group, and end. */
_Noreturn static void
leave_orphan(void)
{
        CLEANUP(strv_deinit_p) Strv variables = unit_strv(environment);

        if (fork() > 0)
                _exit(0);
        child_exec_sleep(variables.items);
}

/* The same after what daemon(3) does. */
_Noreturn static void
leave_daemon(void)
{
        if (fork() > 0)
                _exit(0);
        CHILD_MUST(setsid() > 0);
        leave_orphan();
}

_Noreturn static void
leave_orphan_of_own_group(void)
{
        CHILD_MUST(setpgid(0, 0) == 0);
        leave_orphan();
}

/* The one thread that is left of a process has a child of its own, and holds the end up. */
static void *
hold_end_up(void *unused)
{
        CLEANUP(strv_deinit_p) Strv variables = unit_strv(environment);
        pid_t tester = child_tester;

        (void)unused;
        while (proc_state(getpid()) != 'Z')
                (void)sched_yield();
        child_tester = getpid(); /* for the child, which is not left to anybody */
        if (fork() == 0)
                child_exec_sleep(variables.items);
        for (int fd = STDERR_FILENO + 1; fd < 64; fd++)
                (void)close(fd); /* the test waits for that */
        while (getppid() != tester)
                (void)sched_yield();
        (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
        for (;;)
                (void)pause();
}

/*
 * What a worker that daemonises leaves behind when it ends between the two forks, while the one in the
 * middle exits: that has neither an environment any more nor the group of the worker.
 */
_Noreturn static void
leave_exiting(void)
{
        pthread_t thread;

        if (fork() > 0)
                _exit(0);
        CHILD_MUST(setsid() > 0);
        CHILD_MUST(pthread_create(&thread, NULL, hold_end_up, NULL) == 0);
        pthread_exit(NULL);
}

static void
have_a_child(void)
{
        pid_t pid = child_fork();

        if (pid == 0)
                for (;;)
                        (void)pause();
}

/* The same without a look at its environment. */
static pid_t
any_orphan_of(void (*worker)(void), pid_t *ret_worker)
{
        CLEANUP(pidset_deinit_p) PidSet orphans = {0};
        pid_t pid = child_start(worker);

        assert_int_equal(child_wait(pid), 0);
        if (ret_worker)
                *ret_worker = pid;
        while (waitpid(-1, NULL, WNOHANG) > 0)
                ; /* a daemon's go-between */
        assert_int_equal(tree_read_orphans(&tree, &(PidSet){0}, &orphans), 0);
        assert_int_equal(orphans.n_pids, 1);
        return orphans.pids[0];
}

/* Let a worker end; what it leaves is ours then. Returns the pid of the one process that it left. */
static pid_t
orphan_of(void (*worker)(void), pid_t *ret_worker)
{
        pid_t pid = any_orphan_of(worker, ret_worker);

        child_wait_environment(pid);
        return pid;
}

static void
what_a_dead_worker_leaves_behind_becomes_our_orphan(void **state)
{
        pid_t orphan = orphan_of(leave_orphan, NULL);

        (void)state;
        child_end(orphan); /* reaped, which is for parents only */
}

static void
also_if_it_has_daemonised(void **state)
{
        pid_t orphan = orphan_of(leave_daemon, NULL);

        (void)state;
        assert_int_not_equal(getsid(orphan), getsid(0));
}

static void
a_main_process_is_no_orphan(void **state)
{
        pid_t pid = child_start(NULL);
        CLEANUP(pidset_deinit_p) PidSet mains = {0};
        CLEANUP(pidset_deinit_p) PidSet orphans = {0};

        (void)state;
        assert_int_equal(pidset_add(&mains, pid), 0);
        assert_int_equal(tree_read_orphans(&tree, &mains, &orphans), 0);
        assert_int_equal(orphans.n_pids, 0);
        child_end(pid);
}

static void
a_child_that_we_had_before_is_a_stranger(void **state)
{
        pid_t pid = child_start(NULL);
        CLEANUP(pidset_deinit_p) PidSet orphans = {0};

        (void)state;
        tree_deinit(&tree);
        assert_int_equal(tree_init(&tree), 0); /* as if sup were started only now */
        assert_int_equal(tree_read_orphans(&tree, &(PidSet){0}, &orphans), 0);
        assert_int_equal(orphans.n_pids, 0);
        child_end(pid);
}

static void
without_the_open_list_children_are_found_as_well(void **state)
{
        Tree slow = {.children_fd = -1};
        pid_t orphan = orphan_of(leave_orphan, NULL);
        CLEANUP(pidset_deinit_p) PidSet orphans = {0};

        (void)state;
        assert_int_equal(tree_read_orphans(&slow, &(PidSet){0}, &orphans), 0);
        assert_true(orphans.n_pids == 1 && orphans.pids[0] == orphan);
}

static void
every_orphan_is_the_only_workers_unless_we_are_pid_1(void **state)
{
        const TreeMark mark = {.worker = 1};
        Tree init = tree;
        pid_t orphan = orphan_of(leave_daemon, NULL);

        (void)state;
        assert_true(tree_owns(&tree, &mark, orphan, true));
        assert_false(tree_owns(&tree, &mark, orphan, false));
        init.is_init = true;
        assert_false(tree_owns(&init, &mark, orphan, true)); /* it may be a stranger's */
}

static void
of_several_workers_an_orphan_is_known_by_its_group(void **state)
{
        pid_t worker = 0;
        pid_t orphan = orphan_of(leave_orphan_of_own_group, &worker);
        const TreeMark its = {.worker = 1, .group = worker};
        const TreeMark other = {.worker = 2, .group = worker + 1};

        (void)state;
        assert_true(tree_owns(&tree, &its, orphan, false));
        assert_false(tree_owns(&tree, &other, orphan, false));
}

static void
or_by_the_session_that_a_daemon_made(void **state)
{
        pid_t orphan = orphan_of(leave_daemon, NULL);
        const TreeMark its = {.worker = 1, .session = getsid(orphan)};
        const TreeMark other = {.worker = 2, .session = getsid(0)};

        (void)state;
        assert_true(tree_owns(&tree, &its, orphan, false));
        assert_false(tree_owns(&tree, &other, orphan, false));
}

/* The next orphan, or its child, is of this worker, by its environment. */
static void
mark_worker_3_7(void)
{
        static char supervisor[32];

        (void)snprintf(supervisor, sizeof(supervisor), "EINHORN_MASTER_PID=%d", (int)getpid());
        environment[1] = supervisor;
        environment[2] = "SUP_WORKER=3";
        environment[3] = "SUP_GENERATION=7";
}

static void
or_by_the_environment_that_it_was_started_with(void **state)
{
        const TreeMark its = {.worker = 3, .generation = 7};
        const TreeMark other = {.worker = 33, .generation = 7};
        const TreeMark older = {.worker = 3, .generation = 6};
        pid_t orphan;

        (void)state;
        mark_worker_3_7();
        orphan = orphan_of(leave_daemon, NULL);
        assert_true(tree_owns(&tree, &its, orphan, false));
        assert_false(tree_owns(&tree, &other, orphan, false));
        assert_false(tree_owns(&tree, &older, orphan, false));
}

static void
or_because_it_was_seen_before(void **state)
{
        pid_t orphan = orphan_of(leave_daemon, NULL);
        Known seen = {.n_items = 0};
        const TreeMark its = {.worker = 1, .known = &seen};
        const TreeMark other = {.worker = 2, .known = &(Known){.n_items = 0}};

        (void)state;
        assert_false(tree_owns(&tree, &its, orphan, false));
        known_add(&seen, orphan);
        assert_true(tree_owns(&tree, &its, orphan, false));
        assert_false(tree_owns(&tree, &other, orphan, false));
        known_deinit(&seen);
}

static void
a_worker_of_the_same_number_of_another_supervisor_is_not_ours(void **state)
{
        const TreeMark mark = {.worker = 3, .generation = 7};
        pid_t orphan;

        (void)state;
        environment[1] = "EINHORN_MASTER_PID=1";
        environment[2] = "SUP_WORKER=3";
        environment[3] = "SUP_GENERATION=7";
        orphan = orphan_of(leave_daemon, NULL);
        assert_false(tree_owns(&tree, &mark, orphan, false));
}

static void
one_that_exits_belongs_to_whom_its_child_belongs(void **state)
{
        const TreeMark its = {.worker = 3, .generation = 7};
        const TreeMark other = {.worker = 4, .generation = 7};
        CLEANUP(pidset_deinit_p) PidSet all = {0};
        CLEANUP(pidset_deinit_p) PidSet none = {0};
        pid_t orphan;

        (void)state;
        mark_worker_3_7();
        orphan = any_orphan_of(leave_exiting, NULL);
        assert_true(proc_is_exiting(orphan));
        assert_true(tree_owns(&tree, &its, orphan, false));
        assert_false(tree_owns(&tree, &other, orphan, false));
        assert_int_equal(tree_read_worker(&tree, &its, 0, &(PidSet){0}, false, &all), 0);
        assert_int_equal(all.n_pids, 2);
        assert_int_equal(tree_read_worker(&tree, &other, 0, &(PidSet){0}, false, &none), 0);
        assert_int_equal(none.n_pids, 0);
}

static void
one_that_exits_is_nobodys_if_its_child_is(void **state)
{
        const TreeMark mark = {.worker = 3, .generation = 7};

        (void)state;
        assert_false(tree_owns(&tree, &mark, any_orphan_of(leave_exiting, NULL), false));
}

static void
a_living_one_is_not_known_by_its_child(void **state)
{
        pid_t parent = child_start(have_a_child);
        CLEANUP(pidset_deinit_p) PidSet children = {0};
        Known seen = {.n_items = 0};
        const TreeMark its = {.worker = 3, .generation = 7, .known = &seen};

        (void)state;
        assert_int_equal(proc_read_children(parent, &children), 0);
        assert_int_equal(children.n_pids, 1);
        known_add(&seen, children.pids[0]);
        assert_true(tree_owns(&tree, &its, children.pids[0], false));
        assert_false(tree_owns(&tree, &its, parent, false));
        known_deinit(&seen);
}

static void
a_process_that_is_gone_is_nobodys(void **state)
{
        pid_t pid = child_start(NULL);
        const TreeMark mark = {.worker = 1, .group = getpgid(0), .session = getsid(0)};

        (void)state;
        child_end(pid);
        assert_false(tree_owns(&tree, &mark, pid, false));
}

static void
a_worker_is_its_main_process_its_orphans_and_all_that_descends_from_them(void **state)
{
        const TreeMark mark = {.worker = 1};
        pid_t orphan = orphan_of(leave_daemon, NULL);
        pid_t pid = child_start(have_a_child);
        CLEANUP(pidset_deinit_p) PidSet mains = {0};
        CLEANUP(pidset_deinit_p) PidSet all = {0};
        CLEANUP(pidset_deinit_p) PidSet left = {0};

        (void)state;
        assert_int_equal(pidset_add(&mains, pid), 0);
        assert_int_equal(tree_read_worker(&tree, &mark, pid, &mains, true, &all), 0);
        assert_int_equal(all.n_pids, 3);
        assert_int_equal(all.pids[0], pid);
        assert_true(pidset_has(&all, orphan));
        assert_int_equal(tree_read_worker(&tree, &mark, 0, &mains, true, &left), 0);
        assert_true(left.n_pids == 1 && left.pids[0] == orphan);
}

static void
of_another_worker_nothing_is_taken(void **state)
{
        const TreeMark mark = {.worker = 2};
        pid_t orphan = orphan_of(leave_daemon, NULL);
        pid_t pid = child_start(have_a_child);
        CLEANUP(pidset_deinit_p) PidSet mains = {0};
        CLEANUP(pidset_deinit_p) PidSet all = {0};

        (void)state;
        assert_int_equal(pidset_add(&mains, pid), 0);
        assert_int_equal(tree_read_worker(&tree, &mark, 0, &mains, false, &all), 0);
        assert_int_equal(all.n_pids, 0);
        assert_true(proc_state(orphan));
}

#define TREE_TEST(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)

int
main(void)
{
        const struct CMUnitTest tests[] = {
                TREE_TEST(what_a_dead_worker_leaves_behind_becomes_our_orphan),
                TREE_TEST(also_if_it_has_daemonised),
                TREE_TEST(a_main_process_is_no_orphan),
                TREE_TEST(a_child_that_we_had_before_is_a_stranger),
                TREE_TEST(without_the_open_list_children_are_found_as_well),
                TREE_TEST(every_orphan_is_the_only_workers_unless_we_are_pid_1),
                TREE_TEST(of_several_workers_an_orphan_is_known_by_its_group),
                TREE_TEST(or_by_the_session_that_a_daemon_made),
                TREE_TEST(or_by_the_environment_that_it_was_started_with),
                TREE_TEST(or_because_it_was_seen_before),
                TREE_TEST(a_worker_of_the_same_number_of_another_supervisor_is_not_ours),
                TREE_TEST(one_that_exits_belongs_to_whom_its_child_belongs),
                TREE_TEST(one_that_exits_is_nobodys_if_its_child_is),
                TREE_TEST(a_living_one_is_not_known_by_its_child),
                TREE_TEST(a_process_that_is_gone_is_nobodys),
                TREE_TEST(a_worker_is_its_main_process_its_orphans_and_all_that_descends_from_them),
                TREE_TEST(of_another_worker_nothing_is_taken),
        };

        return unit_run(tests);
}
