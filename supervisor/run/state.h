/* SPDX-License-Identifier: MIT */
/* state.h - what the files of run/ share: the supervisor, its generations and its workers. */
#ifndef SUP_RUN_STATE_H
#define SUP_RUN_STATE_H

#include <jansson.h>
#include <systemd/sd-event.h>
#include <termios.h>

#include "linux/notify.h"
#include "policy/announce.h"
#include "policy/away.h"
#include "policy/left.h"
#include "policy/life.h"
#include "policy/rollout.h"
#include "run/config.h"
#include "run/measure.h"
#include "sockets/capture.h"
#include "sockets/connections.h"
#include "worker/tree.h"

typedef struct Supervisor Supervisor;
typedef struct ControlRequest ControlRequest;
typedef struct ControlServer ControlServer;

/* All workers that were started with one command line, by one reload. */
typedef enum GenerationState {
        GENERATION_CANDIDATE, /* on its way; it may still be removed */
        GENERATION_CURRENT,
        GENERATION_RETIRING, /* on its way out */
} GenerationState;

typedef struct Generation {
        Supervisor *supervisor;
        unsigned number; /* 1 … */
        GenerationState state;
        Strv command;
        ReadyHabits habits;
        bool is_steered;      /* it has sockets of its own */
        bool has_failed;      /* it was taken back; what its sockets have is served all the same */
        DrainMode drain;      /* how it is retired */
        unsigned replaced_by; /* the number of the generation that came after it */
        uint64_t retire_usec; /* since when it is retiring */
        Measure measure;      /* of the reload that retires it */
        ConnectionSet open;   /* its connections, when last looked at */
        unsigned n_quiet;     /* looks in a row that found nothing left to serve */
        ControlRequest **waiters; /* to be told when it is gone */
        size_t n_waiters;
        uint64_t told; /* the progress that they know of */
} Generation;

/* What a worker is there for. */
typedef enum WorkerRole {
        ROLE_ACTIVE,
        ROLE_CANDIDATE, /* of a generation that may still be removed */
        ROLE_RETIRING,  /* its place goes with it */
        ROLE_STANDBY,   /* fully started, without the port */
} WorkerRole;

/* A descriptor that a worker gave us to keep for the next one in its place (FDSTORE=1). */
typedef struct Kept {
        unsigned index; /* of the worker */
        int fd;
        char *name;
} Kept;

#define KEPT_MAX 64 /* of one worker */

typedef struct Worker Worker;

/* What is to happen when a descriptor of a worker has something; see watch.c. */
typedef struct Watch {
        void (*on_event)(Worker *w, uint32_t revents);
        Worker *worker;
} Watch;

