/* SPDX-License-Identifier: MIT */
/* worker_arguments.c - {fd:NAME} in the command of a worker. */
#include "unit.h"

#include "worker/environment.h"

static const EnvironmentListener three[] = {{.name = "web"}, {.name = "admin"}, {.name = "local"}};

/* The arguments, filled in, joined with blanks; the caller frees them. */
static char *
fill(const char *const *words, char **ret_why)
{
        const EnvironmentInput in = {.listeners = three, .n_listeners = ELEMENTSOF(three)};
        CLEANUP(strv_deinit_p) Strv arguments = unit_strv(words);
        CLEANUP(strv_deinit_p) Strv filled = {0};
        char *text = NULL;
        size_t length = 0;
        FILE *f;

        if (environment_fill_arguments(&filled, arguments.items, &in, ret_why) < 0)
                return NULL;
        f = open_memstream(&text, &length);
        assert_non_null(f);
        for (size_t i = 0; i < filled.n_items; i++)
                (void)fprintf(f, "%s%s", i ? " " : "", filled.items[i]);
        (void)fclose(f);
        return text;
}

static void
braces_with_a_name_become_the_number_of_its_descriptor(void **state)
{
        CLEANUP_FREE char *reason = NULL;
        CLEANUP_FREE char *text = fill(UNIT_WORDS("{fd:web}", "--fd={fd:admin}",
                                                  "{fd:web},{fd:local}{fd:web}x", "plain", ""),
                                       &reason);

        (void)state;
        assert_string_equal(text, "3 --fd=4 3,53x plain ");
        assert_null(reason);
}

static void
other_braces_stay_as_they_are(void **state)
{
        CLEANUP_FREE char *reason = NULL;
        CLEANUP_FREE char *text = fill(
                UNIT_WORDS("{}", "{fd}", "{FD:web}", "{fd:web", "${fd", "{{fd:web}}"), &reason);

        (void)state;
        assert_string_equal(text, "{} {fd} {FD:web} {fd:web ${fd {3}");
}

static void
braces_with_a_name_that_no_listener_has_are_refused(void **state)
{
        CLEANUP_FREE char *first = NULL;
        CLEANUP_FREE char *second = NULL;

        (void)state;
        assert_null(fill(UNIT_WORDS("{fd:web}", "{fd:we}"), &first));
        assert_string_equal(first, "{fd:we} names no listener; give one with -l we=ADDRESS");
        assert_null(fill(UNIT_WORDS("x{fd:webb}", "{fd:no}"), &second));
        assert_string_equal(second, "{fd:webb} names no listener; give one with -l webb=ADDRESS");
}

int
main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(braces_with_a_name_become_the_number_of_its_descriptor),
                cmocka_unit_test(other_braces_stay_as_they_are),
                cmocka_unit_test(braces_with_a_name_that_no_listener_has_are_refused),
        };

        return unit_run(tests);
}
