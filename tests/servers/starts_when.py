#!/usr/bin/python3
"""Habit: whether and when it starts is up to others. It waits before it binds for as long as the file
DIRECTORY/hold.GENERATION.WORKER is there, and exits with status 3 if fail.GENERATION.WORKER is.

usage: starts_when.py PORT DIRECTORY
"""

import os
import sys
import time

from answering import answer_forever, tcp_listener

NAME = f"{os.environ['SUP_GENERATION']}.{os.environ['SUP_WORKER']}"


def is_there(word):
    return os.path.exists(os.path.join(sys.argv[2], f"{word}.{NAME}"))


while is_there("hold"):
    time.sleep(0.01)
if is_there("fail"):
    sys.exit(3)
answer_forever(tcp_listener(int(sys.argv[1])))
