/* SPDX-License-Identifier: MIT */
/*
 * control_path.c - where control sockets are. As an ordinary user throughout: root would make
 * /run/sup on the machine.
 */
#include "unit.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "control/path.h"
#include "control/socket_file.h"

#define NOBODY 65534

/* A directory of our own, as $HOME is for people. */
static char home[64];

static int
set_up(void **state)
{
        (void)state;
        (void)strcpy(home, "/tmp/sup-unit-XXXXXX");
        assert_non_null(mkdtemp(home));
        assert_int_equal(unsetenv("RUNTIME_DIRECTORY"), 0);
        assert_int_equal(unsetenv("XDG_RUNTIME_DIR"), 0);
        return 0;
}

static int
tear_down(void **state)
{
        char command[128];

        (void)state;
        (void)snprintf(command, sizeof(command), "rm -r %s", home);
        return system(command); /* NOLINT(cert-env33-c): a path of our own making */
}

/* Set a variable to a directory below home, or to two of them. */
static void
set_variable(const char *name, const char *first, const char *second)
{
        char value[256];

        (void)snprintf(value, sizeof(value), "%s%s%s%s%s", home, first, second ? ":" : "",
                       second ? home : "", second ? second : "");
        assert_int_equal(setenv(name, value, 1), 0);
}

static void
make_directory(const char *name)
{
        char path[128];

        (void)snprintf(path, sizeof(path), "%s/%s", home, name);
        assert_int_equal(mkdir(path, 0700), 0);
}

/* The path for this name is the one below home, or there is none (NULL). */
static void
expect_path(const char *name, const char *expected)
{
        CLEANUP_FREE char *path = NULL;
        int r = control_path(name, NULL, &path);
        char full[256];

        (void)snprintf(full, sizeof(full), "%s/%s", home, expected ? expected : "");
        if (expected)
                unit_expect(r == 0 && strcmp(path, full) == 0, "%d: %s instead of %s\n", r,
                            path ? path : "-", full);
        else
                unit_expect(r == -ENOENT && !path, "%d: %s\n", r, path ? path : "-");
}

static mode_t
mode_of(const char *name)
{
        char path[128];
        struct stat st;

        (void)snprintf(path, sizeof(path), "%s/%s", home, name);
        assert_int_equal(stat(path, &st), 0);
        return st.st_mode & 07777;
}

static void
an_explicit_path_is_taken_as_it_is(void **state)
{
        CLEANUP_FREE char *path = NULL;

        (void)state;
        set_variable("XDG_RUNTIME_DIR", "", NULL);
        assert_int_equal(control_path("shop", "no/such/dir", &path), 0);
        assert_string_equal(path, "no/such/dir");
}

static void
the_runtime_directory_of_systemd_comes_first_and_of_it_the_first_entry(void **state)
{
        (void)state;
        make_directory("first");
        make_directory("second");
        set_variable("RUNTIME_DIRECTORY", "/first", "/second");
        set_variable("XDG_RUNTIME_DIR", "", NULL);
        expect_path("shop", "first/shop.sock");
}

static void
the_users_own_is_next_and_gets_a_directory_that_only_he_can_enter(void **state)
{
        mode_t mask = umask(0777);

        (void)state;
        set_variable("XDG_RUNTIME_DIR", "", NULL);
        expect_path("shop", "sup/shop.sock");
        assert_int_equal(mode_of("sup"), 0700);
        expect_path("blog", "sup/blog.sock");
        (void)umask(mask);
}

static void
a_directory_that_cannot_be_made_or_written_is_passed_over(void **state)
{
        char path[128];

        (void)state;
        set_variable("RUNTIME_DIRECTORY", "/no/such", NULL);
        set_variable("XDG_RUNTIME_DIR", "", NULL);
        expect_path("shop", "sup/shop.sock");
        make_directory("locked");
        (void)snprintf(path, sizeof(path), "%s/locked", home);
        assert_int_equal(chmod(path, 0500), 0);
        set_variable("RUNTIME_DIRECTORY", "/locked", NULL);
        expect_path("shop", "sup/shop.sock");
}

static void
what_belongs_to_somebody_else_is_passed_over(void **state)
{
        (void)state;
        assert_int_equal(setenv("RUNTIME_DIRECTORY", "/tmp", 1), 0);
        assert_int_equal(setenv("XDG_RUNTIME_DIR", "/tmp", 1), 0);
        expect_path("shop", NULL);
}

static void
without_a_place_there_is_no_path(void **state)
{
        (void)state;
        expect_path("shop", NULL);
        assert_int_equal(setenv("XDG_RUNTIME_DIR", "relative", 1), 0);
        assert_int_equal(setenv("RUNTIME_DIRECTORY", "", 1), 0);
        expect_path("shop", NULL);
}

