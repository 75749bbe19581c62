/* SPDX-License-Identifier: MIT */
/* linux_pidset.c - a set of processes. */
#include "unit.h"

#include "linux/proc.h"

static void
a_set_of_pids_has_each_of_them_once(void **state)
{
        PidSet set = {0};

        (void)state;
        assert_false(pidset_has(&set, 1));
        for (int round = 0; round < 2; round++)
                for (pid_t pid = 1; pid <= 100; pid++)
                        assert_int_equal(pidset_add(&set, pid), 0);
        assert_int_equal(set.n_pids, 100);
        assert_true(pidset_has(&set, 1) && pidset_has(&set, 100));
        assert_false(pidset_has(&set, 101));
        pidset_deinit(&set);
        assert_int_equal(set.n_pids, 0);
}

static void
the_pids_keep_their_order(void **state)
{
        CLEANUP(pidset_deinit_p) PidSet set = {0};

        (void)state;
        assert_int_equal(pidset_add(&set, 30), 0);
        assert_int_equal(pidset_add(&set, 10), 0);
        assert_int_equal(pidset_add(&set, 20), 0);
        assert_int_equal(pidset_add(&set, 10), 0);
        assert_int_equal(set.n_pids, 3);
        assert_int_equal(set.pids[0], 30);
        assert_int_equal(set.pids[1], 10);
        assert_int_equal(set.pids[2], 20);
}

int
main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(a_set_of_pids_has_each_of_them_once),
                cmocka_unit_test(the_pids_keep_their_order),
        };

        return unit_run(tests);
}
