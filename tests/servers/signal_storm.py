#!/usr/bin/python3
"""Habit: gets a signal every 100 us while it binds, as profilers and Go's runtime have it.

usage: signal_storm.py PORT
"""

import signal
import sys

from answering import answer_forever, tcp_listener

signal.signal(signal.SIGPROF, lambda *_: None)
signal.siginterrupt(signal.SIGPROF, False)
signal.signal(signal.SIGALRM, lambda *_: None)
signal.siginterrupt(signal.SIGALRM, False)
signal.setitimer(signal.ITIMER_REAL, 0.0001, 0.0001)
listener = tcp_listener(int(sys.argv[1]))
signal.setitimer(signal.ITIMER_REAL, 0)
answer_forever(listener)
