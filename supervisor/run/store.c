/* SPDX-License-Identifier: MIT */
/*
 * store.c - what the service manager keeps for the next `sup`: FDSTORE=1 of sd_notify(3).
 *
 * Theory of operation: held sockets that did not come from the service manager are put into its store,
 * each as `sup-socket-INODE`, and beside them a list, `sup-list-NUMBER`, which says of each what it is
 * (a sealed memfd, as persist_sockets.c writes it). When something changes, new sockets go there
 * first, then the new list, then the list before it is removed, and last the sockets that are not
 * needed any more: at whatever moment we are killed, the list with the highest number describes
 * sockets that are there. A socket that is closed here is removed there first, and we wait for it:
 * otherwise its address would still be in use when the server binds it by itself.
 *
 * The next `sup` finds all of it among LISTEN_FDS. It holds every socket as a captured one, until
 * --listen or a worker asks for its address; traps.c closes those that nobody wants.
 *
 * What workers gave us to keep goes there as well, as `sup-kept-NUMBER-NAME` with the worker's number:
 * the name says all of it, so that it stands in no list.
 *
 * Of sockets of several generations only those of the current one are kept. systemd drops the store
 * when the unit is stopped, and keeps it over a restart. FDPOLL=0: it would drop a socket that was
 * shut down.
 */
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fd.h"
#include "base/parse.h"
#include "run/persist.h"
#include "run/sealed.h"

#define STORE_FORMAT 1 /* grows when an older `sup` would misread it */
#define SOCKET_PREFIX INHERITED_STORED_PREFIX "socket-"
#define LIST_PREFIX INHERITED_STORED_PREFIX "list-"
#define KEPT_PREFIX INHERITED_STORED_PREFIX "kept-"
#define FDNAME_LENGTH 255 /* the longest that systemd takes (sd_pid_notify_with_fds(3)) */
/* It should take much less than a millisecond; a service manager that is stuck does not stop us. */
#define BARRIER_USEC USEC_PER_SEC

static void
put(int fd, const char *prefix, uint64_t number)
{
        char text[128];
        int r;

        (void)snprintf(text, sizeof(text), "FDSTORE=1\nFDPOLL=0\nFDNAME=%s%" PRIu64, prefix,
                       number);
        r = sd_pid_notify_with_fds(0, 0, text, &fd, 1);
        if (r < 0)
                log_debug("cannot store %s%" PRIu64 ": %s", prefix, number, strerrordesc_np(-r));
}

static void
drop(const char *prefix, uint64_t number)
{
        (void)sd_notifyf(0, "FDSTOREREMOVE=1\nFDNAME=%s%" PRIu64, prefix, number);
}

/* Whether the next `sup` is to have it. */
static bool
is_wanted(const Supervisor *s, const Held *h)
{
        return !h->from_manager && held_is_for(h, s->current->number);
}

static bool
has_socket(const Store *st, ino_t ino)
{
        for (size_t i = 0; i < st->n_sockets; i++)
                if (st->sockets[i] == ino)
                        return true;
        return false;
}

/* FNV-1a, to notice a change; http://www.isthe.com/chongo/tech/comp/fnv/ */
static uint64_t
mix(uint64_t sum, const void *bytes, size_t n_bytes)
{
        for (size_t i = 0; i < n_bytes; i++)
                sum = (sum ^ ((const unsigned char *)bytes)[i]) * 0x100000001b3;
        return sum;
}

/* All of the held sockets that can change and is of use for the next `sup`, in one number. */
static uint64_t
sum_up(const Supervisor *s)
{
        uint64_t sum = 0xcbf29ce484222325;

        for (size_t i = 0; i < s->held.n_items; i++) {
                const Held *h = s->held.items[i];

                if (!is_wanted(s, h))
                        continue;
                sum = mix(sum, &h->ino, sizeof(h->ino));
                sum = mix(sum, &h->backlog, sizeof(h->backlog));
                if (!h->path)
                        continue;
                sum = mix(sum, h->path->path, strlen(h->path->path) + 1);
                sum = mix(sum, h->path->bound, strlen(h->path->bound) + 1);
                sum = mix(sum, h->path->link, strlen(h->path->link) + 1);
        }
        return sum;
}

