/* SPDX-License-Identifier: MIT */
/*
 * self-connect.c - who tries again and again to connect to a closed port of this machine may be given
 * that very port as his own, and then is connected to himself; the server cannot start any more. It
 * happens to ports of ip_local_port_range, to the even ones soon. Hence `sup why` knows a socket whose
 * two ends are the same.
 */
#include "fact.h"

enum { EVEN_PORT = 40000, ODD_PORT = 40001, MOST_ATTEMPTS = 200000, ODD_ATTEMPTS = 40000 };

/* Connect until it works. Returns the number of attempts, or 0 when none of them did. */
static int
retry(uint16_t port, int n_attempts, int *ret_fd)
{
        struct sockaddr_in address = fact_address();

        address.sin_port = htons(port);
        for (int i = 1; i <= n_attempts; i++) {
                int fd = fact_socket();

                if (connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0) {
                        *ret_fd = fd;
                        return i;
                }
                MUST(errno == ECONNREFUSED);
                close(fd);
        }
        return 0;
}

static int
try_server(uint16_t port)
{
        struct sockaddr_in address = fact_address();
        int fd = fact_socket();
        int error;

        address.sin_port = htons(port);
        fact_set(fd, SO_REUSEADDR);
        error = bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0 ? errno : 0;
        close(fd);
        return error;
}

int
main(void)
{
        struct sockaddr_in own = {0};
        struct sockaddr_in peer = {0};
        socklen_t length = sizeof(own);
        int fd = -1;
        int error;
        int n;

        fact_begin();
        fact_sysctl("ip_local_port_range", "32768 60999");
        n = retry(EVEN_PORT, MOST_ATTEMPTS, &fd);
        FACT(n > 0, "port %d, where nobody listens: connected at attempt %d", EVEN_PORT, n);
        if (n == 0)
                return fact_end();
        MUST(getsockname(fd, (struct sockaddr *)&own, &length) == 0);
        MUST(getpeername(fd, (struct sockaddr *)&peer, &length) == 0);
        FACT(own.sin_port == peer.sin_port && own.sin_addr.s_addr == peer.sin_addr.s_addr,
             "from port %u to port %u: to itself", ntohs(own.sin_port), ntohs(peer.sin_port));
        error = try_server(EVEN_PORT);
        FACT(error == EADDRINUSE, "a server, with SO_REUSEADDR: %s", fact_say(error));
        close(fd);

        n = retry(ODD_PORT, ODD_ATTEMPTS, &fd);
        FACT(n == 0, "port %d: %d attempts, %s", ODD_PORT, ODD_ATTEMPTS,
             n ? "and one that was connected" : "all of them refused");
        return fact_end();
}
