/* SPDX-License-Identifier: MIT */
/* cli_progress.c - how far a reload is, as one line that grows, and what it came to. */
#include "unit.h"

#include "cli/progress.h"

/* Take a report in; whether it began another phase. */
static bool
report(Progress *p, const char *text)
{
        json_t *body = json_loads(text, 0, NULL);
        bool is_new = progress_take(p, body);

        json_decref(body);
        return is_new;
}

static void
expect_line(const Progress *p, const char *expected)
{
        char line[PROGRESS_TEXT_MAX];

        assert_string_equal(progress_line(p, line, sizeof(line)), expected);
}

static void
the_line_grows_with_each_phase(void **state)
{
        Progress p = {0};

        (void)state;
        expect_line(&p, "");
        assert_true(report(&p, "{\"phase\":\"starting\",\"workers_ready\":0,\"workers\":4}"));
        expect_line(&p, "starting 0 of 4");
        assert_false(report(&p, "{\"phase\":\"starting\",\"workers_ready\":4,\"workers\":4}"));
        assert_true(report(&p, "{\"phase\":\"ready\"}"));
        expect_line(&p, "starting 4 of 4, ready");
        assert_true(report(&p, "{\"phase\":\"draining\",\"connections\":12}"));
        expect_line(&p, "starting 4 of 4, ready, draining 12 connections");
        assert_false(report(&p, "{\"phase\":\"draining\",\"connections\":3}"));
        assert_true(report(&p, "{\"phase\":\"done\"}"));
        expect_line(&p, "starting 4 of 4, ready, draining 12 → 3 connections, done");
}

static void
a_single_worker_is_not_counted(void **state)
{
        Progress p = {0};

        (void)state;
        (void)report(&p, "{\"phase\":\"starting\",\"workers_ready\":0,\"workers\":1}");
        expect_line(&p, "starting");
}

static void
connections_are_shown_from_the_most_that_there_were(void **state)
{
        Progress p = {0};

        (void)state;
        (void)report(&p, "{\"phase\":\"draining\",\"connections\":1}");
        expect_line(&p, "draining 1 connection");
        (void)report(&p, "{\"phase\":\"draining\",\"connections\":5}");
        expect_line(&p, "draining 5 connections");
        (void)report(&p, "{\"phase\":\"draining\",\"connections\":0}");
        expect_line(&p, "draining 5 → 0 connections");
}

static void
what_says_no_phase_is_passed_over(void **state)
{
        Progress p = {0};

        (void)state;
        assert_false(report(&p, "{}"));
        assert_false(report(&p, "{\"phase\":7}"));
        assert_false(report(&p, "{\"connections\":7}"));
        expect_line(&p, "");
}

static void
a_phase_that_is_not_known_is_shown_and_cannot_steer_the_terminal(void **state)
{
        Progress p = {0};

        (void)state;
        assert_true(report(&p, "{\"phase\":\"dan\\u001bcing\",\"connections\":7}"));
        expect_line(&p, "dan?cing");
}

static void
phases_without_end_do_no_harm(void **state)
{
        Progress p = {0};
        char line[PROGRESS_TEXT_MAX];

        (void)state;
        for (int i = 0; i < 100; i++) {
                char text[200];

                (void)snprintf(text, sizeof(text), "{\"phase\":\"%d%0100d\"}", i, i);
                (void)report(&p, text);
        }
        assert_int_equal(p.n_phases, PROGRESS_PHASES_MAX);
        assert_true(strlen(progress_line(&p, line, sizeof(line))) < sizeof(line));
}

static void
expect_summary(const char *text, const char *expected)
{
        json_t *summary = json_loads(text, 0, NULL);
        CLEANUP_FREE char *printed = NULL;
        size_t size = 0;
        FILE *f = open_memstream(&printed, &size);

        assert_non_null(f);
        progress_print_summary(f, summary);
        (void)fclose(f);
        json_decref(summary);
        assert_string_equal(printed, expected);
}

static void
the_summary_is_one_sentence_of_numbers(void **state)
{
        (void)state;
        expect_summary("{\"generation\":4,\"duration_usec\":1300000,\"longest_wait_usec\":2100,"
                       "\"deepest_queue\":3,\"overflows\":0,\"finished\":12,\"cut\":1}",
                       "generation 4 in 1.3 s; longest wait in the queue 2.1 ms, deepest queue 3, "
                       "overflows 0; old connections finished 12, cut 1\n");
}

static void
those_who_waited_before_a_reload_are_told_if_there_are_any(void **state)
{
        (void)state;
        expect_summary("{\"longest_wait_usec\":86000,\"waiting_before\":7,\"deepest_queue\":9}",
                       "; longest wait in the queue 86 ms since it began (7 had come before), "
                       "deepest queue 9\n");
        expect_summary("{\"longest_wait_usec\":86000,\"waiting_before\":0,\"deepest_queue\":9}",
                       "; longest wait in the queue 86 ms, deepest queue 9\n");
}

static void
what_the_summary_does_not_say_is_left_out(void **state)
{
        (void)state;
        expect_summary("{\"generation\":4,\"duration_usec\":null}", "generation 4\n");
        expect_summary("{\"generation\":4,\"duration_usec\":-1}", "generation 4\n");
}

int
main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(the_line_grows_with_each_phase),
                cmocka_unit_test(a_single_worker_is_not_counted),
                cmocka_unit_test(connections_are_shown_from_the_most_that_there_were),
                cmocka_unit_test(what_says_no_phase_is_passed_over),
                cmocka_unit_test(a_phase_that_is_not_known_is_shown_and_cannot_steer_the_terminal),
                cmocka_unit_test(phases_without_end_do_no_harm),
                cmocka_unit_test(the_summary_is_one_sentence_of_numbers),
                cmocka_unit_test(those_who_waited_before_a_reload_are_told_if_there_are_any),
                cmocka_unit_test(what_the_summary_does_not_say_is_left_out),
        };

        return unit_run(tests);
}
