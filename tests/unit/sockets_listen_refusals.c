/* SPDX-License-Identifier: MIT */
/* sockets_listen_refusals.c - what `--listen` does not understand, each with its sentence. */
#include "unit.h"

#include <errno.h>

#include "sockets/listen_spec.h"

/* The text is refused with this sentence. */
static void
refuse(const char *text, const char *sentence)
{
        CLEANUP_FREE char *reason = NULL;
        ListenSpec spec;
        int r = listen_spec_init(&spec, text, &reason);

        unit_expect(r == -EINVAL && reason && strcmp(reason, sentence) == 0,
                    "%s gives %d: %s\ninstead of: %s\n", text, r, reason ? reason : "(nothing)",
                    sentence);
        listen_spec_deinit(&spec);
}

static const char unknown_form[] = "is not an address; it would be PORT, HOST:PORT, [IPv6]:PORT, "
                                   "/PATH or @NAME";

static void
what_is_no_address_is_told_the_forms(void **state)
{
        static const char *const texts[] = {"", "nonsense", "name=", "=8080", "run/x", "~"};

        (void)state;
        for (size_t i = 0; i < ELEMENTSOF(texts); i++) {
                const char *shown = strcmp(texts[i], "name=") == 0 ? "" : texts[i];
                char sentence[200];

                (void)snprintf(sentence, sizeof(sentence), "'%s' %s", shown, unknown_form);
                refuse(texts[i], sentence);
        }
}

static void
a_port_is_a_number_up_to_65535(void **state)
{
        (void)state;
        refuse("70000", "port 70000 is too large; a port is at most 65535");
        refuse("127.0.0.1:65536", "port 65536 is too large; a port is at most 65535");
        refuse("8080x", "'8080x' is not a port; it would be a number up to 65535");
        refuse("127.0.0.1:", "'' is not a port; it would be a number up to 65535");
        refuse("127.0.0.1:http", "'http' is not a port; it would be a number up to 65535");
        refuse("[::1]:-1", "'-1' is not a port; it would be a number up to 65535");
        refuse("udp:8080 ", "'8080 ' is not a port; it would be a number up to 65535");
}

static void
a_host_that_is_none_is_named(void **state)
{
        (void)state;
        refuse("::1:80", "an IPv6 address stands in brackets: [::1]:80");
        refuse("[]:80", "cannot resolve the host '': Name or service not known");
        refuse("[127.0.0.1]:80", "cannot resolve the host '127.0.0.1': Address family for hostname "
                                 "not supported");
        refuse("[*]:80", "cannot resolve the host '*': Name or service not known");
        refuse("[::1:80", "'[::1:80' is not an address; it would be [IPv6]:PORT");
        refuse("[::1", "'[::1' is not an address; it would be [IPv6]:PORT");
        refuse("[::1]", "'[::1]' is not an address; it would be [IPv6]:PORT");
        refuse("[::1]80", "'[::1]80' is not an address; it would be [IPv6]:PORT");
        refuse("[::1]x:80", "'[::1]x:80' is not an address; it would be [IPv6]:PORT");
        refuse("[nonsense]:80", "cannot resolve the host 'nonsense': Name or service not known");
        refuse("[::g]:80", "cannot resolve the host '::g': Name or service not known");
}

static void
a_unix_name_has_its_limits(void **state)
{
        char text[256] = "/";

        (void)state;
        memset(text + 1, 'x', 107);
        refuse(text, "the unix socket path has 108 characters; the kernel takes at most 107");
        memset(text, 'x', 109);
        text[0] = '@';
        refuse(text, "the unix socket name has 108 characters; the kernel takes at most 107");
        refuse("/", "'/' names no unix socket; it would be /PATH or @NAME");
        refuse("@", "'@' names no unix socket; it would be /PATH or @NAME");
}

static void
a_prefix_and_an_address_of_another_kind_contradict_each_other(void **state)
{
        (void)state;
        refuse("tcp:/run/x", "tcp: takes PORT, HOST:PORT or [IPv6]:PORT");
        refuse("udp:@x", "udp: takes PORT, HOST:PORT or [IPv6]:PORT");
        refuse("tcp:./x", "tcp: takes PORT, HOST:PORT or [IPv6]:PORT");
        refuse("unix:8080", "unix: takes a unix socket, /PATH or @NAME");
        refuse("unix:run/x", "unix: takes a unix socket, /PATH or @NAME");
        refuse("dgram:127.0.0.1:53", "dgram: takes a unix socket, /PATH or @NAME");
        refuse("seqpacket:8080", "seqpacket: takes a unix socket, /PATH or @NAME");
        refuse("unix:", "unix: takes a unix socket, /PATH or @NAME");
        refuse("8080,as=unix:8081", "unix: takes a unix socket, /PATH or @NAME");
}

