/* SPDX-License-Identifier: MIT */
/* policy_life.c - the life of a worker: each cell of the table, and what holds for all of them. */
#include "unit.h"

#include "policy/life.h"

enum {
        N_SEQUENCES = 100000,
        N_STEPS = 24, /* of one sequence */
};

static const char *const actions[] = {
        [LIFE_ACTION_NONE] = "none",           [LIFE_ACTION_SPAWN] = "spawn",
        [LIFE_ACTION_NOTE_READY] = "ready",    [LIFE_ACTION_RELEASE] = "release",
        [LIFE_ACTION_TERMINATE] = "terminate", [LIFE_ACTION_LATE] = "late",
        [LIFE_ACTION_ABORT] = "abort",         [LIFE_ACTION_KILL] = "kill",
        [LIFE_ACTION_SWEEP] = "sweep",         [LIFE_ACTION_DECIDE] = "decide",
        [LIFE_ACTION_CANCEL] = "cancel",       [LIFE_ACTION_IMPOSSIBLE] = "impossible",
};

static void
expect_step(LifeState state, LifeEvent event, LifeAction action, LifeState next)
{
        LifeStep step = life_step(state, event);

        unit_expect(step.action == action && step.next == next,
                    "event %d in state %s gives %s → %s instead of %s → %s\n", event,
                    life_state_name(state), actions[step.action], life_state_name(step.next),
                    actions[action], life_state_name(next));
}

static void
an_idle_worker_is_spawned_by_its_start(void **state)
{
        (void)state;
        expect_step(LIFE_IDLE, LIFE_EVENT_START, LIFE_ACTION_SPAWN, LIFE_STARTING);
}

static void
stop_and_kill_of_an_idle_worker_cancel_its_start(void **state)
{
        (void)state;
        expect_step(LIFE_IDLE, LIFE_EVENT_STOP, LIFE_ACTION_CANCEL, LIFE_IDLE);
        expect_step(LIFE_IDLE, LIFE_EVENT_KILL, LIFE_ACTION_CANCEL, LIFE_IDLE);
}

static void
a_starting_worker_that_serves_is_ready_and_stays_so(void **state)
{
        (void)state;
        expect_step(LIFE_STARTING, LIFE_EVENT_SERVING, LIFE_ACTION_NOTE_READY, LIFE_READY);
        expect_step(LIFE_READY, LIFE_EVENT_SERVING, LIFE_ACTION_NONE, LIFE_READY);
}

static void
one_that_is_not_ready_in_time_is_late_and_has_to_end(void **state)
{
        (void)state;
        expect_step(LIFE_STARTING, LIFE_EVENT_TIMEOUT, LIFE_ACTION_LATE, LIFE_STOPPING);
}

static void
a_standby_is_parked_until_it_is_promoted(void **state)
{
        (void)state;
        expect_step(LIFE_STARTING, LIFE_EVENT_PARK, LIFE_ACTION_NONE, LIFE_PARKED);
        expect_step(LIFE_PARKED, LIFE_EVENT_PARK, LIFE_ACTION_NONE, LIFE_PARKED);
        expect_step(LIFE_PARKED, LIFE_EVENT_SERVING, LIFE_ACTION_NONE, LIFE_PARKED);
        expect_step(LIFE_PARKED, LIFE_EVENT_STALLED, LIFE_ACTION_NONE, LIFE_PARKED);
        expect_step(LIFE_PARKED, LIFE_EVENT_PROMOTE, LIFE_ACTION_RELEASE, LIFE_STARTING);
}

static void
one_that_need_not_wait_is_promoted_without_more_ado(void **state)
{
        (void)state;
        expect_step(LIFE_STARTING, LIFE_EVENT_PROMOTE, LIFE_ACTION_NONE, LIFE_STARTING);
        expect_step(LIFE_READY, LIFE_EVENT_PROMOTE, LIFE_ACTION_NONE, LIFE_READY);
}

