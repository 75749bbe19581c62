/* SPDX-License-Identifier: MIT */
/* worker_environment.c - the environment that a worker is started with. */
#include "unit.h"

#include <errno.h>

#include "worker/environment.h"

static char *const nothing[] = {NULL};

static const EnvironmentListener three[] = {
        {.name = "web", .address = "127.0.0.1:80"},
        {.name = "admin", .address = "[::1]:8080"},
        {.name = "local", .address = "/run/app.sock", .is_unix = true},
};

/* One worker with these listeners, who hands on what an ordinary one does. */
static EnvironmentInput
input_with(size_t n_listeners)
{
        return (EnvironmentInput){
                .inherited = nothing,
                .listeners = three,
                .n_listeners = n_listeners,
                .listen_pid = true,
                .notify_fd = -1,
                .instance = "app",
                .worker = 2,
                .generation = 5,
                .supervisor = 4711,
        };
}

/* The only value of a variable, or NULL; a variable that is there twice is an error. */
static const char *
value_of(const Environment *e, const char *name)
{
        const char *value = NULL;
        size_t length = strlen(name);

        for (size_t i = 0; i < e->variables.n_items; i++) {
                const char *item = e->variables.items[i];

                if (strncmp(item, name, length) != 0 || item[length] != '=')
                        continue;
                unit_expect(!value, "%s is there twice: %s, %s\n", name, value, item);
                value = item + length + 1;
        }
        return value;
}

static void
expect_variable(const Environment *e, const char *name, const char *expected)
{
        const char *value = value_of(e, name);

        unit_expect(value && strcmp(value, expected) == 0, "%s=%s instead of %s\n", name,
                    value ? value : "(not there)", expected);
}

static Environment
make(const EnvironmentInput *in)
{
        Environment e;

        assert_int_equal(environment_init(&e, in), 0);
        assert_null(e.variables.items[e.variables.n_items]);
        return e;
}

static void
a_worker_knows_its_instance_its_number_and_its_generation(void **state)
{
        const EnvironmentInput in = input_with(0);
        CLEANUP(environment_deinit) Environment e = make(&in);

        (void)state;
        expect_variable(&e, "SUP_NAME", "app");
        expect_variable(&e, "SUP_WORKER", "2");
        expect_variable(&e, "SUP_GENERATION", "5");
        expect_variable(&e, "SERVER_STARTER_GENERATION", "5");
        expect_variable(&e, "EINHORN_MASTER_PID", "4711");
        expect_variable(&e, "EINHORN_CHILD_INDEX", "1");
}

static void
without_listeners_nothing_says_that_there_are_any(void **state)
{
        static const char *const names[] = {
                "LISTEN_FDS",          "LISTEN_PID",       "LISTEN_FDNAMES",
                "SERVER_STARTER_PORT", "EINHORN_FD_COUNT", "NGINX",
                "UNICORN_FD",          "FPM_SOCKETS",      "UPSTART_FDS"};
        EnvironmentInput in = input_with(0);
        CLEANUP(environment_deinit) Environment e = {0};

        (void)state;
        in.compat = UINT32_MAX;
        e = make(&in);
        for (size_t i = 0; i < ELEMENTSOF(names); i++)
                unit_expect(!value_of(&e, names[i]), "%s is there\n", names[i]);
}

static void
systemds_variables_count_and_name_the_listeners(void **state)
{
        const EnvironmentInput in = input_with(3);
        CLEANUP(environment_deinit) Environment e = make(&in);

        (void)state;
        expect_variable(&e, "LISTEN_FDS", "3");
        expect_variable(&e, "LISTEN_FDNAMES", "web:admin:local");
}

