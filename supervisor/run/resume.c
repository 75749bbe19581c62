/* SPDX-License-Identifier: MIT */
/*
 * resume.c - the new program goes on where the old one was: everything that persist.c took in gets its
 * event sources again.
 */
#include <config.h>
#include <errno.h>

#include "base/parse.h"
#include "run/requests.h"
#include "run/upgrade.h"

static void
resume_worker(Worker *w)
{
        int trap_fd = w->trap_fd;
        uint64_t now = now_usec();

        w->trap_fd = -1;
        if (trap_fd >= 0)
                traps_attach(w, trap_fd);
        ready_resume(w);
        if (w->deadline_usec)
                worker_set_deadline(w, w->deadline_usec > now ? w->deadline_usec - now : 0);
}

static int
resume_control(Supervisor *s, const json_t *control)
{
        const char *path = json_string_value(json_object_get(control, "path"));

        if (!path)
                return 0;
        return requests_adopt(s, (int)json_integer_value(json_object_get(control, "fd")), path);
}

/* Go on from a state that was loaded. Returns 0 or a negative errno. */
int
upgrade_resume(Supervisor *s, const json_t *state)
{
        int r = resume_control(s, json_object_get(state, "control"));

        if (r < 0)
                log_warning("the control socket is lost: %s", strerrordesc_np(-r));
        s->n_upgrades++;
        for (size_t i = 0; i < s->n_workers; i++)
                resume_worker(s->workers[i]);
        for (size_t i = 0; i < s->n_generations; i++)
                if (s->generations[i]->state == GENERATION_RETIRING)
                        drain_begin(s, s->generations[i]);
        measure_wake(s);
        traps_resume(s);
        left_take_over(s, true);
        log_event(&(LogEvent){.level = LOG_INFO, .event = "upgraded"},
                  "upgraded to sup %s: the same process, %u worker%s, %zu socket%s",
                  PACKAGE_VERSION, s->n_wanted, s->n_wanted == 1 ? "" : "s", s->held.n_items,
                  s->held.n_items == 1 ? "" : "s");
        reap_children(s); /* those that ended in between */
        return 0;
}