static void
one_that_serves_or_ends_is_not_parked_any_more(void **state)
{
        static const LifeState later[] = {LIFE_READY, LIFE_STOPPING, LIFE_KILLING, LIFE_SWEEPING};

        (void)state;
        for (size_t i = 0; i < ELEMENTSOF(later); i++)
                expect_step(later[i], LIFE_EVENT_PARK, LIFE_ACTION_NONE, later[i]);
}

static void
the_end_of_its_main_process_is_followed_by_a_sweep(void **state)
{
        static const LifeState running[] = {LIFE_STARTING, LIFE_PARKED, LIFE_READY, LIFE_STOPPING,
                                            LIFE_KILLING};

        (void)state;
        for (size_t i = 0; i < ELEMENTSOF(running); i++)
                expect_step(running[i], LIFE_EVENT_ENDED, LIFE_ACTION_SWEEP, LIFE_SWEEPING);
}

static void
after_the_sweep_it_is_decided_what_comes_next(void **state)
{
        (void)state;
        expect_step(LIFE_SWEEPING, LIFE_EVENT_SWEPT, LIFE_ACTION_DECIDE, LIFE_IDLE);
}

static void
stop_asks_a_running_worker_once_to_end(void **state)
{
        (void)state;
        expect_step(LIFE_STARTING, LIFE_EVENT_STOP, LIFE_ACTION_TERMINATE, LIFE_STOPPING);
        expect_step(LIFE_READY, LIFE_EVENT_STOP, LIFE_ACTION_TERMINATE, LIFE_STOPPING);
        expect_step(LIFE_STOPPING, LIFE_EVENT_STOP, LIFE_ACTION_NONE, LIFE_STOPPING);
        expect_step(LIFE_KILLING, LIFE_EVENT_STOP, LIFE_ACTION_NONE, LIFE_KILLING);
        expect_step(LIFE_SWEEPING, LIFE_EVENT_STOP, LIFE_ACTION_NONE, LIFE_SWEEPING);
}

static void
a_parked_one_cannot_be_asked_and_is_killed(void **state)
{
        (void)state;
        expect_step(LIFE_PARKED, LIFE_EVENT_STOP, LIFE_ACTION_KILL, LIFE_KILLING);
}

static void
kill_ends_a_running_worker_once_at_once(void **state)
{
        (void)state;
        expect_step(LIFE_STARTING, LIFE_EVENT_KILL, LIFE_ACTION_KILL, LIFE_KILLING);
        expect_step(LIFE_PARKED, LIFE_EVENT_KILL, LIFE_ACTION_KILL, LIFE_KILLING);
        expect_step(LIFE_READY, LIFE_EVENT_KILL, LIFE_ACTION_KILL, LIFE_KILLING);
        expect_step(LIFE_STOPPING, LIFE_EVENT_KILL, LIFE_ACTION_KILL, LIFE_KILLING);
        expect_step(LIFE_KILLING, LIFE_EVENT_KILL, LIFE_ACTION_NONE, LIFE_KILLING);
}

static void
one_that_does_not_stop_in_time_is_killed(void **state)
{
        (void)state;
        expect_step(LIFE_STOPPING, LIFE_EVENT_TIMEOUT, LIFE_ACTION_KILL, LIFE_KILLING);
        expect_step(LIFE_KILLING, LIFE_EVENT_TIMEOUT, LIFE_ACTION_NONE, LIFE_KILLING);
}

static void
one_that_misses_its_watchdog_is_aborted_once(void **state)
{
        static const LifeState ending[] = {LIFE_STOPPING, LIFE_KILLING, LIFE_SWEEPING};

        (void)state;
        expect_step(LIFE_STARTING, LIFE_EVENT_STALLED, LIFE_ACTION_ABORT, LIFE_STOPPING);
        expect_step(LIFE_READY, LIFE_EVENT_STALLED, LIFE_ACTION_ABORT, LIFE_STOPPING);
        for (size_t i = 0; i < ELEMENTSOF(ending); i++)
                expect_step(ending[i], LIFE_EVENT_STALLED, LIFE_ACTION_NONE, ending[i]);
}

