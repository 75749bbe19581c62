/* SPDX-License-Identifier: MIT */
/* sockets_verdict.c - which sockets stand in the way of an address, until when, and what to do. */
#include "verdicts.h"

static void
a_listener_is_named_with_its_process_and_is_to_be_ended(void **state)
{
        Story story;
        const Finding *finding;

        (void)state;
        begin_tcp(&story);
        (void)add_holder(&story, add_socket(&story, TCP_LISTEN), PID);
        finding = judge(&story, CAUSE_LISTENER);
        assert_true(finding->is_certain);
        assert_int_equal(finding->holder->process.pid, PID);
        assert_int_equal(story.verdict.remedies[0], REMEDY_END);
        assert_int_equal(story.verdict.unseen, 0);
        assert_int_equal(story.verdict.wait_msec, 0); /* it never goes by itself */
}

static void
of_several_processes_the_first_one_counts_and_not_one_that_is_ending(void **state)
{
        Story story;
        FactSocket *s;

        (void)state;
        begin_tcp(&story);
        s = add_socket(&story, TCP_LISTEN);
        add_holder(&story, s, 11)->is_ending = true;
        (void)add_holder(&story, s, 12);
        story.holders[1].is_first = false;
        (void)add_holder(&story, s, 13);
        assert_int_equal(judge(&story, CAUSE_LISTENER)->holder->process.pid, 13);
}

static void
an_orphan_that_does_not_wait_for_clients_has_inherited_its_listener(void **state)
{
        Story story;
        Process *p;
        const Finding *finding;

        (void)state;
        begin_tcp(&story);
        p = add_holder(&story, add_socket(&story, TCP_LISTEN), PID);
        p->is_orphan = true;
        finding = judge(&story, CAUSE_INHERITED);
        assert_false(finding->is_certain);
        assert_true(story.verdict.inferences & INFER_LEFT_BY_SERVER);
        p->waits = true; /* a daemon */
        (void)judge(&story, CAUSE_LISTENER);
}

static void
a_stopped_holder_is_continued_or_ended(void **state)
{
        Story story;
        Process *p;

        (void)state;
        begin_tcp(&story);
        p = add_holder(&story, add_socket(&story, TCP_LISTEN), PID);
        for (const char *letter = "Tt"; *letter; letter++) {
                p->state = *letter;
                (void)judge(&story, CAUSE_STOPPED);
                assert_int_equal(story.verdict.remedies[0], REMEDY_CONTINUE);
                assert_int_equal(story.verdict.remedies[1], REMEDY_END);
        }
}

static void
a_holder_that_is_ending_or_dumps_core_is_waited_for(void **state)
{
        Story story;
        Process *p;

        (void)state;
        begin_tcp(&story);
        p = add_holder(&story, add_socket(&story, TCP_LISTEN), PID);
        p->is_ending = true;
        assert_true(judge(&story, CAUSE_ENDING)->is_certain);
        assert_int_equal(story.verdict.remedies[0], REMEDY_WAIT_FOR_END);
        p->is_ending = false;
        p->dumps_core = true;
        (void)judge(&story, CAUSE_ENDING);
        story.holders[0].fd = -1;
        assert_false(judge(&story, CAUSE_ENDING)->is_certain);
        assert_true(story.verdict.inferences & INFER_HELD_BY_ENDING);
}

static void
a_socket_that_is_gone_on_the_second_look_was_of_a_process_that_ended(void **state)
{
        Story story;

        (void)state;
        begin_tcp(&story);
        story.facts.error = 0;
        story.facts.was_gone = true;
        verdict_judge(&story.facts, &story.verdict);
        assert_true(story.verdict.is_free);
        assert_true(story.verdict.inferences & INFER_ENDED_JUST_NOW);
}

static void
a_listener_of_which_no_process_is_seen_is_for_root_to_look_at(void **state)
{
        Story story;

        (void)state;
        begin_tcp(&story);
        add_socket(&story, TCP_LISTEN)->s.uid = OTHER;
        assert_null(judge(&story, CAUSE_LISTENER)->holder);
        assert_int_equal(story.verdict.unseen, UNSEEN_HOLDER);
        assert_int_equal(story.verdict.remedies[0], REMEDY_BE_ROOT);
        story.facts.is_root = true;
        (void)judge(&story, CAUSE_LISTENER);
        assert_int_equal(story.verdict.unseen, UNSEEN_HOLDER_AS_ROOT);
        assert_int_equal(story.verdict.remedies[0], REMEDY_FIND_ELSEWHERE);
}

