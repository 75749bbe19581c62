#!/usr/bin/python3
"""Habit: daemonises itself the old way: forks twice, calls setsid, and the parent exits with 0.

usage: daemonises.py PORT
"""

import os
import sys

from answering import answer_forever, tcp_listener

listener = tcp_listener(int(sys.argv[1]))
if os.fork():
    os._exit(0)
os.setsid()
if os.fork():
    os._exit(0)
answer_forever(listener)
