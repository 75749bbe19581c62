/* SPDX-License-Identifier: MIT */
/* state.h - what the files of run/ share: the supervisor and its workers. Not for other rooms. */
#ifndef SUP_RUN_STATE_H
#define SUP_RUN_STATE_H

#include <systemd/sd-event.h>
#include <termios.h>

#include "linux/notify.h"
#include "policy/life.h"
#include "run/config.h"
#include "sockets/capture.h"
#include "worker/tree.h"

typedef struct Supervisor Supervisor;

/* A place for a worker, and the incarnation that is in it. */
typedef struct Worker {
        Supervisor *supervisor;
        unsigned index;       /* 1 … N */
        uint64_t incarnation; /* never the same twice; 0: none yet */
        unsigned generation;
        LifeState state;
        pid_t pid;        /* of its main process, 0: none */
        pid_t pid_before; /* of the main process that ended last */
        pid_t group;      /* the process group that it was started in, where it has its own */
        pid_t session;    /* that a daemonised main process made, or 0 */
        uint64_t spawned_usec;
        uint64_t ready_usec; /* 0: not ready */
        uint64_t claimed_usec; /* when it first got a held socket by a bind(), 0: not yet */
        uint64_t ended_usec; /* of the incarnation before, 0: there was none */
        int end_code;        /* CLD_EXITED, CLD_KILLED, CLD_DUMPED */
        int end_status;
        bool listened;      /* it bound or claimed something */
        bool has_ended;     /* reaped in this round, not yet looked at */
        bool was_asked;     /* the incarnation was told to end */
        bool retire;        /* the place goes with the worker */
        bool renew;         /* start anew at once when it has ended */
        bool kill_sweep;    /* left-overs get SIGKILL */
        bool done;          /* it ended by itself and is not to come back */
        bool nudge;         /* the deadline is for the stop signal, not yet for SIGKILL */
        bool is_guess;      /* it went into the background, and pid may be another of its processes */
        bool has_tried;     /* it bound something without getting to listen on it */
        Address tried;
        RestartState restart;
        int trap_fd;
        sd_event_source *trap_source;
        sd_event_source *ready_source; /* the pipe of --compat=crank; owns its descriptor */
        sd_event_source *timer; /* a start that is due, or a deadline */
        PidSet asked; /* left-overs that were sent the stop signal */
} Worker;

/* Restarting workers one by one. */
typedef struct Rollout {
        bool active;
        bool again; /* asked for once more meanwhile */
        unsigned index; /* of the worker that is being renewed */
        sd_event_source *timer;
} Rollout;

struct Supervisor {
        const Config *config;
        sd_event *event;
        Worker **workers;
        size_t n_workers;
        HeldTable held;
        Capture capture;
        NotifyFilter filter;
        bool capture_on;
        bool told_no_filter;
        Tree tree;
        PidSet orphans; /* as read in this round of reaping */
        bool orphans_read;
        SpawnContext spawn;
        SpawnLimit *limits;
        gid_t *groups;
        int fd_floor;
        int null_fd;
        uint64_t last_incarnation;
        unsigned generation;
        bool workers_listen; /* one of them did: it is what readiness means here */
        bool has_started;    /* a worker ran once */
        bool pidfd_identity;
        bool stopping;
        bool stop_by_terminal; /* Ctrl-C reached the workers as well */
        int exit_status;
        Rollout rollout;
        sd_event_source *given_up_timer;
        sd_event_source *parked_timer;
        int inotify_fd;
        bool is_controlled; /* by a terminal */
        bool interactive;   /* in its foreground */
        bool has_terminal;
        struct termios terminal;
        char *name;
};

/* supervisor.c: the whole */
void supervisor_stop(Supervisor *s, bool at_once, int exit_status);
void supervisor_check_done(Supervisor *s);

/* workers.c: the life of workers */
int workers_add(Supervisor *s);
Worker *worker_free(Worker *w);
void worker_event(Worker *w, LifeEvent event);
void worker_follow(Worker *w, pid_t pid, bool is_guess);
void worker_on_claimed(Worker *w);
void worker_on_listening(Worker *w, pid_t tid);
void workers_read_mains(const Supervisor *s, PidSet *ret_mains);
TreeMark worker_mark(const Worker *w);
bool workers_is_only(const Supervisor *s);
void workers_remove_retired(Supervisor *s);

/* launch.c: starting a worker's process */
int launch_prepare(Supervisor *s, char **ret_why);
int launch_worker(Worker *w);

/* ready.c: a worker's own word that it serves */
int ready_open_pipe(Worker *w);
void ready_close(Worker *w);

/* reap.c: children that ended, and left-overs */
void reap_children(Supervisor *s);
bool reap_sweep(Worker *w);
bool reap_strays(Supervisor *s);

/* traps.c: trapped calls, held sockets that were given up */
int traps_prepare(Supervisor *s, char **ret_why);
void traps_attach(Worker *w, int consume_listener_fd);
void traps_detach(Worker *w);
void traps_worker_ended(Worker *w);
void traps_look_soon(Supervisor *s);
void traps_explain_end(const Worker *w);
unsigned traps_queue_length(const Supervisor *s);

/* paths.c: the names of held unix sockets */
void paths_watch(Supervisor *s, const Held *h);

/* rollout.c: reload */
void rollout_start(Supervisor *s);
void rollout_worker_ready(const Worker *w);
void rollout_worker_failed(const Worker *w);
void rollout_worker_retired(const Worker *w);
void rollout_stop(Supervisor *s);

/* report.c: the sentences */
void report_listening(const Held *h);
void report_held(const Worker *w, const Held *h, pid_t pid);
void report_serving_again(const Worker *w, unsigned n_waiting);
void report_ended(const Worker *w, RestartVerdict verdict, uint64_t delay_usec);
void report_restarted(const Worker *w, pid_t old_pid, uint64_t lived_usec);
const char *report_duration(uint64_t usec, char *ret_text, size_t size);
const char *report_end(const Worker *w, char *ret_text, size_t size);

/* terminal.c: the user's terminal */
void terminal_init(Supervisor *s);
void terminal_restore(const Supervisor *s);
bool terminal_is_ours(void);
bool terminal_is_gone(const Supervisor *s);

uint64_t now_usec(void);

#endif
