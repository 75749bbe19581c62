/* SPDX-License-Identifier: MIT */
/*
 * launch.c - starting a worker's process: who it runs as, what it is handed, what it is told.
 *
 * Gist: launch_prepare works out once what is the same for all; launch_worker starts one. The
 * first failure to exec is an error of the configuration, a later one an ordinary end.
 */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/parse.h"
#include "base/why.h"
#include "linux/pidfd.h"
#include "run/state.h"

/* Descriptors that sup has open for itself, and those that it leaves free (capture_hold.c). */
#define FDS_AT_LEAST 24

/* What a worker opens on its way to main(): the filter's descriptor, a library at a time. */
#define WORKER_FDS_AT_LEAST 2

static int
find_user(Supervisor *s, const char *text, char **ret_why)
{
        const struct passwd *entry = getpwnam(text);
        uint64_t number;
        int n_groups = 0;

        if (!entry && parse_unsigned(text, UINT32_MAX - 1, &number) == 0) {
                s->spawn.uid = (uid_t)number;
                s->spawn.has_user = true;
                return 0;
        }
        if (!entry)
                return why(ret_why, -EINVAL, "there is no user '%s'", text);
        s->spawn.uid = entry->pw_uid;
        s->spawn.has_user = true;
        s->spawn.gid = entry->pw_gid;
        s->spawn.has_group = true;
        (void)getgrouplist(text, entry->pw_gid, NULL, &n_groups);
        s->groups = calloc((size_t)n_groups + 1, sizeof(*s->groups));
        if (!s->groups)
                return -ENOMEM;
        if (getgrouplist(text, entry->pw_gid, s->groups, &n_groups) < 0)
                return why(ret_why, -EINVAL, "cannot find the groups of the user '%s'", text);
        s->spawn.groups = s->groups;
        s->spawn.n_groups = (size_t)n_groups;
        return 0;
}

static int
find_group(Supervisor *s, const char *text, char **ret_why)
{
        const struct group *entry = getgrnam(text);
        uint64_t number;

        if (entry)
                s->spawn.gid = entry->gr_gid;
        else if (parse_unsigned(text, UINT32_MAX - 1, &number) == 0)
                s->spawn.gid = (gid_t)number;
        else
                return why(ret_why, -EINVAL, "there is no group '%s'", text);
        s->spawn.has_group = true;
        return 0;
}

/* A worker that cannot even be given its listeners, or open one file beside them, never starts. */
static int
check_limits(const Config *c, char **ret_why)
{
        size_t n_listeners = c->n_listen + c->inherited.n_items;
        size_t n_needed = ENVIRONMENT_FIRST_FD + n_listeners + WORKER_FDS_AT_LEAST;

        for (size_t i = 0; i < c->n_limits; i++)
                if (c->limits[i].resource == RLIMIT_NOFILE &&
                    c->limits[i].value.rlim_cur < n_needed)
                        return why(ret_why, -EINVAL,
                                   "--limit nofile=%llu is too few: with 0, 1, 2 and %zu "
                                   "listener%s the server needs at least %zu",
                                   (unsigned long long)c->limits[i].value.rlim_cur, n_listeners,
                                   n_listeners == 1 ? "" : "s", n_needed);
        return 0;
}

/*
 * Raise our own limit of descriptors, and let workers have the one that we came with, or what
 * --limit says: appended later, so that it wins.
 */
static int
prepare_limits(Supervisor *s, char **ret_why)
{
        rlim_t n_needed = (rlim_t)s->fd_floor + FDS_AT_LEAST;
        const Config *c = s->config;
        struct rlimit *nofile = &s->nofile;
        struct rlimit raised;

        s->limits = calloc(c->n_limits + 1, sizeof(*s->limits));
        if (!s->limits)
                return -ENOMEM;
        if (nofile->rlim_max == 0) /* after an upgrade it is known */
                (void)getrlimit(RLIMIT_NOFILE, nofile);
        if (nofile->rlim_cur < nofile->rlim_max) {
                s->limits[s->spawn.n_limits++] =
                        (SpawnLimit){.resource = RLIMIT_NOFILE, .value = *nofile};
                raised =
                        (struct rlimit){.rlim_cur = nofile->rlim_max, .rlim_max = nofile->rlim_max};
                (void)setrlimit(RLIMIT_NOFILE, &raised);
        }
        if (nofile->rlim_max && nofile->rlim_max < n_needed)
                return why(ret_why, -EMFILE,
                           "there may be too few open files, %llu, and sup needs %llu to start "
                           "(see ulimit -n)",
                           (unsigned long long)nofile->rlim_max, (unsigned long long)n_needed);
        if (c->n_limits)
                memcpy(&s->limits[s->spawn.n_limits], c->limits, c->n_limits * sizeof(*c->limits));
        s->spawn.n_limits += c->n_limits;
        s->spawn.limits = s->limits;
        return 0;
}

