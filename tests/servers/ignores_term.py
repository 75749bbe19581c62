#!/usr/bin/python3
"""Habit: takes no notice of a polite signal to end.

usage: ignores_term.py PORT
"""

import signal
import sys

from answering import answer_forever, tcp_listener

for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
    signal.signal(number, signal.SIG_IGN)
answer_forever(tcp_listener(int(sys.argv[1])))
