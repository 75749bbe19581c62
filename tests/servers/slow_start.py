#!/usr/bin/python3
"""Habit: needs its time before it binds.

usage: slow_start.py PORT SECONDS
"""

import sys
import time

from answering import answer_forever, tcp_listener

time.sleep(float(sys.argv[2]))
answer_forever(tcp_listener(int(sys.argv[1])))
