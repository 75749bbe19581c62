#!/usr/bin/python3
"""Habit: root at first, an ordinary user for good before it binds; undumpable by that.

usage: becomes_user.py UID PORT
"""

import os
import sys

from answering import answer_forever, tcp_listener

os.setgroups([])
os.setgid(int(sys.argv[1]))
os.setuid(int(sys.argv[1]))
answer_forever(tcp_listener(int(sys.argv[2])))
