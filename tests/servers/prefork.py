#!/usr/bin/python3
"""Habit: a master that binds nothing itself; its child does, and is replaced when it dies.

usage: prefork.py PORT
"""

import os
import sys

from answering import answer_forever, tcp_listener

while True:
    child = os.fork()
    if not child:
        answer_forever(tcp_listener(int(sys.argv[1])))
    os.waitpid(child, 0)
