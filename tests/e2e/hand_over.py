#!/usr/bin/python3
"""Starts a program with descriptors handed over as a service manager does it (sd_listen_fds(3)).

usage: hand_over.py [VARIABLE=VALUE…] NAME:FD… -- PROGRAM [ARG…]

The descriptors become 3, 4, … in the program. LISTEN_PID is right unless it is among the variables;
an empty value leaves a variable out.
"""

import fcntl
import os
import sys


def main(*words):
    split = words.index("--")
    variables = dict(word.split("=", 1) for word in words[:split] if "=" in word)
    given = [word.rsplit(":", 1) for word in words[:split] if "=" not in word]
    # at first out of the way of what they shall become
    copies = [fcntl.fcntl(int(fd), fcntl.F_DUPFD, 3 + len(given)) for _, fd in given]
    for number, fd in enumerate(copies, 3):
        os.dup2(fd, number, inheritable=True)
    environ = {"LISTEN_FDS": str(len(given)), "LISTEN_PID": str(os.getpid()),
               "LISTEN_FDNAMES": ":".join(name for name, _ in given), **variables}
    os.closerange(3 + len(copies), os.sysconf("SC_OPEN_MAX"))
    program = words[split + 1:]
    os.execvpe(program[0], program,
               {**os.environ, **{name: value for name, value in environ.items() if value}})


main(*sys.argv[1:])
