/* SPDX-License-Identifier: MIT */
/* sockets_unix_path.c - the name of a held unix socket outlives what servers do to it. */
#include "unit.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "base/fd.h"
#include "sockets/unix_path.h"

/* All of this happens in an empty directory of our own. */
static char directory[32];
static char path[64];
static char hidden[64]; /* the link that is sup's own */

static int
set_up(void **state)
{
        (void)state;
        (void)snprintf(directory, sizeof(directory), "/tmp/sup-unit-XXXXXX");
        assert_non_null(mkdtemp(directory));
        (void)snprintf(path, sizeof(path), "%s/app", directory);
        (void)snprintf(hidden, sizeof(hidden), "%s/.app.sup", directory);
        return 0;
}

static int
tear_down(void **state)
{
        (void)state;
        (void)unlink(path);
        (void)unlink(hidden);
        assert_int_equal(rmdir(directory), 0); /* nothing else was left */
        return 0;
}

/* A socket of this type that is bound to the path, and listens if it can. */
static int
bind_path(int type)
{
        struct sockaddr_un un = {.sun_family = AF_UNIX};
        int fd = unit_socket(AF_UNIX, type);

        memcpy(un.sun_path, path, strlen(path));
        assert_int_equal(bind(fd, (const struct sockaddr *)&un, sizeof(un)), 0);
        if (type != SOCK_DGRAM)
                assert_int_equal(listen(fd, SOMAXCONN), 0);
        return fd;
}

static bool
is_there(const char *name)
{
        struct stat st;

        return lstat(name, &st) == 0;
}