static void
a_bound_socket_is_told_from_a_listener(void **state)
{
        Story story;

        (void)state;
        begin_tcp(&story);
        (void)add_holder(&story, add_socket(&story, SOCKDIAG_BOUND), PID);
        (void)judge(&story, CAUSE_BOUND);
        assert_int_equal(story.verdict.remedies[0], REMEDY_END);
}

static void
a_bound_socket_that_shares_is_no_obstacle_but_a_rival(void **state)
{
        Story story;

        (void)state;
        begin_tcp(&story);
        (void)add_holder(&story, add_socket(&story, SOCKDIAG_BOUND), PID);
        story.facts.asker.reuseaddr = true;
        story.facts.error = 0;
        verdict_judge(&story.facts, &story.verdict);
        assert_true(story.verdict.is_free);
        assert_true(story.verdict.inferences & INFER_FIRST_TO_LISTEN);
        assert_int_equal(story.verdict.n_remedies, 0);
}

static void
time_wait_with_the_option_ends_with_the_option(void **state)
{
        Story story;

        (void)state;
        begin_tcp(&story);
        (void)add_leftover(&story, TCP_TIME_WAIT, 47000);
        story.facts.error_reuseaddr = 0;
        assert_int_equal(judge(&story, CAUSE_TIME_WAIT)->wait_msec, 47000);
        assert_int_equal(story.verdict.wait_msec, 47000);
        assert_int_equal(story.verdict.remedies[0], REMEDY_SET_REUSEADDR);
        assert_int_equal(story.verdict.remedies[1], REMEDY_WAIT);
        assert_true(story.verdict.inferences & INFER_OLD_HAD_REUSEADDR);
        assert_true(story.verdict.unseen & UNSEEN_OWNER_OF_LEFTOVER);
}

static void
time_wait_without_the_option_has_to_be_waited_for(void **state)
{
        Story story;

        (void)state;
        begin_tcp(&story);
        (void)add_leftover(&story, TCP_TIME_WAIT, 47000);
        (void)judge(&story, CAUSE_TIME_WAIT);
        assert_int_equal(story.verdict.remedies[0], REMEDY_WAIT);
        assert_true(story.verdict.inferences & INFER_OLD_LACKED_REUSEADDR);
        story.facts.asker.reuseaddr = true; /* the asker has it, and was refused all the same */
        story.facts.error_reuseaddr = FACTS_NOT_TRIED;
        (void)judge(&story, CAUSE_TIME_WAIT);
        assert_int_equal(story.verdict.remedies[0], REMEDY_WAIT);
        assert_true(story.verdict.inferences & INFER_OLD_LACKED_REUSEADDR);
}

static void
of_many_the_one_that_stays_longest_counts(void **state)
{
        Story story;
        const Finding *finding;

        (void)state;
        begin_tcp(&story);
        add_leftover(&story, TCP_TIME_WAIT, 20000)->n_alike = 30;
        (void)add_leftover(&story, TCP_TIME_WAIT, 59000);
        finding = judge(&story, CAUSE_TIME_WAIT);
        assert_int_equal(story.verdict.n_findings, 1);
        assert_int_equal(finding->n_sockets, 31);
        assert_int_equal(story.verdict.wait_msec, 59000);
        assert_ptr_equal(finding->socket, &story.sockets[1]);
}

static void
a_client_that_has_not_closed_may_do_that_or_be_ended(void **state)
{
        Story story;

        (void)state;
        begin_tcp(&story);
        (void)add_leftover(&story, TCP_FIN_WAIT2, 30000);
        (void)judge(&story, CAUSE_FIN_WAIT2);
        assert_int_equal(story.verdict.wait_msec, 30000);
        assert_true(advises(&story, REMEDY_END_CLIENT));
        assert_true(advises(&story, REMEDY_WAIT));
}

