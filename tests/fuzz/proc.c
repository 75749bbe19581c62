/* SPDX-License-Identifier: MIT */
/* proc.c - what /proc may hold: the first byte of an input says as which file the rest is read. */
#include <arpa/inet.h>
#include <ctype.h>

#include "fuzz.h"

#include "linux/cgroup.h"
#include "linux/holders.h"
#include "linux/ifaddr.h"
#include "linux/process.h"

static void
must_be_printable(const char *text, size_t size)
{
        size_t n = strnlen(text, size);

        fuzz_must(n < size);
        for (size_t i = 0; i < n; i++)
                fuzz_must(isprint((unsigned char)text[i]));
}

/* A process is never taken for another one: what is told stands in the text. */
static void
read_stat(const char *text)
{
        Process p = {.pid = 77};
        char pid[16];
        unsigned long long parent;

        if (process_parse_stat(text, &p) < 0) {
                fuzz_must(p.pid == 77);
                return;
        }
        (void)snprintf(pid, sizeof(pid), "%d", (int)p.pid);
        fuzz_must(p.pid > 0 && p.parent >= 0 && p.session >= 0);
        fuzz_must(strncmp(text + strspn(text, "0"), pid, strlen(pid)) == 0);
        fuzz_must(!isdigit((unsigned char)text[strspn(text, "0") + strlen(pid)]));
        parent = strtoull(strrchr(text, ')') + 3, NULL, 10);
        fuzz_must(parent == (unsigned long long)p.parent);
        fuzz_must(isalpha((unsigned char)p.state));
        must_be_printable(p.comm, sizeof(p.comm));
}

static void
read_status(const char *text)
{
        Process p = {.pid = 77};

        process_parse_status(text, &p);
        fuzz_must(p.pid == 77);
        fuzz_must(!p.has_uid || strstr(text, "Uid:"));
        fuzz_must(!p.dumps_core || strstr(text, "CoreDumping:"));
}

static void
read_syscall(const char *text)
{
        (void)process_parse_syscall(text);
}

static void
read_cgroup(const char *text)
{
        CgroupPlace place;

        cgroup_parse(text, &place);
        must_be_printable(place.unit, sizeof(place.unit));
        must_be_printable(place.container, sizeof(place.container));
}

static void
read_if_inet6(const char *text)
{
        struct in6_addr address;

        fuzz_must(inet_pton(AF_INET6, "2001:db8::1", &address) == 1);
        fuzz_must(ifaddr_parse_state(text, &address) == IFADDR_NONE ||
                  strcasestr(text, "20010db8000000000000000000000001"));
}

static void
read_link(const char *text)
{
        ino_t inode = 0;
        char number[32];

        if (!holders_parse_link(text, &inode))
                return;
        (void)snprintf(number, sizeof(number), "%ju]", (uintmax_t)inode);
        fuzz_must(strncmp(text, "socket:[", 8) == 0);
        text += 8;
        while (text[0] == '0' && text[1] != ']')
                text++;
        fuzz_must(strcmp(text, number) == 0);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        static void (*const readers[])(const char *text) = {
                read_stat, read_status, read_syscall, read_cgroup, read_if_inet6, read_link};
        char *text;

        if (size == 0)
                return 0;
        text = fuzz_copy(data + 1, size - 1, true);
        readers[data[0] % (sizeof(readers) / sizeof(readers[0]))](text); /* '0' is the first */
        free(text);
        return 0;
}