static void
the_new_process_writes_its_own_pid_in_the_room_that_is_left(void **state)
{
        EnvironmentInput in = input_with(1);
        CLEANUP(environment_deinit) Environment e = {0};

        (void)state;
        in.pidfd_identity = true;
        e = make(&in);
        assert_int_equal(e.n_pid_slots, 1);
        assert_int_equal(strlen(e.pid_slots[0]), ENVIRONMENT_PID_DIGITS);
        assert_int_equal(strlen(e.pidfd_slot), ENVIRONMENT_PIDFD_DIGITS);
        (void)snprintf(e.pid_slots[0], ENVIRONMENT_PID_DIGITS + 1, "%d", INT32_MAX);
        (void)snprintf(e.pidfd_slot, ENVIRONMENT_PIDFD_DIGITS + 1, "%llu",
                       (unsigned long long)UINT64_MAX);
        expect_variable(&e, "LISTEN_PID", "2147483647");
        expect_variable(&e, "LISTEN_PIDFDID", "18446744073709551615");
}

static void
the_identity_of_a_pidfd_is_left_out_where_it_is_none(void **state)
{
        const EnvironmentInput in = input_with(1);
        CLEANUP(environment_deinit) Environment e = make(&in);

        (void)state;
        assert_null(value_of(&e, "LISTEN_PIDFDID"));
        assert_null(e.pidfd_slot);
}

static void
no_listen_pid_leaves_both_identities_out_and_nothing_else(void **state)
{
        EnvironmentInput in = input_with(1);
        CLEANUP(environment_deinit) Environment e = {0};

        (void)state;
        in.listen_pid = false;
        in.pidfd_identity = true;
        e = make(&in);
        assert_null(value_of(&e, "LISTEN_PID"));
        assert_null(value_of(&e, "LISTEN_PIDFDID"));
        assert_int_equal(e.n_pid_slots, 0);
        assert_null(e.pidfd_slot);
        expect_variable(&e, "LISTEN_FDS", "1");
        expect_variable(&e, "LISTEN_FDNAMES", "web");
}

static void
server_starter_and_einhorn_get_addresses_and_numbers(void **state)
{
        const EnvironmentInput in = input_with(3);
        CLEANUP(environment_deinit) Environment e = make(&in);

        (void)state;
        expect_variable(&e, "SERVER_STARTER_PORT", "127.0.0.1:80=3;[::1]:8080=4;/run/app.sock=5");
        expect_variable(&e, "EINHORN_FD_COUNT", "3");
        expect_variable(&e, "EINHORN_FD_0", "3");
        expect_variable(&e, "EINHORN_FD_1", "4");
        expect_variable(&e, "EINHORN_FD_2", "5");
        assert_null(value_of(&e, "EINHORN_FD_3"));
}

static void
each_compat_speaks_the_words_of_its_server(void **state)
{
        static const struct {
                const char *compat;
                const char *variable;
                const char *one;
                const char *three;
        } cases[] = {
                {"nginx", "NGINX", "3;", "3;4;5;"},
                {"unicorn", "UNICORN_FD", "3", "3,4,5"},
                {"puma", "PUMA_INHERIT_0", "3:tcp://127.0.0.1:80", "3:tcp://127.0.0.1:80"},
                {"puma", "PUMA_INHERIT_2", NULL, "5:unix:///run/app.sock"},
                {"php-fpm", "FPM_SOCKETS", "127.0.0.1:80=3",
                 "127.0.0.1:80=3,[::1]:8080=4,/run/app.sock=5"},
                {"upstart", "UPSTART_FDS", "3", "3 4 5"},
                {"upstart", "UPSTART_EVENTS", "socket", "socket"},
        };

        (void)state;
        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                EnvironmentInput in = input_with(1);
                CLEANUP(environment_deinit) Environment e1 = {0};
                CLEANUP(environment_deinit) Environment e3 = {0};

                assert_int_equal(compat_from_name(cases[i].compat, &in.compat), 0);
                e1 = make(&in);
                in.n_listeners = 3;
                e3 = make(&in);
                if (cases[i].one)
                        expect_variable(&e1, cases[i].variable, cases[i].one);
                else
                        assert_null(value_of(&e1, cases[i].variable));
                expect_variable(&e3, cases[i].variable, cases[i].three);
        }
}

