#!/usr/bin/python3
"""Habit: several listeners in one process; the answer names which by its index.

usage: two_listeners.py HOST PORT HOST PORT…       IPv6 listeners are for IPv6 only
"""

import socket
import sys

from answering import answer_forever

listeners = []
for host, port in zip(sys.argv[1::2], sys.argv[2::2]):
    listener = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
    if ":" in host:
        listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
    listener.bind((host, int(port)))
    listener.listen()
    listeners.append(listener)
answer_forever(*listeners)
