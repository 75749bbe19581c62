/* SPDX-License-Identifier: MIT */
/*
 * process.c - who a process is, as far as /proc tells: for people who have to decide about it.
 *
 * Gist: what is read is parsed apart from how it was read, so that tests can feed it any text. A
 * field that cannot be read, or makes no sense, is left as "not told".
 */
#include "linux/process.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fd.h"
#include "base/parse.h"

#define PID_MAX_LIMIT 4194304UL /* linux/threads.h */
#define PF_EXITING 0x4UL        /* linux/sched.h; field 9 of proc(5)'s stat */

/*
 * Read a small file of a process into text, which is terminated, also where that fails. Returns the
 * length or a negative errno.
 */
static ssize_t
read_file(pid_t pid, const char *name, char *text, size_t size)
{
        CLEANUP_FD int fd = -1;
        char path[96];
        ssize_t n;

        *text = '\0';
        (void)snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid, name);
        fd = open(path, O_RDONLY | O_CLOEXEC);
        n = fd < 0 ? -1 : read(fd, text, size - 1);
        if (n < 0)
                return -errno;
        text[n] = '\0';
        return n;
}

/* The next number of the text at *p, moving on; 0 where there is none. */
static unsigned long
next_number(const char **p)
{
        char *end;
        unsigned long value = strtoul(*p, &end, 10);

        *p = end;
        return value;
}

/* The same for a process; what cannot be one is -1. */
static pid_t
next_pid(const char **p)
{
        unsigned long value = next_number(p);

        return value <= PID_MAX_LIMIT ? (pid_t)value : -1;
}

static void
skip_fields(const char **p, unsigned n)
{
        for (; n > 0; n--) {
                *p += strspn(*p, " ");
                *p += strcspn(*p, " ");
        }
}

/*
 * Read /proc/PID/stat: pid, name, state, parent, session, whether it exits, when it started.
 * Returns 0, or -EINVAL with p as it was.
 */
int
process_parse_stat(const char *text, Process *p)
{
        const char *open_bracket = strchr(text, '(');
        const char *rest = strrchr(text, ')'); /* the name between them may hold anything */
        const char *begin = text;
        Process read = *p;
        size_t n_comm;

        if (!open_bracket || !rest || rest < open_bracket || rest[1] != ' ' ||
            !isalpha((unsigned char)rest[2]) || !isdigit((unsigned char)text[0]))
                return -EINVAL;
        read.pid = next_pid(&begin);
        n_comm = (size_t)(rest - open_bracket - 1);
        if (n_comm >= sizeof(read.comm))
                n_comm = sizeof(read.comm) - 1;
        for (size_t i = 0; i < n_comm; i++) {
                char c = open_bracket[1 + i];

                read.comm[i] = isprint((unsigned char)c) ? c : '?';
        }
        read.comm[n_comm] = '\0';
        read.state = rest[2];
        rest += 3;
        read.parent = next_pid(&rest);
        read.group = next_pid(&rest);
        read.session = next_pid(&rest);
        read.has_terminal = next_number(&rest) != 0;
        skip_fields(&rest, 1);
        read.is_ending = (next_number(&rest) & PF_EXITING) != 0;
        skip_fields(&rest, 12);
        read.started_ticks = next_number(&rest);
        if (read.pid <= 0 || read.parent < 0 || read.session < 0)
                return -EINVAL;
        *p = read;
        return 0;
}

/* The text behind `name:` at the beginning of a line, or NULL. */
static const char *
find_field(const char *text, const char *name)
{
        size_t length = strlen(name);

        while (*text) {
                if (strncmp(text, name, length) == 0 && text[length] == ':')
                        return text + length + 1;
                text += strcspn(text, "\n");
                text += *text == '\n';
        }
        return NULL;
}

/* Read /proc/PID/status: the effective uid, a core dump, a SIGKILL on its way. */
void
process_parse_status(const char *text, Process *p)
{
        static const char *const pending[] = {"SigPnd", "ShdPnd"};
        const char *field = find_field(text, "Uid");
        char *end;

        if (field) {
                (void)strtoul(field, &end, 10); /* the real one */
                field = end;
                p->uid = (uid_t)strtoul(field, &end, 10);
                p->has_uid = end != field;
        }
        field = find_field(text, "CoreDumping");
        p->dumps_core = field && strtoul(field, NULL, 10) == 1;
        for (size_t i = 0; i < ELEMENTSOF(pending); i++) {
                field = find_field(text, pending[i]);
                if (field && strtoull(field, NULL, 16) >> (SIGKILL - 1) & 1)
                        p->is_ending = true;
        }
}

/*
 * Read /proc/PID/syscall: whether the call is one in which a server waits for its clients, or the
 * thread runs, so that it may be about to. A number that is not known is not such a call.
 */
bool
process_parse_syscall(const char *text)
{
        static const long calls[] = {
                SYS_accept4,
#ifdef SYS_accept
                SYS_accept,
#endif
#ifdef SYS_poll
                SYS_poll,
#endif
#ifdef SYS_select
                SYS_select,
#endif
#ifdef SYS_epoll_wait
                SYS_epoll_wait,
#endif
                SYS_ppoll,        SYS_pselect6, SYS_epoll_pwait, SYS_io_uring_enter,
#ifdef SYS_epoll_pwait2
                SYS_epoll_pwait2,
#endif
        };
        char *end;
        long number = strtol(text, &end, 10);

        if (end == text)
                return true; /* "running", or nothing at all */
        for (size_t i = 0; i < ELEMENTSOF(calls); i++)
                if (calls[i] == number)
                        return true;
        return false;
}

