/* SPDX-License-Identifier: MIT */
/*
 * drain.c - how an old generation is served out.
 *
 * Theory of operation: nothing tells when a server has served its last connection, so it is looked
 * for, every few milliseconds and only while old workers are on their way out. Those that are retired
 * by their stop signal are only watched, for the summary: what they have is read before they get it,
 * since they may be gone a moment later. One that is retired by its connections keeps serving
 * until nothing is left in its queues and it has no connection open but such as are idle, for two
 * looks in a row (between the two, what the kernel had in its hands has arrived); or until
 * --drain-timeout. Then its workers get their stop signal.
 *
 * The queues are looked at first: a connection that moves from the queue to the server meanwhile is
 * seen in one of the two places.
 */
#include <netinet/in.h>
#include <sys/wait.h>

#include "base/cleanup.h"
#include "base/parse.h"
#include "run/requests.h"
#include "run/state.h"

#define LOOK_EVERY_USEC (25 * USEC_PER_MSEC)
#define QUIET_LOOKS 2U
/* What shells and runtimes add to the number of a signal that ended them, for their exit status. */
#define STATUS_SIGNAL 128
/* Datagrams have no connections: after the last one its answer may still be on the way. */
#define DATAGRAM_QUIET_USEC (250 * USEC_PER_MSEC)

/* Free what is remembered of its connections. */
void
drain_deinit(Generation *g)
{
        connections_deinit(&g->open);
}

/* What waits in the queues that are the generation's own. */
unsigned
drain_queue(const Generation *g)
{
        const HeldTable *held = &g->supervisor->held;
        unsigned n = 0;

        for (size_t i = 0; i < held->n_items; i++)
                if (held->items[i]->generation == g->number)
                        n += held_queue_length(held->items[i]);
        return n;
}

static bool
has_datagrams(const Generation *g)
{
        const HeldTable *held = &g->supervisor->held;

        for (size_t i = 0; i < held->n_items; i++)
                if (held->items[i]->generation == g->number &&
                    held->items[i]->key.address.type == SOCK_DGRAM)
                        return true;
        return false;
}

/* What of its connections is not in `now` any more was finished, or cut. */
static void
account(Generation *g, const ConnectionSet *now, bool was_cut)
{
        unsigned gone = (unsigned)connections_gone(&g->open, now);
        Measure *m =
                g->state == GENERATION_RETIRING ? &g->measure : &g->supervisor->rollout.measure;

        if (was_cut)
                m->cut += gone;
        else
                m->finished += gone;
        connections_deinit(&g->open);
        g->open = *now;
}

/* Whether a reload has replaced the worker: with its generation, or before the others. */
static bool
is_replaced(const Worker *w)
{
        const Supervisor *s = w->supervisor;

        return w->generation->state == GENERATION_RETIRING ||
               (s->rollout.state != ROLLOUT_IDLE && w->generation == s->current &&
                (w->role == ROLE_RETIRING || w->renew_as));
}

static bool
is_going(const Worker *w, const Generation *g)
{
        return w->generation == g && w->pid && is_replaced(w);
}

static bool
has_going(const Generation *g)
{
        const Supervisor *s = g->supervisor;

        for (size_t i = 0; i < s->n_workers; i++)
                if (is_going(s->workers[i], g))
                        return true;
        return false;
}

/* Whether one of them is ending right now: whether its connections were cut is told by its end. */
static bool
is_ending(const Generation *g)
{
        const Supervisor *s = g->supervisor;

        for (size_t i = 0; i < s->n_workers; i++)
                if (is_going(s->workers[i], g) && proc_is_exiting(s->workers[i]->pid))
                        return true;
        return false;
}

/* See what connections those on their way out have now. Returns 0 or a negative errno. */
static int
read_connections(const Generation *g, ConnectionSet *ret)
{
        const Supervisor *s = g->supervisor;
        CLEANUP(pidset_deinit_p) PidSet pids = {0};

        *ret = (ConnectionSet){0};
        for (size_t i = 0; i < s->n_workers; i++)
                if (is_going(s->workers[i], g))
                        (void)traps_tree(s->workers[i], &pids);
        if (pids.n_pids == 0)
                return 0;
        return connections_read(&pids, &s->held, g->number, s->config->drain_idle_usec, ret);
}

