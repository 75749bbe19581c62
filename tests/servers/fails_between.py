#!/usr/bin/python3
"""Habit: listens on one port after the other, and exits with status 3 before the last if a file is there.

usage: fails_between.py FILE PORT PORT…
"""

import os
import sys

from answering import answer_forever, tcp_listener

*firsts, last = map(int, sys.argv[2:])
listeners = [tcp_listener(port) for port in firsts]
if os.path.exists(sys.argv[1]):
    sys.exit(3)
answer_forever(*listeners, tcp_listener(last))