static void
left_overs_are_killed_as_often_as_it_takes(void **state)
{
        (void)state;
        expect_step(LIFE_SWEEPING, LIFE_EVENT_KILL, LIFE_ACTION_KILL, LIFE_SWEEPING);
        expect_step(LIFE_SWEEPING, LIFE_EVENT_TIMEOUT, LIFE_ACTION_KILL, LIFE_SWEEPING);
}

static void
one_that_begins_to_serve_too_late_is_ended_all_the_same(void **state)
{
        (void)state;
        expect_step(LIFE_STOPPING, LIFE_EVENT_SERVING, LIFE_ACTION_NONE, LIFE_STOPPING);
        expect_step(LIFE_KILLING, LIFE_EVENT_SERVING, LIFE_ACTION_NONE, LIFE_KILLING);
        expect_step(LIFE_SWEEPING, LIFE_EVENT_SERVING, LIFE_ACTION_NONE, LIFE_SWEEPING);
}

/* What cannot happen is called so, and moves nothing. One test for each such cell. */
#define IMPOSSIBLE_TEST(name, in_state, event)                                                     \
        static void name(void **state)                                                             \
        {                                                                                          \
                (void)state;                                                                       \
                expect_step(in_state, event, LIFE_ACTION_IMPOSSIBLE, in_state);                    \
        }

IMPOSSIBLE_TEST(impossible_without_a_process_parking, LIFE_IDLE, LIFE_EVENT_PARK)
IMPOSSIBLE_TEST(impossible_without_a_process_a_promotion, LIFE_IDLE, LIFE_EVENT_PROMOTE)
IMPOSSIBLE_TEST(impossible_without_a_process_serving, LIFE_IDLE, LIFE_EVENT_SERVING)
IMPOSSIBLE_TEST(impossible_without_a_process_the_end_of_it, LIFE_IDLE, LIFE_EVENT_ENDED)
IMPOSSIBLE_TEST(impossible_without_a_process_a_sweep, LIFE_IDLE, LIFE_EVENT_SWEPT)
IMPOSSIBLE_TEST(impossible_without_a_process_a_timeout, LIFE_IDLE, LIFE_EVENT_TIMEOUT)
IMPOSSIBLE_TEST(impossible_without_a_process_a_missed_watchdog, LIFE_IDLE, LIFE_EVENT_STALLED)
IMPOSSIBLE_TEST(impossible_while_starting_another_start, LIFE_STARTING, LIFE_EVENT_START)
IMPOSSIBLE_TEST(impossible_while_starting_a_sweep, LIFE_STARTING, LIFE_EVENT_SWEPT)
IMPOSSIBLE_TEST(impossible_when_parked_another_start, LIFE_PARKED, LIFE_EVENT_START)
IMPOSSIBLE_TEST(impossible_when_parked_a_sweep, LIFE_PARKED, LIFE_EVENT_SWEPT)
IMPOSSIBLE_TEST(impossible_when_parked_a_timeout, LIFE_PARKED, LIFE_EVENT_TIMEOUT)
IMPOSSIBLE_TEST(impossible_when_ready_another_start, LIFE_READY, LIFE_EVENT_START)
IMPOSSIBLE_TEST(impossible_when_ready_a_sweep, LIFE_READY, LIFE_EVENT_SWEPT)
IMPOSSIBLE_TEST(impossible_when_ready_a_timeout, LIFE_READY, LIFE_EVENT_TIMEOUT)
IMPOSSIBLE_TEST(impossible_while_stopping_a_start, LIFE_STOPPING, LIFE_EVENT_START)
IMPOSSIBLE_TEST(impossible_while_stopping_a_promotion, LIFE_STOPPING, LIFE_EVENT_PROMOTE)
IMPOSSIBLE_TEST(impossible_while_stopping_a_sweep, LIFE_STOPPING, LIFE_EVENT_SWEPT)
IMPOSSIBLE_TEST(impossible_while_killing_a_start, LIFE_KILLING, LIFE_EVENT_START)
IMPOSSIBLE_TEST(impossible_while_killing_a_promotion, LIFE_KILLING, LIFE_EVENT_PROMOTE)
IMPOSSIBLE_TEST(impossible_while_killing_a_sweep, LIFE_KILLING, LIFE_EVENT_SWEPT)
IMPOSSIBLE_TEST(impossible_while_sweeping_a_start, LIFE_SWEEPING, LIFE_EVENT_START)
IMPOSSIBLE_TEST(impossible_while_sweeping_a_promotion, LIFE_SWEEPING, LIFE_EVENT_PROMOTE)
IMPOSSIBLE_TEST(impossible_while_sweeping_a_second_end, LIFE_SWEEPING, LIFE_EVENT_ENDED)

