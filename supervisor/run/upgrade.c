/* SPDX-License-Identifier: MIT */
/*
 * upgrade.c - `sup` re-executes itself: the same process, workers and sockets, a new program.
 *
 * Theory of operation: all that is known is written into a sealed memfd (persist.c); descriptors and
 * children stay what they are over execve(2). Before the point of no return the new program is
 * started as a child and asked whether it would take this very state; only if it says so, and proves
 * that it has read it, is it executed. Whoever waits for an answer gets it first, and a reload comes
 * to its end first. The exec closes the connections to the control socket: who has one is heard out before,
 * and who comes meanwhile waits in the queue of the socket, as trapped calls wait in the kernel, until the
 * new program looks.
 */
#include "run/upgrade.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/parse.h"
#include "control/server.h"
#include "run/persist.h"
#include "run/sealed.h"

#define STATE_VARIABLE "SUP_STATE_FD"
#define CHECK_FD 3 /* where the new program finds the state that it is asked about */
#define CHECK_PATIENCE_USEC (10 * USEC_PER_SEC)
/* How long clients that have just connected, or not finished a line, are waited for. */
#define HEAR_OUT_USEC USEC_PER_SEC

/* Clients are served as ever. */
static void
let_in(Supervisor *s)
{
        s->upgrade.timer = sd_event_source_disable_unref(s->upgrade.timer);
        s->upgrade.is_late = false;
        if (s->control)
                control_server_hold(s->control, false);
}

static void
forget(Supervisor *s)
{
        Upgrade *u = &s->upgrade;

        let_in(s);
        fd_close(u->output_fd);
        free(u->program);
        *u = (Upgrade){.output_fd = -1};
}

/* It will not be: the old program goes on. */
static void
give_up(Supervisor *s, const char *reason)
{
        log_event(&(LogEvent){.level = LOG_ERR, .event = "upgrade-failed"},
                  "not upgraded: %s; this program goes on", reason);
        if (s->upgrade.request)
                control_request_finish(s->upgrade.request, NULL, reason);
        forget(s);
}

/* Somebody wants it, by SIGUSR2 (no request) or on the control socket. */
void
upgrade_request(Supervisor *s, ControlRequest *request)
{
        if (s->upgrade.is_wanted || s->stopping) {
                if (request)
                        control_request_finish(request, NULL,
                                               s->stopping ? "sup is being stopped"
                                                           : "an upgrade is under way already");
                return;
        }
        s->upgrade = (Upgrade){.is_wanted = true, .request = request, .output_fd = -1};
}

/* Nothing is under way that could not be carried on by the new program. */
static bool
is_quiet(const Supervisor *s)
{
        if (s->rollout.state != ROLLOUT_IDLE || s->rollout.n_queue || s->n_waiting)
                return false;
        for (size_t i = 0; i < s->n_generations; i++)
                if (s->generations[i]->n_waiters)
                        return false;
        return true;
}

/* The program that we were started as: where its path leads now. To be freed; NULL: no memory. */
static char *
find_program(const Supervisor *s)
{
        const char *name = s->argv[0];
        const char *search = getenv("PATH");
        char *path = NULL;

        if (strchr(name, '/'))
                return strdup(name);
        while (search && *search) {
                size_t n = strcspn(search, ":");

                if (asprintf(&path, "%.*s/%s", (int)n, search, name) < 0)
                        return NULL;
                if (access(path, X_OK) == 0)
                        return path;
                free(path);
                search += n + (search[n] == ':');
        }
        return strdup("/proc/self/exe");
}