/* What there is to know of the sockets, in a memfd. Returns the descriptor or a negative errno. */
static int
write_list(const Supervisor *s)
{
        json_t *held = json_array();

        for (size_t i = 0; i < s->held.n_items; i++) {
                Held copy = *s->held.items[i];

                if (!is_wanted(s, &copy))
                        continue;
                copy.n_claims = 0; /* nobody who could have claimed it outlives us */
                copy.generation = 0;
                copy.group = 0;
                copy.place = -1;
                (void)json_array_append_new(held, persist_save_held(&copy));
        }
        return sealed_write(LIST_PREFIX,
                            json_pack("{s:i, s:o}", "format", STORE_FORMAT, "held", held));
}

/* Put those there that are new. Returns 0 or -ENOMEM. */
static int
put_sockets(Supervisor *s)
{
        Store *st = &s->store;

        for (size_t i = 0; i < s->held.n_items; i++) {
                const Held *h = s->held.items[i];
                ino_t *grown;

                if (!is_wanted(s, h) || has_socket(st, h->ino))
                        continue;
                grown = reallocarray(st->sockets, st->n_sockets + 1, sizeof(*grown));
                if (!grown)
                        return -ENOMEM;
                st->sockets = grown;
                grown[st->n_sockets++] = h->ino;
                put(h->fd, SOCKET_PREFIX, h->ino);
        }
        return 0;
}

static bool
is_still_wanted(const Supervisor *s, ino_t ino)
{
        for (size_t i = 0; i < s->held.n_items; i++)
                if (s->held.items[i]->ino == ino && is_wanted(s, s->held.items[i]))
                        return true;
        return false;
}

static void
drop_sockets(Supervisor *s)
{
        Store *st = &s->store;
        size_t left = 0;

        for (size_t i = 0; i < st->n_sockets; i++)
                if (is_still_wanted(s, st->sockets[i]))
                        st->sockets[left++] = st->sockets[i];
                else
                        drop(SOCKET_PREFIX, st->sockets[i]);
        st->n_sockets = left;
}

/* After every round of events: bring the store up to date. */
void
store_look(Supervisor *s)
{
        Store *st = &s->store;
        CLEANUP_FD int list_fd = -1;
        uint64_t sum;

        if (!st->is_there || s->stopping)
                return;
        sum = sum_up(s);
        if (st->number && sum == st->summary)
                return;
        list_fd = write_list(s);
        if (list_fd < 0 || put_sockets(s) < 0) {
                log_error("no memory to store the sockets with the service manager");
                return;
        }
        put(list_fd, LIST_PREFIX, st->number + 1);
        if (st->number)
                drop(LIST_PREFIX, st->number);
        drop_sockets(s);
        st->number++;
        st->summary = sum;
}

/* The name that the service manager knows a worker's descriptor by. Returns whether it is not too long. */
static bool
name_kept(unsigned index, const char *name, char *ret_text)
{
        return snprintf(ret_text, FDNAME_LENGTH + 1, KEPT_PREFIX "%u-%s", index, name) <=
               FDNAME_LENGTH;
}

/* A worker gave us a descriptor to keep. */
void
store_put_kept(const Supervisor *s, const Kept *kept)
{
        char name[FDNAME_LENGTH + 1];
        char text[FDNAME_LENGTH + 64];
        int r;

        if (!s->store.is_there || !name_kept(kept->index, kept->name, name))
                return;
        (void)snprintf(text, sizeof(text), "FDSTORE=1\nFDPOLL=0\nFDNAME=%s", name);
        r = sd_pid_notify_with_fds(0, 0, text, &kept->fd, 1);
        if (r < 0)
                log_debug("cannot store %s: %s", name, strerrordesc_np(-r));
}