/* A place for a worker, and the incarnation that is in it. */
struct Worker {
        Supervisor *supervisor;
        Generation *generation;
        WorkerRole role;
        unsigned index;       /* 1 …; unique among those of a generation */
        uint64_t incarnation; /* never the same twice; 0: none yet */
        LifeState state;
        pid_t pid;              /* of its main process, 0: none */
        pid_t pid_before;       /* of the main process that ended last */
        pid_t group;            /* the process group that it was started in, where it has its own */
        pid_t session;          /* that a daemonised main process made, or 0 */
        uint64_t started_ticks; /* its processes are not older; see known.h */
        Known known;            /* processes that were seen to be its own */
        unsigned born_index;    /* as its environment says; a standby may get other ones */
        unsigned born_generation;
        uint64_t spawned_usec;
        uint64_t ready_usec;          /* 0: not ready */
        uint64_t claimed_usec;        /* when it first got a held socket by a bind(), 0: not yet */
        uint64_t progress_usec;       /* when it last got a socket */
        uint64_t behind_usec;         /* since when it listens, but not yet on all; 0 */
        uint64_t extended_until_usec; /* its start may take until then, by its own word; 0 */
        uint64_t ended_usec;          /* of the incarnation before, 0: there was none */
        uint64_t deadline_usec; /* a start that is due, or a limit, CLOCK_MONOTONIC; 0: nothing */
        int end_code;           /* CLD_EXITED, CLD_KILLED, CLD_DUMPED */
        int end_status;
        int end_code_before; /* the same of the end before, until it is certain that this is one */
        int end_status_before;
        unsigned n_restarts;
        bool listened;        /* it bound or claimed something */
        bool captured;        /* it bound something that nobody held */
        bool has_ended;       /* reaped in this round, not yet looked at */
        bool was_asked;       /* the incarnation was told to end */
        bool was_late;        /* it was not ready in time, or missed its watchdog */
        bool renew;           /* start anew at once when it has ended */
        Generation *renew_as; /* and then in this generation */
        bool kill_sweep;      /* left-overs get SIGKILL */
        bool done;            /* it ended by itself and is not to come back */
        bool nudge;           /* the deadline is for the stop signal, not yet for SIGKILL */
        bool drained;         /* retiring by connections: was told to stop */
        bool was_parked;      /* and not promoted since: it does not come to listen */
        bool is_guess;   /* it went into the background, and pid may be another of its processes */
        Address *tried;  /* what it bound without getting to listen on it, or NULL */
        bool was_behind; /* it ended before it had all that the one in its place has */
        RestartState restart;
        int trap_fd;
        Watch trap_watch;
        sd_event_source *ready_source; /* the pipe of --ready=fd:N; owns its descriptor */
        int ready_fd;    /* after an upgrade, until the source is there again; or -1 */
        bool is_watched; /* the same for watchdog */
        int notify_fd;   /* its NOTIFY_SOCKET, or -1 */
        char *notify_name;
        Watch notify_watch;
        uint64_t watchdog_usec; /* 0: none */
        sd_event_source *watchdog;
        pid_t told_pid;  /* MAINPID, or 0 */
        bool paths_away; /* it was started with the names of its paths away */
        bool met_sup;    /* it ended, and may have found our path: the next one starts without */
        bool is_deaf;    /* it has a unix socket that another one shut down */
        PidSet asked;    /* left-overs that were sent the stop signal */
};

/* What somebody asked for, by signal (no waiters) or on the control socket. */
typedef struct Reload {
        Strv command; /* empty: the current one */
        ReloadMode mode;
        DrainMode drain;
        unsigned canary_share; /* of STEER_WHOLE; 0: all at once */
        uint64_t bake_usec;    /* 0: none */
        char *check;
        ControlRequest **waiters;
        size_t n_waiters;
} Reload;

#define RELOADS_MAX 64 /* that wait for their turn */

/* The way from one generation to the next; see policy/rollout.c. */
typedef struct Rollout {
        RolloutState state;
        Generation *generation; /* the new one, or NULL */
        Reload reload;
        char *reason; /* why it is being reverted */
        Measure measure;
        uint64_t bake_until_usec;
        sd_event_source *check_timer;
        sd_event_source *bake_timer;
        sd_event_source *back_timer; /* the patience with old workers that are to come back */
        pid_t check_pid;             /* of --check, or 0 */
        bool check_passed;           /* the last one did */
        Reload *queue;
        size_t n_queue;
        uint64_t told; /* the progress that those who wait know of */
} Rollout;

/* Somebody on the control socket who waits for one worker. */
typedef struct Waiting {
        ControlRequest *request;
        unsigned index;       /* of the worker that is to serve */
        uint64_t incarnation; /* and not this one any more */
        unsigned old_index;   /* of the one that is retired then, or 0 */
} Waiting;

/* Our own upgrade; see upgrade.c. */
typedef struct Upgrade {
        bool is_wanted;
        bool is_accepted;        /* by the new program */
        bool is_late;            /* clients have been heard out for long enough */
        ControlRequest *request; /* who wants it, or NULL */
        char *program;
        pid_t check_pid; /* the new program, being asked; or 0 */
        int output_fd;   /* what it says */
        sd_event_source *timer;
} Upgrade;

#define UPWARD_STATUS_MAX 512

/* What the service manager was told; see upward.c. */
typedef struct Upward {
        Announced told;
        char status[UPWARD_STATUS_MAX];
        bool is_there;             /* there is one */
        unsigned seen;             /* the last generation that it was told of */
        sd_event_source *extend;   /* asks for more time while a start or a reload goes on */
        uint64_t start_until_usec; /* so long the start may take, when last looked at; 0 */
} Upward;

