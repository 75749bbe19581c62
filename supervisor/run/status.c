/* SPDX-License-Identifier: MIT */
/* status.c - what there is to tell about a running instance, as JSON. Decides nothing. */
#include "run/status.h"

#include <config.h>
#include <unistd.h>

static const char *
role_name(WorkerRole role)
{
        static const char *const names[] = {
                [ROLE_ACTIVE] = "active",
                [ROLE_CANDIDATE] = "candidate",
                [ROLE_RETIRING] = "retiring",
                [ROLE_STANDBY] = "standby",
        };

        return names[role];
}

/* Whether at least one worker serves. */
bool
status_is_serving(const Supervisor *s)
{
        for (size_t i = 0; i < s->n_workers && !s->stopping; i++)
                if (s->workers[i]->role == ROLE_ACTIVE && s->workers[i]->state == LIFE_READY)
                        return true;
        return false;
}

static const char *
state_name(const Supervisor *s)
{
        if (s->stopping)
                return "stopping";
        if (s->rollout.state == ROLLOUT_BAKING)
                return "baking";
        if (s->rollout.state != ROLLOUT_IDLE)
                return "reloading";
        return status_is_serving(s) ? "ready" : "starting";
}

static json_t *
describe_worker(const Worker *w, uint64_t now)
{
        char how[64];
        bool runs = w->pid != 0;

        return json_pack(
                "{s:i, s:s, s:i, s:o, s:s, s:I, s:i, s:o}", "worker", (int)w->index, "role",
                role_name(w->role), "generation", (int)w->generation->number, "pid",
                runs ? json_integer(w->pid) : json_null(), "state", life_state_name(w->state),
                "uptime_usec", runs ? (json_int_t)(now - w->spawned_usec) : (json_int_t)0,
                "restarts", (int)w->n_restarts, "last_end",
                w->ended_usec ? json_string(report_end(w, how, sizeof(how))) : json_null());
}

static json_t *
describe_listener(const Held *h)
{
        Address known = held_public_address(h);
        char address[ADDRESS_TEXT_MAX];
        unsigned limit = held_queue_limit(h);

        return json_pack("{s:s, s:s, s:s, s:i, s:i, s:i}", "name", h->name, "address",
                         address_format(&known, address, sizeof(address)), "origin",
                         h->origin == HELD_NAMED ? "named" : "captured", "generation",
                         (int)h->generation, "queue", (int)held_queue_length(h), "queue_limit",
                         (int)limit);
}

/* The summary of the last reload, or null. */
json_t *
status_reload(const Supervisor *s)
{
        const Measure *m = &s->last_reload;

        if (s->last_reload_generation == 0)
                return json_null();
        return json_pack(
                "{s:i, s:I, s:I, s:i, s:i, s:I, s:i, s:i}", "generation",
                (int)s->last_reload_generation, "duration_usec", (json_int_t)s->last_reload_usec,
                "longest_wait_usec", (json_int_t)m->longest_wait_usec, "waiting_before",
                (int)m->waiting_before, "deepest_queue", (int)m->deepest_queue, "overflows",
                (json_int_t)m->overflows, "finished", (int)m->finished, "cut", (int)m->cut);
}

/* Everything; NULL when memory is short. */
json_t *
status_whole(const Supervisor *s)
{
        uint64_t now = now_usec();
        json_t *workers = json_array();
        json_t *listeners = json_array();
        json_t *command = json_array();

        for (size_t i = 0; i < s->n_workers; i++)
                (void)json_array_append_new(workers, describe_worker(s->workers[i], now));
        for (size_t i = 0; i < s->held.n_items; i++)
                (void)json_array_append_new(listeners, describe_listener(s->held.items[i]));
        for (size_t i = 0; i < s->current->command.n_items; i++)
                (void)json_array_append_new(command, json_string(s->current->command.items[i]));
        return json_pack("{s:s, s:i, s:s, s:i, s:s, s:I, s:o, s:i, s:o, s:o, s:o}", "name", s->name,
                         "pid", (int)getpid(), "version", PACKAGE_VERSION, "generation",
                         (int)s->current->number, "state", state_name(s), "uptime_usec",
                         (json_int_t)(now - s->started_usec), "command", command, "upgrades",
                         (int)s->n_upgrades, "workers", workers, "listeners", listeners,
                         "last_reload", status_reload(s));
}
