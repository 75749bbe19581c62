/* SPDX-License-Identifier: MIT */
/*
 * why_listening.c - `sup why --listening`: all listeners of the machine, who has them, and how many
 * connections wait on each.
 *
 * Gist: the tables of this network namespace, and, as root, of all others; then /proc is read once
 * for all sockets together.
 */
#include <errno.h>
#include <jansson.h>
#include <linux/unix_diag.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "cli/why.h"
#include "sockets/explain.h"

#define LOCAL_MAX 128

/* One listener, or one process more that has it. */
typedef struct Row {
        const char *protocol;
        char local[LOCAL_MAX];
        uint32_t queue;
        uint32_t queue_limit; /* 0: it has no queue */
        ino_t inode;
        bool has_uid;
        uid_t uid;
        size_t netns; /* 0: ours, else an index + 1 */
        size_t n_holders;
        Process holder; /* one of them, if there is any */
} Row;

typedef struct Table {
        Row *rows;
        size_t n_rows;
        size_t netns; /* that is being looked at */
        NetnsSet others;
        HoldersView view;
        bool failed;
} Table;

static void
table_deinit(Table *t)
{
        free(t->rows);
        netns_set_deinit(&t->others);
}

static void
add_row(Table *t, const Row *row)
{
        Row *rows = reallocarray(t->rows, t->n_rows + 1, sizeof(*rows));

        if (!rows) {
                t->failed = true;
                return;
        }
        t->rows = rows;
        t->rows[t->n_rows] = *row;
        t->rows[t->n_rows++].netns = t->netns;
}

static void
on_inet(const SockdiagSocket *s, void *userdata)
{
        Row row = {
                .protocol = s->protocol == IPPROTO_UDP ? "udp" : "tcp",
                .inode = s->inode,
                .has_uid = s->has_uid,
                .uid = s->uid,
        };

        if (s->protocol == IPPROTO_TCP) {
                row.queue = s->rqueue;
                row.queue_limit = s->wqueue;
        } else if (s->peer_port) {
                return; /* a client */
        }
        (void)explain_local(s, row.local, sizeof(row.local));
        add_row(userdata, &row);
}

static void
on_unix(const SockdiagUnix *u, void *userdata)
{
        Row row = {
                .protocol = u->type == SOCK_SEQPACKET ? "unix-seq" : "unix",
                .queue = u->rqueue,
                .queue_limit = u->wqueue,
                .inode = u->inode,
                .has_uid = u->has_uid,
                .uid = u->uid,
        };
        size_t n = u->n_name;

        if (u->state != TCP_LISTEN)
                return;
        while (n > 0 && u->name[n - 1] == '\0')
                n--; /* a path's end */
        for (size_t i = 0; i < n; i++)
                row.local[i] = u->name[i] == '\0'                        ? '@'
                               : u->name[i] > ' ' && u->name[i] < '\x7f' ? u->name[i]
                                                                         : '?';
        add_row(userdata, &row);
}

static void
look(void *userdata)
{
        static const SockdiagQuery tcp = {.protocol = IPPROTO_TCP, .states = 1U << TCP_LISTEN};
        static const SockdiagQuery udp = {.protocol = IPPROTO_UDP, .states = 1U << TCP_CLOSE};

        (void)sockdiag_dump_inet(&tcp, on_inet, userdata);
        (void)sockdiag_dump_inet(&udp, on_inet, userdata);
        (void)sockdiag_dump_unix(on_unix, userdata);
}

static void
on_holder(size_t index, pid_t pid, int fd, void *userdata)
{
        Table *t = userdata;
        Row *row = &t->rows[index];
        Process p;

        (void)fd;
        if (process_read(pid, &p) < 0)
                return;
        /* Of several, the one that was there first. */
        if (row->n_holders++ == 0 || p.started_ticks < row->holder.started_ticks)
                row->holder = p;
}

static int
find_holders(Table *t)
{
        CLEANUP_FREE ino_t *inodes = calloc(t->n_rows + 1, sizeof(*inodes));

        if (!inodes)
                return -ENOMEM;
        for (size_t i = 0; i < t->n_rows; i++)
                inodes[i] = t->rows[i].inode;
        return holders_find(inodes, t->n_rows, on_holder, t, &t->view);
}

/* The unit or container; nothing where it is not known. */
static const char *
place_of(const Row *row)
{
        const CgroupPlace *place = &row->holder.place;

        if (row->n_holders == 0)
                return "";
        return place->container[0] ? place->container : place->unit;
}