static void
a_client_that_does_not_read_takes_a_time_that_nobody_knows(void **state)
{
        static const unsigned states[] = {TCP_FIN_WAIT1, TCP_LAST_ACK, TCP_CLOSING};

        (void)state;
        for (size_t i = 0; i < ELEMENTSOF(states); i++) {
                Story story;

                begin_tcp(&story);
                (void)add_leftover(&story, states[i], 0);
                (void)add_leftover(&story, TCP_TIME_WAIT, 47000);
                (void)judge(&story, CAUSE_UNFINISHED);
                assert_int_equal(story.verdict.n_findings, 2);
                assert_int_equal(story.verdict.wait_msec, 0);
        }
}

static void
old_connections_are_told_with_the_process_that_serves_them(void **state)
{
        static const unsigned states[] = {TCP_ESTABLISHED, TCP_CLOSE_WAIT, TCP_FIN_WAIT2};

        (void)state;
        for (size_t i = 0; i < ELEMENTSOF(states); i++) {
                Story story;
                FactSocket *s;
                const Finding *finding;

                begin_tcp(&story);
                s = add_socket(&story, states[i]);
                s->s.peer_port = CLIENT_PORT;
                (void)add_holder(&story, s, PID);
                story.facts.error_reuseaddr = 0;
                finding = judge(&story, CAUSE_CONNECTION);
                assert_false(finding->is_certain);
                assert_true(story.verdict.inferences & INFER_ACCEPTED);
                assert_int_equal(story.verdict.remedies[0], REMEDY_SET_REUSEADDR);
                assert_int_equal(story.verdict.remedies[1], REMEDY_END);
        }
}

static void
an_outgoing_connection_is_known_by_the_range_or_by_the_listener_at_its_end(void **state)
{
        Story story;
        FactSocket *s;

        (void)state;
        begin(&story, ipv4("0.0.0.0", CLIENT_PORT));
        s = add_socket(&story, TCP_ESTABLISHED);
        (void)add_holder(&story, s, PID);
        s->s.peer_port = 443;
        assert_false(judge(&story, CAUSE_OUTGOING)->is_certain);
        assert_true(story.verdict.inferences & INFER_OUTGOING);
        assert_int_equal(story.verdict.remedies[0], REMEDY_BELOW_RANGE);
        s->s.peer_port = CLIENT_PORT + 1; /* which end is which? */
        (void)judge(&story, CAUSE_CONNECTION);
        s->peer_is_listener = true;
        assert_true(judge(&story, CAUSE_OUTGOING)->is_certain);
        s->peer_is_listener = false;
        s->s.state = TCP_SYN_SENT;
        assert_true(judge(&story, CAUSE_OUTGOING)->is_certain);
}

static void
what_a_client_left_is_told_from_what_a_server_left(void **state)
{
        Story story;

        (void)state;
        begin(&story, ipv4("0.0.0.0", CLIENT_PORT));
        add_leftover(&story, TCP_TIME_WAIT, 47000)->s.peer_port = 443;
        assert_true(judge(&story, CAUSE_TIME_WAIT)->is_client);
        assert_int_equal(story.verdict.remedies[0], REMEDY_BELOW_RANGE);
}

static void
a_connection_to_itself_is_named(void **state)
{
        Story story;
        FactSocket *s;

        (void)state;
        begin(&story, ipv4("0.0.0.0", CLIENT_PORT));
        s = add_socket(&story, TCP_ESTABLISHED);
        s->s.peer_port = CLIENT_PORT;
        s->s.peer = s->s.address;
        (void)add_holder(&story, s, PID);
        assert_true(judge(&story, CAUSE_SELF_CONNECT)->is_certain);
        assert_int_equal(story.verdict.remedies[0], REMEDY_END);
}

static void
an_ipv6_wildcard_takes_ipv4_unless_it_says_otherwise(void **state)
{
        Story story;
        FactSocket *s;

        (void)state;
        begin_tcp(&story);
        s = add_socket(&story, TCP_LISTEN);
        s->s.family = AF_INET6;
        s->s.address = (struct in6_addr)IN6ADDR_ANY_INIT;
        s->s.v6only = 0;
        (void)add_holder(&story, s, PID);
        assert_true(judge(&story, CAUSE_LISTENER)->takes_both);
        assert_int_equal(story.verdict.remedies[0], REMEDY_V6ONLY);
        s->s.v6only = 1;
        assert_false(judge(&story, CAUSE_LISTENER)->takes_both);
        begin(&story, ipv6("::", PORT)); /* asked for IPv6, it is a listener like any other */
        s = add_socket(&story, TCP_LISTEN);
        s->s.family = AF_INET6;
        s->s.v6only = 0;
        assert_false(judge(&story, CAUSE_LISTENER)->takes_both);
}