/* Whether any thread may be waiting for clients; where that cannot be told, it may. */
static bool
may_wait_for_clients(pid_t pid)
{
        CLEANUP_DIR DIR *dir = NULL;
        const struct dirent *entry;
        char path[64];
        bool told = false;

        (void)snprintf(path, sizeof(path), "/proc/%d/task", (int)pid);
        dir = opendir(path);
        while (dir && (entry = readdir(dir))) {
                char name[64];
                char text[256];

                if (!isdigit((unsigned char)entry->d_name[0]))
                        continue;
                (void)snprintf(name, sizeof(name), "task/%.20s/syscall", entry->d_name);
                if (read_file(pid, name, text, sizeof(text)) <= 0 || process_parse_syscall(text))
                        return true;
                told = true;
        }
        return !told;
}

/*
 * Whether a process is in a group that neither it nor its parent is of, and whose leader has ended. At a
 * terminal that is nothing special: a shell makes a group for each pipeline, whose head may end first.
 */
static bool
has_lost_leader(const Process *p, const Process *parent)
{
        char leader = p->group > 0 ? proc_state(p->group) : 'R';

        return p->group != p->pid && p->group != parent->group && !p->has_terminal &&
               (leader == 0 || leader == 'Z');
}

/*
 * A parent's session is that of its child, unless the child made one itself (setsid(2)), or came to
 * this parent when its own had ended. In the same session, its group may tell.
 */
static bool
was_taken_over(const Process *p)
{
        Process parent = {.pid = 0};
        char text[1024];

        if (p->parent <= 0 || p->session == p->pid || p->session == 0)
                return false;
        return read_file(p->parent, "stat", text, sizeof(text)) > 0 &&
               process_parse_stat(text, &parent) == 0 &&
               (parent.session != p->session || has_lost_leader(p, &parent));
}

/* The arguments as one line; those of a process that has none any more are its name in brackets. */
static void
read_command(Process *p)
{
        ssize_t n = read_file(p->pid, "cmdline", p->command, sizeof(p->command));

        while (n > 0 && p->command[n - 1] == '\0')
                n--;
        for (ssize_t i = 0; i < n; i++) {
                if (p->command[i] == '\0')
                        p->command[i] = ' ';
                else if (!isprint((unsigned char)p->command[i]))
                        p->command[i] = '?';
        }
        if (n <= 0)
                (void)snprintf(p->command, sizeof(p->command), "[%s]", p->comm);
}

/* Ticks since boot as a moment of CLOCK_REALTIME, in microseconds. */
static uint64_t
moment_of(uint64_t ticks)
{
        uint64_t per_second = (uint64_t)sysconf(_SC_CLK_TCK);
        struct timespec now;
        struct timespec up;
        uint64_t boot_usec;

        if (per_second == 0 || clock_gettime(CLOCK_REALTIME, &now) < 0 ||
            clock_gettime(CLOCK_BOOTTIME, &up) < 0)
                return 0;
        boot_usec = (uint64_t)(now.tv_sec - up.tv_sec) * USEC_PER_SEC +
                    (uint64_t)(now.tv_nsec / 1000) - (uint64_t)(up.tv_nsec / 1000);
        return boot_usec + ticks * (USEC_PER_SEC / per_second);
}

/* Read all about a process. Returns 0, or -ESRCH when it is gone. */
int
process_read(pid_t pid, Process *ret)
{
        Process p = {.pid = pid};
        char text[4096];

        if (read_file(pid, "stat", text, sizeof(text)) <= 0 || process_parse_stat(text, &p) < 0 ||
            p.pid != pid)
                return -ESRCH;
        if (read_file(pid, "status", text, sizeof(text)) > 0)
                process_parse_status(text, &p);
        read_command(&p);
        p.started_usec = moment_of(p.started_ticks);
        p.is_orphan = was_taken_over(&p);
        p.waits = p.is_orphan && may_wait_for_clients(pid);
        cgroup_of_process(pid, &p.place);
        *ret = p;
        return 0;
}

/* When a process started, in ticks since boot: with its pid, who it is. 0: it is gone. */
uint64_t
process_started(pid_t pid)
{
        Process p = {0};
        char text[1024];

        if (read_file(pid, "stat", text, sizeof(text)) <= 0 || process_parse_stat(text, &p) < 0 ||
            p.pid != pid)
                return 0;
        return p.started_ticks;
}

/* Now, in the same ticks: who starts later has these or more (do_task_stat in fs/proc/array.c). */
uint64_t
process_ticks_now(void)
{
        uint64_t per_second = (uint64_t)sysconf(_SC_CLK_TCK);
        struct timespec up = {0};

        (void)clock_gettime(CLOCK_BOOTTIME, &up);
        return (uint64_t)up.tv_sec * per_second +
               (uint64_t)up.tv_nsec / 1000 * per_second / USEC_PER_SEC;
}
