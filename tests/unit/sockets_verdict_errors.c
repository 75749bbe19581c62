/* SPDX-License-Identifier: MIT */
/* sockets_verdict_errors.c - why an address cannot be bound where no socket is in the way. */
#include "verdicts.h"

static void
an_error_is_explained_where_no_socket_explains_it(void **state)
{
        static const struct {
                const char *host;
                uint16_t port;
                int error;
                IfaddrState local;
                Cause cause;
                Remedy remedy;
        } cases[] = {
                {"::1", 80, EACCES, IFADDR_UNKNOWN, CAUSE_PRIVILEGED_PORT, REMEDY_CAPABILITY},
                {"::1", 1023, EACCES, IFADDR_UNKNOWN, CAUSE_PRIVILEGED_PORT, REMEDY_CAPABILITY},
                {"::1", 1024, EACCES, IFADDR_UNKNOWN, CAUSE_SECURITY_MODULE, REMEDY_ASK_POLICY},
                {"::1", PORT, EPERM, IFADDR_UNKNOWN, CAUSE_BPF_HOOK, REMEDY_ASK_HOOK},
                {"2001:db8::1", PORT, EADDRNOTAVAIL, IFADDR_NONE, CAUSE_NOT_LOCAL,
                 REMEDY_LOCAL_ADDRESS},
                {"2001:db8::1", PORT, EADDRNOTAVAIL, IFADDR_UNKNOWN, CAUSE_NOT_LOCAL,
                 REMEDY_LOCAL_ADDRESS},
                {"2001:db8::1", PORT, EADDRNOTAVAIL, IFADDR_TENTATIVE, CAUSE_TENTATIVE,
                 REMEDY_WAIT_FOR_DAD},
                {"2001:db8::1", PORT, EADDRNOTAVAIL, IFADDR_DUPLICATE, CAUSE_DUPLICATE_ADDRESS,
                 REMEDY_LOCAL_ADDRESS},
                {"fe80::1", PORT, EINVAL, IFADDR_UNKNOWN, CAUSE_NO_SCOPE, REMEDY_ADD_SCOPE},
                {"::1", PORT, EINVAL, IFADDR_UNKNOWN, CAUSE_OTHER, REMEDY_NONE},
                {"::1", PORT, EAFNOSUPPORT, IFADDR_UNKNOWN, CAUSE_NO_FAMILY, REMEDY_LOCAL_ADDRESS},
                {"::1", PORT, EADDRINUSE, IFADDR_UNKNOWN, CAUSE_UNSEEN, REMEDY_FIND_ELSEWHERE},
                {"::1", PORT, ENOBUFS, IFADDR_UNKNOWN, CAUSE_OTHER, REMEDY_NONE},
        };

        (void)state;
        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                Story story;

                begin(&story, ipv6(cases[i].host, cases[i].port));
                story.facts.error = cases[i].error;
                story.facts.local = cases[i].local;
                (void)judge(&story, cases[i].cause);
                assert_true(cases[i].remedy == REMEDY_NONE
                                    ? story.verdict.n_remedies == 0
                                    : story.verdict.remedies[0] == cases[i].remedy);
        }
}

static void
a_kernel_that_hides_bound_sockets_is_said_to(void **state)
{
        Story story;

        (void)state;
        begin_tcp(&story);
        story.facts.hides_bound = true;
        (void)judge(&story, CAUSE_UNSEEN);
        assert_int_equal(story.verdict.unseen, UNSEEN_BOUND);
}

