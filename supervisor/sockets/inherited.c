/* SPDX-License-Identifier: MIT */
/*
 * inherited.c - the sockets that a service manager handed over (sd_listen_fds(3)).
 *
 * Gist: LISTEN_FDS, LISTEN_PID, LISTEN_FDNAMES and LISTEN_PIDFDID are read once and removed. What is
 * not a listener is refused with the line of the .socket unit that is to be changed. The sockets stay
 * where they are until somebody claims them: a --listen of the same address, or all that are left.
 * What an earlier `sup` has put into the service manager's store comes the same way, and is told by
 * its name.
 */
#include "sockets/inherited.h"

#include <errno.h>
#include <net/if.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <systemd/sd-daemon.h>

#include "base/fd.h"
#include "base/parse.h"
#include "base/why.h"
#include "linux/pidfd.h"
#include "sockets/held.h"

/* Whether LISTEN_PIDFDID, where it is set, says that another process of our pid was meant. */
static bool
is_for_another(void)
{
        const char *text = getenv("LISTEN_PIDFDID");
        uint64_t meant;
        uint64_t ours;

        return text && parse_unsigned(text, UINT64_MAX, &meant) == 0 &&
               pidfd_own_identity(&ours) == 0 && meant != ours;
}

/* That of Accept=yes is called so (systemd.socket(5)), and the client may have gone already. */
static bool
is_connection(const InheritedSocket *s)
{
        struct sockaddr_storage peer;
        socklen_t size = sizeof(peer);
        int listens = 0;
        socklen_t length = sizeof(listens);

        if (getpeername(s->fd, (struct sockaddr *)&peer, &size) == 0)
                return true;
        return strcmp(s->name, "connection") == 0 &&
               getsockopt(s->fd, SOL_SOCKET, SO_ACCEPTCONN, &listens, &length) == 0 && !listens;
}

/* One descriptor: is it what a worker can be given? Returns 0 or a negative errno with a sentence. */
static int
check_socket(InheritedSocket *s, char **ret_why)
{
        struct stat st;
        int r;

        if (fstat(s->fd, &st) < 0 || !S_ISSOCK(st.st_mode))
                return why(ret_why, -ENOTSOCK,
                           "the service manager handed over '%s', which is not a socket; sup can "
                           "hand on sockets only: remove ListenFIFO=, ListenSpecial= or "
                           "ListenMessageQueue= from the .socket unit",
                           s->name);
        r = address_from_socket(s->fd, &s->address);
        if (r < 0)
                return why(ret_why, r, "cannot use the socket '%s' of the service manager: %s",
                           s->name, strerrordesc_np(-r));
        if (s->address.type != SOCK_DGRAM && is_connection(s))
                return why(ret_why, -EISCONN,
                           "the service manager handed over a connection and not the listener; sup "
                           "keeps listeners: set Accept=no in the .socket unit, and rename the "
                           "service from NAME@.service to NAME.service (that of "
                           "sup@NAME.socket is sup@NAME.service)");
        return 0;
}

static bool
is_stored(const char *name)
{
        return strncmp(name, INHERITED_STORED_PREFIX, strlen(INHERITED_STORED_PREFIX)) == 0;
}

/*
 * Take over what a service manager has handed to this process; nothing, if it was meant for another
 * one. The variables are removed. ret must be deinitialised, also on failure.
 * Returns 0, -EISCONN for a connection instead of a listener, or another negative errno; with a
 * sentence.
 */
int
inherited_take(Inherited *ret, char **ret_why)
{
        bool foreign = is_for_another();
        char **names = NULL;
        int n = sd_listen_fds_with_names(1, &names);
        int r = 0;

        *ret = (Inherited){0};
        (void)unsetenv("LISTEN_PIDFDID");
        if (n == -EBADF)
                return why(ret_why, n,
                           "LISTEN_FDS names more sockets than the service manager left open");
        if (n < 0)
                return why(ret_why, n,
                           "cannot take over the sockets of the service manager: LISTEN_FDS or "
                           "LISTEN_FDNAMES makes no sense (%s)",
                           strerrordesc_np(-n));
        if (n > 0 && !foreign) {
                ret->items = calloc((size_t)n, sizeof(*ret->items));
                ret->stored = calloc((size_t)n, sizeof(*ret->stored));
                r = ret->items && ret->stored ? 0 : -ENOMEM;
        }
        for (int i = 0; i < n && ret->items && ret->stored; i++) {
                int number = SD_LISTEN_FDS_START + i;
                InheritedSocket *s;

                if (is_stored(names[i])) {
                        ret->stored[ret->n_stored++] =
                                (InheritedStored){.fd = number, .name = names[i]};
                        names[i] = NULL;
                        continue;
                }
                s = &ret->items[ret->n_items++];
                *s = (InheritedSocket){.fd = number, .number = number, .name = names[i]};
                names[i] = NULL;
                if (r == 0)
                        r = check_socket(s, ret_why);
        }
        for (int i = 0; i < n; i++)
                free(names[i]);
        free(names);
        return r;
}

/* Remember the name of one that was claimed by who ran in this process before. 0 or -ENOMEM. */
int
inherited_add_claimed(Inherited *in, const char *name)
{
        InheritedSocket *grown = reallocarray(in->items, in->n_items + 1, sizeof(*grown));

        if (!grown)
                return -ENOMEM;
        in->items = grown;
        grown[in->n_items] = (InheritedSocket){.fd = -1, .number = -1, .name = strdup(name)};
        if (!grown[in->n_items].name)
                return -ENOMEM;
        in->n_items++;
        return 0;
}

/* Whether one of them has this name. */
bool
inherited_has_name(const Inherited *in, const char *name)
{
        for (size_t i = 0; i < in->n_items; i++)
                if (strcmp(in->items[i].name, name) == 0)
                        return true;
        return false;
}

/* The one that came under this number and is not claimed yet, or NULL. */
InheritedSocket *
inherited_find_number(const Inherited *in, int number)
{
        for (size_t i = 0; i < in->n_items; i++)
                if (in->items[i].fd >= 0 && in->items[i].number == number)
                        return &in->items[i];
        return NULL;
}

/* The first one that is bound to this address, and device if any, and is not claimed; or NULL. */
InheritedSocket *
inherited_find_address(const Inherited *in, const Address *address, const char *device)
{
        for (size_t i = 0; i < in->n_items; i++) {
                InheritedSocket *s = &in->items[i];
                HeldKey key;

                if (s->fd >= 0 && address_equal(&s->address, address) &&
                    held_key_init(&key, s->fd, &s->address) == 0 && strcmp(key.device, device) == 0)
                        return s;
        }
        return NULL;
}

/* Close what nobody claimed, and free. */
void
inherited_deinit(Inherited *in)
{
        for (size_t i = 0; i < in->n_items; i++) {
                fd_close(in->items[i].fd);
                free(in->items[i].name);
        }
        for (size_t i = 0; i < in->n_stored; i++) {
                fd_close(in->stored[i].fd);
                free(in->stored[i].name);
        }
        free(in->items);
        free(in->stored);
        *in = (Inherited){0};
}
