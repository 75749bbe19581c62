/* SPDX-License-Identifier: MIT */
/*
 * other-local-address.c - the second and third use of SO_REUSEADDR: the same port on different local
 * addresses needs no option today, be it one process or several. The wildcard beside a specific
 * address is refused as soon as one of them listens, even with the option. Hence sup takes the same
 * port on several addresses as it comes, and `sup why` looks at the wildcards too.
 */
#include "fact.h"

static const in_addr_t first = INADDR_LOOPBACK;      /* 127.0.0.1 */
static const in_addr_t second = INADDR_LOOPBACK + 1; /* 127.0.0.2, local as well */

/* Bind a socket to the port on that address. Returns it, or minus the errno. */
static int
bind_on(in_addr_t host, bool reuse)
{
        struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(FACT_PORT)};
        int fd = fact_socket();

        address.sin_addr.s_addr = htonl(host);
        if (reuse)
                fact_set(fd, SO_REUSEADDR);
        if (bind(fd, (struct sockaddr *)&address, sizeof(address)) == 0)
                return fd;
        close(fd);
        return -errno;
}

static int
to_error(int fd)
{
        return fd < 0 ? -fd : 0;
}

/* Two binds, with listen() on the first in between or not. Returns what the second one says. */
static int
bind_two(in_addr_t one, in_addr_t other, bool reuse, bool listens)
{
        int one_fd = bind_on(one, reuse);
        int other_fd;

        MUST(one_fd >= 0);
        if (listens)
                MUST(fact_listen(one_fd) == 0);
        other_fd = bind_on(other, reuse);
        close(one_fd);
        if (other_fd >= 0)
                close(other_fd);
        return to_error(other_fd);
}

int
main(void)
{
        int error;

        fact_begin();
        error = bind_two(first, second, false, true);
        FACT(error == 0, "127.0.0.1 listens, 127.0.0.2 without the option: %s", fact_say(error));
        for (int reuse = 0; reuse < 2; reuse++) {
                const char *with = reuse ? "both with the option" : "without the option";

                error = bind_two(INADDR_ANY, first, reuse, true);
                FACT(error == EADDRINUSE, "0.0.0.0 listens, 127.0.0.1 %s: %s", with,
                     fact_say(error));
                error = bind_two(first, INADDR_ANY, reuse, true);
                FACT(error == EADDRINUSE, "127.0.0.1 listens, 0.0.0.0 %s: %s", with,
                     fact_say(error));
                error = bind_two(INADDR_ANY, first, reuse, false);
                FACT(error == (reuse ? 0 : EADDRINUSE), "neither listens, %s: %s", with,
                     fact_say(error));
        }
        return fact_end();
}
