/* SPDX-License-Identifier: MIT */
/* base_strv.c - a growing vector of strings that owns them. */
#include "unit.h"

#include <errno.h>

#include "base/strv.h"

static void
an_empty_vector_has_no_items_and_can_be_freed(void **state)
{
        Strv v = {0};

        (void)state;
        strv_deinit(&v);
        assert_null(v.items);
        assert_int_equal(v.n_items, 0);
}

static void
strings_keep_their_order_and_a_null_ends_them_at_every_size(void **state)
{
        CLEANUP(strv_deinit_p) Strv v = {0};
        char expected[16];

        (void)state;
        for (size_t i = 0; i < 1000; i++) {
                assert_int_equal(strv_addf(&v, "item %zu", i), 0);
                assert_int_equal(v.n_items, i + 1);
                assert_null(v.items[i + 1]);
        }
        for (size_t i = 0; i < 1000; i++) {
                (void)snprintf(expected, sizeof(expected), "item %zu", i);
                assert_string_equal(v.items[i], expected);
        }
}

static void
an_added_string_belongs_to_the_vector(void **state)
{
        Strv v = {0};
        char *text = strdup("mine no more");

        (void)state;
        assert_int_equal(strv_add(&v, text), 0);
        assert_ptr_equal(v.items[0], text);
        strv_deinit(&v); /* a leak checker sees whether it is freed, and once */
}

static void
a_null_is_a_failed_allocation_and_adds_nothing(void **state)
{
        CLEANUP(strv_deinit_p) Strv v = {0};

        (void)state;
        assert_int_equal(strv_add(&v, NULL), -ENOMEM);
        assert_int_equal(v.n_items, 0);
        assert_int_equal(strv_addf(&v, "%s", ""), 0);
        assert_int_equal(strv_add(&v, NULL), -ENOMEM);
        assert_int_equal(v.n_items, 1);
        assert_string_equal(v.items[0], "");
}

static void
a_freed_vector_is_empty_and_can_be_used_again(void **state)
{
        Strv v = {0};

        (void)state;
        assert_int_equal(strv_addf(&v, "first %d", 1), 0);
        strv_deinit(&v);
        assert_int_equal(v.n_items, 0);
        assert_int_equal(strv_addf(&v, "second"), 0);
        assert_string_equal(v.items[0], "second");
        assert_null(v.items[1]);
        strv_deinit(&v);
        strv_deinit(&v);
}

int
main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(an_empty_vector_has_no_items_and_can_be_freed),
                cmocka_unit_test(strings_keep_their_order_and_a_null_ends_them_at_every_size),
                cmocka_unit_test(an_added_string_belongs_to_the_vector),
                cmocka_unit_test(a_null_is_a_failed_allocation_and_adds_nothing),
                cmocka_unit_test(a_freed_vector_is_empty_and_can_be_used_again),
        };

        return unit_run(tests);
}
