/* SPDX-License-Identifier: MIT */
/*
 * persist.c - all that a running `sup` knows, as JSON, and back.
 *
 * Gist: for re-executing itself: descriptors keep their numbers over an exec, so they are written as
 * numbers. What can be derived, or asked of the kernel, is not written. Nobody may be waiting for an
 * answer, and no reload may be under way: those are not written either.
 */
#include "run/persist.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/why.h"
#include "control/server.h"
#include "run/fields.h"

_Static_assert(sizeof(pid_t) == sizeof(int), "a pid is written as an int");
_Static_assert(sizeof(dev_t) == sizeof(uint64_t) && sizeof(ino_t) == sizeof(uint64_t), "as U64");

static const Field supervisor_fields[] = {
        FIELD(Supervisor, last_generation, FIELD_UNSIGNED),
        FIELD(Supervisor, n_wanted, FIELD_UNSIGNED),
        FIELD(Supervisor, capture_on, FIELD_BOOL),
        FIELD(Supervisor, told_no_filter, FIELD_BOOL),
        FIELD(Supervisor, last_incarnation, FIELD_U64),
        FIELD(Supervisor, started_usec, FIELD_U64),
        FIELD(Supervisor, n_upgrades, FIELD_UNSIGNED),
        FIELD(Supervisor, has_started, FIELD_BOOL),
        FIELD(Supervisor, exit_status, FIELD_INT),
        FIELD(Supervisor, interactive, FIELD_BOOL),
        FIELD(Supervisor, has_terminal, FIELD_BOOL),
        FIELD(Supervisor, is_controlled, FIELD_BOOL),
        FIELD(Supervisor, last_reload_generation, FIELD_UNSIGNED),
        FIELD(Supervisor, last_reload_usec, FIELD_U64),
        {"is_away", FIELD_BOOL, offsetof(Supervisor, away.is_away)},
        {"away_failed", FIELD_UNSIGNED, offsetof(Supervisor, away.n_failed)},
        {"away_wanted", FIELD_UNSIGNED, offsetof(Supervisor, away.n_wanted)},
};

static const Field measure_fields[] = {
        FIELD(Measure, begin_usec, FIELD_U64),
        FIELD(Measure, longest_wait_usec, FIELD_U64),
        FIELD(Measure, waiting_before, FIELD_UNSIGNED),
        FIELD(Measure, deepest_queue, FIELD_UNSIGNED),
        FIELD(Measure, overflows, FIELD_U64),
        FIELD(Measure, finished, FIELD_UNSIGNED),
        FIELD(Measure, cut, FIELD_UNSIGNED),
};

static const Field generation_fields[] = {
        FIELD(Generation, number, FIELD_UNSIGNED),
        FIELD(Generation, state, FIELD_INT),
        FIELD(Generation, habits.speaks, FIELD_BOOL),
        FIELD(Generation, habits.listens, FIELD_BOOL),
        FIELD(Generation, habits.silent, FIELD_BOOL),
        FIELD(Generation, is_steered, FIELD_BOOL),
        FIELD(Generation, has_failed, FIELD_BOOL),
        FIELD(Generation, drain, FIELD_INT),
        FIELD(Generation, replaced_by, FIELD_UNSIGNED),
        FIELD(Generation, retire_usec, FIELD_U64),
};

static const Field worker_fields[] = {
        FIELD(Worker, role, FIELD_INT),
        FIELD(Worker, index, FIELD_UNSIGNED),
        FIELD(Worker, incarnation, FIELD_U64),
        FIELD(Worker, state, FIELD_INT),
        FIELD(Worker, pid, FIELD_INT),
        FIELD(Worker, pid_before, FIELD_INT),
        FIELD(Worker, group, FIELD_INT),
        FIELD(Worker, session, FIELD_INT),
        FIELD(Worker, born_index, FIELD_UNSIGNED),
        FIELD(Worker, born_generation, FIELD_UNSIGNED),
        FIELD(Worker, spawned_usec, FIELD_U64),
        FIELD(Worker, ready_usec, FIELD_U64),
        FIELD(Worker, claimed_usec, FIELD_U64),
        FIELD(Worker, progress_usec, FIELD_U64),
        FIELD(Worker, behind_usec, FIELD_U64),
        FIELD(Worker, extended_until_usec, FIELD_U64),
        FIELD(Worker, ended_usec, FIELD_U64),
        FIELD(Worker, deadline_usec, FIELD_U64),
        FIELD(Worker, end_code, FIELD_INT),
        FIELD(Worker, end_status, FIELD_INT),
        FIELD(Worker, n_restarts, FIELD_UNSIGNED),
        FIELD(Worker, listened, FIELD_BOOL),
        FIELD(Worker, was_asked, FIELD_BOOL),
        FIELD(Worker, was_late, FIELD_BOOL),
        FIELD(Worker, renew, FIELD_BOOL),
        FIELD(Worker, kill_sweep, FIELD_BOOL),
        FIELD(Worker, done, FIELD_BOOL),
        FIELD(Worker, nudge, FIELD_BOOL),
        FIELD(Worker, drained, FIELD_BOOL),
        FIELD(Worker, was_parked, FIELD_BOOL),
        FIELD(Worker, is_guess, FIELD_BOOL),
        FIELD(Worker, restart.n_failures, FIELD_UNSIGNED),
        FIELD(Worker, trap_fd, FIELD_INT),
        FIELD(Worker, notify_fd, FIELD_INT),
        FIELD(Worker, notify_name, FIELD_TEXT),
        FIELD(Worker, watchdog_usec, FIELD_U64),
        FIELD(Worker, told_pid, FIELD_INT),
        FIELD(Worker, paths_away, FIELD_BOOL),
};

