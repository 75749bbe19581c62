/* SPDX-License-Identifier: MIT */
/* control_vocabulary.c - the verbs of the control socket, and what each may be told. */
#include "unit.h"

#include <errno.h>

#include "control/vocabulary.h"

/* The verb with these arguments is refused with a sentence that has the word, or taken (NULL). */
static void
check(const char *verb, const char *arguments, const char *word)
{
        json_t *value = json_loads(arguments, JSON_DECODE_ANY, NULL);
        CLEANUP_FREE char *reason = NULL;
        int r = vocabulary_check(verb, value, &reason);

        json_decref(value);
        if (word)
                unit_expect(r == -EINVAL && reason && strstr(reason, word), "%s %s: %d, %s\n", verb,
                            arguments, r, reason ? reason : "-");
        else
                unit_expect(r == 0 && !reason, "%s %s: %d, %s\n", verb, arguments, r,
                            reason ? reason : "-");
}

static void
every_verb_is_known_and_no_other(void **state)
{
        (void)state;
        check("status", "{}", NULL);
        check("reload", "{}", NULL);
        check("restart", "{}", NULL);
        check("stop", "{}", NULL);
        check("ready", "{}", NULL);
        check("upgrade", "{}", NULL);
        check("dance", "{}", "dance");
        check("", "{}", "no verb");
        check("Status", "{}", "Status");
}

static void
a_reload_has_a_command_ways_and_a_canary(void **state)
{
        (void)state;
        check("reload",
              "{\"command\":[\"./new\",\"\",\"x\"],\"drain\":\"connections\","
              "\"reload\":\"overlap\",\"canary_percent\":5,\"bake_usec\":0,\"check\":\"true\"}",
              NULL);
        check("reload", "{\"canary_percent\":0.5}", NULL);
        check("reload", "{\"canary_percent\":100}", NULL);
        check("reload", "{\"drain\":\"signal\",\"reload\":\"serial\"}", NULL);
}

static void
a_value_of_another_kind_is_refused(void **state)
{
        static const char *const wrong[] = {
                "{\"command\":\"./new\"}",
                "{\"command\":[]}",
                "{\"command\":[\"\"]}",
                "{\"command\":[\"x\",null]}",
                "{\"drain\":true}",
                "{\"drain\":\"\"}",
                "{\"reload\":\"overlapping\"}",
                "{\"canary_percent\":\"5%\"}",
                "{\"canary_percent\":0}",
                "{\"canary_percent\":-1}",
                "{\"canary_percent\":100.5}",
                "{\"bake_usec\":1.5}",
                "{\"bake_usec\":-1}",
                "{\"bake_usec\":\"60s\"}",
                "{\"check\":\"\"}",
                "{\"check\":[\"true\"]}",
                "{\"check\":null}",
        };

        (void)state;
        for (size_t i = 0; i < ELEMENTSOF(wrong); i++)
                check("reload", wrong[i], "is not");
}

static void
an_argument_of_another_verb_is_refused(void **state)
{
        (void)state;
        check("status", "{\"worker\":1}", "status has no argument 'worker'");
        check("reload", "{\"worker\":1}", "worker");
        check("stop", "{\"check\":\"x\"}", "check");
        check("ready", "{\"\":1}", "''");
}

static void
arguments_are_an_object(void **state)
{
        (void)state;
        check("status", "[]", "object");
        check("status", "null", "object");
        check("scale", "4", "object");
}

static void
scale_has_a_number_or_a_change_and_not_both(void **state)
{
        (void)state;
        check("scale", "{\"workers\":1}", NULL);
        check("scale", "{\"workers\":1000000}", NULL);
        check("scale", "{\"change\":-1}", NULL);
        check("scale", "{\"change\":2}", NULL);
        check("scale", "{}", "one of");
        check("scale", "{\"workers\":1,\"change\":1}", "one of");
        check("scale", "{\"workers\":0}", "workers");
        check("scale", "{\"workers\":1000001}", "workers");
        check("scale", "{\"workers\":\"+1\"}", "workers");
        check("scale", "{\"change\":0}", "change");
}

static void
a_signal_has_a_name_or_a_number_as_a_text(void **state)
{
        (void)state;
        check("signal", "{\"signal\":\"HUP\"}", NULL);
        check("signal", "{\"signal\":\"SIGUSR1\",\"worker\":3}", NULL);
        check("signal", "{\"signal\":\"10\"}", NULL);
        check("signal", "{}", "signal");
        check("signal", "{\"signal\":10}", "signal");
        check("signal", "{\"signal\":\"0\"}", "signal");
        check("signal", "{\"signal\":\"hup\"}", "signal");
        check("signal", "{\"signal\":\"HUP\",\"worker\":0}", "worker");
}

static void
drain_has_to_say_which_worker_and_restart_may(void **state)
{
        (void)state;
        check("drain", "{\"worker\":1}", NULL);
        check("drain", "{}", "needs");
        check("drain", "{\"worker\":\"1\"}", "worker");
        check("restart", "{\"worker\":1}", NULL);
        check("restart", "{\"worker\":1.0}", "worker");
}

int
main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(every_verb_is_known_and_no_other),
                cmocka_unit_test(a_reload_has_a_command_ways_and_a_canary),
                cmocka_unit_test(a_value_of_another_kind_is_refused),
                cmocka_unit_test(an_argument_of_another_verb_is_refused),
                cmocka_unit_test(arguments_are_an_object),
                cmocka_unit_test(scale_has_a_number_or_a_change_and_not_both),
                cmocka_unit_test(a_signal_has_a_name_or_a_number_as_a_text),
                cmocka_unit_test(drain_has_to_say_which_worker_and_restart_may),
        };

        return unit_run(tests);
}