/* All of that name are to be kept no more. */
void
store_drop_kept(const Supervisor *s, unsigned index, const char *name)
{
        char text[FDNAME_LENGTH + 1];

        if (s->store.is_there && name_kept(index, name, text))
                (void)sd_notifyf(0, "FDSTOREREMOVE=1\nFDNAME=%s", text);
}

/* A held socket is about to be closed. */
static void
on_remove(void *userdata, const Held *h)
{
        Supervisor *s = userdata;
        Store *st = &s->store;

        for (size_t i = 0; i < st->n_sockets; i++)
                if (st->sockets[i] == h->ino) {
                        st->sockets[i] = st->sockets[--st->n_sockets];
                        drop(SOCKET_PREFIX, h->ino);
                        (void)sd_notify_barrier(0, BARRIER_USEC);
                        return;
                }
}

/* Is there somebody who keeps descriptors for us? To be called once, before anything is held. */
void
store_init(Supervisor *s)
{
        s->store.is_there = getenv("NOTIFY_SOCKET") != NULL;
        if (s->store.is_there) {
                s->held.on_remove = on_remove;
                s->held.userdata = s;
        }
}

/* The number behind a prefix. Returns whether the name is such a one. */
static bool
parse_name(const char *name, const char *prefix, uint64_t *ret_number)
{
        size_t n = strlen(prefix);

        return strncmp(name, prefix, n) == 0 &&
               parse_unsigned(name + n, UINT64_MAX, ret_number) == 0;
}

/* The list with the highest number that can be read, or NULL; lists before it are dropped. */
static json_t *
find_list(Supervisor *s)
{
        const Inherited *in = &s->config->inherited;
        json_t *found = NULL;

        for (size_t i = 0; i < in->n_stored; i++) {
                uint64_t number;
                json_t *list;

                if (!parse_name(in->stored[i].name, LIST_PREFIX, &number))
                        continue;
                list = number > s->store.number ? sealed_read(in->stored[i].fd) : NULL;
                if (json_integer_value(json_object_get(list, "format")) != STORE_FORMAT) {
                        json_decref(list);
                        drop(LIST_PREFIX, number);
                        continue;
                }
                if (found)
                        drop(LIST_PREFIX, s->store.number);
                json_decref(found);
                found = list;
                s->store.number = (unsigned)number;
        }
        return found;
}

/* Its name in the file system must still lead to it. A socket that has lost it is of no use. */
static bool
has_its_name(const Held *h)
{
        struct stat st;

        if (!address_is_path(&h->key.address))
                return true;
        if (!h->path || lstat(h->path->link, &st) < 0 || st.st_dev != h->path->dev ||
            st.st_ino != h->path->ino)
                return false;
        return unix_path_restore(h->path) >= 0 && lstat(h->path->path, &st) == 0 &&
               st.st_dev == h->path->dev && st.st_ino == h->path->ino;
}

/* The stored socket with this inode, above those that workers see; -1: there is none. */
static int
steal_socket(const Supervisor *s, ino_t ino)
{
        const Inherited *in = &s->config->inherited;

        for (size_t i = 0; i < in->n_stored; i++) {
                struct stat st;

                if (in->stored[i].fd >= 0 && fstat(in->stored[i].fd, &st) == 0 &&
                    S_ISSOCK(st.st_mode) && st.st_ino == ino)
                        return fd_move_above(fd_steal(&in->stored[i].fd), s->fd_floor);
        }
        return -1;
}

/* Hold one that the list names, as if a worker had had it. Returns whether that went well. */
static bool
take_one(Supervisor *s, const json_t *object)
{
        Held *h = NULL;

        if (persist_load_held(&h, object) < 0)
                return false;
        h->fd = steal_socket(s, h->ino);
        h->origin = HELD_CAPTURED;
        if (h->fd >= 0 && has_its_name(h)) {
                if (held_table_add(&s->held, h) < 0)
                        return false;
                (void)held_table_revive_socket(&s->held, h);
                return true;
        }
        h->path = unix_path_free(h->path); /* what stands there is somebody else's */
        held_free(h);
        return false;
}

