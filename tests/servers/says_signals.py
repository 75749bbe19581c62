#!/usr/bin/python3
"""Habit: prints the name of every signal it gets; ends with status 7 at the polite ones.

usage: says_signals.py PORT
"""

import os
import signal
import sys

from answering import answer_forever, tcp_listener


def say(number, _):
    print(signal.Signals(number).name, flush=True)
    if number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        os._exit(7)


for each in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2):
    signal.signal(each, say)
answer_forever(tcp_listener(int(sys.argv[1])))
