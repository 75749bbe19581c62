#!/usr/bin/python3
"""Habit: leaks its listener to children that have sessions of their own, and outlive it.

One child just sleeps, one is the sleep(1) of a program that it executes. PATH gets their pids.

usage: leaks_listener.py PORT PATH
"""

import os
import sys
import time

from answering import answer_forever, tcp_listener

listener = tcp_listener(int(sys.argv[1]))
listener.set_inheritable(True)
children = []
for arguments in (None, ["sleep", "1000"]):
    child = os.fork()
    if not child:
        os.setsid()
        if arguments:
            os.execvp(arguments[0], arguments)
        time.sleep(1000)
    children.append(child)
with open(sys.argv[2], "a", encoding="utf-8") as file:
    print(*children, file=file)
answer_forever(listener)