/* Work out what is the same for all workers. Returns 0 or a negative errno with a sentence. */
int
launch_prepare(Supervisor *s, char **ret_why)
{
        const Config *c = s->config;
        int r = 0;

        s->spawn.chdir = c->chdir;
        s->spawn.has_umask = c->has_umask;
        s->spawn.umask = c->umask;
        s->spawn.own_group = !s->interactive;
        s->spawn.outlives_us = c->orphan;
        s->spawn.ignored = proc_ignored_signals();
        if (c->user)
                r = find_user(s, c->user, ret_why);
        if (r == 0 && c->group)
                r = find_group(s, c->group, ret_why);
        if (r == 0)
                r = check_limits(c, ret_why);
        if (r == 0)
                r = prepare_limits(s, ret_why);
        s->pidfd_identity = pidfd_has_identity();
        s->null_fd = open("/dev/null", O_RDWR | O_CLOEXEC);
        if (s->null_fd >= 0)
                s->null_fd = fd_move_above(s->null_fd, s->fd_floor);
        return r;
}

typedef struct Launch {
        EnvironmentListener *listeners;
        char (*addresses)[ADDRESS_TEXT_MAX];
        int *fds;
        size_t n;
        int stdin_fd;     /* of the listener that --stdin names, or -1 */
        int ready_fd;     /* the worker's end of its readiness pipe, or -1 */
        int ready_number; /* as it sees it */
        Environment environment;
        Strv arguments;
} Launch;

static void
launch_deinit(Launch *l)
{
        free(l->listeners);
        free(l->addresses);
        free(l->fds);
        fd_close(l->ready_fd);
        environment_deinit(&l->environment);
        strv_deinit(&l->arguments);
}

/*
 * A worker finds its listeners as they came (blocking, unless with fd:N), whatever the one before it
 * made of them. Under a worker that lives no flag is changed: it could block, or fail to.
 */
static void
reset_flags(const Worker *w)
{
        const Supervisor *s = w->supervisor;

        for (size_t i = 0; i < s->n_workers; i++)
                if (s->workers[i] != w && s->workers[i]->pid)
                        return;
        for (size_t i = 0; i < s->held.n_items; i++)
                if (s->held.items[i]->origin == HELD_NAMED && !s->held.items[i]->is_left)
                        (void)fd_set_nonblock(s->held.items[i]->fd, s->held.items[i]->nonblock);
}

/* The named listeners of a worker's generation, in the order of the command line. */
static int
describe_listeners(const Worker *w, Launch *l)
{
        const Supervisor *s = w->supervisor;
        size_t n_max = s->held.n_items + 1;

        n_max += s->n_kept;
        l->listeners = calloc(n_max, sizeof(*l->listeners));
        l->addresses = calloc(n_max, sizeof(*l->addresses));
        l->fds = calloc(n_max, sizeof(*l->fds));
        if (!l->listeners || !l->addresses || !l->fds)
                return -ENOMEM;
        for (size_t i = 0; i < s->held.n_items; i++) {
                const Held *h = s->held.items[i];

                if (h->origin != HELD_NAMED || !held_is_for(h, w->generation->number))
                        continue;
                l->fds[l->n] = h->fd;
                if (s->config->stdin_name && l->stdin_fd < 0 &&
                    strcmp(h->name, s->config->stdin_name) == 0)
                        l->stdin_fd = h->fd;
                l->listeners[l->n] = (EnvironmentListener){
                        .name = h->name,
                        .address = address_format_plain(&h->key.address, l->addresses[l->n],
                                                        sizeof(l->addresses[l->n])),
                        .is_unix = h->key.address.any.sa_family == AF_UNIX,
                };
                l->n++;
        }
        for (size_t i = 0; i < s->n_kept; i++) {
                if (s->kept[i].index != w->index)
                        continue;
                l->fds[l->n] = s->kept[i].fd;
                l->listeners[l->n] = (EnvironmentListener){.name = s->kept[i].name};
                l->n++;
        }
        return 0;
}

