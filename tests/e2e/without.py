#!/usr/bin/python3
"""Runs a program where some system calls fail, as container profiles and old kernels have it.

usage: without.py CALL[/[FIRST][/SECOND]][=ERRNO][,…] PROGRAM [ARG…]

With FIRST or SECOND only calls fail that have these arguments. ERRNO is ENOSYS unless named.
"""

import ctypes
import errno
import os
import platform
import struct
import sys

NUMBERS = {"x86_64": {"seccomp": 317, "bind": 49, "pidfd_getfd": 438, "pidfd_open": 434,
                      "clone3": 435, "close_range": 436, "socket": 41, "ioctl": 16},
           "aarch64": {"seccomp": 277, "bind": 200, "pidfd_getfd": 438, "pidfd_open": 434,
                       "clone3": 435, "close_range": 436, "socket": 198, "ioctl": 29}}

PR_SET_NO_NEW_PRIVS, PR_SET_SECCOMP, SECCOMP_MODE_FILTER = 38, 22, 2
LOAD_WORD, JUMP_EQUAL, RETURN = 0x20, 0x15, 0x06
ALLOW, FAIL_WITH = 0x7FFF0000, 0x00050000
NUMBER, ARGUMENTS = 0, (16, 24)  # where they are in struct seccomp_data


def install(failing):
    """Installs a seccomp filter; failing is [(number of the call, its arguments, errno)]."""
    program = []
    for number, arguments, error in failing:
        tests = [(NUMBER, number), *((where, int(argument))
                                     for where, argument in zip(ARGUMENTS, arguments) if argument)]
        for left, (where, value) in enumerate(reversed(tests)):
            tests[-1 - left] = [(LOAD_WORD, 0, 0, where), (JUMP_EQUAL, 0, 2 * left + 1, value)]
        program += [*sum(tests, []), (RETURN, 0, 0, FAIL_WITH | error)]
    program.append((RETURN, 0, 0, ALLOW))
    code = ctypes.create_string_buffer(b"".join(struct.pack("HBBI", *line) for line in program))
    fprog = ctypes.create_string_buffer(struct.pack("HL", len(program), ctypes.addressof(code)))
    libc = ctypes.CDLL(None, use_errno=True)
    if (libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 or
            libc.prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, fprog, 0, 0) != 0):
        sys.exit(f"without.py: {os.strerror(ctypes.get_errno())}")


def main(calls, *command):
    numbers = NUMBERS[platform.machine()]
    failing = []
    for call in calls.split(","):
        name, _, error = call.partition("=")
        name, *arguments = name.split("/")
        failing.append((numbers[name], arguments, getattr(errno, error or "ENOSYS")))
    install(failing)
    os.execvp(command[0], command)


main(*sys.argv[1:])
