/* SPDX-License-Identifier: MIT */
/*
 * outgoing-connection.c - a client gets its port from ip_local_port_range; if a server wants that
 * very port it is in use, SO_REUSEADDR or not, until the connection is over to its very end. Hence
 * `sup why` names the client, and ip_local_reserved_ports as the cure.
 */
#include "look.h"

enum { ELSEWHERE = 7777 };

/* A listener on another port, to be connected to. */
static struct sockaddr_in
listen_elsewhere(void)
{
        struct sockaddr_in address = fact_address();
        int fd = fact_socket();

        address.sin_port = htons(ELSEWHERE);
        MUST(bind(fd, (struct sockaddr *)&address, sizeof(address)) == 0);
        MUST(fact_listen(fd) == 0);
        return address;
}

static int
connect_to(struct sockaddr_in address)
{
        int fd = fact_socket();

        MUST(connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0);
        return fd;
}

int
main(void)
{
        struct sockaddr_in elsewhere;
        int error;
        int fd;

        fact_begin();
        elsewhere = listen_elsewhere();
        fact_sysctl("ip_local_port_range", "9877 9877");
        fd = connect_to(elsewhere);
        FACT(look_port(fd) == FACT_PORT, "a client of port %d got the local port %u", ELSEWHERE,
             look_port(fd));
        error = fact_try(false);
        FACT(error == EADDRINUSE, "a server wants port %d: %s", FACT_PORT, fact_say(error));
        error = fact_try(true);
        FACT(error == EADDRINUSE, "with SO_REUSEADDR: %s", fact_say(error));
        close(fd);
        MUST(look_wait(FACT_PORT, TCP_FIN_WAIT2) == TCP_FIN_WAIT2);
        error = fact_try(true);
        FACT(error == EADDRINUSE, "and with the option when the client has closed: %s",
             fact_say(error));

        fact_begin();
        elsewhere = listen_elsewhere();
        fact_sysctl("ip_local_port_range", "9877 9878");
        fact_sysctl("ip_local_reserved_ports", "9877");
        fd = connect_to(elsewhere);
        error = fact_try(false);
        FACT(look_port(fd) != FACT_PORT && error == 0,
             "with the port reserved the client got %u, and the server: %s", look_port(fd),
             fact_say(error));
        return fact_end();
}