static void
a_compat_that_was_not_asked_for_is_not_spoken(void **state)
{
        static const struct {
                unsigned mask;
                const char *variable;
        } compats[] = {
                {COMPAT_NGINX, "NGINX"},         {COMPAT_UNICORN, "UNICORN_FD"},
                {COMPAT_PUMA, "PUMA_INHERIT_0"}, {COMPAT_PHP_FPM, "FPM_SOCKETS"},
                {COMPAT_UPSTART, "UPSTART_FDS"}, {COMPAT_UPSTART, "UPSTART_EVENTS"},
                {COMPAT_CRANK, "NOTIFY_FD"},
        };

        (void)state;
        for (size_t i = 0; i < ELEMENTSOF(compats); i++) {
                EnvironmentInput in = input_with(3);
                CLEANUP(environment_deinit) Environment e = {0};

                in.compat = compats[i].mask;
                e = make(&in);
                for (size_t j = 0; j < ELEMENTSOF(compats); j++)
                        if (compats[i].mask != compats[j].mask)
                                assert_null(value_of(&e, compats[j].variable));
        }
}

static void
all_compats_can_be_spoken_at_once(void **state)
{
        static const char *const names[] = {"nginx",   "unicorn", "puma",
                                            "php-fpm", "upstart", "crank"};
        EnvironmentInput in = input_with(3);
        CLEANUP(environment_deinit) Environment e = {0};
        unsigned mask;

        (void)state;
        for (size_t i = 0; i < ELEMENTSOF(names); i++) {
                assert_int_equal(compat_from_name(names[i], &mask), 0);
                assert_int_equal(in.compat & mask, 0);
                in.compat |= mask;
        }
        in.notify_fd = 6;
        e = make(&in);
        expect_variable(&e, "NGINX", "3;4;5;");
        expect_variable(&e, "UNICORN_FD", "3,4,5");
        expect_variable(&e, "PUMA_INHERIT_1", "4:tcp://[::1]:8080");
        expect_variable(&e, "UPSTART_FDS", "3 4 5");
        expect_variable(&e, "NOTIFY_FD", "6");
        expect_variable(&e, "LISTEN_FDS", "3");
        assert_int_equal(compat_from_name("apache", &mask), -EINVAL);
        assert_int_equal(compat_from_name("", &mask), -EINVAL);
}

static void
the_socket_for_messages_and_the_watchdog_need_no_listener(void **state)
{
        EnvironmentInput in = input_with(0);
        CLEANUP(environment_deinit) Environment e = {0};

        (void)state;
        in.notify_socket = "@123ab";
        in.watchdog_usec = 30000000;
        e = make(&in);
        expect_variable(&e, "NOTIFY_SOCKET", "@123ab");
        expect_variable(&e, "WATCHDOG_USEC", "30000000");
        assert_int_equal(e.n_pid_slots, 1);
        (void)snprintf(e.pid_slots[0], ENVIRONMENT_PID_DIGITS + 1, "%d", 4712);
        expect_variable(&e, "WATCHDOG_PID", "4712");
}

static void
without_them_nothing_says_that_they_are_there(void **state)
{
        const EnvironmentInput in = input_with(1);
        CLEANUP(environment_deinit) Environment e = make(&in);

        (void)state;
        assert_null(value_of(&e, "NOTIFY_SOCKET"));
        assert_null(value_of(&e, "WATCHDOG_USEC"));
        assert_null(value_of(&e, "WATCHDOG_PID"));
}

static void
both_pids_are_written_with_listeners_and_a_watchdog(void **state)
{
        EnvironmentInput in = input_with(1);
        CLEANUP(environment_deinit) Environment e = {0};

        (void)state;
        in.watchdog_usec = 1;
        e = make(&in);
        assert_int_equal(e.n_pid_slots, 2);
        for (size_t i = 0; i < e.n_pid_slots; i++)
                (void)snprintf(e.pid_slots[i], ENVIRONMENT_PID_DIGITS + 1, "%d", 4712);
        expect_variable(&e, "LISTEN_PID", "4712");
        expect_variable(&e, "WATCHDOG_PID", "4712");
}