static void
a_group_of_another_user_is_closed_also_to_root(void **state)
{
        Story story;
        FactSocket *s;

        (void)state;
        begin_tcp(&story);
        story.facts.asker.reuseport = true;
        story.facts.asker.uid = 0;
        story.facts.is_root = true;
        s = add_socket(&story, TCP_LISTEN);
        s->s.uid = OTHER;
        (void)add_holder(&story, s, PID);
        story.facts.error_as_owner = 0; /* as that user it worked */
        assert_true(judge(&story, CAUSE_LISTENER)->foreign_group);
        assert_int_equal(story.verdict.remedies[0], REMEDY_SAME_USER);
        story.facts.error_as_owner = EADDRINUSE;
        s->reuseport = 0;
        assert_false(judge(&story, CAUSE_LISTENER)->foreign_group);
        assert_true(story.verdict.inferences & INFER_LISTENER_LACKS_REUSEPORT);
}

static void
a_group_of_ones_own_can_be_joined(void **state)
{
        Story story;

        (void)state;
        begin_tcp(&story);
        (void)add_holder(&story, add_socket(&story, TCP_LISTEN), PID);
        story.facts.error_reuseport = 0;
        (void)judge(&story, CAUSE_LISTENER);
        assert_int_equal(story.verdict.remedies[0], REMEDY_END);
        assert_true(advises(&story, REMEDY_SET_REUSEPORT));
}

static void
a_udp_socket_is_neither_bound_nor_a_listener(void **state)
{
        Story story;
        FactSocket *s;

        (void)state;
        begin(&story, typed(ipv4("0.0.0.0", PORT), SOCK_DGRAM));
        s = add_socket(&story, TCP_CLOSE);
        s->s.protocol = IPPROTO_UDP;
        (void)add_holder(&story, s, PID);
        (void)judge(&story, CAUSE_DATAGRAM);
        assert_int_equal(story.verdict.inferences, 0);
        story.facts.asker.reuseaddr = true;
        (void)judge(&story, CAUSE_DATAGRAM);
        assert_int_equal(story.verdict.inferences, INFER_CANNOT_TELL_SHARING);
}

int
main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(a_listener_is_named_with_its_process_and_is_to_be_ended),
                cmocka_unit_test(
                        of_several_processes_the_first_one_counts_and_not_one_that_is_ending),
                cmocka_unit_test(
                        an_orphan_that_does_not_wait_for_clients_has_inherited_its_listener),
                cmocka_unit_test(a_stopped_holder_is_continued_or_ended),
                cmocka_unit_test(a_holder_that_is_ending_or_dumps_core_is_waited_for),
                cmocka_unit_test(
                        a_socket_that_is_gone_on_the_second_look_was_of_a_process_that_ended),
                cmocka_unit_test(a_listener_of_which_no_process_is_seen_is_for_root_to_look_at),
                cmocka_unit_test(a_bound_socket_is_told_from_a_listener),
                cmocka_unit_test(a_bound_socket_that_shares_is_no_obstacle_but_a_rival),
                cmocka_unit_test(time_wait_with_the_option_ends_with_the_option),
                cmocka_unit_test(time_wait_without_the_option_has_to_be_waited_for),
                cmocka_unit_test(of_many_the_one_that_stays_longest_counts),
                cmocka_unit_test(a_client_that_has_not_closed_may_do_that_or_be_ended),
                cmocka_unit_test(a_client_that_does_not_read_takes_a_time_that_nobody_knows),
                cmocka_unit_test(old_connections_are_told_with_the_process_that_serves_them),
                cmocka_unit_test(
                        an_outgoing_connection_is_known_by_the_range_or_by_the_listener_at_its_end),
                cmocka_unit_test(what_a_client_left_is_told_from_what_a_server_left),
                cmocka_unit_test(a_connection_to_itself_is_named),
                cmocka_unit_test(an_ipv6_wildcard_takes_ipv4_unless_it_says_otherwise),
                cmocka_unit_test(a_group_of_another_user_is_closed_also_to_root),
                cmocka_unit_test(a_group_of_ones_own_can_be_joined),
                cmocka_unit_test(a_udp_socket_is_neither_bound_nor_a_listener),
        };

        return unit_run(tests);
}
