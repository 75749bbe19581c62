#!/usr/bin/python3
"""Habit: the address is configured in a file that is read at the start.

usage: moves.py FILE

FILE has one line, "PORT [HOST]".
"""

import sys

from answering import answer_forever, tcp_listener

with open(sys.argv[1], encoding="utf-8") as file:
    port, *host = file.read().split()
answer_forever(tcp_listener(int(port), *host))
