#!/usr/bin/python3
"""Habit: the port is configured in a file that is read at the start.

usage: moves.py FILE
"""

import sys

from answering import answer_forever, tcp_listener

with open(sys.argv[1], encoding="utf-8") as file:
    answer_forever(tcp_listener(int(file.read())))