static void
print_text_row(FILE *out, const Table *t, const Row *row)
{
        char queue[32] = "-";
        char pid[32] = "?";
        char user[64] = "?";

        if (row->queue_limit)
                (void)snprintf(queue, sizeof(queue), "%u/%u", row->queue, row->queue_limit);
        if (row->n_holders > 1)
                (void)snprintf(pid, sizeof(pid), "%d+%zu", (int)row->holder.pid,
                               row->n_holders - 1);
        else if (row->n_holders)
                (void)snprintf(pid, sizeof(pid), "%d", (int)row->holder.pid);
        if (row->n_holders && row->holder.has_uid)
                (void)why_user_name(row->holder.uid, user, sizeof(user));
        else if (row->has_uid)
                (void)why_user_name(row->uid, user, sizeof(user));
        (void)fprintf(out, "%-8s %-28s %9s  %-10s %-12s %s", row->protocol, row->local, queue, pid,
                      user, row->n_holders ? row->holder.command : "?");
        if (place_of(row)[0])
                (void)fprintf(out, "  [%s]", place_of(row));
        if (row->netns) {
                const Netns *ns = &t->others.items[row->netns - 1];

                if (ns->name[0])
                        (void)fprintf(out, "  (netns %s)", ns->name);
                else
                        (void)fprintf(out, "  (netns of pid %d)", (int)ns->pid);
        }
        (void)fputc('\n', out);
}

static void
print_text(FILE *out, const Table *t)
{
        (void)fprintf(out, "%-8s %-28s %9s  %-10s %-12s %s\n", "KIND", "LISTENS ON", "QUEUE", "PID",
                      "USER", "COMMAND");
        for (size_t i = 0; i < t->n_rows; i++)
                print_text_row(out, t, &t->rows[i]);
        if (t->view.n_unreadable)
                (void)fprintf(out,
                              "Not seen: the open files of %u processes of other users; root sees "
                              "them.\n",
                              t->view.n_unreadable);
}

static void
set(json_t *object, const char *key, json_t *consume_value)
{
        (void)json_object_set_new(object, key, consume_value);
}

static json_t *
describe_row(const Table *t, const Row *row)
{
        json_t *object = json_object();

        set(object, "protocol", json_string(row->protocol));
        set(object, "local", json_string(row->local));
        if (row->queue_limit) {
                set(object, "queue", json_integer(row->queue));
                set(object, "queue_limit", json_integer(row->queue_limit));
        }
        set(object, "inode", json_integer((json_int_t)row->inode));
        if (row->has_uid)
                set(object, "uid", json_integer(row->uid));
        set(object, "holders", json_integer((json_int_t)row->n_holders));
        if (row->n_holders) {
                set(object, "pid", json_integer(row->holder.pid));
                set(object, "name", json_string(row->holder.comm));
                set(object, "command", json_string(row->holder.command));
        }
        if (place_of(row)[0])
                set(object, row->holder.place.container[0] ? "container" : "unit",
                    json_string(place_of(row)));
        if (row->netns && t->others.items[row->netns - 1].name[0])
                set(object, "netns", json_string(t->others.items[row->netns - 1].name));
        else if (row->netns)
                set(object, "netns_pid", json_integer(t->others.items[row->netns - 1].pid));
        return object;
}

static int
print_json(FILE *out, const Table *t)
{
        json_t *object = json_object();
        json_t *array = json_array();
        int r;

        for (size_t i = 0; i < t->n_rows; i++)
                (void)json_array_append_new(array, describe_row(t, &t->rows[i]));
        set(object, "listeners", array);
        set(object, "unreadable_processes", json_integer(t->view.n_unreadable));
        r = json_dumpf(object, out, JSON_INDENT(2)) < 0 ? -ENOMEM : 0;
        json_decref(object);
        (void)fputc('\n', out);
        return r;
}

/* Print the table. Returns 0 or a negative errno. */
int
why_listening_print(FILE *out, bool json)
{
        CLEANUP(table_deinit) Table t = {.rows = NULL};
        int r;

        look(&t);
        if (geteuid() == 0)
                (void)netns_find_others(&t.others);
        for (t.netns = 1; t.netns <= t.others.n_items; t.netns++)
                (void)netns_visit(&t.others.items[t.netns - 1], look, &t);
        r = t.failed ? -ENOMEM : find_holders(&t);
        if (r < 0)
                return r;
        if (json)
                return print_json(out, &t);
        print_text(out, &t);
        return 0;
}
