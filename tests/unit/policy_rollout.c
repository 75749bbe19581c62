/* SPDX-License-Identifier: MIT */
/* policy_rollout.c - the way from one generation to the next: each cell, and what holds for all. */
#include "unit.h"

#include "policy/rollout.h"

enum {
        N_SEQUENCES = 100000,
        N_STEPS = 24, /* of one sequence */
};

static void
expect_step(RolloutState state, RolloutEvent event, RolloutAction action, RolloutState next)
{
        RolloutStep step = rollout_step(state, event);

        unit_expect(step.action == action && step.next == next,
                    "event %d in state %s gives action %d → %s instead of %d → %s\n", event,
                    rollout_state_name(state), step.action, rollout_state_name(step.next), action,
                    rollout_state_name(next));
}

static void
a_request_begins_a_rollout(void **state)
{
        (void)state;
        expect_step(ROLLOUT_IDLE, ROLLOUT_EVENT_REQUEST, ROLLOUT_ACTION_BEGIN, ROLLOUT_STARTING);
}

static void
a_request_during_one_waits_for_its_turn(void **state)
{
        (void)state;
        expect_step(ROLLOUT_STARTING, ROLLOUT_EVENT_REQUEST, ROLLOUT_ACTION_QUEUE,
                    ROLLOUT_STARTING);
        expect_step(ROLLOUT_BAKING, ROLLOUT_EVENT_REQUEST, ROLLOUT_ACTION_QUEUE, ROLLOUT_BAKING);
        expect_step(ROLLOUT_REVERTING, ROLLOUT_EVENT_REQUEST, ROLLOUT_ACTION_QUEUE,
                    ROLLOUT_REVERTING);
}

static void
each_new_worker_that_serves_takes_the_place_of_an_old_one(void **state)
{
        (void)state;
        expect_step(ROLLOUT_STARTING, ROLLOUT_EVENT_READY_SOME, ROLLOUT_ACTION_REPLACE,
                    ROLLOUT_STARTING);
}

static void
when_the_last_one_serves_the_new_generation_is_the_current_one(void **state)
{
        (void)state;
        expect_step(ROLLOUT_STARTING, ROLLOUT_EVENT_READY_ALL, ROLLOUT_ACTION_COMMIT, ROLLOUT_IDLE);
}

static void
or_it_is_watched_for_a_while_first(void **state)
{
        (void)state;
        expect_step(ROLLOUT_STARTING, ROLLOUT_EVENT_READY_BAKE, ROLLOUT_ACTION_BAKE,
                    ROLLOUT_BAKING);
        expect_step(ROLLOUT_BAKING, ROLLOUT_EVENT_BAKED, ROLLOUT_ACTION_COMMIT, ROLLOUT_IDLE);
}

static void
a_failure_before_that_leads_back_to_the_old_generation(void **state)
{
        (void)state;
        expect_step(ROLLOUT_STARTING, ROLLOUT_EVENT_FAILED, ROLLOUT_ACTION_REVERT,
                    ROLLOUT_REVERTING);
        expect_step(ROLLOUT_BAKING, ROLLOUT_EVENT_FAILED, ROLLOUT_ACTION_REVERT, ROLLOUT_REVERTING);
}

static void
who_asked_is_told_when_nothing_is_left_of_the_new_one(void **state)
{
        (void)state;
        expect_step(ROLLOUT_REVERTING, ROLLOUT_EVENT_REVERTED, ROLLOUT_ACTION_FAIL, ROLLOUT_IDLE);
}

static void
new_workers_that_serve_or_fail_while_they_are_removed_change_nothing(void **state)
{
        (void)state;
        expect_step(ROLLOUT_REVERTING, ROLLOUT_EVENT_READY_SOME, ROLLOUT_ACTION_NONE,
                    ROLLOUT_REVERTING);
        expect_step(ROLLOUT_REVERTING, ROLLOUT_EVENT_READY_ALL, ROLLOUT_ACTION_NONE,
                    ROLLOUT_REVERTING);
        expect_step(ROLLOUT_REVERTING, ROLLOUT_EVENT_READY_BAKE, ROLLOUT_ACTION_NONE,
                    ROLLOUT_REVERTING);
        expect_step(ROLLOUT_REVERTING, ROLLOUT_EVENT_FAILED, ROLLOUT_ACTION_NONE,
                    ROLLOUT_REVERTING);
}

