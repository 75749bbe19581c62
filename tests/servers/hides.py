#!/usr/bin/python3
"""Habit: makes itself undumpable before it binds, as what keeps secrets does: nobody may look in.

usage: hides.py PORT
"""

import ctypes
import sys

from answering import answer_forever, tcp_listener

PR_SET_DUMPABLE = 4

ctypes.CDLL(None).prctl(PR_SET_DUMPABLE, 0, 0, 0, 0)
answer_forever(tcp_listener(int(sys.argv[1])))
