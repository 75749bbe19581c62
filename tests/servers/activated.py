#!/usr/bin/python3
"""Habit: takes its listeners by the protocol of sd_listen_fds(3), and never binds.

usage: activated.py
"""

import sys

from answering import answer_forever, passed_listeners

listeners = passed_listeners()
if not listeners:
    sys.exit("activated.py: no listeners were passed")
answer_forever(*listeners)