static void
a_reload_waits_for_the_one_before_it_whatever_else_there_is(void **state)
{
        (void)state;
        for (RolloutState s = ROLLOUT_STARTING; s < N_ROLLOUT_STATES; s++) {
                assert_int_equal(rollout_wait(s, false, 0, 2), ROLLOUT_WAIT_ROLLOUT);
                assert_int_equal(rollout_wait(s, true, 2, 2), ROLLOUT_WAIT_ROLLOUT);
        }
}

static void
it_waits_until_a_worker_is_replaced(void **state)
{
        (void)state;
        assert_int_equal(rollout_wait(ROLLOUT_IDLE, true, 0, 2), ROLLOUT_WAIT_DRAIN);
        assert_int_equal(rollout_wait(ROLLOUT_IDLE, true, 2, 2), ROLLOUT_WAIT_DRAIN);
}

static void
it_waits_while_there_are_as_many_old_generations_as_there_may_be(void **state)
{
        (void)state;
        assert_int_equal(rollout_wait(ROLLOUT_IDLE, false, 2, 2), ROLLOUT_WAIT_OLD);
        assert_int_equal(rollout_wait(ROLLOUT_IDLE, false, 3, 2), ROLLOUT_WAIT_OLD);
        assert_int_equal(rollout_wait(ROLLOUT_IDLE, false, 1, 2), ROLLOUT_WAIT_NOTHING);
        assert_int_equal(rollout_wait(ROLLOUT_IDLE, false, 0, 1), ROLLOUT_WAIT_NOTHING);
}

static void
the_end_of_the_supervisor_abandons_a_rollout(void **state)
{
        (void)state;
        expect_step(ROLLOUT_STARTING, ROLLOUT_EVENT_STOP, ROLLOUT_ACTION_ABANDON, ROLLOUT_IDLE);
        expect_step(ROLLOUT_BAKING, ROLLOUT_EVENT_STOP, ROLLOUT_ACTION_ABANDON, ROLLOUT_IDLE);
        expect_step(ROLLOUT_REVERTING, ROLLOUT_EVENT_STOP, ROLLOUT_ACTION_ABANDON, ROLLOUT_IDLE);
        expect_step(ROLLOUT_IDLE, ROLLOUT_EVENT_STOP, ROLLOUT_ACTION_NONE, ROLLOUT_IDLE);
}

/* What cannot happen is called so, and moves nothing. One test for each such cell. */
#define IMPOSSIBLE_TEST(name, in_state, event)                                                     \
        static void name(void **state)                                                             \
        {                                                                                          \
                (void)state;                                                                       \
                expect_step(in_state, event, ROLLOUT_ACTION_IMPOSSIBLE, in_state);                 \
        }

IMPOSSIBLE_TEST(impossible_when_there_is_none_a_new_worker, ROLLOUT_IDLE, ROLLOUT_EVENT_READY_SOME)
IMPOSSIBLE_TEST(impossible_when_there_is_none_the_last_new_worker, ROLLOUT_IDLE,
                ROLLOUT_EVENT_READY_ALL)
IMPOSSIBLE_TEST(impossible_when_there_is_none_a_new_worker_to_watch, ROLLOUT_IDLE,
                ROLLOUT_EVENT_READY_BAKE)
IMPOSSIBLE_TEST(impossible_when_there_is_none_the_end_of_watching, ROLLOUT_IDLE,
                ROLLOUT_EVENT_BAKED)
IMPOSSIBLE_TEST(impossible_when_there_is_none_a_failure, ROLLOUT_IDLE, ROLLOUT_EVENT_FAILED)
IMPOSSIBLE_TEST(impossible_when_there_is_none_a_reverted_one, ROLLOUT_IDLE, ROLLOUT_EVENT_REVERTED)
IMPOSSIBLE_TEST(impossible_while_starting_the_end_of_watching, ROLLOUT_STARTING,
                ROLLOUT_EVENT_BAKED)
IMPOSSIBLE_TEST(impossible_while_starting_a_reverted_one, ROLLOUT_STARTING, ROLLOUT_EVENT_REVERTED)
IMPOSSIBLE_TEST(impossible_while_watching_a_new_worker, ROLLOUT_BAKING, ROLLOUT_EVENT_READY_SOME)
IMPOSSIBLE_TEST(impossible_while_watching_the_last_new_worker, ROLLOUT_BAKING,
                ROLLOUT_EVENT_READY_ALL)
IMPOSSIBLE_TEST(impossible_while_watching_another_to_watch, ROLLOUT_BAKING,
                ROLLOUT_EVENT_READY_BAKE)
