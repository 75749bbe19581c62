/* SPDX-License-Identifier: MIT */
/*
 * capture_names.c - capture: the names of unix sockets, and what servers do with them.
 *
 * Theory of operation: the name of a held socket stays, so that there is not a moment in which a client
 * finds nothing; a server that removes it is told that it is gone. All that follows has to be as if it
 * were: the server may bind it anew, rename what it bound to it, or remove the directory. Where it
 * cannot be given the held socket under the name that it asks for, the names that stand there for
 * clients only are removed, the held socket is given up, and the kernel does what it would have done
 * without us. Other names of the socket's file, hard links that the server made, are its own.
 */
#include "sockets/capture_names.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "linux/proc.h"
#include "sockets/steer.h"

/* The names of a captured socket, or NULL. */
static UnixPath *
names_of(const Held *h)
{
        return h->origin == HELD_CAPTURED ? h->path : NULL;
}

/* Whether a living process of this worker, or of any other one, has it. */
static bool
is_served(const Capture *c, const Held *h, uint64_t owner, bool by_others)
{
        for (size_t i = 0; i < h->n_claims; i++) {
                const HeldClaim *claim = &h->claims[i];

                if ((claim->owner != owner) == by_others &&
                    c->host.still_has(c->host.userdata, claim->owner, h, claim) == 1)
                        return true;
        }
        return false;
}

/*
 * The held socket for a server that binds a name with its pid in it and renames that, as it did before
 * with another pid: there must be only one that it can mean. NULL: none, or this worker has it already.
 */
Held *
capture_names_find(const Capture *c, const Trap *trap, const HeldKey *key)
{
        unsigned generation = c->host.generation_of(c->host.userdata, trap->owner);
        pid_t pid = address_is_path(&key->address) ? proc_thread_group(trap->call.tid) : 0;
        Held *found = NULL;

        for (size_t i = 0; pid && i < c->held->n_items; i++) {
                Held *h = c->held->items[i];
                const UnixPath *u = names_of(h);

                if (!u || h->key.netns != key->netns || !held_is_for(h, generation) ||
                    h->key.address.type != key->address.type ||
                    !unix_path_is_successor(u, key->address.un.sun_path, pid))
                        continue;
                if (found)
                        return NULL;
                found = h;
        }
        return found && !is_served(c, found, trap->owner, false) ? found : NULL;
}

/* The server is left to the kernel with this name; who has the held socket serves it to its end. */
static void
give_up(Capture *c, Held *h, const char *reason)
{
        Address address = held_public_address(h);
        bool is_ours_alone = c->host.is_given_up(c->host.userdata, h);
        char text[ADDRESS_TEXT_MAX];

        (void)address_format(&address, text, sizeof(text));
        unix_path_lose(h->path);
        log_event(&(LogEvent){.level = LOG_INFO, .event = "given-up", .address = text},
                  "%s %s: %s; the server binds a new one", is_ours_alone ? "closed" : "gave up",
                  text, reason);
        if (is_ours_alone)
                steer_remove(c->held, h);
}

/*
 * A server is to get the held socket for a name: that leads to it again, and the public names do, of
 * whichever generation. Returns 0 or a negative errno: it cannot be, and h may be gone.
 */
int
capture_names_prepare(Capture *c, const Trap *trap, Held *h, const HeldKey *key)
{
        char reason[128];
        int r = 0;

        if (!h->path)
                return 0;
        for (size_t i = 0; i < c->held->n_items; i++) {
                const Held *other = c->held->items[i];

                if (!other->path || (other != h && (!h->group || other->group != h->group)))
                        continue;
                unix_path_bring_back(other->path);
                (void)unix_path_restore(other->path);
        }
        if (h->origin == HELD_CAPTURED)
                r = unix_path_set_bound(h->path, key->address.un.sun_path,
                                        proc_thread_group(trap->call.tid));
        if (r == 0)
                r = unix_path_restore_bound(h->path);
        if (r == 0)
                return 0;
        (void)snprintf(reason, sizeof(reason), "its name cannot be made again (%s)",
                       r == -EEXIST ? "another file has it" : strerrordesc_np(-r));
        if (h->origin == HELD_CAPTURED) {
                give_up(c, h, reason);
                return r;
        }
        log_warning("no client finds %s: %s", h->path->path, reason);
        return 0;
}