static int
describe_worker(Worker *w, Launch *l, char **ret_why)
{
        const Supervisor *s = w->supervisor;
        EnvironmentInput input = {
                .inherited = environ,
                .extra = s->config->environment.items,
                .listeners = l->listeners,
                .n_listeners = l->n,
                .compat = s->config->compat,
                .listen_pid = !s->config->no_listen_pid,
                .pidfd_identity = s->pidfd_identity,
                .notify_fd = -1,
                .instance = s->name,
                .worker = w->index,
                .generation = w->generation->number,
                .notify_socket = w->notify_name,
                .watchdog_usec = s->config->watchdog_usec,
                .supervisor = getpid(),
        };
        int r;

        if (s->config->compat & COMPAT_CRANK || s->config->ready == READY_FD) {
                l->ready_fd = ready_open_pipe(w);
                if (l->ready_fd < 0)
                        return l->ready_fd;
                l->ready_number = ENVIRONMENT_FIRST_FD + (int)l->n;
                if (s->config->ready == READY_FD && s->config->ready_fd < l->ready_number)
                        return why(ret_why, -EINVAL,
                                   "--ready=fd:%d: the descriptors up to %d are listeners",
                                   s->config->ready_fd, l->ready_number - 1);
                if (s->config->ready == READY_FD)
                        l->ready_number = s->config->ready_fd;
                if (s->config->compat & COMPAT_CRANK)
                        input.notify_fd = l->ready_number;
        }
        r = environment_init(&l->environment, &input);
        if (r == 0)
                r = environment_fill_arguments(&l->arguments, w->generation->command.items, &input,
                                               ret_why);
        return r;
}

/*
 * Whether capture would take rights away from the program itself: without CAP_SYS_ADMIN the filter
 * needs no_new_privs, and that switches off set-user-ID bits and file capabilities at exec.
 */
static bool
needs_new_privileges(const char *program)
{
        CLEANUP_FREE char *path = NULL;
        const char *search = getenv("PATH");
        struct stat st;

        if (strchr(program, '/'))
                path = strdup(program);
        while (!path && search && *search) {
                size_t n = strcspn(search, ":");

                if (asprintf(&path, "%.*s/%s", (int)n, search, program) < 0)
                        path = NULL;
                else if (access(path, X_OK) < 0) {
                        free(path);
                        path = NULL;
                }
                search += n + (search[n] == ':');
        }
        if (!path || stat(path, &st) < 0)
                return false;
        return (st.st_mode & (S_ISUID | S_ISGID)) ||
               getxattr(path, "security.capability", NULL, 0) > 0;
}

/* Whether a unix path is held, which a server may be about to remove. */
static bool
has_paths(const Supervisor *s)
{
        for (size_t i = 0; i < s->held.n_items; i++)
                if (s->held.items[i]->path)
                        return true;
        return false;
}

static NotifyFilter *
choose_filter(Supervisor *s, const char *program)
{
        if (!s->capture_on)
                return NULL;
        if (geteuid() != 0 && s->config->capture == CAPTURE_AUTO && needs_new_privileges(program)) {
                log_warning("%s gets rights of its own when it starts, and capture would take them "
                            "away: it runs without capture; name its addresses with -l",
                            program);
                s->capture_on = false;
                return NULL;
        }
        return has_paths(s) ? &s->path_filter : &s->filter;
}