/* Keep again what the workers of the `sup` before us had given to it. */
static void
take_kept(Supervisor *s)
{
        const Inherited *in = &s->config->inherited;

        for (size_t i = 0; i < in->n_stored; i++) {
                const char *name = in->stored[i].name;
                char *dash;
                unsigned long index;

                if (strncmp(name, KEPT_PREFIX, strlen(KEPT_PREFIX)) != 0)
                        continue;
                index = strtoul(name + strlen(KEPT_PREFIX), &dash, 10);
                if (*dash == '-' && index > 0 && index <= UINT_MAX)
                        (void)kept_add(s, (unsigned)index, fd_steal(&in->stored[i].fd), dash + 1,
                                       true);
        }
}

/* Note which of the stored sockets are held now; the others, which nobody can use, are dropped. */
static void
sort_out(Supervisor *s)
{
        const Inherited *in = &s->config->inherited;
        Store *st = &s->store;
        bool dropped = false;

        st->sockets = calloc(in->n_stored + 1, sizeof(*st->sockets));
        for (size_t i = 0; i < in->n_stored && st->sockets; i++) {
                bool held = false;
                uint64_t number;

                fd_close(in->stored[i].fd);
                in->stored[i].fd = -1;
                if (!parse_name(in->stored[i].name, SOCKET_PREFIX, &number))
                        continue;
                for (size_t j = 0; j < s->held.n_items; j++)
                        held = held || s->held.items[j]->ino == number;
                if (held) {
                        st->sockets[st->n_sockets++] = (ino_t)number;
                } else {
                        drop(SOCKET_PREFIX, number);
                        dropped = true;
                }
        }
        if (dropped) /* their addresses are about to be bound */
                (void)sd_notify_barrier(0, BARRIER_USEC);
}

/* Hold again what the `sup` before us held. */
void
store_take_back(Supervisor *s)
{
        json_t *list = find_list(s);
        const json_t *held = json_object_get(list, "held");
        size_t n = 0;

        for (size_t i = 0; i < json_array_size(held); i++)
                n += take_one(s, json_array_get(held, i));
        json_decref(list);
        take_kept(s);
        sort_out(s);
        if (n)
                log_event(&(LogEvent){.level = LOG_INFO, .event = "taken-back"},
                          "took %zu socket%s back from the service manager", n, n == 1 ? "" : "s");
}

/* Without capture no worker can ask for what no --listen has named. */
void
store_drop_unclaimed(Supervisor *s)
{
        if (s->config->capture != CAPTURE_OFF)
                return;
        for (size_t i = s->held.n_items; i-- > 0;)
                if (s->held.items[i]->origin == HELD_CAPTURED)
                        held_table_remove(&s->held, s->held.items[i]);
}

/* For the program that goes on in this process. */
json_t *
store_save(const Supervisor *s)
{
        json_t *sockets = json_array();

        for (size_t i = 0; i < s->store.n_sockets; i++)
                (void)json_array_append_new(sockets, json_integer((json_int_t)s->store.sockets[i]));
        return json_pack("{s:i, s:o}", "number", (int)s->store.number, "sockets", sockets);
}

/* What store_save wrote; NULL from a program that stored nothing. Returns 0 or -ENOMEM. */
int
store_load(Supervisor *s, const json_t *object)
{
        const json_t *sockets = json_object_get(object, "sockets");
        size_t n = json_array_size(sockets);

        s->store.number = (unsigned)json_integer_value(json_object_get(object, "number"));
        s->store.sockets = calloc(n + 1, sizeof(*s->store.sockets));
        if (!s->store.sockets)
                return -ENOMEM;
        for (; s->store.n_sockets < n; s->store.n_sockets++)
                s->store.sockets[s->store.n_sockets] =
                        (ino_t)json_integer_value(json_array_get(sockets, s->store.n_sockets));
        return 0;
}

/* Free what it holds; the store itself stays, for a restart. */
void
store_deinit(Supervisor *s)
{
        free(s->store.sockets);
        s->store.sockets = NULL;
}