/* Start the new program with the question whether it would take the state. 0 or a negative errno. */
static int
spawn_check(Upgrade *u, int state_fd, int output_fd)
{
        char option[] = UPGRADE_ACCEPT_OPTION;
        char *arguments[] = {u->program, option, NULL};
        posix_spawn_file_actions_t actions;
        posix_spawnattr_t attributes;
        sigset_t set;
        int r;

        if (posix_spawn_file_actions_init(&actions) != 0)
                return -ENOMEM;
        if (posix_spawnattr_init(&attributes) != 0) {
                (void)posix_spawn_file_actions_destroy(&actions);
                return -ENOMEM;
        }
        (void)posix_spawn_file_actions_adddup2(&actions, output_fd, STDOUT_FILENO);
        (void)posix_spawn_file_actions_adddup2(&actions, output_fd, STDERR_FILENO);
        (void)posix_spawn_file_actions_adddup2(&actions, state_fd, CHECK_FD);
        (void)posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
        (void)sigemptyset(&set);
        (void)posix_spawnattr_setsigmask(&attributes, &set);
        (void)sigfillset(&set);
        (void)posix_spawnattr_setsigdefault(&attributes, &set);
        r = -posix_spawn(&u->check_pid, u->program, &actions, &attributes, arguments, environ);
        (void)posix_spawnattr_destroy(&attributes);
        (void)posix_spawn_file_actions_destroy(&actions);
        return r;
}

static int
on_check_late(sd_event_source *source, uint64_t usec, void *userdata)
{
        Supervisor *s = userdata;

        (void)source;
        (void)usec;
        (void)kill(s->upgrade.check_pid, SIGKILL);
        give_up(s, "the new program does not say whether it would go on");
        return 0;
}

/* Ask the new program. */
static void
begin_check(Supervisor *s)
{
        Upgrade *u = &s->upgrade;
        CLEANUP_FD int state_fd = sealed_write("sup-state", persist_save(s));
        CLEANUP_FD int output_fd = -1;
        int pair[2];
        int r;

        u->program = find_program(s);
        if (state_fd < 0 || !u->program || pipe2(pair, O_CLOEXEC | O_NONBLOCK) < 0) {
                give_up(s, "the state cannot be written down");
                return;
        }
        u->output_fd = pair[0];
        output_fd = pair[1];
        r = spawn_check(u, state_fd, output_fd);
        if (r < 0) {
                char reason[256];

                u->check_pid = 0;
                (void)snprintf(reason, sizeof(reason), "%.160s cannot be started: %s", u->program,
                               strerrordesc_np(-r));
                give_up(s, reason);
                return;
        }
        (void)sd_event_add_time_relative(s->event, &u->timer, CLOCK_MONOTONIC, CHECK_PATIENCE_USEC,
                                         0, on_check_late, s);
}

/* What the new program has to answer, so that nobody else is taken for it. */
static void
format_answer(char *ret_text, size_t size)
{
        (void)snprintf(ret_text, size, "the state of pid %d is accepted\n", (int)getpid());
}

/* Was that child the new program, and what did it say? Returns whether it was. */
bool
upgrade_check_ended(Supervisor *s, pid_t pid, int code, int status)
{
        Upgrade *u = &s->upgrade;
        char answer[128];
        char said[256];
        ssize_t n;

        if (pid == 0 || pid != u->check_pid)
                return false;
        u->check_pid = 0;
        u->timer = sd_event_source_disable_unref(u->timer);
        n = read(u->output_fd, said, sizeof(said) - 1);
        said[n > 0 ? n : 0] = '\0';
        format_answer(answer, sizeof(answer));
        if (code == CLD_EXITED && status == 0 && strcmp(said, answer) == 0) {
                u->is_accepted = true;
                return true;
        }
        said[strcspn(said, "\n")] = '\0';
        (void)snprintf(answer, sizeof(answer), "the new program %s %d",
                       code == CLD_EXITED ? "exited with status" : "was killed by signal", status);
        give_up(s, said[0] ? said : answer);
        return true;
}

/* Let a descriptor live over the exec, or not. */
static void
keep_open(int fd, bool keep)
{
        if (fd >= 0)
                (void)fcntl(fd, F_SETFD, keep ? 0 : FD_CLOEXEC);
}

static void
keep_all_open(const Supervisor *s, bool keep)
{
        for (size_t i = 0; i < s->held.n_items; i++)
                keep_open(s->held.items[i]->fd, keep);
        for (size_t i = 0; i < s->n_kept; i++)
                keep_open(s->kept[i].fd, keep);
        for (size_t i = 0; i < s->n_workers; i++) {
                const Worker *w = s->workers[i];

                keep_open(w->trap_fd, keep);
                keep_open(w->notify_fd, keep);
                if (w->ready_source)
                        keep_open(sd_event_source_get_io_fd(w->ready_source), keep);
        }
        if (s->control)
                keep_open(control_server_fd(s->control), keep);
}

