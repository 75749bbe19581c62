#!/usr/bin/python3
"""Habit: none. Binds without any option, listens, answers.

usage: simple.py PORT [HOST]
"""

import sys

from answering import answer_forever, tcp_listener

answer_forever(tcp_listener(int(sys.argv[1]), *sys.argv[2:3]))