#define SAVE(structure, fields) fields_save(structure, fields, ELEMENTSOF(fields))
#define LOAD(structure, fields, object) fields_load(structure, fields, ELEMENTSOF(fields), object)

static json_t *
save_generation(const Generation *g)
{
        json_t *object = SAVE(g, generation_fields);
        json_t *command = json_array();

        for (size_t i = 0; i < g->command.n_items; i++)
                (void)json_array_append_new(command, json_string(g->command.items[i]));
        (void)json_object_set_new(object, "command", command);
        (void)json_object_set_new(object, "measure", SAVE(&g->measure, measure_fields));
        return object;
}

/* Which processes are known as the worker's: pairs of a pid and when it started. */
static json_t *
save_known(const Known *known)
{
        json_t *array = json_array();

        for (size_t i = 0; i < known->n_items; i++)
                (void)json_array_append_new(array,
                                            json_pack("[i, I]", (int)known->items[i].pid,
                                                      (json_int_t)known->items[i].started_ticks));
        return array;
}

/* An older `sup` did not know any. */
static void
load_known(Known *known, const json_t *array)
{
        for (size_t i = 0; i < json_array_size(array); i++) {
                const json_t *pair = json_array_get(array, i);
                KnownProcess process = {
                        .pid = (pid_t)json_integer_value(json_array_get(pair, 0)),
                        .started_ticks = (uint64_t)json_integer_value(json_array_get(pair, 1)),
                };

                known_append(known, process);
        }
}

static json_t *
save_worker(const Worker *w)
{
        json_t *object = SAVE(w, worker_fields);
        json_t *starts = json_array();
        unsigned limit = w->supervisor->config->restart.limit;

        for (unsigned i = 0; w->restart.starts_usec && i < limit && i < w->restart.n_starts; i++)
                (void)json_array_append_new(starts,
                                            json_integer((json_int_t)w->restart.starts_usec[i]));
        (void)json_object_set_new(object, "generation", json_integer(w->generation->number));
        (void)json_object_set_new(object, "known", save_known(&w->known));
        (void)json_object_set_new(object, "started_ticks",
                                  json_integer((json_int_t)w->started_ticks));
        (void)json_object_set_new(object, "starts", starts);
        (void)json_object_set_new(object, "n_starts", json_integer(w->restart.n_starts));
        (void)json_object_set_new(object, "watched", json_boolean(w->watchdog != NULL));
        (void)json_object_set_new(
                object, "ready_fd",
                json_integer(w->ready_source ? sd_event_source_get_io_fd(w->ready_source) : -1));
        return object;
}

static json_t *
save_control(const Supervisor *s)
{
        if (!s->control)
                return json_null();
        return json_pack("{s:i, s:s}", "fd", control_server_fd(s->control), "path",
                         control_server_path(s->control));
}

/* Everything; NULL when memory is short. */
json_t *
persist_save(const Supervisor *s)
{
        json_t *generations = json_array();
        json_t *workers = json_array();
        json_t *strangers = json_array();
        json_t *arguments = json_array();

        for (size_t i = 0; i < s->n_generations; i++)
                (void)json_array_append_new(generations, save_generation(s->generations[i]));
        for (size_t i = 0; i < s->n_workers; i++)
                (void)json_array_append_new(workers, save_worker(s->workers[i]));
        for (size_t i = 0; i < s->tree.strangers.n_pids; i++)
                (void)json_array_append_new(strangers, json_integer(s->tree.strangers.pids[i]));
        for (int i = 0; i < s->argc; i++)
                (void)json_array_append_new(arguments, json_string(s->argv[i]));
        return json_pack(
                "{s:i, s:i, s:o, s:o, s:o, s:i, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, "
                "s:o}",
                "format", PERSIST_FORMAT, "pid", (int)getpid(), "arguments", arguments, "inherited",
                persist_save_inherited(s->config), "supervisor", SAVE(s, supervisor_fields),
                "current", (int)s->current->number, "generations", generations, "workers", workers,
                "strangers", strangers, "sockets", persist_save_sockets(s), "control",
                save_control(s), "terminal", fields_save_bytes(&s->terminal, sizeof(s->terminal)),
                "last_reload", SAVE(&s->last_reload, measure_fields), "files",
                json_pack("[I, I]", (json_int_t)s->nofile.rlim_cur, (json_int_t)s->nofile.rlim_max),
                "store", store_save(s));
}

static Generation *
find_generation(const Supervisor *s, unsigned number)
{
        for (size_t i = 0; i < s->n_generations; i++)
                if (s->generations[i]->number == number)
                        return s->generations[i];
        return NULL;
}

