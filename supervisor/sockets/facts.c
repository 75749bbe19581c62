/* SPDX-License-Identifier: MIT */
/* facts.c - what is known about an address: the collection, and who has its sockets. */
#include "sockets/facts.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/fd.h"
#include "linux/pidfd.h"

#define ALIKE_MAX 64 /* sockets with a process, of one state: more are only counted */
#define HOLDERS_MAX 256

/* Begin with nothing known. What the facts hold is freed by facts_deinit. */
void
facts_init(Facts *f, const Address *address, const ProbeSocket *asker)
{
        *f = (Facts){
                .address = *address,
                .asker = *asker,
                .error_reuseaddr = FACTS_NOT_TRIED,
                .error_reuseport = FACTS_NOT_TRIED,
                .error_as_owner = FACTS_NOT_TRIED,
                .connect_error = FACTS_NOT_TRIED,
                .is_root = geteuid() == 0,
        };
}

/* Free what they hold. */
void
facts_deinit(Facts *f)
{
        free(f->sockets);
        free(f->holders);
        f->sockets = NULL;
        f->holders = NULL;
        f->n_sockets = f->n_holders = 0;
}

/* The last socket of the same state, if it is to stand for this one too. */
static FactSocket *
find_alike(Facts *f, const SockdiagSocket *s)
{
        FactSocket *last = NULL;
        size_t n = 0;

        for (size_t i = 0; i < f->n_sockets; i++)
                if (f->sockets[i].s.state == s->state && !f->sockets[i].s.inode == !s->inode) {
                        last = &f->sockets[i];
                        n++;
                }
        return s->inode && n < ALIKE_MAX ? NULL : last;
}

/*
 * Add a socket that overlaps with the address. Of those without a process that are in one state, the
 * one that stays longest stands for all: there may be thousands. Returns 0 or -ENOMEM.
 */
int
facts_add_socket(Facts *f, const SockdiagSocket *s)
{
        FactSocket *alike = find_alike(f, s);
        FactSocket *sockets;

        if (alike) {
                alike->n_alike++;
                if (!s->inode && s->expires_msec > alike->s.expires_msec)
                        alike->s = *s;
                return 0;
        }
        sockets = reallocarray(f->sockets, f->n_sockets + 1, sizeof(*sockets));
        if (!sockets)
                return -ENOMEM;
        f->sockets = sockets;
        f->sockets[f->n_sockets++] =
                (FactSocket){.s = *s, .n_alike = 1, .reuseaddr = -1, .reuseport = -1};
        return 0;
}

static int
option_of(int fd, int option)
{
        int value = 0;
        socklen_t size = sizeof(value);

        return getsockopt(fd, SOL_SOCKET, option, &value, &size) < 0 ? -1 : value != 0;
}

/* The two options are in no table: ask the socket itself, where we may (pidfd_getfd(2)). */
static void
read_options(FactSocket *s, pid_t pid, int holder_fd)
{
        CLEANUP_FD int fd = -1;

        if (s->reuseaddr >= 0 || s->s.family == AF_UNIX)
                return;
        fd = pidfd_get_fd(pid, holder_fd);
        if (fd < 0)
                return;
        s->reuseaddr = option_of(fd, SO_REUSEADDR);
        s->reuseport = option_of(fd, SO_REUSEPORT);
}

static void
on_holder(size_t index, pid_t pid, int fd, void *userdata)
{
        Facts *f = userdata;
        FactHolder h = {.socket = index, .fd = fd, .is_first = true};
        FactHolder *holders;

        f->sockets[index].n_holders++;
        if (f->n_holders >= HOLDERS_MAX || process_read(pid, &h.process) < 0)
                return;
        holders = reallocarray(f->holders, f->n_holders + 1, sizeof(*holders));
        if (!holders)
                return;
        f->holders = holders;
        f->holders[f->n_holders++] = h;
        if (fd >= 0)
                read_options(&f->sockets[index], pid, fd);
}

/*
 * A process that ends loses its memory before its files, and without memory they can be read by
 * root only (fs/proc/base.c, task_dump_owner): what nobody else has is taken for its own.
 */
static void
guess_ending(Facts *f)
{
        for (size_t i = 0; i < f->n_sockets; i++) {
                const FactSocket *s = &f->sockets[i];

                if (!s->s.inode || s->n_holders || !s->s.has_uid || s->s.uid != geteuid())
                        continue;
                for (size_t j = 0; j < f->view.n_own_unreadable; j++) {
                        Process p;

                        if (process_read(f->view.own_unreadable[j], &p) == 0 && p.is_ending)
                                on_holder(i, p.pid, -1, f);
                }
        }
}

/* Of several processes with one socket, those matter that did not get it from another of them. */
static void
mark_first(Facts *f)
{
        for (size_t i = 0; i < f->n_holders; i++)
                for (size_t j = 0; j < f->n_holders; j++)
                        if (f->holders[i].socket == f->holders[j].socket &&
                            f->holders[i].process.parent == f->holders[j].process.pid)
                                f->holders[i].is_first = false;
}

/* Find the processes that have the sockets, and what they are. Returns 0 or a negative errno. */
int
facts_find_holders(Facts *f)
{
        CLEANUP_FREE ino_t *inodes = calloc(f->n_sockets + 1, sizeof(*inodes));
        int r;

        if (!inodes)
                return -ENOMEM;
        for (size_t i = 0; i < f->n_sockets; i++)
                inodes[i] = f->sockets[i].s.inode;
        r = holders_find(inodes, f->n_sockets, on_holder, f, &f->view);
        guess_ending(f);
        mark_first(f);
        for (size_t i = 0; i < f->n_sockets; i++)
                if (f->sockets[i].n_holders == 0 && f->sockets[i].s.cgroup_id)
                        cgroup_of_id(f->sockets[i].s.cgroup_id, &f->sockets[i].place);
        return r;
}

/*
 * The process that matters most of those that have a socket, or NULL: nobody is seen. One that is
 * ending matters least, since another one keeps the socket then.
 */
const FactHolder *
facts_first_holder(const Facts *f, const FactSocket *s)
{
        const FactHolder *best = NULL;
        unsigned best_rank = 0;

        for (size_t i = 0; i < f->n_holders; i++) {
                const FactHolder *h = &f->holders[i];
                bool stays = !h->process.is_ending && !h->process.dumps_core;
                unsigned rank = 1U + (stays ? 2U : 0U) + (h->is_first ? 1U : 0U);

                if (&f->sockets[h->socket] == s && rank > best_rank) {
                        best = h;
                        best_rank = rank;
                }
        }
        return best;
}