static void
explain_spawn(const Worker *w, const SpawnResult *result, int r)
{
        const Supervisor *s = w->supervisor;
        const char *program = w->generation->command.items[0];
        const char *reason = strerrordesc_np(-r);

        switch (result->failed_step) {
        case SPAWN_FILTER:
                log_error(
                        "--capture=require: the filter that traps bind() cannot be installed (%s); "
                        "use --capture=auto, or --capture=off with -l ADDRESS",
                        r == -EBUSY ? "another supervisor has one in place already" : reason);
                return;
        case SPAWN_LIMIT:
                log_error("cannot set the limits of --limit: %s", reason);
                return;
        case SPAWN_CHDIR:
                log_error("cannot change to the directory %s: %s", s->config->chdir, reason);
                return;
        case SPAWN_GROUP:
        case SPAWN_USER:
                log_error("cannot become %s %s: %s; it needs root",
                          s->config->user ? "the user" : "the group",
                          s->config->user ? s->config->user : s->config->group, reason);
                return;
        case SPAWN_EXEC:
                if (r == -ENOENT && strchr(program, '/') && access(program, F_OK) == 0)
                        log_error("cannot run '%s': the interpreter that it names does not exist",
                                  program);
                else if (r == -ENOENT)
                        log_error("cannot run '%s': there is no such program%s", program,
                                  strchr(program, '/') ? "" : " in PATH");
                else if (r == -EACCES)
                        log_error("cannot run '%s': it is not executable (chmod +x, or a "
                                  "directory on the way may not be entered)",
                                  program);
                else
                        log_error("cannot run '%s': %s", program, reason);
                return;
        case SPAWN_CGROUP:
        case SPAWN_CLONE:
        case SPAWN_FDS:
                log_error("cannot start a process for '%s': %s", program, reason);
                return;
        }
}

/* What a shell would return for a command that could not be run. */
static int
status_of_failure(const SpawnResult *result, int r)
{
        if (result->failed_step != SPAWN_EXEC)
                return 1;
        return r == -ENOENT ? 127 : 126;
}

static void
tell_no_filter(Supervisor *s, int error)
{
        if (s->told_no_filter)
                return;
        s->told_no_filter = true;
        s->capture_on = false;
        log_warning("capture is not possible here (%s): what the server binds by itself is closed "
                    "when it ends; name the address with -l",
                    error == EBUSY ? "another supervisor has its filter in place already"
                                   : strerrordesc_np(error));
}

/* Start one process. Returns 0; or a negative errno, told, with w->end_* set as if it had run. */
static int
spawn(Worker *w, Launch *l)
{
        Supervisor *s = w->supervisor;
        CLEANUP_FD int cgroup_fd = cgroups_open(w);
        bool hide_terminal = isatty(STDIN_FILENO) && !terminal_is_ours();
        SpawnRequest request = {
                .context = &s->spawn,
                .arguments = l->arguments.items,
                .environment = &l->environment,
                .fds = l->fds,
                .n_fds = l->n,
                .ready_fd = l->ready_fd,
                .ready_number = l->ready_number,
                .stdin_fd = l->stdin_fd < 0 && hide_terminal ? s->null_fd : l->stdin_fd,
                /* NOLINTNEXTLINE(clang-analyzer-core.NullDereference): it has at least one word */
                .filter = choose_filter(s, l->arguments.items[0]),
                .filter_required = s->config->capture == CAPTURE_REQUIRE,
                .cgroup_fd = cgroup_fd,
        };
        SpawnResult result;
        int r = spawn_worker(&request, &result);

        if (result.cgroup_error)
                cgroups_warn(s, result.cgroup_error);

        if (r < 0) {
                explain_spawn(w, &result, r);
                w->end_code = CLD_EXITED;
                w->end_status = status_of_failure(&result, r);
                return r;
        }
        w->pid = result.pid;
        w->spawned_usec = now_usec();
        if (result.listener_fd >= 0)
                traps_attach(w, result.listener_fd);
        else if (result.filter_error)
                tell_no_filter(s, result.filter_error);
        return 0;
}

/*
 * Start the process of a worker. Returns 0, or a negative errno that was told already; the worker
 * has then "ended" with a shell's status.
 */
int
launch_worker(Worker *w)
{
        CLEANUP(launch_deinit) Launch l = {.stdin_fd = -1, .ready_fd = -1};
        CLEANUP_FREE char *reason = NULL;
        int r = describe_listeners(w, &l);

        reset_flags(w);
        w->spawned_usec = now_usec();
        if (r == 0)
                r = ready_open_notify(w);
        if (r == 0)
                r = describe_worker(w, &l, &reason);
        if (r < 0) {
                log_error("%s", reason ? reason : strerrordesc_np(-r));
                w->end_code = CLD_EXITED;
                w->end_status = 1;
                return r;
        }
        return spawn(w, &l);
}