IMPOSSIBLE_TEST(impossible_while_watching_a_reverted_one, ROLLOUT_BAKING, ROLLOUT_EVENT_REVERTED)
IMPOSSIBLE_TEST(impossible_while_reverting_the_end_of_watching, ROLLOUT_REVERTING,
                ROLLOUT_EVENT_BAKED)

static void
every_cell_is_defined_and_an_impossible_one_moves_nothing(void **state)
{
        (void)state;
        for (RolloutState s = 0; s < N_ROLLOUT_STATES; s++)
                for (RolloutEvent e = 0; e < N_ROLLOUT_EVENTS; e++) {
                        RolloutStep step = rollout_step(s, e);

                        assert_in_range(step.action, ROLLOUT_ACTION_NONE,
                                        ROLLOUT_ACTION_IMPOSSIBLE);
                        assert_in_range(step.next, 0, N_ROLLOUT_STATES - 1);
                        if (step.action == ROLLOUT_ACTION_IMPOSSIBLE)
                                assert_int_equal(step.next, s);
                }
}

static void
a_rollout_can_always_be_asked_for_and_always_be_stopped(void **state)
{
        (void)state;
        for (RolloutState s = 0; s < N_ROLLOUT_STATES; s++) {
                RolloutStep asked = rollout_step(s, ROLLOUT_EVENT_REQUEST);

                assert_true(asked.action == ROLLOUT_ACTION_BEGIN ||
                            asked.action == ROLLOUT_ACTION_QUEUE);
                assert_int_equal(rollout_step(s, ROLLOUT_EVENT_STOP).next, ROLLOUT_IDLE);
        }
}

static void
every_state_has_a_name_of_its_own(void **state)
{
        (void)state;
        for (RolloutState a = 0; a < N_ROLLOUT_STATES; a++)
                for (RolloutState b = 0; b < a; b++)
                        assert_string_not_equal(rollout_state_name(a), rollout_state_name(b));
}

/* The generations as the world sees them, to tell which events can happen. */
typedef struct World {
        RolloutState state;
        unsigned current;  /* the generation that a crash restarts */
        unsigned incoming; /* the one on its way; 0: none */
        unsigned n_left;   /* of its workers are not ready yet */
        bool bakes;
        unsigned n_queued; /* requests behind the one that is under way */
        unsigned n_asked;
        unsigned n_answered;
} World;

static bool
can_happen(const World *w, RolloutEvent event)
{
        switch (event) {
        case ROLLOUT_EVENT_REQUEST:
        case ROLLOUT_EVENT_STOP:
                return true;
        case ROLLOUT_EVENT_READY_SOME:
                return w->n_left > 1;
        case ROLLOUT_EVENT_READY_ALL:
                return w->n_left == 1 && !w->bakes;
        case ROLLOUT_EVENT_READY_BAKE:
                return w->n_left == 1 && w->bakes;
        case ROLLOUT_EVENT_BAKED:
                return w->state == ROLLOUT_BAKING;
        case ROLLOUT_EVENT_FAILED:
                return w->incoming != 0;
        case ROLLOUT_EVENT_REVERTED:
                return w->state == ROLLOUT_REVERTING;
        case N_ROLLOUT_EVENTS:
                break;
        }
        return false;
}

/* Let an event happen, and do what the table says. */
static void
live(World *w, RolloutEvent event, UnitRandom *random)
{
        RolloutStep step = rollout_step(w->state, event);

        if (event == ROLLOUT_EVENT_REQUEST)
                w->n_asked++;
        if (event >= ROLLOUT_EVENT_READY_SOME && event <= ROLLOUT_EVENT_READY_BAKE)
                w->n_left--;
        switch (step.action) {
        case ROLLOUT_ACTION_BEGIN:
                assert_int_equal(w->incoming, 0); /* never two on their way */
                w->incoming = w->current + 1;
                w->n_left = 1 + unit_random(random, 3);
                w->bakes = unit_random(random, 2) == 0;
                break;
        case ROLLOUT_ACTION_QUEUE:
                w->n_queued++;
                break;
        case ROLLOUT_ACTION_COMMIT:
                assert_true(w->incoming && w->n_left == 0);
                w->current = w->incoming;
                w->incoming = 0;
                w->n_answered++;
                break;
        case ROLLOUT_ACTION_FAIL:
                w->incoming = 0;
                w->n_answered++;
                break;
        case ROLLOUT_ACTION_ABANDON:
                w->incoming = 0;
                w->n_answered += 1 + w->n_queued;
                w->n_queued = 0;
                break;
        case ROLLOUT_ACTION_REPLACE:
        case ROLLOUT_ACTION_BAKE:
        case ROLLOUT_ACTION_REVERT:
        case ROLLOUT_ACTION_NONE:
                break;
        case ROLLOUT_ACTION_IMPOSSIBLE:
                fail_msg("event %d in state %s", event, rollout_state_name(w->state));
        }
        w->state = step.next;
        if (w->incoming == 0)
                w->n_left = 0;
        assert_int_equal(w->state == ROLLOUT_IDLE, w->incoming == 0);
        assert_int_equal(w->n_asked, w->n_answered + w->n_queued + (w->incoming != 0));
        if (w->state == ROLLOUT_IDLE && w->n_queued) { /* the next one's turn */
                w->n_queued--;
                w->n_asked--;
                live(w, ROLLOUT_EVENT_REQUEST, random);
        }
}

