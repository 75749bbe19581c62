#!/usr/bin/python3
"""Habit: exits at once with status 3 until PATH exists, then serves.

usage: fails_until.py PORT PATH
"""

import os
import sys

from answering import answer_forever, tcp_listener

if not os.path.exists(sys.argv[2]):
    sys.exit(3)
answer_forever(tcp_listener(int(sys.argv[1])))