/*
 * The kernel is to bind a name: what would not be there without us does not stand in the way; unless
 * another worker serves it, which is not to lose its clients to one that may yet fail.
 */
void
capture_names_make_way(Capture *c, const Trap *trap, const HeldKey *key)
{
        for (size_t i = address_is_path(&key->address) ? c->held->n_items : 0; i-- > 0;) {
                Held *h = c->held->items[i];
                const UnixPath *u = names_of(h);

                if (!u || !unix_path_is_removed(u, key->address.un.sun_path))
                        continue;
                if (u->is_lost ? c->host.is_given_up(c->host.userdata, h)
                               : !is_served(c, h, trap->owner, true))
                        give_up(c, h, "the name was removed");
        }
}

/*
 * Servers remove their path before they bind it, and some when they end. Returns 0 when the call is to
 * be answered with success, anything else: it goes on.
 */
static int
handle_unlink(const Capture *c, const Trap *trap, const char *path)
{
        struct stat st;

        if (lstat(path, &st) < 0 || !S_ISSOCK(st.st_mode) ||
            !notify_is_valid(trap->listener_fd, &trap->call))
                return 1;
        for (size_t i = 0; i < c->held->n_items; i++) {
                UnixPath *u = c->held->items[i]->path;

                if (u && unix_path_keeps(u, path))
                        return 0;
        }
        return 1;
}

/* Likewise when they rename what they bound to where the held socket already is. */
static int
handle_rename(const Capture *c, const Trap *trap, const char *from)
{
        pid_t pid = proc_thread_group(trap->call.tid);
        char to[PATH_MAX];
        int r = trap_read_new_path(trap, to, sizeof(to));
        struct stat st;

        if (r < 0)
                return r;
        if (lstat(from, &st) < 0 || !S_ISSOCK(st.st_mode) ||
            !notify_is_valid(trap->listener_fd, &trap->call))
                return 1;
        for (size_t i = 0; i < c->held->n_items; i++) {
                UnixPath *u = names_of(c->held->items[i]);

                if (u && unix_path_ends_with_rename(u, from, to, pid))
                        return unlink(from);
        }
        return 1;
}

/* The socket that a name in a directory is there for only because of us, and that may go; or NULL. */
static Held *
find_extra(const Capture *c, const Trap *trap, const char *path)
{
        for (size_t i = 0; i < c->held->n_items; i++) {
                Held *h = c->held->items[i];
                const UnixPath *u = names_of(h);

                if (u && !u->is_lost && unix_path_leads(u, path) && unix_path_is_extra(u, path))
                        return is_served(c, h, trap->owner, true) ? NULL : h;
        }
        return NULL;
}

/*
 * Some remove the directory of their socket, with all that is in it: where nothing is left but what
 * stands there because of us, that goes too, unless the call must fail all the same. It goes on in any
 * case.
 */
static int
handle_rmdir(const Capture *c, const Trap *trap, const char *path)
{
        Held *extra[16];
        size_t n_extra = 0;
        CLEANUP_DIR DIR *dir = opendir(path);
        const struct dirent *entry;

        while (dir && (entry = readdir(dir))) {
                char name[PATH_MAX];

                if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
                        continue;
                if (n_extra == ELEMENTSOF(extra) ||
                    snprintf(name, sizeof(name), "%s/%s", path, entry->d_name) >= (int)sizeof(name))
                        return 1;
                extra[n_extra] = find_extra(c, trap, name);
                if (!extra[n_extra++])
                        return 1;
        }
        if (!trap_may_remove_directory(trap, path) ||
            !notify_is_valid(trap->listener_fd, &trap->call))
                return 1;
        for (size_t i = 0; i < n_extra; i++)
                unix_path_lose(extra[i]->path);
        return 1;
}

/*
 * Decide about a call that changes names in directories. Returns 0 when it is to be answered with
 * success, anything else: it goes on.
 */
int
capture_names_handle(const Capture *c, const Trap *trap)
{
        char path[PATH_MAX];
        int r = trap_read_path(trap, path, sizeof(path));

        if (r < 0)
                return r;
        if (trap->call.syscall == NOTIFY_RMDIR)
                return handle_rmdir(c, trap, path);
        if (trap->call.syscall == NOTIFY_RENAME)
                return handle_rename(c, trap, path);
        return handle_unlink(c, trap, path);
}
