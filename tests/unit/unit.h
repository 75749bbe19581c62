/* SPDX-License-Identifier: MIT */
/*
 * unit.h - what the unit tests have in common.
 *
 * A file tests one module; its tests are functions whose names are sentences about that module. A
 * file is: the tests, a list of them, main() with unit_run(tests). What a whole file needs and
 * cannot have on this machine is said before the tests begin (cmocka 1.1.5 prints its own skip()
 * as a failure where it speaks TAP). No test touches an interface or a port of the machine.
 */
#ifndef SUP_TESTS_UNIT_UNIT_H
#define SUP_TESTS_UNIT_UNIT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <net/if.h>
#include <netinet/in.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/strv.h"

#define unit_run(tests) cmocka_run_group_tests(tests, NULL, NULL)

/* A case of a table failed: say which one before the assertion that follows does the rest. */
#define unit_expect(condition, ...)                                                                \
        do {                                                                                       \
                if (!(condition)) {                                                                \
                        print_error(__VA_ARGS__);                                                  \
                        fail();                                                                    \
                }                                                                                  \
        } while (0)

/* A list of words that ends with NULL. */
#define UNIT_WORDS(...) ((const char *const[]){__VA_ARGS__, NULL})

/* Copies of the words: an argv or environ that may be written to. The caller frees them. */
static inline Strv
unit_strv(const char *const *words)
{
        Strv v = {0};

        for (; *words; words++)
                assert_int_equal(strv_addf(&v, "%s", *words), 0);
        return v;
}

/* Random numbers that can be had again: the seed is printed, and taken from $SUP_TEST_SEED. */
typedef struct UnitRandom {
        unsigned short state[3];
} UnitRandom;

static inline UnitRandom
unit_random_init(void)
{
        const char *text = getenv("SUP_TEST_SEED");
        unsigned seed = text ? (unsigned)strtoul(text, NULL, 10) : 0;

        if (!text)
                assert_int_equal(getrandom(&seed, sizeof(seed), 0), sizeof(seed));
        print_message("# SUP_TEST_SEED=%u\n", seed);
        return (UnitRandom){
                .state = {(unsigned short)(seed & 0xffffU), (unsigned short)(seed >> 16U), 0x330e}};
}

/* A number from 0 to n - 1. */
static inline unsigned
unit_random(UnitRandom *random, unsigned n)
{
        return (unsigned)nrand48(random->state) % n;
}

/* None of the tests in this file can be run here. */
_Noreturn static inline void
unit_skip_all(const char *reason)
{
        printf("1..0 # SKIP %s\n", reason);
        exit(EXIT_SUCCESS);
}

static inline void
unit_loopback_up(void)
{
        struct ifreq request = {.ifr_name = "lo", .ifr_flags = IFF_UP};
        int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

        if (fd < 0 || ioctl(fd, SIOCSIFFLAGS, &request) < 0)
                unit_skip_all("the loopback of a network namespace cannot be set up");
        (void)close(fd);
}

/* From here on all ports are free, and ours alone. */
static inline void
unit_own_network(void)
{
        if (unshare(CLONE_NEWNET) < 0 && unshare(CLONE_NEWUSER | CLONE_NEWNET) < 0)
                unit_skip_all("there is no network namespace to be had");
        unit_loopback_up();
}

/* A socket; the caller closes it. */
static inline int
unit_socket(int family, int type)
{
        int fd = socket(family, type | SOCK_CLOEXEC, 0);

        assert_true(fd >= 0);
        return fd;
}

/* A socket that is bound to a port of 127.0.0.1, 0 for any, and listens if it is a TCP one. */
static inline int
unit_bound(int type, uint16_t port)
{
        struct sockaddr_in in = {.sin_family = AF_INET, .sin_port = htons(port)};
        int fd = unit_socket(AF_INET, type);

        in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        assert_int_equal(bind(fd, (const struct sockaddr *)&in, sizeof(in)), 0);
        if (type == SOCK_STREAM)
                assert_int_equal(listen(fd, SOMAXCONN), 0);
        return fd;
}

#endif