/* What the service manager keeps for the next `sup`; see store.c. */
typedef struct Store {
        bool is_there;    /* somebody who can keep it */
        unsigned number;  /* of the list, 0: none yet */
        uint64_t summary; /* of what stands in it */
        ino_t *sockets;   /* that it has */
        size_t n_sockets;
} Store;

/* Workers that a dead `sup` of our name left behind; see left.c. */
typedef struct Left {
        LeftState state;
        PidSet supervisors;        /* the dead ones */
        PidSet asked;              /* who got the stop signal */
        sd_event_source **sources; /* of their process descriptors */
        size_t n_sources;
        sd_event_source *timer;
} Left;

/* The cgroup that was delegated to us, and is divided among the workers; see cgroups.c. */
typedef struct Cgroups {
        int fd;         /* its directory, or -1: there is none */
        bool is_untidy; /* some could not be removed yet */
        bool was_told;  /* that workers run without */
} Cgroups;

struct Supervisor {
        const Config *config;
        int argc; /* the command line, for re-executing */
        char **argv;
        sd_event *event;
        Generation **generations;
        size_t n_generations;
        Generation *current;
        unsigned last_generation;
        Worker **workers;
        size_t n_workers;
        unsigned n_wanted; /* active workers */
        HeldTable held;
        Kept *kept;
        size_t n_kept;
        Capture capture;
        NotifyFilter filter;
        NotifyFilter path_filter; /* for workers that may remove the path of a held socket */
        bool capture_on;
        bool told_no_filter;
        Tree tree;
        Cgroups cgroups;
        PidSet orphans; /* as read in this round of reaping */
        bool orphans_read;
        SpawnContext spawn;
        SpawnLimit *limits;
        gid_t *groups;
        int fd_floor;
        int null_fd;
        uint64_t last_incarnation;
        uint64_t started_usec;
        unsigned n_upgrades;
        bool has_started; /* a worker ran once */
        bool pidfd_identity;
        bool stopping;
        bool stop_by_terminal; /* Ctrl-C reached the workers as well */
        int exit_status;
        Rollout rollout;
        Upward upward;
        Store store;
        Left left;
        Upgrade upgrade;
        struct rlimit nofile;            /* the limit of open files that we came with */
        sd_event_source *watch_source;   /* of all workers' descriptors; NULL: not yet */
        int watch_fd;                    /* the epoll set */
        sd_event_source *deadline_timer; /* of all workers */
        uint64_t next_deadline_usec;     /* when it wakes us */
        sd_event_source *drain_timer;
        sd_event_source *measure_timer;
        sd_event_source *given_up_timer;
        sd_event_source *groups_source; /* connections to members of groups; NULL: a look is due */
        sd_event_source *groups_timer;
        uint64_t groups_until_usec; /* members are looked after until then */
        sd_event_source *parked_timer;
        sd_event_source *post; /* tidies up behind every round of events */
        int inotify_fd;
        Away away;          /* of the names of held unix sockets, while a worker starts */
        bool is_controlled; /* by a terminal */
        bool interactive;   /* in its foreground */
        bool has_terminal;
        struct termios terminal;
        ControlServer *control;
        Waiting *waiting;
        size_t n_waiting;
        ControlRequest *stop_request; /* who asked for the end, to be told last */
        Measure last_reload;
        unsigned last_reload_generation; /* 0: there was none */
        uint64_t last_reload_usec;       /* how long it took */
        char *name;
};

/* supervisor.c: the whole */
void supervisor_stop(Supervisor *s, bool at_once, int exit_status);
void supervisor_check_done(Supervisor *s);
void supervisor_scale(Supervisor *s, unsigned n_wanted);

/* generation.c: generations */
Generation *generation_new(Supervisor *s, char *const *command);
Generation *generation_free(Generation *g);
int generation_set_command(Generation *g, char *const *command);
bool generation_start_one(Generation *g);
bool generation_is_empty(const Generation *g);
unsigned generations_retiring(const Supervisor *s);
void generations_tidy(Supervisor *s);

