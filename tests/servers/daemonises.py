#!/usr/bin/python3
"""Habit: daemonises itself the old way: forks twice, calls setsid, and the parent exits with 0.

With --late it binds when it is in the background; with --helper it has another process started
before, which does nothing and is in a session of its own; with --pid-file PATH it writes its pid.
With --blank nothing of the environment is left to it in the background, as with servers that write
their titles over it; the first process ends when that is so, and with --late only when it listens.
With --hold it says so instead, and ends at a SIGUSR1. With --blank and --late-session it makes its
session only in the background, at a SIGUSR1, and a helper then, which ends at a SIGWINCH.
With --many-files it takes a while to look through its files, and the process between the first and
the last ends as soon as the first has ended.
With --large that one has much memory, so that its end takes a while, and the first one ends in that
time, with --fail as one that failed; the last one says who it is.

usage: daemonises.py [--late] [--helper] [--many-files] [--large] [--fail] [--blank] [--hold]
       [--late-session] [--pid-file PATH] PORT
"""

import mmap
import os
import resource
import signal
import socket
import sys
import time

from answering import answer_forever, tcp_listener

LARGE = 256 << 20
PF_EXITING = 0x4  # linux/sched.h; field 9 of proc(5)'s stat
IN_BACKGROUND = "--in-background"  # from --blank for itself: LISTENER WAITING, two descriptors


def go_on_blank():
    """The same program once more, with an empty environment, which does only the rest."""
    numbers = [str(fd) for fd in (listener.fileno() if listener else -1, waiting)]
    for fd in map(int, numbers):
        if fd >= 0:
            os.set_inheritable(fd, True)
    os.execve(sys.executable, [sys.executable, sys.argv[0], IN_BACKGROUND, *numbers, str(port)], {})


def make_session(*_):
    """A session, and a helper in it."""
    os.setsid()
    signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGWINCH])
    helper = os.fork()
    if not helper:
        signal.sigwait([signal.SIGWINCH])
        os._exit(0)
    print("session", os.getpid(), helper, flush=True)


def go_on(inherited, writer):
    """What --blank has left to do in the background."""
    if inherited < 0:
        serving = tcp_listener(port)
    else:
        serving = socket.socket(fileno=inherited)
    signal.signal(signal.SIGUSR1, make_session)
    os.close(writer)
    answer_forever(serving)


def grow_large():
    """Memory in small pages, which takes long to free."""
    memory = mmap.mmap(-1, LARGE, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    memory.madvise(mmap.MADV_NOHUGEPAGE)
    for offset in range(0, LARGE, mmap.PAGESIZE):
        memory[offset] = 1
    return memory


def wait_exiting(pid):
    """Until a child is on its way out."""
    flags = 0
    while not flags & PF_EXITING:
        with open(f"/proc/{pid}/stat", encoding="ascii") as file:
            flags = int(file.read().rpartition(")")[2].split()[6])


port = int(sys.argv[-1])
if sys.argv[1] == IN_BACKGROUND:
    go_on(*map(int, sys.argv[2:4]))
if "--hold" in sys.argv:
    signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGUSR1])
if "--helper" in sys.argv and not os.fork():
    os.setsid()
    os.execvp("sleep", ["sleep", "1000"])
if "--many-files" in sys.argv:
    files = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (files, files))
    null = [open(os.devnull, "rb") for _ in range(min(files - 20, 10000))]  # the listener is behind them
first = os.getpid()
listener = None if "--late" in sys.argv else tcp_listener(port)
told, waiting = os.pipe()
middle = os.fork()
if middle:
    os.close(waiting)
    if "--large" in sys.argv:
        wait_exiting(middle)
    if "--blank" in sys.argv:
        os.read(told, 1)
    if "--hold" in sys.argv:
        print("background", os.getpid(), flush=True)
        signal.sigwait([signal.SIGUSR1])
    os._exit(1 if "--fail" in sys.argv else 0)
if "--late-session" not in sys.argv:
    os.setsid()
while "--many-files" in sys.argv and os.getppid() == first:
    pass
if os.fork():
    large = grow_large() if "--large" in sys.argv else None
    os._exit(0)
if "--large" in sys.argv:
    print("last of worker", os.environ["SUP_WORKER"], "is", os.getpid(), flush=True)
if "--blank" in sys.argv:
    go_on_blank()
os.close(waiting)
if "--pid-file" in sys.argv:
    with open(sys.argv[sys.argv.index("--pid-file") + 1], "w", encoding="ascii") as file:
        print(os.getpid(), file=file)
if not listener:
    time.sleep(0.2)
    listener = tcp_listener(port)
answer_forever(listener)