static void
a_vsock_address_or_descriptor_that_is_none_is_told_its_form(void **state)
{
        (void)state;
        refuse("vsock:1", "'vsock:1' lacks its port; it would be vsock:CID:PORT");
        refuse("vsock:a:b", "'vsock:a:b' is not an address; it would be vsock:CID:PORT in numbers");
        refuse("vsock:1:2:3",
               "'vsock:1:2:3' is not an address; it would be vsock:CID:PORT in numbers");
        refuse("vsock:4294967296:1",
               "'vsock:4294967296:1' is not an address; it would be vsock:CID:PORT in numbers");
        refuse("fd:", "'fd:' is not a descriptor; it would be fd:NUMBER");
        refuse("fd:-1", "'fd:-1' is not a descriptor; it would be fd:NUMBER");
        refuse("fd:2147483648", "'fd:2147483648' is not a descriptor; it would be fd:NUMBER");
}

static void
an_attribute_that_is_none_is_told_all_there_are(void **state)
{
        static const char sentence[] = "is not an attribute; there are backlog= mode= user= group= "
                                       "v6only reuseport reuseaddr freebind device= as=";
        char text[200];

        (void)state;
        (void)snprintf(text, sizeof(text), "'colour' %s", sentence);
        refuse("80,colour=red", text);
        (void)snprintf(text, sizeof(text), "'Backlog' %s", sentence);
        refuse("80,Backlog=5", text);
        (void)snprintf(text, sizeof(text), "'' %s", sentence);
        refuse("80,", text);
        refuse("80,reuseport,,freebind", text);
}

static void
a_value_that_is_missing_or_wrong_is_told_the_right_one(void **state)
{
        (void)state;
        refuse("80,backlog", "the attribute backlog needs a value: backlog=…");
        refuse("80,as", "the attribute as needs a value: as=…");
        refuse("80,backlog=0", "backlog=0 is not a number from 1 on");
        refuse("80,backlog=many", "backlog=many is not a number from 1 on");
        refuse("80,backlog=2147483648", "backlog=2147483648 is not a number from 1 on");
        refuse("/run/x,mode=9", "mode=9 is not an octal file mode such as 0660");
        refuse("/run/x,mode=", "mode= is not an octal file mode such as 0660");
        refuse("/run/x,user=no-such-user", "user=no-such-user: no such user");
        refuse("/run/x,user=4294967295", "user=4294967295: no such user"); /* chown's "no change" */
        refuse("/run/x,group=no-such-group", "group=no-such-group: no such group");
        refuse("/run/x,group=4294967295", "group=4294967295: no such group");
        refuse("80,v6only=perhaps", "v6only=perhaps is neither yes nor no");
        refuse("80,reuseport=", "reuseport= is neither yes nor no");
        refuse("80,freebind=2", "freebind=2 is neither yes nor no");
        refuse("udp:80,reuseaddr=x", "reuseaddr=x is neither yes nor no");
        refuse("80,device=", "device= is not the name of an interface");
        refuse("80,device=0123456789abcdef",
               "device=0123456789abcdef is not the name of an interface");
        refuse("80,as=70000", "port 70000 is too large; a port is at most 65535");
        refuse("80,as=fd:3", "as=fd:3 is not an address that a server can bind");
}

static void
an_attribute_that_does_not_belong_to_the_address_is_told_to_what_it_does(void **state)
{
        (void)state;
        refuse("80,mode=0600", "the attribute mode is for unix socket paths");
        refuse("@x,mode=0600", "the attribute mode is for unix socket paths");
        refuse("80,user=0", "the attribute user is for unix socket paths");
        refuse("vsock:1:2,group=0", "the attribute group is for unix socket paths");
        refuse("udp:80,backlog=5", "the attribute backlog is for sockets that take connections");
        refuse("dgram:/x,backlog=5", "the attribute backlog is for sockets that take connections");
        refuse("127.0.0.1:80,v6only", "the attribute v6only is for IPv6 addresses");
        refuse("/run/x,v6only", "the attribute v6only is for IPv6 addresses");
        refuse("/run/x,reuseport", "the attribute reuseport is for TCP and UDP");
        refuse("80,reuseaddr", "the attribute reuseaddr is for UDP, a TCP listener always has it");
        refuse("vsock:1:2,freebind", "the attribute freebind is for TCP and UDP");
        refuse("@x,device=lo", "the attribute device is for TCP and UDP");
}

int
main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(what_is_no_address_is_told_the_forms),
                cmocka_unit_test(a_port_is_a_number_up_to_65535),
                cmocka_unit_test(a_host_that_is_none_is_named),
                cmocka_unit_test(a_unix_name_has_its_limits),
                cmocka_unit_test(a_prefix_and_an_address_of_another_kind_contradict_each_other),
                cmocka_unit_test(a_vsock_address_or_descriptor_that_is_none_is_told_its_form),
                cmocka_unit_test(an_attribute_that_is_none_is_told_all_there_are),
                cmocka_unit_test(a_value_that_is_missing_or_wrong_is_told_the_right_one),
                cmocka_unit_test(
                        an_attribute_that_does_not_belong_to_the_address_is_told_to_what_it_does),
        };

        return unit_run(tests);
}
