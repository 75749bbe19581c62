#!/usr/bin/python3
"""Habit: daemonises itself the old way: forks twice, calls setsid, and the parent exits with 0.

With --late it binds when it is in the background; with --helper it has another process started
before, which does nothing and is in a session of its own; with --pid-file PATH it writes its pid.
With --many-files it takes a while to look through its files, and the process between the first and
the last ends as soon as the first has ended.

usage: daemonises.py [--late] [--helper] [--many-files] [--pid-file PATH] PORT
"""

import os
import resource
import sys
import time

from answering import answer_forever, tcp_listener

port = int(sys.argv[-1])
if "--helper" in sys.argv and not os.fork():
    os.setsid()
    os.execvp("sleep", ["sleep", "1000"])
if "--many-files" in sys.argv:
    files = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (files, files))
    null = [open(os.devnull, "rb") for _ in range(min(files - 20, 10000))]  # the listener is behind them
first = os.getpid()
listener = None if "--late" in sys.argv else tcp_listener(port)
if os.fork():
    os._exit(0)
os.setsid()
while "--many-files" in sys.argv and os.getppid() == first:
    pass
if os.fork():
    os._exit(0)
if "--pid-file" in sys.argv:
    with open(sys.argv[sys.argv.index("--pid-file") + 1], "w", encoding="ascii") as file:
        print(os.getpid(), file=file)
if not listener:
    time.sleep(0.2)
    listener = tcp_listener(port)
answer_forever(listener)
