#!/usr/bin/python3
"""Habit: listens on two ports and gives the second one up at SIGUSR1.

usage: gives_up_port.py PORT PORT
"""

import signal
import sys

from answering import answer_forever, tcp_listener

first, second = (tcp_listener(int(port)) for port in sys.argv[1:])
signal.signal(signal.SIGUSR1, lambda *_: second.close())
print("ready", flush=True)
answer_forever(first)
