/* SPDX-License-Identifier: MIT */
/*
 * time-wait-last-ack.c - the first reason of TIME_WAIT, the reliable end of a connection: who closes
 * last has to hear that his FIN arrived. If that last ACK is lost he sends the FIN again, and
 * TIME_WAIT is there to answer it. Without TIME_WAIT a RST would be the answer, and what ended well
 * would look like an error. Hence sup never advises to get rid of TIME_WAIT as such.
 */
#include "blind.h"
#include "look.h"

/* The end of a connection whose last ACK is lost. Returns what the one who closed last sees. */
static int
lose_last_ack(bool time_wait, double *ret_ms)
{
        int listener_fd = fact_listener(false);
        int last_fd = fact_connect();
        int first_fd = accept(listener_fd, NULL, NULL);
        struct tcp_info info;
        socklen_t length = sizeof(info);
        int error;

        MUST(last_fd >= 0 && first_fd >= 0);
        close(listener_fd);
        close(first_fd);
        blind_set(last_fd); /* the ACK of the FIN that comes now is dropped */
        shutdown(last_fd, SHUT_WR);
        MUST(look_wait(FACT_PORT, time_wait ? TCP_TIME_WAIT : LOOK_NOTHING) ==
             (time_wait ? TCP_TIME_WAIT : LOOK_NOTHING));
        MUST(look_state(look_port(last_fd)) == TCP_LAST_ACK);

        *ret_ms = fact_seconds();
        blind_end(last_fd);
        do {
                fact_pause_ms(1);
                MUST(getsockopt(last_fd, IPPROTO_TCP, TCP_INFO, &info, &length) == 0);
        } while (info.tcpi_state == TCP_LAST_ACK);
        *ret_ms = (fact_seconds() - *ret_ms) * 1e3;
        error = fact_get(last_fd, SO_ERROR);
        close(last_fd);
        return error;
}

int
main(void)
{
        double ms;
        int error;

        fact_begin();
        error = lose_last_ack(true, &ms);
        FACT(error == 0,
             "with TIME_WAIT: the FIN came again after %.0f ms, was answered, and who "
             "sent it saw: %s",
             ms, error ? strerror(error) : "a good end");
        fact_begin();
        fact_sysctl("tcp_max_tw_buckets", "0"); /* the kernel keeps none */
        error = lose_last_ack(false, &ms);
        FACT(error != 0, "without: it came after %.0f ms, and who sent it saw: %s", ms,
             error ? strerror(error) : "a good end");
        return fact_end();
}