static void
every_cell_is_defined_and_an_impossible_one_moves_nothing(void **state)
{
        (void)state;
        for (LifeState s = 0; s < N_LIFE_STATES; s++)
                for (LifeEvent e = 0; e < N_LIFE_EVENTS; e++) {
                        LifeStep step = life_step(s, e);

                        assert_in_range(step.action, LIFE_ACTION_NONE, LIFE_ACTION_IMPOSSIBLE);
                        assert_in_range(step.next, 0, N_LIFE_STATES - 1);
                        if (step.action == LIFE_ACTION_IMPOSSIBLE)
                                assert_int_equal(step.next, s);
                }
}

static void
stop_and_kill_can_always_be_asked_for(void **state)
{
        (void)state;
        for (LifeState s = 0; s < N_LIFE_STATES; s++) {
                assert_int_not_equal(life_step(s, LIFE_EVENT_STOP).action, LIFE_ACTION_IMPOSSIBLE);
                assert_int_not_equal(life_step(s, LIFE_EVENT_KILL).action, LIFE_ACTION_IMPOSSIBLE);
        }
}

/* The states that can be reached from one, as a mask; a forbidden one is not gone through. */
static unsigned
reachable(LifeState from, LifeState forbidden)
{
        unsigned mask = 1U << from;
        unsigned before;

        do {
                before = mask;
                for (LifeState s = 0; s < N_LIFE_STATES; s++)
                        for (LifeEvent e = 0; e < N_LIFE_EVENTS; e++)
                                if (mask & 1U << s && s != forbidden)
                                        mask |= 1U << life_step(s, e).next;
        } while (mask != before);
        return mask;
}

static void
from_every_state_there_is_a_way_to_idle_and_to_ready(void **state)
{
        (void)state;
        for (LifeState s = 0; s < N_LIFE_STATES; s++)
                assert_int_equal(reachable(s, N_LIFE_STATES), (1U << N_LIFE_STATES) - 1);
}

static void
who_is_to_end_never_becomes_ready_again_before_it_was_idle(void **state)
{
        static const LifeState ending[] = {LIFE_STOPPING, LIFE_KILLING, LIFE_SWEEPING};

        (void)state;
        for (size_t i = 0; i < ELEMENTSOF(ending); i++)
                assert_false(reachable(ending[i], LIFE_IDLE) & 1U << LIFE_READY);
}

static void
every_state_has_a_name_of_its_own(void **state)
{
        (void)state;
        for (LifeState a = 0; a < N_LIFE_STATES; a++)
                for (LifeState b = 0; b < a; b++)
                        assert_string_not_equal(life_state_name(a), life_state_name(b));
}

/* A worker as the world sees it, to tell which events can happen. */
typedef struct World {
        LifeState state;
        bool is_standby;
        bool main_lives;
        bool has_left_overs;
        bool has_deadline; /* the supervisor waits for a start or an end */
        bool start_is_due;
        unsigned n_spawned;
        unsigned n_decided;
} World;

