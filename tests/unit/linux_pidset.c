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

static void
a_set_is_asked_the_same_in_every_order(void **state)
{
        CLEANUP(pidset_deinit_p) PidSet set = {0};

        (void)state;
        pidset_sort(&set);
        assert_int_equal(set.n_pids, 0);
        for (int round = 0; round < 2; round++) { /* the second one in the place of the first */
                for (pid_t i = 0; i < 100; i++)
                        assert_int_equal(pidset_add(&set, 1 + i * 37 % 100 * 2), 0);
                for (int sorted = 0; sorted < 2; sorted++) {
                        for (pid_t pid = 0; pid <= 201; pid++)
                                assert_int_equal(pidset_has(&set, pid), pid % 2 == 1 && pid < 200);
                        assert_int_equal(pidset_add(&set, 1), 0);
                        assert_int_equal(set.n_pids, 100);
                        pidset_sort(&set);
                }
                for (size_t i = 1; i < set.n_pids; i++)
                        assert_true(set.pids[i - 1] < set.pids[i]);
                set.n_pids = 0;
                assert_false(pidset_has(&set, 1));
        }
}

int
main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(a_set_of_pids_has_each_of_them_once),
                cmocka_unit_test(the_pids_keep_their_order),
                cmocka_unit_test(a_set_is_asked_the_same_in_every_order),
        };

        return unit_run(tests);
}