/* The point of no return. Returns only if the exec failed. */
static void
execute(Supervisor *s)
{
        int state_fd = sealed_write("sup-state", persist_save(s));
        char reason[256];
        char number[16];

        if (state_fd < 0) {
                give_up(s, "the state cannot be written down");
                return;
        }
        (void)snprintf(number, sizeof(number), "%d", state_fd);
        (void)setenv(STATE_VARIABLE, number, 1);
        keep_open(state_fd, true);
        keep_all_open(s, true);
        log_debug("executing %s", s->upgrade.program);
        (void)execv(s->upgrade.program, s->argv);
        (void)snprintf(reason, sizeof(reason), "%.160s cannot be executed: %s", s->upgrade.program,
                       strerrordesc_np(errno));
        keep_all_open(s, false);
        fd_close(state_fd);
        (void)unsetenv(STATE_VARIABLE);
        give_up(s, reason);
}

static int
on_heard_long(sd_event_source *source, uint64_t usec, void *userdata)
{
        Supervisor *s = userdata;

        (void)source;
        (void)usec;
        s->upgrade.is_late = true;
        return 0;
}

/*
 * New clients wait for the new program from now on. Returns whether those that were taken in have said what
 * they had to say, or took too long.
 */
static bool
has_heard_out(Supervisor *s)
{
        Upgrade *u = &s->upgrade;

        if (!s->control)
                return true;
        control_server_hold(s->control, true);
        if (u->is_late || !control_server_is_unheard(s->control))
                return true;
        return !u->timer && sd_event_add_time_relative(s->event, &u->timer, CLOCK_MONOTONIC,
                                                       HEAR_OUT_USEC, 0, on_heard_long, s) < 0;
}

/* After every round of events: the next step, if it is time for it. */
void
upgrade_tidy(Supervisor *s)
{
        if (!s->upgrade.is_wanted || s->upgrade.check_pid)
                return;
        if (s->stopping)
                give_up(s, "sup is being stopped");
        else if (!is_quiet(s))
                let_in(s);
        else if (!s->upgrade.is_accepted)
                begin_check(s);
        else if (has_heard_out(s))
                execute(s);
}

/* Free what it holds; who waits is told. */
void
upgrade_deinit(Supervisor *s)
{
        if (s->upgrade.is_wanted)
                give_up(s, "sup is being stopped");
}

/* The state that we are asked about, or NULL. */
json_t *
upgrade_read_state(void)
{
        return sealed_read(CHECK_FD);
}

/*
 * The state that we are to go on from: what the program left that ran in this process before. NULL
 * when there is none. The variable that names it is gone afterwards, and its descriptor is closed.
 */
json_t *
upgrade_take_state(void)
{
        const char *text = getenv(STATE_VARIABLE);
        uint64_t fd;
        json_t *state = NULL;

        if (text && parse_unsigned(text, CONFIG_FD_MAX, &fd) == 0) {
                state = sealed_read((int)fd);
                if (json_integer_value(json_object_get(state, "pid")) == getpid()) {
                        (void)close((int)fd);
                } else { /* somebody else's: it came down to us with the environment */
                        json_decref(state);
                        state = NULL;
                }
        }
        (void)unsetenv(STATE_VARIABLE);
        return state;
}

/*
 * Say on stdout whether we would go on from a state, with the configuration that comes from its own
 * command line. Returns 0, or a negative errno with a sentence. The process has to end then without
 * giving anything back: the descriptors and paths in the state are the other program's.
 */
int
upgrade_accept(const Config *config, const json_t *state, char **ret_why)
{
        Supervisor s = {.config = config, .tree = {.children_fd = -1}};
        int r = persist_load(&s, state, ret_why);

        if (r == 0)
                (void)printf("the state of pid %lld is accepted\n",
                             (long long)json_integer_value(json_object_get(state, "pid")));
        return r;
}