static void
whoever_looks_for_an_instance_looks_in_all_places(void **state)
{
        CLEANUP(strv_deinit_p) Strv dirs = {0};
        char own[128];

        (void)state;
        set_variable("RUNTIME_DIRECTORY", "/a", "/b");
        set_variable("XDG_RUNTIME_DIR", "", NULL);
        assert_int_equal(control_path_places(&dirs), 0);
        assert_int_equal(dirs.n_items, 3);
        (void)snprintf(own, sizeof(own), "%s/a", home);
        assert_string_equal(dirs.items[0], own);
        (void)snprintf(own, sizeof(own), "%s/sup", home);
        assert_string_equal(dirs.items[1], own);
        assert_string_equal(dirs.items[2], "/run/sup");
}

static void
the_second_of_a_name_has_its_pid_in_the_path(void **state)
{
        CLEANUP_FREE char *beside = NULL;
        CLEANUP_FREE char *other = NULL;

        (void)state;
        assert_int_equal(control_path_beside("/run/sup/shop.sock", 42, &beside), 0);
        assert_string_equal(beside, "/run/sup/shop-42.sock");
        assert_int_equal(control_path_beside("/tmp/shop", 42, &other), 0);
        assert_string_equal(other, "/tmp/shop-42.sock");
}

/* Bind a socket in the place of the user, and listen on it or not. Returns its descriptor. */
static int
bind_socket(const char *name, bool listens)
{
        struct sockaddr_un un = {.sun_family = AF_UNIX};
        int fd = unit_socket(AF_UNIX, SOCK_STREAM);

        (void)snprintf(un.sun_path, sizeof(un.sun_path), "%s/sup/%s", home, name);
        assert_int_equal(bind(fd, (const struct sockaddr *)&un, sizeof(un)), 0);
        if (listens)
                assert_int_equal(listen(fd, 1), 0);
        return fd;
}

static bool
is_there(const char *name)
{
        char path[128];

        (void)snprintf(path, sizeof(path), "%s/sup/%s", home, name);
        return access(path, F_OK) == 0;
}

static void
sockets_of_killed_instances_of_the_name_are_swept_up_and_nothing_else_is(void **state)
{
        static const char *const stay[] = {"shop-x.sock", "shop-.sock", "shop-1.sock.old",
                                           "shopping-1.sock", "blog-1.sock"};
        int living_fd;
        int file_fd;
        char path[128];

        (void)state;
        set_variable("XDG_RUNTIME_DIR", "", NULL);
        make_directory("sup");
        (void)close(bind_socket("shop-41.sock", true));
        living_fd = bind_socket("shop-42.sock", true);
        for (size_t i = 0; i < ELEMENTSOF(stay); i++)
                (void)close(bind_socket(stay[i], false));
        (void)snprintf(path, sizeof(path), "%s/sup/shop-43.sock", home);
        file_fd = open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
        assert_true(file_fd >= 0);
        expect_path("shop", "sup/shop.sock");
        assert_false(is_there("shop-41.sock"));
        assert_true(is_there("shop-42.sock"));
        assert_true(is_there("shop-43.sock"));
        for (size_t i = 0; i < ELEMENTSOF(stay); i++)
                unit_expect(is_there(stay[i]), "%s is gone\n", stay[i]);
        (void)close(living_fd);
        (void)close(file_fd);
}

static void
a_socket_that_nobody_listens_on_is_replaced_and_the_new_one_removed_at_the_end(void **state)
{
        CLEANUP(socket_file_deinit) SocketFile file;
        CLEANUP_FREE char *reason = NULL;
        char path[128];
        int fd;

        (void)state;
        make_directory("sup");
        (void)close(bind_socket("shop.sock", true));
        (void)snprintf(path, sizeof(path), "%s/sup/shop.sock", home);
        fd = socket_file_bind(&file, path, &reason);
        assert_true(fd >= 0);
        assert_int_equal(mode_of("sup/shop.sock"), 0600);
        (void)close(fd);
        socket_file_remove(&file);
        assert_false(is_there("shop.sock"));
}

int
main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
        const struct CMUnitTest tests[] = {
                TEST(an_explicit_path_is_taken_as_it_is),
                TEST(the_runtime_directory_of_systemd_comes_first_and_of_it_the_first_entry),
                TEST(the_users_own_is_next_and_gets_a_directory_that_only_he_can_enter),
                TEST(a_directory_that_cannot_be_made_or_written_is_passed_over),
                TEST(what_belongs_to_somebody_else_is_passed_over),
                TEST(without_a_place_there_is_no_path),
                TEST(whoever_looks_for_an_instance_looks_in_all_places),
                TEST(the_second_of_a_name_has_its_pid_in_the_path),
                TEST(sockets_of_killed_instances_of_the_name_are_swept_up_and_nothing_else_is),
                TEST(a_socket_that_nobody_listens_on_is_replaced_and_the_new_one_removed_at_the_end),
        };

        if (geteuid() == 0 && (setgid(NOBODY) < 0 || setuid(NOBODY) < 0))
                unit_skip_all("root cannot become an ordinary user here");
        return unit_run(tests);
}