static int
load_generation(Supervisor *s, const json_t *object)
{
        const json_t *command = json_object_get(object, "command");
        CLEANUP(strv_deinit_p) Strv words = {0};
        Generation *g;
        int r = json_array_size(command) ? 0 : -EBADMSG;

        for (size_t i = 0; i < json_array_size(command) && r == 0; i++) {
                const char *word = json_string_value(json_array_get(command, i));

                r = word ? strv_add(&words, strdup(word)) : -EBADMSG;
        }
        if (r < 0)
                return r;
        g = generation_new(s, words.items);
        if (!g)
                return -ENOMEM;
        r = LOAD(g, generation_fields, object);
        return r < 0 ? r : LOAD(&g->measure, measure_fields, json_object_get(object, "measure"));
}

static int
load_starts(Worker *w, const json_t *object)
{
        const json_t *starts = json_object_get(object, "starts");
        unsigned limit = w->supervisor->config->restart.limit;

        if (limit == 0 || json_array_size(starts) == 0)
                return 0;
        w->restart.starts_usec = calloc(limit, sizeof(*w->restart.starts_usec));
        if (!w->restart.starts_usec)
                return -ENOMEM;
        for (size_t i = 0; i < json_array_size(starts) && i < limit; i++)
                w->restart.starts_usec[i] = (uint64_t)json_integer_value(json_array_get(starts, i));
        w->restart.n_starts = (unsigned)json_integer_value(json_object_get(object, "n_starts"));
        return 0;
}

static int
load_worker(Supervisor *s, const json_t *object)
{
        unsigned number = (unsigned)json_integer_value(json_object_get(object, "generation"));
        Generation *g = find_generation(s, number);
        Worker *w = g ? workers_add(s, g, ROLE_ACTIVE, 0) : NULL;
        int r;

        if (!w)
                return g ? -ENOMEM : -EBADMSG;
        r = LOAD(w, worker_fields, object);
        if (r == 0 && ((unsigned)w->role > ROLE_STANDBY || (unsigned)w->state >= N_LIFE_STATES))
                r = -EBADMSG;
        w->ready_fd = (int)json_integer_value(json_object_get(object, "ready_fd"));
        load_known(&w->known, json_object_get(object, "known"));
        w->started_ticks = (uint64_t)json_integer_value(json_object_get(object, "started_ticks"));
        w->is_watched = json_is_true(json_object_get(object, "watched"));
        return r < 0 ? r : load_starts(w, object);
}

static int
load_rest(Supervisor *s, const json_t *state)
{
        const json_t *strangers = json_object_get(state, "strangers");
        const json_t *files = json_object_get(state, "files");
        size_t n;
        int r = fields_load_bytes(&s->terminal, sizeof(s->terminal),
                                  json_object_get(state, "terminal"), &n);

        s->tree.strangers.n_pids = 0;
        for (size_t i = 0; i < json_array_size(strangers) && r == 0; i++)
                r = pidset_add(&s->tree.strangers,
                               (pid_t)json_integer_value(json_array_get(strangers, i)));
        s->nofile.rlim_cur = (rlim_t)json_integer_value(json_array_get(files, 0));
        s->nofile.rlim_max = (rlim_t)json_integer_value(json_array_get(files, 1));
        if (r == 0)
                r = LOAD(&s->last_reload, measure_fields, json_object_get(state, "last_reload"));
        return r;
}

static int
load_all(Supervisor *s, const json_t *state)
{
        const json_t *generations = json_object_get(state, "generations");
        const json_t *workers = json_object_get(state, "workers");
        int r = 0;

        for (size_t i = 0; i < json_array_size(generations) && r == 0; i++)
                r = load_generation(s, json_array_get(generations, i));
        for (size_t i = 0; i < json_array_size(workers) && r == 0; i++)
                r = load_worker(s, json_array_get(workers, i));
        s->current =
                find_generation(s, (unsigned)json_integer_value(json_object_get(state, "current")));
        if (r == 0 && !s->current)
                r = -EBADMSG;
        if (r == 0)
                r = LOAD(s, supervisor_fields, json_object_get(state, "supervisor"));
        if (r == 0)
                r = persist_load_sockets(s, json_object_get(state, "sockets"));
        if (r == 0)
                r = store_load(s, json_object_get(state, "store"));
        return r < 0 ? r : load_rest(s, state);
}

/*
 * Take in what persist_save wrote. Nothing of it is acted upon: no event source is made.
 * Returns 0, or a negative errno with a sentence.
 */
int
persist_load(Supervisor *s, const json_t *state, char **ret_why)
{
        json_int_t format = json_integer_value(json_object_get(state, "format"));
        int r;

        if (format != PERSIST_FORMAT)
                return why(ret_why, -EPROTO,
                           "the state has format %lld, and this program knows format %d",
                           (long long)format, PERSIST_FORMAT);
        r = load_all(s, state);
        return r < 0 ? why(ret_why, r, "the state cannot be read: %s", strerrordesc_np(-r)) : 0;
}