static void
stop_workers(Generation *g, const char *why)
{
        const Supervisor *s = g->supervisor;

        log_event(&(LogEvent){.level = LOG_DEBUG, .event = "drained", .generation = g->number},
                  "generation %u: %s", g->number, why);
        for (size_t i = 0; i < s->n_workers; i++) {
                Worker *w = s->workers[i];

                if (w->generation != g || w->drained || w->state == LIFE_STARTING)
                        continue;
                w->drained = true;
                worker_retire(w);
        }
}

static bool
has_undrained(const Generation *g)
{
        const Supervisor *s = g->supervisor;

        for (size_t i = 0; i < s->n_workers; i++)
                if (s->workers[i]->generation == g && !s->workers[i]->drained)
                        return true;
        return false;
}

/* Whether the generation has nothing left to serve, or has had its time. */
static void
look(Generation *g)
{
        const Config *c = g->supervisor->config;
        uint64_t drained_usec = now_usec() - g->retire_usec;
        unsigned n_queue = drain_queue(g);
        ConnectionSet now;
        bool is_known = read_connections(g, &now) >= 0;
        bool is_quiet;

        if (is_known && !is_ending(g))
                account(g, &now, false);
        else if (is_known)
                connections_deinit(&now);
        if (g->state != GENERATION_RETIRING || g->drain != DRAIN_CONNECTIONS || !has_undrained(g))
                return;
        is_quiet = is_known && n_queue == 0 &&
                   !connections_are_coming(&g->supervisor->held, g->number, drained_usec) &&
                   g->open.n == g->open.n_idle &&
                   (!has_datagrams(g) || drained_usec >= DATAGRAM_QUIET_USEC);
        g->n_quiet = is_quiet ? g->n_quiet + 1 : 0;
        if (g->n_quiet >= QUIET_LOOKS)
                stop_workers(g, "nothing is left to serve");
        else if (drained_usec >= c->drain_timeout_usec)
                stop_workers(g, "its time is over (--drain-timeout)");
}

/* Returns whether there is anything to look at. */
static bool
look_at_all(Supervisor *s)
{
        bool goes_on = false;

        for (size_t i = 0; i < s->n_generations; i++)
                if (s->generations[i]->state == GENERATION_RETIRING ||
                    has_going(s->generations[i])) {
                        look(s->generations[i]);
                        goes_on = true;
                }
        return goes_on && !s->stopping;
}

static int
on_look(sd_event_source *source, uint64_t usec, void *userdata)
{
        Supervisor *s = userdata;
        uint64_t begin_usec = now_usec();
        uint64_t took_usec;
        bool goes_on = look_at_all(s);

        (void)usec;
        requests_progress(s);
        if (!goes_on) {
                s->drain_timer = sd_event_source_disable_unref(s->drain_timer);
                return 0;
        }
        /* With many thousands of connections a look takes its time: at most a tenth of ours. */
        took_usec = now_usec() - begin_usec;
        (void)sd_event_source_set_time_relative(
                source, took_usec * 10 > LOOK_EVERY_USEC ? took_usec * 10 : LOOK_EVERY_USEC);
        return sd_event_source_set_enabled(source, SD_EVENT_ONESHOT);
}

/* More workers of the generation, or all, are on their way out; they did not get their stop signal yet. */
void
drain_begin(Supervisor *s, Generation *g)
{
        CLEANUP(connections_deinit_p) ConnectionSet now = {0};

        if (read_connections(g, &now) >= 0)
                (void)connections_add(&g->open, &now);
        if (!s->drain_timer)
                (void)sd_event_add_time_relative(s->event, &s->drain_timer, CLOCK_MONOTONIC,
                                                 LOOK_EVERY_USEC, USEC_PER_MSEC, on_look, s);
}

/* Look again soon: something has happened to a worker. */
void
drain_wake(Supervisor *s)
{
        if (s->drain_timer)
                (void)sd_event_source_set_time_relative(s->drain_timer, 0);
}

/*
 * A worker that was on its way out ended: were its connections finished, or cut? One that ended
 * by its own decision has finished them, as far as anybody can see; one that a signal ended has not,
 * nor one that says so by its status, as Java does.
 */
void
drain_worker_ended(const Worker *w)
{
        bool was_cut = w->end_code != CLD_EXITED || w->end_status > STATUS_SIGNAL;
        ConnectionSet now;

        if (is_replaced(w) && read_connections(w->generation, &now) == 0)
                account(w->generation, &now, was_cut);
}
