#!/usr/bin/python3
"""Runs a program that may not bind: confined by Landlock, or by a BPF program of its control group.

usage: confined.py landlock|cgroup-bpf PROGRAM [ARG…]        exit status 77: not on this machine
"""

import ctypes
import os
import platform
import struct
import sys

LANDLOCK_CREATE_RULESET, LANDLOCK_RESTRICT_SELF = 444, 446
LANDLOCK_ACCESS_NET_BIND_TCP = 1
PR_SET_NO_NEW_PRIVS = 38
BPF = {"x86_64": 321, "aarch64": 280}
BPF_PROG_LOAD, BPF_PROG_ATTACH = 5, 8
BPF_PROG_TYPE_CGROUP_SOCK_ADDR = 18
BPF_CGROUP_INET4_BIND, BPF_CGROUP_INET6_BIND = 8, 9

libc = ctypes.CDLL(None, use_errno=True)


def must(result, what):
    if result < 0:
        print(f"confined.py: {what}: {os.strerror(ctypes.get_errno())}", file=sys.stderr)
        sys.exit(77)
    return result


def confine_by_landlock():
    """No TCP port may be bound (landlock(7), ABI 4)."""
    attributes = struct.pack("QQ", 0, LANDLOCK_ACCESS_NET_BIND_TCP)
    ruleset = must(libc.syscall(LANDLOCK_CREATE_RULESET, attributes, len(attributes), 0),
                   "landlock_create_ruleset")
    must(libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), "prctl")
    must(libc.syscall(LANDLOCK_RESTRICT_SELF, ruleset, 0), "landlock_restrict_self")


def bpf(command, attributes):
    buffer = ctypes.create_string_buffer(attributes, max(len(attributes), 128))
    return libc.syscall(BPF[platform.machine()], command, buffer, len(buffer))


def load(attach_type):
    """A program that answers every bind() with 0, "no"."""
    code = ctypes.create_string_buffer(struct.pack("=BBhi", 0xB7, 0, 0, 0) +  # r0 = 0
                                       struct.pack("=BBhi", 0x95, 0, 0, 0))  # exit
    license_text = ctypes.create_string_buffer(b"GPL")
    return must(bpf(BPF_PROG_LOAD, struct.pack(
        "=IIQQIIQII16sII", BPF_PROG_TYPE_CGROUP_SOCK_ADDR, 2, ctypes.addressof(code),
        ctypes.addressof(license_text), 0, 0, 0, 0, 0, b"", 0, attach_type)), "BPF_PROG_LOAD")


def confine_by_bpf():
    """A control group of our own, which forbids all bind(); it goes with its last process."""
    root = next((path for path in ("/sys/fs/cgroup", "/sys/fs/cgroup/unified")
                 if os.path.exists(f"{path}/cgroup.procs") and
                 os.path.exists(f"{path}/cgroup.controllers")), None)
    if not root:
        sys.exit(77)
    group = f"{root}/sup-test-{os.getpid()}"
    try:
        os.mkdir(group)
    except OSError as error:
        print(f"confined.py: {error}", file=sys.stderr)
        sys.exit(77)
    child = os.fork()
    if child:
        _, status = os.waitpid(child, 0)
        os.rmdir(group)
        sys.exit(os.waitstatus_to_exitcode(status))
    directory = os.open(group, os.O_RDONLY | os.O_DIRECTORY)
    for attach_type in (BPF_CGROUP_INET4_BIND, BPF_CGROUP_INET6_BIND):
        must(bpf(BPF_PROG_ATTACH, struct.pack("=IIII", directory, load(attach_type), attach_type,
                                              0)), "BPF_PROG_ATTACH")
    with open(f"{group}/cgroup.procs", "w", encoding="ascii") as file:
        file.write("0")


def main(how, *command):
    {"landlock": confine_by_landlock, "cgroup-bpf": confine_by_bpf}[how]()
    os.execvp(command[0], command)


main(*sys.argv[1:])
