/* SPDX-License-Identifier: MIT */
/* sockets_probe.c - asks the kernel whether an address can be bound, and leaves nothing behind. */
#include "addresses.h"
#include "unit.h"

#include <errno.h>
#include <sys/stat.h>

#include "base/fd.h"
#include "sockets/probe.h"

enum {
        PORT = 7501,
        OWN_GROUP_PORT = 7502,
        OTHER_GROUP_PORT = 7503,
        OTHER_UID = 1,
};

static ProbeSocket
plain(void)
{
        return (ProbeSocket){.uid = geteuid()};
}

static void
a_free_address_is_free_again_afterwards(void **state)
{
        const Address a = ipv4("127.0.0.1", PORT);
        const ProbeSocket kind = plain();

        (void)state;
        for (unsigned i = 0; i < 3; i++)
                assert_int_equal(probe_bind(&a, &kind), 0);
        (void)close(unit_bound(SOCK_STREAM, PORT));
}

static void
what_is_in_use_is_said_to_be(void **state)
{
        CLEANUP_FD int fd = unit_bound(SOCK_STREAM, PORT);
        const Address same = ipv4("127.0.0.1", PORT);
        const Address any = ipv6("::", PORT);
        const Address other = ipv4("127.0.0.2", PORT);
        const Address udp = typed(same, SOCK_DGRAM);
        ProbeSocket kind = plain();

        (void)state;
        assert_true(fd >= 0);
        assert_int_equal(probe_bind(&same, &kind), EADDRINUSE);
        assert_int_equal(probe_bind(&any, &kind), EADDRINUSE);
        assert_int_equal(probe_bind(&other, &kind), 0);
        assert_int_equal(probe_bind(&udp, &kind), 0);
        kind.reuseaddr = true;
        assert_int_equal(probe_bind(&same, &kind), EADDRINUSE); /* it listens */
}

/* A member of a SO_REUSEPORT group. The uid counts that it has when it is bound. */
static int
open_member(const Address *a, uid_t uid)
{
        int fd = unit_socket(a->any.sa_family, a->type);
        int on = 1;

        assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof(on)), 0);
        if (uid != geteuid() && fchown(fd, uid, (gid_t)-1) < 0) {
                fd_close(fd);
                return -1;
        }
        assert_int_equal(bind(fd, &a->any, a->length), 0);
        assert_int_equal(listen(fd, 1), 0);
        return fd;
}

static void
a_group_of_ones_own_can_be_joined_with_the_option(void **state)
{
        const Address a = ipv4("127.0.0.1", OWN_GROUP_PORT);
        CLEANUP_FD int fd = open_member(&a, geteuid());
        ProbeSocket kind = plain();

        (void)state;
        assert_true(fd >= 0);
        assert_int_equal(probe_bind(&a, &kind), EADDRINUSE);
        kind.reuseport = true;
        assert_int_equal(probe_bind(&a, &kind), 0);
}

static void
a_group_of_another_user_only_as_that_user(void **state)
{
        const Address a = ipv4("127.0.0.1", OTHER_GROUP_PORT);
        CLEANUP_FD int fd = open_member(&a, OTHER_UID);
        ProbeSocket kind = plain();

        (void)state;
        if (fd < 0)
                return; /* only root can give sockets away, and only to users that there are */
        kind.reuseport = true;
        assert_int_equal(probe_bind(&a, &kind), EADDRINUSE);
        kind.uid = OTHER_UID;
        assert_int_equal(probe_bind(&a, &kind), 0);
}

static void
an_address_that_is_not_here_needs_freebind(void **state)
{
        const Address v4 = ipv4("192.0.2.1", PORT);
        const Address v6 = ipv6("2001:db8::1", PORT);
        ProbeSocket kind = plain();

        (void)state;
        assert_int_equal(probe_bind(&v4, &kind), EADDRNOTAVAIL);
        assert_int_equal(probe_bind(&v6, &kind), EADDRNOTAVAIL);
        kind.freebind = true;
        assert_int_equal(probe_bind(&v4, &kind), 0);
        assert_int_equal(probe_bind(&v6, &kind), 0);
}

static void
what_would_be_noticed_is_not_tried(void **state)
{
        const Address path = unix_name("/tmp/sup-unit-probe", sizeof("/tmp/sup-unit-probe"));
        const Address udp = typed(ipv4("127.0.0.1", PORT), SOCK_DGRAM);
        ProbeSocket kind = plain();
        struct stat st;

        (void)state;
        assert_int_equal(probe_bind(&path, &kind), -EOPNOTSUPP); /* a file would stay */
        assert_int_equal(stat("/tmp/sup-unit-probe", &st), -1);
        kind.reuseaddr = true; /* datagrams would come to us */
        assert_int_equal(probe_bind(&udp, &kind), -EOPNOTSUPP);
        kind = plain();
        kind.reuseport = true;
        assert_int_equal(probe_bind(&udp, &kind), -EOPNOTSUPP);
}

static void
a_device_that_does_not_exist_cannot_be_tried(void **state)
{
        const Address a = ipv4("127.0.0.1", PORT);
        ProbeSocket kind = plain();

        (void)state;
        (void)snprintf(kind.device, sizeof(kind.device), "nosuch0");
        assert_int_equal(probe_bind(&a, &kind), -ENODEV);
}

static void
a_unix_socket_answers_if_somebody_listens(void **state)
{
        static const char name[] = "\0sup-unit-probe";
        const Address a = unix_name(name, sizeof(name) - 1);
        CLEANUP_FD int fd = unit_socket(AF_UNIX, SOCK_STREAM);

        (void)state;
        assert_int_equal(probe_connect(&a), ECONNREFUSED);
        assert_int_equal(bind(fd, &a.any, a.length), 0);
        assert_int_equal(probe_connect(&a), ECONNREFUSED);
        assert_int_equal(listen(fd, 0), 0);
        for (unsigned i = 0; i < 4; i++) /* also when its queue is full */
                assert_int_equal(probe_connect(&a), 0);
}

int
main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(a_free_address_is_free_again_afterwards),
                cmocka_unit_test(what_is_in_use_is_said_to_be),
                cmocka_unit_test(a_group_of_ones_own_can_be_joined_with_the_option),
                cmocka_unit_test(a_group_of_another_user_only_as_that_user),
                cmocka_unit_test(an_address_that_is_not_here_needs_freebind),
                cmocka_unit_test(what_would_be_noticed_is_not_tried),
                cmocka_unit_test(a_device_that_does_not_exist_cannot_be_tried),
                cmocka_unit_test(a_unix_socket_answers_if_somebody_listens),
        };

        unit_own_network();
        return unit_run(tests);
}
