#!/usr/bin/python3
"""Habit: listens only if PATH exists; otherwise it lives on and does nothing.

usage: listens_if.py PORT PATH
"""

import os
import signal
import sys

from answering import answer_forever, tcp_listener

if not os.path.exists(sys.argv[2]):
    print("does nothing", flush=True)
    signal.pause()
answer_forever(tcp_listener(int(sys.argv[1])))