static bool
can_happen(const World *w, LifeEvent event)
{
        switch (event) {
        case LIFE_EVENT_START:
                return w->start_is_due;
        case LIFE_EVENT_PARK:
                return w->main_lives && w->is_standby;
        case LIFE_EVENT_PROMOTE: /* what we choose to do, with one that is not about to end */
                return w->main_lives && w->state <= LIFE_READY;
        case LIFE_EVENT_SERVING:
                return w->main_lives || w->has_left_overs;
        case LIFE_EVENT_ENDED:
        case LIFE_EVENT_STALLED:
                return w->main_lives;
        case LIFE_EVENT_SWEPT:
                return w->state == LIFE_SWEEPING && !w->main_lives && !w->has_left_overs;
        case LIFE_EVENT_TIMEOUT:
                return w->has_deadline;
        case LIFE_EVENT_STOP:
        case LIFE_EVENT_KILL:
                return true;
        case N_LIFE_EVENTS:
                break;
        }
        return false;
}

static void
act(World *w, LifeAction action, UnitRandom *random)
{
        switch (action) {
        case LIFE_ACTION_SPAWN:
                assert_false(w->main_lives || w->has_left_overs);
                w->n_spawned++;
                w->main_lives = true;
                w->has_left_overs = unit_random(random, 2) == 0;
                w->is_standby = unit_random(random, 2) == 0;
                w->has_deadline = true;
                w->start_is_due = false;
                break;
        case LIFE_ACTION_RELEASE:
        case LIFE_ACTION_TERMINATE:
        case LIFE_ACTION_LATE:
        case LIFE_ACTION_ABORT:
        case LIFE_ACTION_SWEEP:
                w->has_deadline = true;
                break;
        case LIFE_ACTION_NOTE_READY:
                w->has_deadline = false;
                break;
        case LIFE_ACTION_KILL: /* of a main process the end comes as an event */
                w->has_left_overs = w->main_lives && w->has_left_overs;
                break;
        case LIFE_ACTION_DECIDE:
                w->n_decided++;
                w->has_deadline = false;
                w->start_is_due = true;
                break;
        case LIFE_ACTION_CANCEL:
        case LIFE_ACTION_NONE:
        case LIFE_ACTION_IMPOSSIBLE:
                break;
        }
}

/* Let an event happen, and do what the table says. */
static void
live(World *w, LifeEvent event, UnitRandom *random)
{
        LifeStep step = life_step(w->state, event);

        assert_int_not_equal(step.action, LIFE_ACTION_IMPOSSIBLE);
        if (event == LIFE_EVENT_ENDED)
                w->main_lives = false;
        act(w, step.action, random);
        w->state = step.next;
        if (w->state == LIFE_PARKED)
                w->has_deadline = false;
        assert_int_equal(w->state == LIFE_IDLE, !w->main_lives && w->n_spawned == w->n_decided);
        assert_in_range(w->n_spawned - w->n_decided, 0, 1);
        if (w->state == LIFE_PARKED || w->state == LIFE_READY)
                assert_true(w->main_lives);
}

/* Drive it to its end and to the next one that serves, whatever the state. */
static void
end_and_serve_again(World *w, UnitRandom *random)
{
        if (w->state != LIFE_IDLE) {
                live(w, LIFE_EVENT_KILL, random);
                if (w->main_lives)
                        live(w, LIFE_EVENT_ENDED, random);
                if (w->has_left_overs)
                        live(w, LIFE_EVENT_TIMEOUT, random);
                live(w, LIFE_EVENT_SWEPT, random);
        }
        assert_int_equal(w->state, LIFE_IDLE);
        live(w, LIFE_EVENT_START, random);
        if (w->is_standby) {
                live(w, LIFE_EVENT_PARK, random);
                live(w, LIFE_EVENT_PROMOTE, random);
        }
        live(w, LIFE_EVENT_SERVING, random);
        assert_int_equal(w->state, LIFE_READY);
}