/* workers.c: the life of workers */
Worker *workers_add(Supervisor *s, Generation *generation, WorkerRole role, unsigned index);
Worker *worker_free(Worker *w);
void worker_event(Worker *w, LifeEvent event);
void worker_follow(Worker *w, pid_t pid, bool is_guess);
void worker_on_claimed(Worker *w);
void worker_on_listening(Worker *w, pid_t tid);
void worker_sign(Worker *w, ReadySign sign);
void worker_retire(Worker *w);
void worker_on_deadline(Worker *w);
void workers_read_mains(const Supervisor *s, PidSet *ret_mains);
bool workers_is_only(const Supervisor *s);
unsigned workers_count(const Supervisor *s, const Generation *generation, WorkerRole role);
unsigned workers_free_index(const Supervisor *s);
void workers_tidy(Supervisor *s);

/* whose.c: what the processes of a worker are known by */
TreeMark worker_mark(const Worker *w);
void worker_knows(Worker *w, pid_t tid);
bool worker_has_claimed(const Worker *w, const Held *h);
void worker_note_session(Worker *w);
bool worker_may_be_daemon(const Worker *w, const PidSet *group, pid_t orphan);

/* watch.c: the descriptors that every worker has */
int watch_add(Supervisor *s, Watch *watch, int fd);
void watch_remove(Supervisor *s, int fd);
void watch_deinit(Supervisor *s);

/* deadlines.c: what is due for a worker */
void worker_set_deadline(Worker *w, uint64_t delay_usec);
void worker_clear_deadline(Worker *w);

/* ended.c: what follows the end of a worker */
void worker_decide(Worker *w);
void worker_cancel(Worker *w);

/* launch.c: starting a worker's process */
int launch_prepare(Supervisor *s, char **ret_why);
int launch_worker(Worker *w);

/* ready.c: a worker's own word about itself */
int ready_open_pipe(Worker *w);
int ready_open_notify(Worker *w);
void ready_start_watchdog(Worker *w, uint64_t usec);
void ready_resume(Worker *w);
void ready_close(Worker *w);

/* in_use.c: whether a worker uses a listener that it was handed */
ReadyUse in_use_look(const Worker *w);

/* kept.c: descriptors that workers gave us to keep */
int kept_add(Supervisor *s, unsigned index, int consume_fd, const char *name, bool is_stored);
void kept_remove(Supervisor *s, unsigned index, const char *name);
void kept_deinit(Supervisor *s);

/* reap.c: children that ended, and left-overs */
void reap_children(Supervisor *s);
bool reap_sweep(Worker *w);
bool reap_strays(Supervisor *s);

/* cgroups.c: a cgroup for each worker */
void cgroups_init(Supervisor *s, bool is_new);
int cgroups_open(const Worker *w);
void cgroups_warn(Supervisor *s, int error);
void cgroups_read(const Worker *w, PidSet *ret_pids);
void cgroups_kill(const Worker *w);
void cgroups_remove(const Worker *w);
void cgroups_tidy(Supervisor *s);

/* traps.c: trapped calls */
int traps_prepare(Supervisor *s, char **ret_why);
void traps_attach(Worker *w, int consume_listener_fd);
void traps_detach(Worker *w);
void traps_release(Worker *w);
void traps_resume(Supervisor *s);
void traps_worker_ended(Worker *w);
void traps_explain_end(const Worker *w);
unsigned traps_n_waiting(const Supervisor *s);
int traps_tree(const Worker *w, PidSet *ret_pids);
int traps_tree_has_socket(const Worker *w, ino_t ino, int except_fd, HeldClaim *ret_seen);

/* deaf.c: workers with a unix socket that another one shut down */
void deaf_reopened(void *userdata, const Held *h, int r);
void deaf_listens(Worker *w, const Held *h);
void deaf_look(Supervisor *s);