static void
a_stored_descriptor_is_for_systemds_readers_alone(void **state)
{
        static const EnvironmentListener listeners[] = {{.name = "web", .address = "127.0.0.1:80"},
                                                        {.name = "stored"}};
        EnvironmentInput in = input_with(2);
        CLEANUP(environment_deinit) Environment e = {0};

        (void)state;
        in.listeners = listeners;
        in.compat = UINT32_MAX;
        e = make(&in);
        expect_variable(&e, "LISTEN_FDS", "2");
        expect_variable(&e, "LISTEN_FDNAMES", "web:stored");
        expect_variable(&e, "SERVER_STARTER_PORT", "127.0.0.1:80=3");
        expect_variable(&e, "EINHORN_FD_COUNT", "1");
        assert_null(value_of(&e, "EINHORN_FD_1"));
        expect_variable(&e, "NGINX", "3;");
        expect_variable(&e, "UNICORN_FD", "3");
        assert_null(value_of(&e, "PUMA_INHERIT_1"));
        expect_variable(&e, "FPM_SOCKETS", "127.0.0.1:80=3");
        expect_variable(&e, "UPSTART_FDS", "3");
}

static void
cranks_descriptor_needs_no_listener(void **state)
{
        EnvironmentInput in = input_with(0);
        CLEANUP(environment_deinit) Environment e = {0};

        (void)state;
        in.notify_fd = 3;
        e = make(&in);
        expect_variable(&e, "NOTIFY_FD", "3");
}

static void
inherited_copies_of_what_is_handed_over_are_removed(void **state)
{
        CLEANUP(strv_deinit_p)
        Strv inherited = unit_strv(UNIT_WORDS(
                "LISTEN_FDS=9", "LISTEN_PID=9", "LISTEN_FDNAMES=9", "LISTEN_PIDFDID=9",
                "NOTIFY_SOCKET=9", "WATCHDOG_USEC=9", "WATCHDOG_PID=9", "SERVER_STARTER_PORT=9",
                "SERVER_STARTER_GENERATION=9", "EINHORN_FD_COUNT=9", "EINHORN_FD_0=9",
                "EINHORN_FD_17=9", "EINHORN_MASTER_PID=9", "EINHORN_CHILD_INDEX=9",
                "EINHORN_SOCK_PATH=9", "SUP_NAME=9", "SUP_WORKER=9", "SUP_GENERATION=9", "NGINX=9",
                "UNICORN_FD=9", "PUMA_INHERIT_0=9", "FPM_SOCKETS=9", "UPSTART_FDS=9",
                "UPSTART_EVENTS=9", "NOTIFY_FD=9"));
        EnvironmentInput in = input_with(0);
        CLEANUP(environment_deinit) Environment e = {0};

        (void)state;
        in.inherited = inherited.items;
        e = make(&in);
        for (size_t i = 0; i < e.variables.n_items; i++)
                unit_expect(!strstr(e.variables.items[i], "=9"), "%s is left\n",
                            e.variables.items[i]);
}

static void
everything_else_is_inherited_even_what_looks_similar(void **state)
{
        CLEANUP(strv_deinit_p)
        Strv inherited = unit_strv(UNIT_WORDS("PATH=/bin", "EMPTY=", "LISTEN_FDS_=1",
                                              "XLISTEN_FDS=1", "LISTEN=1", "NGINX_PORT=1",
                                              "EINHORN=1", "PUMA_PORT=1", "SUP=1", "SUP_NAMES=1",
                                              "A=b=c", "no equals sign", "JOURNAL_STREAM=1:2"));
        EnvironmentInput in = input_with(3);
        CLEANUP(environment_deinit) Environment e = {0};

        (void)state;
        in.inherited = inherited.items;
        e = make(&in);
        for (size_t i = 0; i < inherited.n_items; i++) {
                bool found = false;

                for (size_t j = 0; j < e.variables.n_items; j++)
                        found = found || strcmp(e.variables.items[j], inherited.items[i]) == 0;
                unit_expect(found, "%s is gone\n", inherited.items[i]);
        }
}