static void
whatever_happens_nothing_is_impossible_and_there_is_a_way_to_a_serving_worker(void **state)
{
        UnitRandom random = unit_random_init();

        (void)state;
        for (unsigned i = 0; i < N_SEQUENCES; i++) {
                World w = {.state = LIFE_IDLE, .start_is_due = true};

                for (unsigned n = unit_random(&random, N_STEPS); n > 0; n--) {
                        LifeEvent event = unit_random(&random, N_LIFE_EVENTS);

                        if (can_happen(&w, event))
                                live(&w, event, &random);
                }
                end_and_serve_again(&w, &random);
        }
}

int
main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(an_idle_worker_is_spawned_by_its_start),
                cmocka_unit_test(stop_and_kill_of_an_idle_worker_cancel_its_start),
                cmocka_unit_test(a_starting_worker_that_serves_is_ready_and_stays_so),
                cmocka_unit_test(one_that_is_not_ready_in_time_is_late_and_has_to_end),
                cmocka_unit_test(a_standby_is_parked_until_it_is_promoted),
                cmocka_unit_test(one_that_need_not_wait_is_promoted_without_more_ado),
                cmocka_unit_test(one_that_serves_or_ends_is_not_parked_any_more),
                cmocka_unit_test(the_end_of_its_main_process_is_followed_by_a_sweep),
                cmocka_unit_test(after_the_sweep_it_is_decided_what_comes_next),
                cmocka_unit_test(stop_asks_a_running_worker_once_to_end),
                cmocka_unit_test(a_parked_one_cannot_be_asked_and_is_killed),
                cmocka_unit_test(kill_ends_a_running_worker_once_at_once),
                cmocka_unit_test(one_that_does_not_stop_in_time_is_killed),
                cmocka_unit_test(one_that_misses_its_watchdog_is_aborted_once),
                cmocka_unit_test(left_overs_are_killed_as_often_as_it_takes),
                cmocka_unit_test(one_that_begins_to_serve_too_late_is_ended_all_the_same),
                cmocka_unit_test(impossible_without_a_process_parking),
                cmocka_unit_test(impossible_without_a_process_a_promotion),
                cmocka_unit_test(impossible_without_a_process_serving),
                cmocka_unit_test(impossible_without_a_process_the_end_of_it),
                cmocka_unit_test(impossible_without_a_process_a_sweep),
                cmocka_unit_test(impossible_without_a_process_a_timeout),
                cmocka_unit_test(impossible_without_a_process_a_missed_watchdog),
                cmocka_unit_test(impossible_while_starting_another_start),
                cmocka_unit_test(impossible_while_starting_a_sweep),
                cmocka_unit_test(impossible_when_parked_another_start),
                cmocka_unit_test(impossible_when_parked_a_sweep),
                cmocka_unit_test(impossible_when_parked_a_timeout),
                cmocka_unit_test(impossible_when_ready_another_start),
                cmocka_unit_test(impossible_when_ready_a_sweep),
                cmocka_unit_test(impossible_when_ready_a_timeout),
                cmocka_unit_test(impossible_while_stopping_a_start),
                cmocka_unit_test(impossible_while_stopping_a_promotion),
                cmocka_unit_test(impossible_while_stopping_a_sweep),
                cmocka_unit_test(impossible_while_killing_a_start),
                cmocka_unit_test(impossible_while_killing_a_promotion),
                cmocka_unit_test(impossible_while_killing_a_sweep),
                cmocka_unit_test(impossible_while_sweeping_a_start),
                cmocka_unit_test(impossible_while_sweeping_a_promotion),
                cmocka_unit_test(impossible_while_sweeping_a_second_end),
                cmocka_unit_test(every_cell_is_defined_and_an_impossible_one_moves_nothing),
                cmocka_unit_test(stop_and_kill_can_always_be_asked_for),
                cmocka_unit_test(from_every_state_there_is_a_way_to_idle_and_to_ready),
                cmocka_unit_test(who_is_to_end_never_becomes_ready_again_before_it_was_idle),
                cmocka_unit_test(every_state_has_a_name_of_its_own),
                cmocka_unit_test(
                        whatever_happens_nothing_is_impossible_and_there_is_a_way_to_a_serving_worker),
        };

        return unit_run(tests);
}