static void
whatever_happens_every_request_is_answered_and_one_generation_is_the_current_one(void **state)
{
        UnitRandom random = unit_random_init();

        (void)state;
        for (unsigned i = 0; i < N_SEQUENCES; i++) {
                World w = {.state = ROLLOUT_IDLE, .current = 1};

                for (unsigned n = unit_random(&random, N_STEPS); n > 0; n--) {
                        RolloutEvent event = unit_random(&random, N_ROLLOUT_EVENTS);

                        if (can_happen(&w, event))
                                live(&w, event, &random);
                }
                while (w.state != ROLLOUT_IDLE) { /* there is a way to the end from everywhere */
                        if (w.state != ROLLOUT_REVERTING)
                                live(&w, ROLLOUT_EVENT_FAILED, &random);
                        live(&w, ROLLOUT_EVENT_REVERTED, &random);
                }
                assert_int_equal(w.n_asked, w.n_answered);
                assert_true(w.current >= 1);
        }
}

int
main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(a_request_begins_a_rollout),
                cmocka_unit_test(a_request_during_one_waits_for_its_turn),
                cmocka_unit_test(each_new_worker_that_serves_takes_the_place_of_an_old_one),
                cmocka_unit_test(when_the_last_one_serves_the_new_generation_is_the_current_one),
                cmocka_unit_test(or_it_is_watched_for_a_while_first),
                cmocka_unit_test(a_failure_before_that_leads_back_to_the_old_generation),
                cmocka_unit_test(who_asked_is_told_when_nothing_is_left_of_the_new_one),
                cmocka_unit_test(
                        new_workers_that_serve_or_fail_while_they_are_removed_change_nothing),
                cmocka_unit_test(a_reload_waits_for_the_one_before_it_whatever_else_there_is),
                cmocka_unit_test(it_waits_until_a_worker_is_replaced),
                cmocka_unit_test(it_waits_while_there_are_as_many_old_generations_as_there_may_be),
                cmocka_unit_test(the_end_of_the_supervisor_abandons_a_rollout),
                cmocka_unit_test(impossible_when_there_is_none_a_new_worker),
                cmocka_unit_test(impossible_when_there_is_none_the_last_new_worker),
                cmocka_unit_test(impossible_when_there_is_none_a_new_worker_to_watch),
                cmocka_unit_test(impossible_when_there_is_none_the_end_of_watching),
                cmocka_unit_test(impossible_when_there_is_none_a_failure),
                cmocka_unit_test(impossible_when_there_is_none_a_reverted_one),
                cmocka_unit_test(impossible_while_starting_the_end_of_watching),
                cmocka_unit_test(impossible_while_starting_a_reverted_one),
                cmocka_unit_test(impossible_while_watching_a_new_worker),
                cmocka_unit_test(impossible_while_watching_the_last_new_worker),
                cmocka_unit_test(impossible_while_watching_another_to_watch),
                cmocka_unit_test(impossible_while_watching_a_reverted_one),
                cmocka_unit_test(impossible_while_reverting_the_end_of_watching),
                cmocka_unit_test(every_cell_is_defined_and_an_impossible_one_moves_nothing),
                cmocka_unit_test(a_rollout_can_always_be_asked_for_and_always_be_stopped),
                cmocka_unit_test(every_state_has_a_name_of_its_own),
                cmocka_unit_test(
                        whatever_happens_every_request_is_answered_and_one_generation_is_the_current_one),
        };

        return unit_run(tests);
}