static void
what_env_sets_replaces_what_is_inherited_and_its_last_word_counts(void **state)
{
        CLEANUP(strv_deinit_p)
        Strv inherited = unit_strv(UNIT_WORDS("A=inherited", "B=inherited", "AB=inherited"));
        CLEANUP(strv_deinit_p)
        Strv extra = unit_strv(UNIT_WORDS("A=first", "C=new", "A=second", "EMPTY="));
        EnvironmentInput in = input_with(0);
        CLEANUP(environment_deinit) Environment e = {0};

        (void)state;
        in.inherited = inherited.items;
        in.extra = extra.items;
        e = make(&in);
        expect_variable(&e, "A", "second");
        expect_variable(&e, "B", "inherited");
        expect_variable(&e, "AB", "inherited");
        expect_variable(&e, "C", "new");
        expect_variable(&e, "EMPTY", "");
}

static void
what_is_handed_over_is_said_once_whatever_env_sets(void **state)
{
        CLEANUP(strv_deinit_p)
        Strv extra = unit_strv(UNIT_WORDS("LISTEN_FDS=9", "SUP_WORKER=9", "NGINX=9",
                                          "EINHORN_MASTER_PID=9", "NOTIFY_SOCKET=/run/outer"));
        EnvironmentInput in = input_with(3);
        CLEANUP(environment_deinit) Environment e = {0};

        (void)state;
        in.extra = extra.items;
        in.compat = COMPAT_NGINX;
        e = make(&in);
        expect_variable(&e, "LISTEN_FDS", "3");
        expect_variable(&e, "SUP_WORKER", "2"); /* by which left-overs are known */
        expect_variable(&e, "EINHORN_MASTER_PID", "4711");
        expect_variable(&e, "NGINX", "3;4;5;");
        expect_variable(&e, "NOTIFY_SOCKET", "/run/outer"); /* we have none of our own here */
}

int
main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(a_worker_knows_its_instance_its_number_and_its_generation),
                cmocka_unit_test(without_listeners_nothing_says_that_there_are_any),
                cmocka_unit_test(systemds_variables_count_and_name_the_listeners),
                cmocka_unit_test(the_new_process_writes_its_own_pid_in_the_room_that_is_left),
                cmocka_unit_test(the_identity_of_a_pidfd_is_left_out_where_it_is_none),
                cmocka_unit_test(no_listen_pid_leaves_both_identities_out_and_nothing_else),
                cmocka_unit_test(server_starter_and_einhorn_get_addresses_and_numbers),
                cmocka_unit_test(each_compat_speaks_the_words_of_its_server),
                cmocka_unit_test(a_compat_that_was_not_asked_for_is_not_spoken),
                cmocka_unit_test(all_compats_can_be_spoken_at_once),
                cmocka_unit_test(the_socket_for_messages_and_the_watchdog_need_no_listener),
                cmocka_unit_test(without_them_nothing_says_that_they_are_there),
                cmocka_unit_test(both_pids_are_written_with_listeners_and_a_watchdog),
                cmocka_unit_test(a_stored_descriptor_is_for_systemds_readers_alone),
                cmocka_unit_test(cranks_descriptor_needs_no_listener),
                cmocka_unit_test(inherited_copies_of_what_is_handed_over_are_removed),
                cmocka_unit_test(everything_else_is_inherited_even_what_looks_similar),
                cmocka_unit_test(what_env_sets_replaces_what_is_inherited_and_its_last_word_counts),
                cmocka_unit_test(what_is_handed_over_is_said_once_whatever_env_sets),
        };

        return unit_run(tests);
}