/* given_up.c: captured sockets that the server gave up */
bool given_up_by_all(void *userdata, Held *h);
bool given_up_was_closed(const Held *h);
void given_up_captured(Supervisor *s);
void given_up_look_soon(Supervisor *s);
void given_up_close(Supervisor *s, Held *h);
void given_up_worker_ended(Worker *w);

/* groups.c: SO_REUSEPORT, and what the server closed of a group */
void groups_listening(Supervisor *s, const Held *h);
void groups_resume(Supervisor *s);

/* standby.c: workers that are started ahead */
void standby_fill(Supervisor *s);
Worker *standby_take_fresh(Supervisor *s);
Worker *standby_take(Supervisor *s, bool parked_only);

/* paths.c: the names of held unix sockets */
void paths_catch_up(void *userdata);
void paths_watch(Supervisor *s, const Held *h);
void paths_worker_starts(Worker *w);
void paths_worker_ends(Worker *w);
void paths_worker_ended(Supervisor *s);
void paths_bring_back(Supervisor *s);

/* rollout.c: reload */
void rollout_request(Supervisor *s, Reload *consume_reload);
bool rollout_may_begin(const Supervisor *s);
void rollout_worker_ready(Worker *w);
void rollout_tidy(Supervisor *s);
void rollout_stop(Supervisor *s);
void rollout_fail(Supervisor *s, const char *format, ...) __attribute__((format(printf, 2, 3)));
void rollout_event(Supervisor *s, RolloutEvent event);

/* candidate.c: a worker that comes after another */
uint64_t candidate_pause(Worker *w, uint64_t late_usec);
bool candidate_is_serial(const Worker *w);
void candidate_ends(Worker *w);
void candidate_follow(const Worker *old, const Worker *standby);
void rollout_worker_failed(Worker *w);

/* back.c: old workers that come back when a serial reload failed */
void back_expect(Supervisor *s);
bool back_is_awaited(const Supervisor *s);
void back_forget(Supervisor *s);

/* reload.c: requests for a reload, as values */
void reload_init(Reload *r, const Config *config);
void reload_deinit(Reload *r);
bool reload_equal(const Reload *a, const Reload *b);
int reload_merge_waiters(ControlRequest ***waiters, size_t *n_waiters, Reload *from);

/* drain.c: how old generations are served out */
void drain_begin(Supervisor *s, Generation *g);
void drain_wake(Supervisor *s);
unsigned drain_queue(const Generation *g);
void drain_worker_ended(const Worker *w);
void drain_deinit(Generation *g);

/* measure.c: what clients felt of a reload */
void measure_wake(Supervisor *s);

/* report.c: the sentences */
void report_listening(const Held *h);
void report_held(const Worker *w, const Held *h, pid_t pid);
void report_serving_again(const Worker *w, unsigned n_waiting);
void report_ended(const Worker *w, RestartVerdict verdict, uint64_t delay_usec);
void report_restarted(const Worker *w, pid_t old_pid, uint64_t lived_usec, const Worker *next);
const char *report_end(const Worker *w, char *ret_text, size_t size);

/* upward.c: what the service manager is told */
int upward_init(Supervisor *s);
void upward_look(Supervisor *s);
void upward_deinit(Supervisor *s);

/* store.c: what the service manager keeps for the next `sup` */
void store_init(Supervisor *s);
void store_take_back(Supervisor *s);
void store_drop_unclaimed(Supervisor *s);
void store_look(Supervisor *s);
void store_put_kept(const Supervisor *s, const Kept *kept);
void store_drop_kept(const Supervisor *s, unsigned index, const char *name);
json_t *store_save(const Supervisor *s);
int store_load(Supervisor *s, const json_t *object);
void store_deinit(Supervisor *s);

/* left.c: workers that a dead `sup` left behind */
void left_take_over(Supervisor *s, bool is_resumed);
void left_look(Supervisor *s);
void left_stop(Supervisor *s, bool is_asked_for, bool at_once);
void left_deinit(Supervisor *s);

/* terminal.c: the user's terminal */
void terminal_init(Supervisor *s);
void terminal_restore(const Supervisor *s);
bool terminal_is_ours(void);
bool terminal_is_gone(const Supervisor *s);

uint64_t now_usec(void);

#endif