static void
a_path_is_told_by_what_is_there_and_whether_it_answers(void **state)
{
        static const struct {
                FactPath path;
                int error;
                int connect_error;
                Cause cause;
                Remedy remedy;
        } cases[] = {
                {FACT_PATH_SOCKET, EADDRINUSE, ECONNREFUSED, CAUSE_PATH_STALE, REMEDY_REMOVE_STALE},
                {FACT_PATH_SOCKET, EADDRINUSE, 0, CAUSE_PATH_ELSEWHERE, REMEDY_FIND_ELSEWHERE},
                {FACT_PATH_SOCKET, EADDRINUSE, EPROTOTYPE, CAUSE_PATH_ELSEWHERE,
                 REMEDY_FIND_ELSEWHERE},
                {FACT_PATH_SOCKET, EADDRINUSE, EACCES, CAUSE_PATH_UNKNOWN, REMEDY_BE_ROOT},
                {FACT_PATH_OTHER, EADDRINUSE, FACTS_NOT_TRIED, CAUSE_PATH_TAKEN, REMEDY_OTHER_NAME},
                {FACT_PATH_DIRECTORY, EADDRINUSE, FACTS_NOT_TRIED, CAUSE_PATH_TAKEN,
                 REMEDY_OTHER_NAME},
                {FACT_PATH_DANGLING, EADDRINUSE, FACTS_NOT_TRIED, CAUSE_PATH_TAKEN,
                 REMEDY_OTHER_NAME},
                {FACT_PATH_LINK, EADDRINUSE, FACTS_NOT_TRIED, CAUSE_PATH_TAKEN, REMEDY_OTHER_NAME},
                {FACT_PATH_NONE, ENOENT, FACTS_NOT_TRIED, CAUSE_DIRECTORY, REMEDY_DIRECTORY},
                {FACT_PATH_NONE, EACCES, FACTS_NOT_TRIED, CAUSE_DIRECTORY, REMEDY_DIRECTORY},
        };

        (void)state;
        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                Story story;

                begin(&story, unix_name("/run/socket", sizeof("/run/socket")));
                story.facts.error = cases[i].error;
                story.facts.path = cases[i].path;
                story.facts.connect_error = cases[i].connect_error;
                (void)judge(&story, cases[i].cause);
                assert_int_equal(story.verdict.remedies[0], cases[i].remedy);
        }
}

static void
a_timer_goes_off_late_by_the_grain_of_its_level_in_the_wheel(void **state)
{
        (void)state;
        assert_int_equal(verdict_timer_slack(60000, 250), 2048);
        assert_int_equal(verdict_timer_slack(60000, 1000), 4096);
        assert_int_equal(verdict_timer_slack(60000, 100), 5120);
        assert_int_equal(verdict_timer_slack(60000, 300), 1706);
        assert_int_equal(verdict_timer_slack(40, 1000), 1);
        assert_int_equal(verdict_timer_slack(60000, 0), 0); /* not told */
}

static void
every_cause_has_a_name_of_its_own(void **state)
{
        (void)state;
        for (Cause a = CAUSE_LISTENER; a < CAUSE_N; a++) {
                assert_non_null(verdict_cause_name(a));
                for (Cause b = CAUSE_LISTENER; b < a; b++)
                        assert_string_not_equal(verdict_cause_name(a), verdict_cause_name(b));
        }
}

static void
advice_about_vsock_is_not_that_about_tcp(void **state)
{
        static const struct {
                int error;
                Remedy remedy;
        } cases[] = {
                {EADDRNOTAVAIL, REMEDY_LOCAL_CID},
                {EADDRINUSE, REMEDY_FIND_VSOCK},
                {EAFNOSUPPORT, REMEDY_LOAD_VSOCK},
                {EACCES, REMEDY_CAPABILITY},
        };

        (void)state;
        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                Story story;

                begin(&story, vsock(3, 1023));
                story.facts.error = cases[i].error;
                verdict_judge(&story.facts, &story.verdict);
                assert_int_equal(story.verdict.remedies[0], cases[i].remedy);
                for (size_t j = 0; j < story.verdict.n_remedies; j++) {
                        assert_int_not_equal(story.verdict.remedies[j], REMEDY_LOCAL_ADDRESS);
                        assert_int_not_equal(story.verdict.remedies[j], REMEDY_FREEBIND);
                }
        }
}

int
main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(an_error_is_explained_where_no_socket_explains_it),
                cmocka_unit_test(a_kernel_that_hides_bound_sockets_is_said_to),
                cmocka_unit_test(a_path_is_told_by_what_is_there_and_whether_it_answers),
                cmocka_unit_test(a_timer_goes_off_late_by_the_grain_of_its_level_in_the_wheel),
                cmocka_unit_test(every_cause_has_a_name_of_its_own),
                cmocka_unit_test(advice_about_vsock_is_not_that_about_tcp),
        };

        return unit_run(tests);
}