static void
write_file(const char *name)
{
        CLEANUP_FD int fd = open(name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

        assert_true(fd >= 0);
}

/* Whether a client reaches a server by the path. */
static bool
is_served(void)
{
        CLEANUP_FD int fd = unit_socket(AF_UNIX, SOCK_STREAM);
        struct sockaddr_un un = {.sun_family = AF_UNIX};

        memcpy(un.sun_path, path, strlen(path));
        return connect(fd, (const struct sockaddr *)&un, sizeof(un)) == 0;
}

static UnixPath *
keep(void)
{
        UnixPath *u = NULL;

        assert_int_equal(unix_path_new(&u, path), 0);
        return u;
}

static void
a_kept_name_comes_back_with_its_mode_and_its_server(void **state)
{
        CLEANUP_FD int fd = bind_path(SOCK_STREAM);
        struct stat st;
        UnixPath *u;

        (void)state;
        assert_true(fd >= 0);
        assert_int_equal(chmod(path, 0640), 0);
        u = keep();
        assert_true(is_there(hidden));
        assert_int_equal(unlink(path), 0);
        assert_int_equal(unix_path_restore(u), 1);
        assert_int_equal(lstat(path, &st), 0);
        assert_int_equal(st.st_mode & 07777, 0640);
        assert_true(is_served());
        assert_int_equal(unix_path_restore(u), 0); /* it is there */
        unix_path_free(u);
}

static void
what_somebody_else_has_put_there_stays(void **state)
{
        CLEANUP_FD int fd = bind_path(SOCK_STREAM);
        UnixPath *u = keep();
        struct stat st;

        (void)state;
        assert_true(fd >= 0);
        assert_int_equal(unlink(path), 0);
        write_file(path);
        assert_int_equal(unix_path_restore(u), 0);
        unix_path_remove(u);
        assert_int_equal(lstat(path, &st), 0);
        assert_true(S_ISREG(st.st_mode));
        assert_false(is_there(hidden));
        unix_path_free(u);
}

static void
a_socket_that_has_taken_its_place_is_not_removed(void **state)
{
        CLEANUP_FD int fd = bind_path(SOCK_STREAM);
        UnixPath *u = keep();
        int other;

        (void)state;
        assert_true(fd >= 0);
        assert_int_equal(unlink(path), 0);
        other = bind_path(SOCK_STREAM);
        unix_path_remove(u);
        assert_true(is_served());
        fd_close(other);
        unix_path_free(u);
}

static void
both_names_are_removed_in_the_end_and_only_then(void **state)
{
        CLEANUP_FD int fd = bind_path(SOCK_STREAM);
        UnixPath *u = keep();

        (void)state;
        assert_true(fd >= 0);
        assert_null(unix_path_free(u));
        assert_true(is_there(path) && is_there(hidden));
        u = keep();
        unix_path_remove(u);
        assert_false(is_there(path) || is_there(hidden));
        assert_int_equal(unix_path_restore(u), -ENOENT);
        unix_path_remove(u);
        assert_null(unix_path_free(u));
        assert_null(unix_path_free(NULL));
}

static void
the_link_of_a_sup_that_was_killed_is_replaced(void **state)
{
        CLEANUP_FD int fd = bind_path(SOCK_STREAM);
        UnixPath *u;

        (void)state;
        assert_true(fd >= 0);
        write_file(hidden);
        u = keep();
        assert_int_equal(unlink(path), 0);
        assert_int_equal(unix_path_restore(u), 1);
        assert_true(is_served());
        unix_path_free(u);
}

/* In the directory: `beside` the path. */
static const char *
beside(char *text, size_t size, const char *name)
{
        (void)snprintf(text, size, "%s/%s", directory, name);
        return text;
}

static void
a_name_that_the_server_has_changed_is_the_public_one_from_then_on(void **state)
{
        CLEANUP_FD int fd = bind_path(SOCK_STREAM);
        UnixPath *u = keep();
        char text[64];
        const char *renamed = beside(text, sizeof(text), "public");

        (void)state;
        assert_true(fd >= 0);
        assert_int_equal(unix_path_follow(u, "other", "public"), 0);
        assert_int_equal(unix_path_follow(u, "app", "public"), 0); /* which is not there */
        assert_int_equal(rename(path, renamed), 0);
        assert_int_equal(unix_path_follow(u, "app", "public"), 1);
        assert_string_equal(u->path, renamed);
        assert_int_equal(unlink(renamed), 0);
        assert_int_equal(unix_path_restore(u), 1);
        assert_true(is_there(renamed));
        assert_false(is_there(path));
        assert_int_equal(unix_path_restore_bound(u), 0); /* for the next server, which binds it */
        assert_true(is_there(path));
        assert_int_equal(unix_path_restore_bound(u), 0);
        unix_path_remove(u);
        assert_false(is_there(path) || is_there(renamed) || is_there(hidden));
        unix_path_free(u);
}

static void
a_name_that_was_put_back_while_the_server_changed_it_goes_again(void **state)
{
        CLEANUP_FD int fd = bind_path(SOCK_STREAM);
        UnixPath *u = keep();
        char text[64];

        (void)state;
        assert_true(fd >= 0);
        assert_int_equal(rename(path, beside(text, sizeof(text), "public")), 0);
        assert_int_equal(unix_path_restore(u), 1);
        u->path_is_extra = true;
        assert_int_equal(unix_path_follow(u, "app", "public"), 1);
        assert_false(is_there(path));
        unix_path_remove(u);
        assert_false(is_there(text));
        unix_path_free(u);
}

static void
a_name_that_was_changed_twice_before_we_hear_of_it_is_followed(void **state)
{
        CLEANUP_FD int fd = bind_path(SOCK_STREAM);
        UnixPath *u = keep();
        char text[64];

        (void)state;
        assert_true(fd >= 0);
        assert_int_equal(rename(path, beside(text, sizeof(text), "public")), 0);
        assert_int_equal(unix_path_follow(u, "app", "between"), 1);
        assert_int_equal(unix_path_follow(u, "between", "public"), 1);
        assert_string_equal(u->path, text);
        unix_path_remove(u);
        unix_path_free(u);
}

static void
a_link_that_leads_to_another_socket_by_now_is_not_taken_for_ours(void **state)
{
        CLEANUP_FD int fd = bind_path(SOCK_STREAM);
        CLEANUP_FD int other = -1;
        UnixPath *u = keep();
        UnixPath *of_other;
        char text[64];

        (void)state;
        assert_true(fd >= 0);
        assert_int_equal(rename(path, beside(text, sizeof(text), "public")), 0);
        other = bind_path(SOCK_STREAM);
        assert_true(other >= 0);
        of_other = keep(); /* its link has the same name */
        assert_int_equal(unix_path_follow(u, "app", "public"), 1);
        assert_true(unix_path_leads(of_other, of_other->link));
        assert_true(unix_path_leads(u, u->link));
        assert_int_equal(unlink(u->link), 0);
        assert_int_equal(rename(of_other->link, u->link), 0);
        assert_int_equal(unlink(text), 0);
        assert_int_equal(unix_path_restore(u), -ENOENT);
        assert_false(is_there(text));
        assert_int_equal(unlink(u->link), 0);
        unix_path_remove(u);
        unix_path_remove(of_other);
        unix_path_free(u);
        unix_path_free(of_other);
}

static void
of_several_names_that_were_given_before_it_is_kept_the_shortest_is_public(void **state)
{
        CLEANUP_FD int fd = bind_path(SOCK_STREAM);
        CLEANUP_FREE char *bound = strdup(path);
        UnixPath *u = NULL;
        char text[64];
        char older[64];
        char newer[64];
        struct stat st;

        (void)state;
        assert_int_equal(fstat(fd, &st), 0);
        assert_int_equal(link(path, beside(older, sizeof(older), "public.4.bak")), 0);
        assert_int_equal(rename(path, beside(text, sizeof(text), "public")), 0);
        assert_int_equal(link(text, beside(newer, sizeof(newer), "public.5.bak")), 0);
        assert_int_equal(unix_path_new_of(&u, bound, st.st_ino), 0);
        assert_string_equal(u->path, text);
        assert_int_equal(unlink(older), 0);
        assert_int_equal(unlink(newer), 0);
        unix_path_remove(u);
        unix_path_free(u);
}

static void
a_socket_that_was_renamed_before_it_is_kept_is_found_under_its_new_name(void **state)
{
        CLEANUP_FD int fd = bind_path(SOCK_STREAM);
        CLEANUP_FREE char *bound = strdup(path);
        UnixPath *u = NULL;
        char text[64];
        struct stat st;

        (void)state;
        assert_int_equal(fstat(fd, &st), 0);
        assert_int_equal(rename(path, beside(text, sizeof(text), "public")), 0);
        assert_int_equal(unix_path_new_of(&u, bound, st.st_ino), 0);
        assert_string_equal(u->bound, bound);
        assert_string_equal(u->path, text);
        assert_int_equal(unix_path_restore_bound(u), 0);
        assert_true(is_served());
        unix_path_remove(u);
        assert_false(is_there(text));
        u = unix_path_free(u);
        assert_int_equal(unix_path_new_of(&u, bound, st.st_ino), -ENOENT);
        assert_null(u);
}

static void
a_name_that_cannot_lead_to_the_socket_again_is_an_error(void **state)
{
        CLEANUP_FD int fd = bind_path(SOCK_STREAM);
        UnixPath *u = keep();

        (void)state;
        assert_true(fd >= 0);
        assert_int_equal(unlink(hidden), 0);
        assert_int_equal(unix_path_restore_bound(u), 0); /* the link is made again */
        assert_true(is_there(hidden));
        assert_int_equal(unlink(path), 0);
        write_file(path);
        assert_int_equal(unix_path_restore_bound(u), -EEXIST);
        assert_int_equal(unlink(path), 0);
        assert_int_equal(unlink(hidden), 0);
        assert_int_equal(unix_path_restore_bound(u), -ENOENT);
        unix_path_free(u);
}

static void
names_are_alike_but_for_the_pids_of_those_who_made_them(void **state)
{
        (void)state;
        assert_true(unix_path_is_like("app.17.tmp", 17, "app.2034.tmp", 2034));
        assert_true(unix_path_is_like("17", 17, "4", 4));
        assert_true(unix_path_is_like("app2.17", 17, "app2.17", 17));
        assert_false(unix_path_is_like("app1.17.tmp", 17, "app2.18.tmp", 18));
        assert_false(unix_path_is_like("app.17.tmp", 17, "app.18.tmp", 19));
        assert_false(unix_path_is_like("app.17.tmp", 16, "app.18.tmp", 18));
        assert_false(unix_path_is_like("app.17", 17, "app.18.tmp", 18));
        assert_false(unix_path_is_like("app.117", 17, "app.118", 18));
        assert_false(unix_path_is_like("app.new", 17, "app.new", 18));
        assert_false(unix_path_is_like("", 17, "", 18));
}

/* Keep a socket that this process bound as `app.PID` and renamed to `app`. */
static UnixPath *
keep_renamed(char *bound, size_t size)
{
        char name[32];
        UnixPath *u = keep();

        (void)snprintf(name, sizeof(name), "app.%d", (int)getpid());
        assert_int_equal(unix_path_set_bound(u, beside(bound, size, name), getpid()), 0);
        return u;
}

static void
who_binds_such_a_name_gets_there_what_was_renamed_and_only_there(void **state)
{
        CLEANUP_FD int fd = bind_path(SOCK_STREAM);
        char bound[64];
        char next[64];
        UnixPath *u = keep_renamed(bound, sizeof(bound));

        (void)state;
        assert_true(fd >= 0);
        assert_true(unix_path_is_successor(u, beside(next, sizeof(next), "app.5"), 5));
        assert_false(unix_path_is_successor(u, next, 6));
        assert_false(unix_path_is_successor(u, "/elsewhere/app.5", 5));
        assert_int_equal(unlink(path), 0);
        write_file(path); /* it is another one's */
        assert_false(unix_path_is_successor(u, next, 5));
        assert_int_equal(unlink(path), 0);
        assert_true(unix_path_is_successor(u, next, 5));
        u->is_lost = true;
        assert_false(unix_path_is_successor(u, next, 5));
        unix_path_remove(u);
        unix_path_free(u);
}

static void
a_rename_of_what_was_bound_onto_the_public_name_is_its_end(void **state)
{
        CLEANUP_FD int fd = bind_path(SOCK_STREAM);
        char bound[64];
        char other[64];
        UnixPath *u = keep_renamed(bound, sizeof(bound));

        (void)state;
        assert_true(fd >= 0);
        assert_false(unix_path_ends_with_rename(u, bound, path, getpid())); /* it is not there */
        assert_int_equal(unix_path_restore_bound(u), 0);
        assert_true(unix_path_ends_with_rename(u, bound, path, getpid()));
        assert_false(unix_path_ends_with_rename(u, path, bound, getpid()));
        assert_false(unix_path_ends_with_rename(u, bound, beside(other, sizeof(other), "other"),
                                                getpid()));
        assert_int_equal(unlink(path), 0);
        assert_false(unix_path_ends_with_rename(u, bound, path, getpid())); /* the kernel can */
        u->is_hidden = true; /* another generation's, which keeps the name */
        write_file(path);
        assert_true(unix_path_ends_with_rename(u, bound, path, getpid()));
        unix_path_remove(u);
        unix_path_free(u);
}

static void
a_rename_onto_a_name_that_the_server_gave_to_the_socket_is_the_end_of_the_first_as_well(
        void **state)
{
        CLEANUP_FD int fd = bind_path(SOCK_STREAM);
        char bound[64];
        char other[64];
        UnixPath *u = keep_renamed(bound, sizeof(bound));

        (void)state;
        assert_true(fd >= 0);
        assert_int_equal(unix_path_restore_bound(u), 0);
        assert_int_equal(link(path, beside(other, sizeof(other), "other")), 0);
        assert_true(unix_path_ends_with_rename(u, bound, other, getpid()));
        assert_int_equal(unlink(other), 0);
        unix_path_remove(u);
        unix_path_free(u);
}

static void
what_the_dead_have_bound_and_not_renamed_goes_where_their_pid_is_in_it(void **state)
{
        CLEANUP_FD int fd = bind_path(SOCK_STREAM);
        char bound[64];
        char other[64];
        UnixPath *u = keep_renamed(bound, sizeof(bound));

        (void)state;
        assert_true(fd >= 0);
        assert_int_equal(unix_path_restore_bound(u), 0);
        unix_path_forget_bound(u, bound);
        assert_false(is_there(bound));
        assert_int_equal(link(path, beside(other, sizeof(other), "app.5")), 0);
        unix_path_forget_bound(u, other); /* another worker's */
        assert_false(is_there(other));
        write_file(other);
        unix_path_forget_bound(u, other);
        assert_true(is_there(other));
        assert_int_equal(unlink(other), 0);
        unix_path_forget_bound(u, path);
        unix_path_drop_bound(u, path);
        assert_true(is_there(path));
        assert_int_equal(unix_path_set_bound(u, beside(other, sizeof(other), "app.new"), 5), 0);
        assert_int_equal(unix_path_restore_bound(u), 0);
        unix_path_forget_bound(u, other); /* the next worker has the same */
        assert_true(is_there(other));
        unix_path_remove(u);
        unix_path_free(u);
}

static void
only_names_that_are_kept_stay_when_a_server_removes_them(void **state)
{
        CLEANUP_FD int fd = bind_path(SOCK_STREAM);
        UnixPath *u = keep();
        char other[64];
        char spelled[80];

        (void)state;
        assert_true(fd >= 0);
        assert_int_equal(link(path, beside(other, sizeof(other), "other")), 0);
        assert_false(unix_path_keeps(u, other));
        assert_false(unix_path_is_removed(u, path));
        assert_true(unix_path_keeps(u, hidden));
        assert_false(unix_path_is_extra(u, path));
        assert_true(unix_path_is_extra(u, hidden));
        (void)snprintf(spelled, sizeof(spelled), "%s/../%s/app", directory,
                       strrchr(directory, '/'));
        assert_true(unix_path_keeps(u, spelled));
        assert_true(unix_path_is_extra(u, path));
        assert_true(unix_path_is_removed(u, path));
        assert_int_equal(unix_path_restore_bound(u), 0); /* it is bound again */
        assert_false(unix_path_is_removed(u, path));
        assert_int_equal(unlink(path), 0);
        assert_false(unix_path_is_removed(u, path)); /* it may be called `other` now */
        assert_int_equal(unlink(other), 0);
        assert_true(unix_path_is_removed(u, path));
        unix_path_remove(u);
        unix_path_free(u);
}

static void
what_has_lost_its_name_keeps_only_what_is_not_ours(void **state)
{
        CLEANUP_FD int fd = bind_path(SOCK_STREAM);
        UnixPath *u = keep();

        (void)state;
        assert_true(fd >= 0);
        unix_path_lose(u);
        assert_true(is_there(path));
        assert_false(is_there(hidden));
        assert_false(unix_path_keeps(u, path));
        assert_int_equal(unix_path_restore_bound(u), -ENOENT);
        unix_path_free(u);
        u = keep();
        assert_true(unix_path_keeps(u, path));
        unix_path_lose(u);
        assert_false(is_there(path) || is_there(hidden));
        assert_int_equal(unix_path_restore(u), 0); /* nothing is put back */
        assert_false(is_there(path));
        unix_path_free(u);
}

/* Bind a socket to the hidden name of another generation. */
static int
bind_hidden(UnixPath *u)
{
        struct sockaddr_un un = {.sun_family = AF_UNIX};
        int fd = unit_socket(AF_UNIX, SOCK_STREAM);

        assert_true(strlen(u->link) < sizeof(un.sun_path));
        memcpy(un.sun_path, u->link, strlen(u->link));
        assert_int_equal(bind(fd, (const struct sockaddr *)&un, sizeof(un)), 0);
        assert_int_equal(listen(fd, SOMAXCONN), 0);
        assert_int_equal(unix_path_note_bound(u), 0);
        return fd;
}

/* Whether the public name leads to this listener. */
static bool
leads_to(int listener)
{
        CLEANUP_FD int client = unit_socket(AF_UNIX, SOCK_STREAM);
        CLEANUP_FD int accepted = -1;
        struct sockaddr_un un = {.sun_family = AF_UNIX};

        memcpy(un.sun_path, path, strlen(path));
        assert_int_equal(connect(client, (const struct sockaddr *)&un, sizeof(un)), 0);
        assert_int_equal(fd_set_nonblock(listener, true), 0);
        accepted = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
        return accepted >= 0;
}

static void
another_generation_is_bound_beside_and_public_only_when_it_is_published(void **state)
{
        CLEANUP_FD int old_fd = bind_path(SOCK_STREAM);
        UnixPath *old = keep();
        UnixPath *new = NULL;
        int new_fd;

        (void)state;
        assert_int_equal(unix_path_new_hidden(&new, old, 2), 0);
        assert_int_equal(unix_path_note_bound(new), -ENOENT);
        new_fd = bind_hidden(new);
        assert_true(leads_to(old_fd));
        assert_int_equal(unix_path_restore(new), 0); /* the public name is not its own */
        assert_true(leads_to(old_fd));
        assert_int_equal(unix_path_publish(new), 0);
        assert_true(leads_to(new_fd));
        assert_int_equal(unix_path_publish(new), 0); /* it is there */
        assert_true(leads_to(new_fd));
        old->is_hidden = true;
        unix_path_remove(old);
        assert_true(leads_to(new_fd));
        assert_int_equal(unix_path_restore(new), 0);
        unix_path_remove(new);
        assert_false(is_there(path));
        unix_path_free(old);
        unix_path_free(new);
        fd_close(new_fd);
}

static void
what_is_published_can_be_taken_back(void **state)
{
        CLEANUP_FD int old_fd = bind_path(SOCK_STREAM);
        UnixPath *old = keep();
        UnixPath *new = NULL;
        int new_fd;

        (void)state;
        assert_int_equal(unix_path_new_hidden(&new, old, 2), 0);
        new_fd = bind_hidden(new);
        assert_int_equal(unix_path_publish(new), 0);
        assert_int_equal(unix_path_publish(old), 0);
        new->is_hidden = true;
        assert_true(leads_to(old_fd));
        unix_path_remove(new);
        assert_true(leads_to(old_fd));
        unix_path_remove(old);
        unix_path_free(old);
        unix_path_free(new);
        fd_close(new_fd);
}

static void
a_hidden_name_that_is_too_long_to_be_bound_is_none(void **state)
{
        char name[128];
        UnixPath beside_it = {.path = name, .bound = name};
        UnixPath *u = NULL;

        (void)state;
        (void)snprintf(name, sizeof(name), "/%0100d", 0);
        assert_int_equal(unix_path_new_hidden(&u, &beside_it, 7), -ENAMETOOLONG);
        assert_null(u);
}

static void
what_is_no_socket_is_not_kept(void **state)
{
        UnixPath *u = NULL;

        (void)state;
        assert_int_equal(unix_path_new(&u, path), -ENOENT);
        write_file(path);
        assert_int_equal(unix_path_new(&u, path), -ENOTSOCK);
        assert_int_equal(unlink(path), 0);
        assert_int_equal(symlink("/nowhere", path), 0);
        assert_int_equal(unix_path_new(&u, path), -ENOTSOCK);
        assert_null(u);
        assert_false(is_there(hidden));
}

static void
a_name_that_leaves_no_room_for_a_link_is_not_kept(void **state)
{
        char name[512];
        UnixPath *u = NULL;

        (void)state;
        (void)snprintf(name, sizeof(name), "%s/%0*d", directory, 251, 0);
        assert_int_equal(unix_path_new(&u, name), -ENAMETOOLONG);
        (void)snprintf(name, sizeof(name), "%s/%0*d", directory, 250, 0);
        assert_int_equal(unix_path_new(&u, name), -ENOENT);
        assert_null(u);
}

static void
a_socket_on_which_nobody_listens_any_more_is_stale(void **state)
{
        static const int types[] = {SOCK_STREAM, SOCK_SEQPACKET, SOCK_DGRAM};

        (void)state;
        for (size_t i = 0; i < ELEMENTSOF(types); i++) {
                fd_close(bind_path(types[i]));
                assert_true(unix_path_is_stale(path, types[i]));
                assert_int_equal(unlink(path), 0);
        }
}

static void
a_living_socket_is_not_stale_and_is_not_disturbed(void **state)
{
        static const int types[] = {SOCK_STREAM, SOCK_SEQPACKET, SOCK_DGRAM};

        (void)state;
        for (size_t i = 0; i < ELEMENTSOF(types); i++) {
                int fd = bind_path(types[i]);

                assert_false(unix_path_is_stale(path, SOCK_STREAM));
                assert_false(unix_path_is_stale(path, types[i]));
                assert_int_equal(fd_set_nonblock(fd, true), 0);
                if (types[i] != SOCK_DGRAM) {
                        assert_int_equal(accept(fd, NULL, NULL), -1);
                        assert_int_equal(errno, EAGAIN);
                }
                fd_close(fd);
                assert_int_equal(unlink(path), 0);
        }
}

static void
an_abstract_socket_of_the_same_letters_keeps_nothing_alive(void **state)
{
        CLEANUP_FD int fd = unit_socket(AF_UNIX, SOCK_STREAM);
        struct sockaddr_un un = {.sun_family = AF_UNIX};

        (void)state;
        memcpy(un.sun_path + 1, path, strlen(path)); /* as X servers have it, in both places */
        assert_int_equal(
                bind(fd, (const struct sockaddr *)&un,
                     (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + strlen(path))),
                0);
        fd_close(bind_path(SOCK_STREAM));
        assert_true(unix_path_is_stale(path, SOCK_STREAM));
}

static void
a_socket_that_is_bound_and_about_to_listen_is_not_stale(void **state)
{
        CLEANUP_FD int fd = unit_socket(AF_UNIX, SOCK_STREAM);
        struct sockaddr_un un = {.sun_family = AF_UNIX};

        (void)state;
        memcpy(un.sun_path, path, strlen(path));
        assert_int_equal(bind(fd, (const struct sockaddr *)&un, sizeof(un)), 0);
        assert_false(unix_path_is_stale(path, SOCK_STREAM));
}

static void
what_is_no_socket_is_not_stale(void **state)
{
        char longer[200];

        (void)state;
        assert_false(unix_path_is_stale(path, SOCK_STREAM));
        assert_false(unix_path_is_stale(directory, SOCK_STREAM));
        write_file(path);
        assert_false(unix_path_is_stale(path, SOCK_STREAM));
        (void)snprintf(longer, sizeof(longer), "%s/%0*d", directory, 150, 0);
        assert_false(unix_path_is_stale(longer, SOCK_STREAM));
}

static void
a_symbolic_link_to_a_stale_socket_is_not_stale(void **state)
{
        char target[72];

        (void)state;
        fd_close(bind_path(SOCK_STREAM));
        (void)snprintf(target, sizeof(target), "%s.real", path);
        assert_int_equal(rename(path, target), 0);
        assert_int_equal(symlink(target, path), 0);
        assert_false(unix_path_is_stale(path, SOCK_STREAM));
        assert_int_equal(unlink(target), 0);
}

#define PATH_TEST(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)

int
main(void)
{
        const struct CMUnitTest tests[] = {
                PATH_TEST(a_kept_name_comes_back_with_its_mode_and_its_server),
                PATH_TEST(what_somebody_else_has_put_there_stays),
                PATH_TEST(a_socket_that_has_taken_its_place_is_not_removed),
                PATH_TEST(both_names_are_removed_in_the_end_and_only_then),
                PATH_TEST(the_link_of_a_sup_that_was_killed_is_replaced),
                PATH_TEST(a_name_that_the_server_has_changed_is_the_public_one_from_then_on),
                PATH_TEST(a_socket_that_was_renamed_before_it_is_kept_is_found_under_its_new_name),
                PATH_TEST(a_name_that_cannot_lead_to_the_socket_again_is_an_error),
                cmocka_unit_test(names_are_alike_but_for_the_pids_of_those_who_made_them),
                PATH_TEST(who_binds_such_a_name_gets_there_what_was_renamed_and_only_there),
                PATH_TEST(a_rename_of_what_was_bound_onto_the_public_name_is_its_end),
                PATH_TEST(a_name_that_was_put_back_while_the_server_changed_it_goes_again),
                PATH_TEST(a_name_that_was_changed_twice_before_we_hear_of_it_is_followed),
                PATH_TEST(a_link_that_leads_to_another_socket_by_now_is_not_taken_for_ours),
                PATH_TEST(
                        of_several_names_that_were_given_before_it_is_kept_the_shortest_is_public),
                PATH_TEST(
                        a_rename_onto_a_name_that_the_server_gave_to_the_socket_is_the_end_of_the_first_as_well),
                PATH_TEST(what_the_dead_have_bound_and_not_renamed_goes_where_their_pid_is_in_it),
                PATH_TEST(only_names_that_are_kept_stay_when_a_server_removes_them),
                PATH_TEST(what_has_lost_its_name_keeps_only_what_is_not_ours),
                PATH_TEST(another_generation_is_bound_beside_and_public_only_when_it_is_published),
                PATH_TEST(what_is_published_can_be_taken_back),
                PATH_TEST(a_hidden_name_that_is_too_long_to_be_bound_is_none),
                PATH_TEST(what_is_no_socket_is_not_kept),
                PATH_TEST(a_name_that_leaves_no_room_for_a_link_is_not_kept),
                PATH_TEST(a_socket_on_which_nobody_listens_any_more_is_stale),
                PATH_TEST(a_living_socket_is_not_stale_and_is_not_disturbed),
                PATH_TEST(an_abstract_socket_of_the_same_letters_keeps_nothing_alive),
                PATH_TEST(a_socket_that_is_bound_and_about_to_listen_is_not_stale),
                PATH_TEST(what_is_no_socket_is_not_stale),
                PATH_TEST(a_symbolic_link_to_a_stale_socket_is_not_stale),
        };

        return unit_run(tests);
}
